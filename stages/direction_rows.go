package stages

import (
	"errors"
	"io"
	"path/filepath"

	"upi/data/table"
	"upi/savedmodels/runtime"
	"upi/stages/imageset"
)

// A chunk is some rows at the front of a buffer.
type chunk struct {
	buffer *runtime.Buffer
	values int // of all its rows
}

func (c chunk) rows() []float32 { return c.buffer.Floats()[:c.values] }

// chunks reads the rows of all shards, a buffer at a time.
type chunks struct {
	// shards are directories of the stage gradients: of each shard one for each source.
	shards [][]string
	size   int // of a row
	// free are the buffers that nobody uses.
	free   chan *runtime.Buffer
	opened *shardRows
}

// next returns as many rows as a buffer holds, fewer at the end, or io.EOF.
func (c *chunks) next() (chunk, error) {
	read := chunk{buffer: <-c.free}
	room := read.buffer.Floats()
	for read.values < len(room) {
		if c.opened == nil {
			if len(c.shards) == 0 {
				break
			}
			var err error
			if c.opened, err = openRows(c.shards[0], c.size); err != nil {
				return chunk{}, err
			}
			c.shards = c.shards[1:]
		}
		n, err := c.opened.read(room[read.values:])
		if err != nil {
			return chunk{}, err
		}
		if n == 0 {
			c.Close()
		}
		read.values += n * c.size
	}
	if read.values == 0 {
		c.free <- read.buffer
		return chunk{}, io.EOF
	}
	return read, nil
}

// Close closes the shard that is open.
func (c *chunks) Close() {
	if c.opened != nil {
		c.opened.Close()
		c.opened = nil
	}
}

// shardRows reads the rows of one shard: for several sources the mean over them, of the images that all of them have.
type shardRows struct {
	size  int
	files []*imageset.Records
	// at has for each image the number of its row in each file.
	at   [][]int
	done int
	one  []float32
}

func openRows(dirs []string, size int) (*shardRows, error) {
	s := &shardRows{size: size}
	byPosition := make([]map[int64]int, len(dirs))
	var first []gradientRow
	for k, dir := range dirs {
		rows, err := table.ReadAll[gradientRow](filepath.Join(dir, rowsFile))
		if err != nil {
			s.Close()
			return nil, err
		}
		file, err := imageset.OpenRecords(filepath.Join(dir, gradientsFile), len(rows), 4*size, true)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.files = append(s.files, file)
		if k == 0 {
			first = rows
		}
		byPosition[k] = make(map[int64]int, len(rows))
		for number, row := range rows {
			byPosition[k][row.Position] = number
		}
	}
	for _, row := range first {
		numbers := make([]int, 0, len(dirs))
		for k := range dirs {
			if number, ok := byPosition[k][row.Position]; ok {
				numbers = append(numbers, number)
			}
		}
		if len(numbers) == len(dirs) {
			s.at = append(s.at, numbers)
		}
	}
	return s, nil
}

// Close closes the files.
func (s *shardRows) Close() {
	for _, f := range s.files {
		f.Close()
	}
}

// read fills room with rows and returns how many: 0 at the end.
func (s *shardRows) read(room []float32) (int, error) {
	n := min(len(room)/s.size, len(s.at)-s.done)
	if n == 0 {
		return 0, nil
	}
	room = room[:n*s.size]
	if len(s.files) == 1 {
		// The rows of a single source are all there, and lie as they are wanted.
		err := s.files[0].Read(s.done, imageset.BytesOf(room))
		s.done += n
		return n, err
	}
	if s.one == nil {
		s.one = make([]float32, s.size)
	}
	for i := range n {
		mean := room[i*s.size : (i+1)*s.size]
		numbers := s.at[s.done]
		s.done++
		err := s.files[0].Read(numbers[0], imageset.BytesOf(mean))
		for k, number := range numbers[1:] {
			err = errors.Join(err, s.files[k+1].Read(number, imageset.BytesOf(s.one)))
			add(mean, s.one)
		}
		if err != nil {
			return 0, err
		}
		scale(mean, 1/float32(len(numbers)))
	}
	return n, nil
}
