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

// pass multiplies all rows with the solver's block, the shards side by side, and adds the results up in the shards' order.
func pass(ctx context.Context, solver *pca.Solver, m matrices, size int, unit bool) error {
	block := solver.Block()
	for term, shards := range m {
		err := inOrder(ctx, len(shards), runtime.GOMAXPROCS(0),
			func(ctx context.Context, i int) (pca.Partial, error) {
				return multiply(ctx, block, shards[i], size, unit)
			},
			func(_ int, p pca.Partial) error { return solver.Add(term, p) })
		if err != nil {
			return err
		}
	}
	return nil
}

// multiply multiplies the rows of one shard, of one or several sources, with a block of vectors.
func multiply(ctx context.Context, block pca.Block, sources []string, size int, unit bool) (pca.Partial, error) {
	rows, err := openGradients(sources, size)
	if err != nil {
		return pca.Partial{}, err
	}
	defer rows.Close()
	a := pca.NewAccumulator(block, nil)
	for ctx.Err() == nil {
		chunk, err := rows.next(pca.ChunkRows)
		if errors.Is(err, io.EOF) {
			return a.Partial(), nil
		}
		if err != nil {
			return pca.Partial{}, err
		}
		if unit {
			pca.Unit(chunk, size)
		}
		if err := a.Add(chunk); err != nil {
			return pca.Partial{}, err
		}
	}
	return pca.Partial{}, context.Cause(ctx)
}

// gradients reads the rows of one shard: for several sources the mean over them, of the images that all of them have.
type gradients struct {
	size    int
	readers []*table.Reader[gradientRow]
	rows    []gradientRow
	chunk   []float32
}

func openGradients(dirs []string, size int) (*gradients, error) {
	g := &gradients{size: size, rows: make([]gradientRow, len(dirs))}
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

// next returns at most n rows, or io.EOF. They are valid until the next call.
func (g *gradients) next(n int) ([]float32, error) {
	g.chunk = g.chunk[:0]
	for len(g.chunk) < n*g.size {
		err := g.advance()
		if errors.Is(err, io.EOF) && len(g.chunk) > 0 {
			return g.chunk, nil
		}
		if err != nil {
			return nil, err
		}
		g.chunk = append(g.chunk, g.rows[0].Gradient...)
		row := g.chunk[len(g.chunk)-g.size:]
		for _, other := range g.rows[1:] {
			add(row, other.Gradient)
		}
		if len(g.rows) > 1 {
			scale(row, 1/float32(len(g.rows)))
		}
	}
	return g.chunk, nil
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
