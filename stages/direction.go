package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"upi/attack"
	"upi/pca"
	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
)

// DirectionSpec is a task that finds the direction of an attack on the matrices of gradients. All budgets whose gradients are
// the same share it.
type DirectionSpec struct {
	Matrices []Matrix        `json:"matrices"`
	Spectrum attack.Spectrum `json:"spectrum"`
	// Size is the number of values of a row.
	Size int `json:"size"`
}

// A Matrix is a term of the symmetric matrix, and its rows: artefacts of the stage gradients, one for each source, whose rows are
// averaged. There are some for each fit shard, and again where they are of several points.
type Matrix struct {
	attack.Term
	Shards [][]pipeline.Artefact `json:"shards"`
}

// directionFile holds a pca.Result.
const directionFile = "direction.json"

// runDirection finds the direction one pass over the shards of gradients at a time.
func (r *runner) runDirection(ctx context.Context, job *pipeline.Job, spec DirectionSpec) error {
	matrices := make([][][]string, len(spec.Matrices))
	for t, m := range spec.Matrices {
		for _, sources := range m.Shards {
			var dirs []string
			for _, a := range sources {
				dirs = append(dirs, job.Dir(a))
			}
			matrices[t] = append(matrices[t], dirs)
		}
	}
	var result pca.Result
	err := r.exclusively(ctx, func() (err error) {
		result, err = r.direction(ctx, job, spec, matrices)
		return err
	})
	if err != nil {
		return err
	}
	if result.Status != pca.Converged {
		job.Warn("direction not determined", 1,
			fmt.Sprintf("%s after %d passes: angle below %.2g rad, sigma_2 / sigma_1 = %.6f", result.Status, result.Passes, result.Angle, result.Ratio))
	}
	job.Count("rows", int64(result.Terms[0].Rows))
	return writeJSON(filepath.Join(job.Out, directionFile), result)
}

func (r *runner) direction(ctx context.Context, job *pipeline.Job, spec DirectionSpec, matrices [][][]string) (pca.Result, error) {
	weights := make([]float64, len(spec.Matrices))
	for t, m := range spec.Matrices {
		weights[t] = m.Weight
	}
	solver, err := pca.New(spec.Size, pca.Options{Weights: weights, Tolerance: spec.Spectrum.Tolerance, Passes: spec.Spectrum.MaxPasses})
	if err != nil {
		return pca.Result{}, err
	}
	p, err := newPass(r.engine, spec.Size, spec.Spectrum.Rows == attack.Unit)
	if err != nil {
		return pca.Result{}, err
	}
	for !solver.Done() {
		if err := p.run(ctx, solver, matrices); err != nil {
			return pca.Result{}, fmt.Errorf("pass %d over the gradients: %w", solver.Passes()+1, err)
		}
		if err := solver.Step(); errors.Is(err, pca.ErrZero) {
			return pca.Result{}, attack.ErrZeroGradient
		} else if errors.Is(err, pca.ErrNoRows) {
			return pca.Result{}, noRows(matrices, err)
		} else if err != nil {
			return pca.Result{}, err
		}
		job.Progress(int64(solver.Passes()), int64(spec.Spectrum.MaxPasses))
	}
	return solver.Result()
}

// noRows says why a term of the matrix has no rows.
func noRows(matrices [][][]string, err error) error {
	for _, shards := range matrices {
		sources, reading := readAbsences(shards)
		if reading != nil {
			return errors.Join(err, reading)
		}
		rows := int64(0)
		for _, a := range sources {
			rows = max(rows, a.Images-a.Zero-a.NotFinite-a.Gradients)
		}
		if rows == 0 || len(sources) > 1 {
			return errNoImage("a gradient", sources)
		}
	}
	return err
}

// A pass goes over all rows.
type pass struct {
	engine *engine.Engine
	// free holds the buffers for chunks of rows: as many as may be multiplied at once, and one that is being read.
	free chan *runtime.Buffer
	// idle holds accumulators that nobody uses. They are kept from pass to pass: they are large, and there are a few at once.
	idle chan *pca.Accumulator
	unit bool
}

func newPass(e *engine.Engine, size int, unit bool) (*pass, error) {
	p := &pass{engine: e, free: make(chan *runtime.Buffer, e.Width()+1), unit: unit}
	p.idle = make(chan *pca.Accumulator, 2*cap(p.free)+1) // as many as a flow has at once
	for range cap(p.free) {
		b, err := runtime.NewBuffer(int64(pca.ChunkRows(size)), int64(size))
		if err != nil {
			return nil, err
		}
		p.free <- b
	}
	return p, nil
}

// run multiplies all rows with the solver's block and adds the results up in the rows' order. A chunk may hold rows of two
// shards: the sums do not depend on how the images lie in shards, nor on how many chunks are multiplied at once.
func (p *pass) run(ctx context.Context, solver *pca.Solver, matrices [][][]string) error {
	block := solver.Block()
	vectors, err := runtime.NewBuffer(int64(block.Width), int64(block.Dim))
	if err != nil {
		return err
	}
	copy(vectors.Floats(), block.Vectors)
	for term, shards := range matrices {
		rows := &chunks{shards: shards, size: block.Dim, free: p.free}
		err := engine.Flow(ctx, cap(p.free), rows.next,
			func(ctx context.Context, c chunk) (*pca.Accumulator, error) {
				defer func() { p.free <- c.buffer }()
				if p.unit {
					pca.Unit(c.rows(), block.Dim)
				}
				a := p.accumulator(block, p.product(ctx, vectors, c.buffer))
				return a, a.Add(c.rows())
			},
			func(a *pca.Accumulator) error {
				defer func() { p.idle <- a }()
				return solver.Add(term, a.Partial())
			})
		rows.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// accumulator returns one that is idle, or a new one. Blocks are of one shape.
func (p *pass) accumulator(block pca.Block, product pca.Product) *pca.Accumulator {
	select {
	case a := <-p.idle:
		a.Reset(block, product)
		return a
	default:
		return pca.NewAccumulator(block, product)
	}
}

// product multiplies the block's vectors with the rows in a buffer, in the next free slot. Rows from elsewhere, which the
// accumulator has scaled, are copied into it.
func (p *pass) product(ctx context.Context, vectors, buffer *runtime.Buffer) pca.Product {
	return func(dst []float32, block pca.Block, rows []float32, n int) error {
		room := buffer.Floats()
		if len(rows) > 0 && &rows[0] != &room[0] {
			copy(room, rows)
		}
		clear(room[n*block.Dim:])
		slot, err := p.engine.Slot(ctx)
		if err != nil {
			return err
		}
		defer p.engine.Free(slot)
		g, err := p.engine.Gram(block.Width, len(room)/block.Dim, block.Dim, slot)
		if err != nil {
			return err
		}
		return g.Multiply(dst, vectors, buffer)
	}
}
