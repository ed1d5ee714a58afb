package stages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"upi/attack"
	"upi/data/table"
	"upi/pca"
	"upi/pipeline"
	"upi/projection"
)

// fitRows finds the direction of an attack on the matrices of gradients, one pass over their shards at a time.
func fitRows(ctx context.Context, job *pipeline.Job, spec fitSpec, a attack.FromRows) ([]float32, fitRecord, error) {
	settings, terms := a.Spectrum(), a.Terms()
	weights := make([]float64, len(terms))
	for k, t := range terms {
		weights[k] = t.Weight
	}
	solver, err := pca.New(spec.size(), pca.Options{Weights: weights, Tolerance: settings.Tolerance, Passes: settings.MaxPasses})
	if err != nil {
		return nil, fitRecord{}, err
	}
	matrices := newMatrices(job.Parents(roleGradients), len(terms), len(spec.Sources), spec.Shards)
	for !solver.Done() {
		if err := pass(ctx, solver, matrices, spec.size(), settings.Rows == attack.Unit); err != nil {
			return nil, fitRecord{}, fmt.Errorf("pass %d over the gradients: %w", solver.Passes()+1, err)
		}
		if err := solver.Step(); errors.Is(err, pca.ErrZero) {
			return nil, fitRecord{}, attack.ErrZeroGradient
		} else if err != nil {
			return nil, fitRecord{}, err
		}
		job.Progress(int64(solver.Passes()), int64(settings.MaxPasses))
	}
	result, err := solver.Result()
	if err != nil {
		return nil, fitRecord{}, err
	}
	if result.Status != pca.Converged {
		job.Warn("direction not determined", 1,
			fmt.Sprintf("%s after %d passes: angle below %.2g rad, sigma_2 / sigma_1 = %.6f", result.Status, result.Passes, result.Angle, result.Ratio))
	}
	job.Count("rows", int64(result.Terms[0].Rows))
	delta := make([]float32, spec.size())
	if err := projection.Boundary(spec.ball(), delta, result.Vector); err != nil {
		return nil, fitRecord{}, err
	}
	result.Vector = nil
	return delta, fitRecord{Spectrum: &result}, nil
}

// matrices are the gradients of each term, shard and source.
type matrices [][][]string

func newMatrices(dirs []string, terms, sources, shards int) matrices {
	m := make(matrices, terms)
	for k := range m {
		m[k] = make([][]string, shards)
		for i := range shards {
			for s := range sources {
				m[k][i] = append(m[k][i], dirs[(k*sources+s)*shards+i])
			}
		}
	}
	return m
}

// pass multiplies all rows with the solver's block and adds the results up in the rows' order. A chunk may hold rows of two
// shards: the sums do not depend on how the images lie in shards, nor on how many chunks are multiplied at once.
func pass(ctx context.Context, solver *pca.Solver, m matrices, size int, unit bool) error {
	block, width := solver.Block(), runtime.GOMAXPROCS(0)
	for term, shards := range m {
		rows := &chunks{shards: shards, size: size, free: make(chan []float32, width)}
		for range width {
			rows.free <- make([]float32, 0, pca.ChunkRows*size)
		}
		err := flow(ctx, width, rows.next,
			func(_ context.Context, chunk []float32) (pca.Partial, error) {
				defer func() { rows.free <- chunk[:0] }()
				if unit {
					pca.Unit(chunk, size)
				}
				a := pca.NewAccumulator(block, nil)
				err := a.Add(chunk)
				return a.Partial(), err
			},
			func(p pca.Partial) error { return solver.Add(term, p) })
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

// chunks reads the rows of all shards, a fixed number at a time.
type chunks struct {
	// shards are the artefacts of each shard, one for each source.
	shards [][]string
	size   int
	// free are the buffers that nobody uses.
	free chan []float32
	open *gradients
}

// next returns at most pca.ChunkRows rows in a free buffer, or io.EOF.
func (c *chunks) next() ([]float32, error) {
	chunk := <-c.free
	for len(chunk) < cap(chunk) {
		if c.open == nil {
			if len(c.shards) == 0 {
				break
			}
			var err error
			if c.open, err = openGradients(c.shards[0]); err != nil {
				return nil, err
			}
			c.shards = c.shards[1:]
		}
		longer := chunk[:len(chunk)+c.size]
		err := c.open.next(longer[len(chunk):])
		if errors.Is(err, io.EOF) {
			if err := c.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		chunk = longer
	}
	if len(chunk) == 0 {
		return nil, io.EOF
	}
	return chunk, nil
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
