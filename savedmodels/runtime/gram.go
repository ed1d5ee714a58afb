package runtime

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// A Gram multiplies vectors by the Gram matrix G'G of a few rows G, without forming it. It is safe for concurrent use.
type Gram struct {
	session                *Session
	vectors, rows, product tf.Output
}

// NewGram returns a Gram on d for calls of width vectors and n rows, all of dim entries.
func NewGram(width, n, dim int, d Device) (*Gram, error) {
	s := op.NewScope()
	// A scope of their own each, since graft does not number the operations of one scope.
	placeholder := func(name string, rows int) tf.Output {
		return op.Placeholder(s.SubScope(name), tf.Float, op.PlaceholderShape(tf.MakeShape(int64(rows), int64(dim))))
	}
	g := &Gram{vectors: placeholder("vectors", width), rows: placeholder("rows", n)}
	// Of the orders of these products this one is fast with oneDNN's kernels and without.
	coefficients := op.MatMul(s.SubScope("coefficients"), g.rows, g.vectors, op.MatMulTransposeB(true))
	g.product = op.MatMul(s.SubScope("product"), coefficients, g.rows, op.MatMulTransposeA(true))
	graph, err := s.Finalize()
	if err != nil {
		return nil, fmt.Errorf("build the product of %d vectors with %d rows of %d: %w", width, n, dim, err)
	}
	if g.session, err = NewSession(graph, d); err != nil {
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
