package runtime

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// A Gram multiplies vectors by the Gram matrix G'G of a few rows G, without forming it. It is safe for concurrent use.
type Gram struct {
	session                *Session
	vectors, rows, product tf.Output
}

// NewGram returns a Gram on d for calls of width vectors and n rows, all of dim entries.
func NewGram(width, n, dim int, d Device) (*Gram, error) {
	s := ops.NewScope(tf.NewGraph(), "gram")
	g := &Gram{
		vectors: s.Placeholder(tf.Float, int64(width), int64(dim)),
		rows:    s.Placeholder(tf.Float, int64(n), int64(dim)),
	}
	// Of the orders of these products this one is fast with oneDNN's kernels and without.
	coefficients := s.One("MatMul", ops.Attrs{"transpose_b": true}, g.rows, g.vectors)
	g.product = s.One("MatMul", ops.Attrs{"transpose_a": true}, coefficients, g.rows)
	err := s.Err()
	if err != nil {
		return nil, fmt.Errorf("build the product of %d vectors with %d rows of %d: %w", width, n, dim, err)
	}
	if g.session, err = NewSession(s.Graph(), d); err != nil {
		return nil, err
	}
	return g, nil
}

// Multiply overwrites dst with V G'G for the vectors V (width x dim) and the rows G (n x dim), in float32. Rows of zeros add
// nothing: they fill up a call of fewer rows.
func (g *Gram) Multiply(dst []float32, vectors, rows *Buffer) error {
	return g.session.Run([]Feed{{To: g.vectors, Buffer: vectors}, {To: g.rows, Buffer: rows}}, []Fetch{{g.product, dst}})
}

// Close frees the session once the calls under way have returned.
func (g *Gram) Close() error { return g.session.Close() }
