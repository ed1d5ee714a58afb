package ops

import (
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestNamesAreNew lets two scopes share a prefix.
func TestNamesAreNew(t *testing.T) {
	g := tf.NewGraph()
	a, b := NewScope(g, "net"), NewScope(g, "net")
	x := a.Placeholder(tf.Float, 2, -1)
	sum := b.Add(b.Add(x, x), x)
	again := a.Add(sum, x)
	if a.Err() != nil || b.Err() != nil {
		t.Fatal(a.Err(), b.Err())
	}
	if got := []string{sum.Op.Name(), again.Op.Name()}; got[0] != "net/AddV2_1" || got[1] != "net/AddV2_2" {
		t.Errorf("names %q", got)
	}
}

// TestNamed: a name of the caller's is taken as it is, and never a second time.
func TestNamed(t *testing.T) {
	g := tf.NewGraph()
	s := NewScope(g, "net")
	x := s.Placeholder(tf.Float, 2)
	y := s.Named("found/again", "Neg", nil, x)
	if op := g.Operation("found/again"); s.Err() != nil || op == nil || op.Name() != y.Op.Name() || op.Type() != "Neg" {
		t.Errorf("got %v, %v", op, s.Err())
	}
	if z := s.Named("found/again", "Neg", nil, x); z.Op != nil || s.Err() == nil {
		t.Error("a name was given twice")
	}
	before := len(g.Operations())
	if z := s.Named("new", "Neg", nil, x); z.Op != nil || len(g.Operations()) != before {
		t.Error("an operation after the error")
	}
}

// TestFirstErrorStays: what follows an error does nothing, and does not hide it.
func TestFirstErrorStays(t *testing.T) {
	g := tf.NewGraph()
	s := NewScope(g, "net")
	x := s.Placeholder(tf.Float, 2, 3)
	wrong := s.One("MatMul", nil, x, x)
	before := len(g.Operations())
	y := s.Scale(2, s.Cast(s.Neg(wrong), tf.Double))
	if y.Op != nil || len(g.Operations()) != before {
		t.Errorf("%d operations after the error", len(g.Operations())-before)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "add MatMul") {
		t.Errorf("got %v", err)
	}
}

func TestConstants(t *testing.T) {
	s := NewScope(tf.NewGraph(), "net")
	pairs := s.Constant([][]int32{{1, 2}, {-1, 4}})
	if v, ok := Known(s.One("Identity", nil, pairs)); !ok || len(v) != 4 || v[2] != -1 {
		t.Errorf("known %v %v", v, ok)
	}
	if v, ok := Axes(pairs, 5); !ok || v[2] != 4 {
		t.Errorf("axes %v %v", v, ok)
	}
	if _, ok := Axes(pairs, 4); ok {
		t.Error("axis 4 of 4 axes")
	}
	first, second := s.Constant([]int32{2, 3}), s.Constant([]int32{2, 3})
	if first.Op.Name() != second.Op.Name() {
		t.Error("a constant was added twice")
	}
	open := s.Placeholder(tf.Double, -1, 3)
	if d := Dims(open); Static(d) || Same(d, d) || d[1] != 3 {
		t.Errorf("shape %v", d)
	}
}
