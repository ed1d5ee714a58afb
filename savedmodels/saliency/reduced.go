package saliency

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"

	"upi/savedmodels/runtime"
)

// reduced is the second session of an Objective whose gradients are of less than float32's precision.
type reduced struct {
	gradients *runtime.Session // nil where they are float32
	probe     sync.Once
	acts      bool
	err       error
}

// open opens the objective's sessions.
func (o *Objective) open(n *network, e Explanation, s Settings) (err error) {
	if o.program, err = open(n, e, s.Device); err != nil || s.Precision == runtime.Float32 {
		return err
	}
	if o.gradients, err = n.open(s.Precision, s.Device); err != nil {
		return errors.Join(err, o.program.Close())
	}
	return nil
}

// steep is the session that computes gradients.
func (o *Objective) steep() *runtime.Session {
	if o.gradients != nil {
		return o.gradients
	}
	return o.session
}

// Reduced reports whether the objective's gradients are computed in less than float32. TensorFlow rewrites what it can and says
// nothing where that is nothing: of images drawn by chance, some value must differ from float32's. It may be called by several
// goroutines; the first does the work, of two calls.
func (o *Objective) Reduced() (bool, error) {
	if o.gradients == nil {
		return false, nil
	}
	o.probe.Do(func() { o.acts, o.err = o.differs() })
	return o.acts, o.err
}

// differs compares the values of the two sessions, bit by bit.
func (o *Objective) differs() (bool, error) {
	b := o.drawn()
	exact, err := o.compute(o.session, b, result{o.value, 1})
	if err != nil {
		return false, err
	}
	// Both are fetched, for TensorFlow rewrites the graph for each set of fetches anew.
	less, err := o.Run(b)
	if err != nil {
		return false, err
	}
	for i, v := range less.Value {
		if math.Float32bits(v) != math.Float32bits(exact[0][i]) {
			return true, nil
		}
	}
	return false, nil
}

// drawn is a batch of images, maps and noise drawn by chance, the same each time.
func (o *Objective) drawn() Batch {
	size, n := o.network.shape.Size(), o.network.batch
	stream := rand.New(rand.NewPCG(0, 0))
	uniform := func(count int, scale float64) []float32 {
		values := make([]float32, count)
		for i := range values {
			values[i] = float32(scale * stream.Float64())
		}
		return values
	}
	b := Batch{Pixels: uniform(n*size, 255), Noise: uniform(o.samples*n*size, 25), Classes: make([]int32, n),
		Baselines: uniform(o.draws*n*size, 255), Along: uniform(o.draws*n, 1)}
	if s := o.network.options.Surrogate; s != nil {
		b.Beta = float32(s.Beta)
	}
	for i := range b.Classes {
		b.Classes[i] = int32(i % o.network.model.Classes())
	}
	if o.reference.Op != nil {
		pixels := o.network.shape.Pixels()
		b.Reference = uniform(n*pixels, 2/float64(pixels))
	}
	if o.kept.weight.Op != nil {
		b.Keep = &Keep{Classes: b.Classes, Weight: 1, Margin: 1}
	}
	return b
}

// GraphBytes counts both sessions.
func (o *Objective) GraphBytes() int64 {
	if o.gradients == nil {
		return o.program.GraphBytes()
	}
	return 2 * o.program.GraphBytes()
}

// Close frees the objective's sessions.
func (o *Objective) Close() error {
	if o.gradients == nil {
		return o.program.Close()
	}
	return errors.Join(o.gradients.Close(), o.program.Close())
}
