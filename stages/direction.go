package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"upi/attack"
	"upi/pca"
	"upi/pipeline"
	"upi/projection"
	"upi/savedmodels/runtime"
)

// directionSpec is a task that finds the direction of an attack on the matrices of gradients. All budgets whose gradients are
// the same share it.
type directionSpec struct {
	Terms    []attack.Term   `json:"terms"`
	Spectrum attack.Spectrum `json:"spectrum"`
	// Size is the number of values of a row, Sources that of models whose rows are averaged, Shards that of fit shards.
	Size    int `json:"size"`
	Sources int `json:"sources"`
	Shards  int `json:"shards"`
}

// directionFile holds a pca.Result.
const directionFile = "direction.json"

// runDirection finds the direction one pass over the shards of gradients at a time.
func (e *engine) runDirection(ctx context.Context, job *pipeline.Job) error {
	var spec directionSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	// A pass keeps all places busy by itself; what two side by side would add is the memory of a second basis.
	select {
	case e.rows <- struct{}{}:
		defer func() { <-e.rows }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	result, err := e.direction(ctx, job, spec)
	if err != nil {
		return err
	}
	if result.Status != pca.Converged {
		job.Warn("direction not determined", 1,
			fmt.Sprintf("%s after %d passes: angle below %.2g rad, sigma_2 / sigma_1 = %.6f", result.Status, result.Passes, result.Angle, result.Ratio))
	}
	job.Count("rows", int64(result.Terms[0].Rows))
	return writeJSON(filepath.Join(job.Dir, directionFile), result)
}

func (e *engine) direction(ctx context.Context, job *pipeline.Job, spec directionSpec) (pca.Result, error) {
	weights := make([]float64, len(spec.Terms))
	for k, t := range spec.Terms {
		weights[k] = t.Weight
	}
	solver, err := pca.New(spec.Size, pca.Options{Weights: weights, Tolerance: spec.Spectrum.Tolerance, Passes: spec.Spectrum.MaxPasses})
	if err != nil {
		return pca.Result{}, err
	}
	matrices := newMatrices(job.Parents(roleGradients), len(spec.Terms), spec.Sources, spec.Shards)
	free, err := e.buffers(spec.Size)
	if err != nil {
		return pca.Result{}, err
	}
	for !solver.Done() {
		if err := e.pass(ctx, solver, matrices, free, spec.Spectrum.Rows == attack.Unit); err != nil {
			return pca.Result{}, fmt.Errorf("pass %d over the gradients: %w", solver.Passes()+1, err)
		}
		if err := solver.Step(); errors.Is(err, pca.ErrZero) {
			return pca.Result{}, attack.ErrZeroGradient
		} else if err != nil {
			return pca.Result{}, err
		}
		job.Progress(int64(solver.Passes()), int64(spec.Spectrum.MaxPasses))
	}
	return solver.Result()
}

// fitDirection scales the direction that an artefact of the stage direction holds to the ball's boundary.
func fitDirection(dir string, spec fitSpec) ([]float32, fitRecord, error) {
	var result pca.Result
	if err := readJSON(filepath.Join(dir, directionFile), &result); err != nil {
		return nil, fitRecord{}, err
	}
	if len(result.Vector) != spec.size() {
		return nil, fitRecord{}, fmt.Errorf("read direction %s: %d values, the perturbation has %d", dir, len(result.Vector), spec.size())
	}
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

// buffers returns room for as many chunks of rows as may be multiplied at once, and for one that is being read.
func (e *engine) buffers(size int) (chan *runtime.Buffer, error) {
	free := make(chan *runtime.Buffer, e.width+1)
	for range cap(free) {
		b, err := runtime.NewBuffer(int64(pca.ChunkRows(size)), int64(size))
		if err != nil {
			return nil, err
		}
		free <- b
	}
	return free, nil
}

// pass multiplies all rows with the solver's block and adds the results up in the rows' order. A chunk may hold rows of two
// shards: the sums do not depend on how the images lie in shards, nor on how many chunks are multiplied at once.
func (e *engine) pass(ctx context.Context, solver *pca.Solver, m matrices, free chan *runtime.Buffer, unit bool) error {
	block := solver.Block()
	vectors, err := runtime.NewBuffer(int64(block.Width), int64(block.Dim))
	if err != nil {
		return err
	}
	copy(vectors.Floats(), block.Vectors)
	idle := sync.Pool{New: func() any { return pca.NewAccumulator(block, nil) }}
	for term, shards := range m {
		rows := &chunks{shards: shards, size: block.Dim, free: free}
		err := flow(ctx, cap(free), rows.next,
			func(ctx context.Context, c chunk) (*pca.Accumulator, error) {
				defer func() { free <- c.buffer }()
				if unit {
					pca.Unit(c.rows(), block.Dim)
				}
				a := idle.Get().(*pca.Accumulator)
				a.Reset(e.product(ctx, vectors, c.buffer))
				return a, a.Add(c.rows())
			},
			func(a *pca.Accumulator) error {
				defer idle.Put(a)
				return solver.Add(term, a.Partial())
			})
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

// product multiplies the block's vectors with the rows in a buffer, at the next free place. Rows from elsewhere, which the
// accumulator has scaled, are copied into it.
func (e *engine) product(ctx context.Context, vectors, buffer *runtime.Buffer) pca.Product {
	return func(dst []float32, block pca.Block, rows []float32, n int) error {
		room := buffer.Floats()
		copy(room, rows)
		clear(room[n*block.Dim:])
		place, err := e.place(ctx)
		if err != nil {
			return err
		}
		defer func() { e.places <- place }()
		g, err := e.gram(block.Width, len(room)/block.Dim, block.Dim, place)
		if err != nil {
			return err
		}
		return g.Multiply(dst, vectors, buffer)
	}
}
