package stages

import (
	"errors"
	"io"
	"path/filepath"

	"upi/data/table"
	"upi/savedmodels/runtime"
)

// A chunk is some rows at the front of a buffer.
type chunk struct {
	buffer *runtime.Buffer
	size   int // of them all, in numbers
}

func (c chunk) rows() []float32 { return c.buffer.Floats()[:c.size] }

// chunks reads the rows of all shards, a fixed number at a time.
type chunks struct {
	// shards are the artefacts of each shard, one for each source.
	shards [][]string
	size   int
	// free are the buffers that nobody uses.
	free chan *runtime.Buffer
	open *gradients
}

// next returns as many rows as a buffer holds, fewer at the end, or io.EOF.
func (c *chunks) next() (chunk, error) {
	read := chunk{buffer: <-c.free}
	room := read.buffer.Floats()
	for read.size < len(room) {
		if c.open == nil {
			if len(c.shards) == 0 {
				break
			}
			var err error
			if c.open, err = openGradients(c.shards[0]); err != nil {
				return chunk{}, err
			}
			c.shards = c.shards[1:]
		}
		err := c.open.next(room[read.size:][:c.size])
		if errors.Is(err, io.EOF) {
			if err := c.Close(); err != nil {
				return chunk{}, err
			}
			continue
		}
		if err != nil {
			return chunk{}, err
		}
		read.size += c.size
	}
	if read.size == 0 {
		c.free <- read.buffer
		return chunk{}, io.EOF
	}
	return read, nil
}

// Close closes the shard that is open.
func (c *chunks) Close() error {
	if c.open == nil {
		return nil
	}
	err := c.open.Close()
	c.open = nil
	return err
}

// gradients reads the rows of one shard: for several sources the mean over them, of the images that all of them have.
type gradients struct {
	readers []*table.Reader[gradientRow]
	rows    []gradientRow
}

func openGradients(dirs []string) (*gradients, error) {
	g := &gradients{rows: make([]gradientRow, len(dirs))}
	for _, dir := range dirs {
		r, err := table.Open[gradientRow](filepath.Join(dir, gradientsFile))
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.readers = append(g.readers, r)
	}
	return g, nil
}

// Close closes the files.
func (g *gradients) Close() error {
	var problems []error
	for _, r := range g.readers {
		problems = append(problems, r.Close())
	}
	return errors.Join(problems...)
}

// next writes a row to dst, or returns io.EOF.
func (g *gradients) next(dst []float32) error {
	if err := g.advance(); err != nil {
		return err
	}
	copy(dst, g.rows[0].Gradient)
	for _, other := range g.rows[1:] {
		add(dst, other.Gradient)
	}
	if len(g.rows) > 1 {
		scale(dst, 1/float32(len(g.rows)))
	}
	return nil
}

// advance moves every reader to the next image that all have.
func (g *gradients) advance() error {
	var most int64 = -1
	for i, r := range g.readers {
		if err := r.Next(&g.rows[i]); err != nil {
			return err
		}
		most = max(most, g.rows[i].Position)
	}
	for {
		all := true
		for i, r := range g.readers {
			for g.rows[i].Position < most {
				if err := r.Next(&g.rows[i]); err != nil {
					return err
				}
			}
			all = all && g.rows[i].Position == most
			most = max(most, g.rows[i].Position)
		}
		if all {
			return nil
		}
	}
}
