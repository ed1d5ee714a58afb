package gradient

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	protos "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"gonum.org/v1/gonum/floats"
	"google.golang.org/protobuf/proto"

	"upi/savedmodels/ops"
)

// input is a tensor of random values that a case differentiates with respect to.
type input struct {
	shape []int64
	draw  func(r *rand.Rand, i, n int) float64
}

// around0 draws values of both signs away from 0, where many functions have kinks.
func around0(shape ...int64) input {
	return input{shape, func(r *rand.Rand, _, _ int) float64 {
		v := 0.2 + 1.3*r.Float64()
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}}
}

func positive(shape ...int64) input {
	return input{shape, func(r *rand.Rand, _, _ int) float64 { return 0.2 + 1.3*r.Float64() }}
}

// apart draws values no two of which are near each other.
func apart(shape ...int64) input {
	return input{shape, func(_ *rand.Rand, i, n int) float64 {
		return 3*float64(i*7919%(n+1))/float64(n) - 1.45
	}}
}

// example is one use of an operation.
type example struct {
	op   string // the table's entry that this checks
	name string
	in   []input
	f    func(s *scope, x []tf.Output) tf.Output
	// single says that the operation computes in float32 only. Its function is at
	// most quadratic here, so that wide central differences are exact.
	single bool
	// curved says that a single function is not quadratic.
	curved bool
	// fixed says that the rule needs sizes that are known.
	fixed bool
}

// TestRules compares first- and second-order gradients with central differences in
// float64, once with all sizes known and once with the first size unknown.
func TestRules(t *testing.T) {
	for _, e := range examples {
		for _, open := range []bool{false, true} {
			if open && e.fixed {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/open=%v", e.op, e.name, open), func(t *testing.T) {
				e.check(t, open)
			})
		}
	}
}

// TestEveryRuleHasAnExample walks the table.
func TestEveryRuleHasAnExample(t *testing.T) {
	has := make(map[string]bool)
	for _, e := range examples {
		has[e.op] = true
	}
	for _, op := range Rules() {
		if !has[op] && !table[op].stop && !strings.HasPrefix(op, "FakeQuant") { // see TestFakeQuantisation
			t.Errorf("%s has a rule but no example", op)
		}
	}
}

func (e example) check(t *testing.T, open bool) {
	r := e.random()
	g := tf.NewGraph()
	s := newScope(g, "net")
	xs, feeds := e.placeholders(s, r, open)

	y := s.Cast(e.f(s, xs), tf.Double)
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	// The quadratic part makes the gradient of linear operations depend on x, so
	// that the second order runs through the operations that rules emit.
	objective := s.weigh(r, s.Add(y, s.Scale(0.5, s.Mul(y, y))), e.outputShape(t, g, s, y, xs, feeds))
	first, err := Of(g, []tf.Output{objective}, xs, Options{})
	if err != nil {
		t.Fatalf("first order: %v", err)
	}
	var parts tf.OutputList
	for i, x := range first {
		parts = append(parts, s.weigh(r, x, e.in[i].shape))
	}
	slope := s.total(parts)
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	second, err := Of(g, []tf.Output{slope}, xs, Options{})
	if err != nil {
		t.Fatalf("second order: %v", err)
	}
	e.onPath(t, slope, xs)

	// Fetched flat, whatever their rank.
	for _, list := range [][]tf.Output{first, second} {
		for i, x := range list {
			list[i] = s.One("Reshape", nil, x, s.Constant([]int32{-1}))
		}
	}
	sess := session(t, g)
	e.compare(t, sess, r, feeds, xs, []tf.Output{objective, slope}, [][]tf.Output{first, second})

	// Closed: what the second order emitted can be differentiated once more.
	if _, err := Of(g, second, xs, Options{}); err != nil && !errors.Is(err, ErrNoPath) {
		t.Errorf("third order: %v", err)
	}
}

func (e example) random() *rand.Rand {
	h := fnv.New64()
	h.Write([]byte(e.op + e.name))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

func (e example) placeholders(s *scope, r *rand.Rand, open bool) ([]tf.Output, [][]float64) {
	xs := make([]tf.Output, len(e.in))
	values := make([][]float64, len(e.in))
	for i, in := range e.in {
		shape := append([]int64{}, in.shape...)
		if open && len(shape) > 0 {
			shape[0] = -1
		}
		xs[i] = s.One("Placeholder", attrs{"dtype": tf.Double, "shape": tf.MakeShape(shape...)})
		values[i] = make([]float64, size(in.shape))
		for j := range values[i] {
			values[i][j] = in.draw(r, j, len(values[i]))
		}
	}
	return xs, values
}

// outputShape runs the graph where the static shape is open.
func (e example) outputShape(t *testing.T, g *tf.Graph, s *scope, y tf.Output, xs []tf.Output, values [][]float64) []int64 {
	if d := ops.Dims(y); ops.Static(d) {
		return d
	}
	out := run(t, session(t, g), e.feeds(t, xs, values), y)
	return out[0].Shape()
}

// weigh is the sum of x times random weights of the given shape.
func (s *scope) weigh(r *rand.Rand, x tf.Output, shape []int64) tf.Output {
	w := make([]float64, size(shape))
	for i := range w {
		w[i] = r.NormFloat64()
	}
	return s.sumAll(s.Mul(x, s.reals(w, shape...)))
}

// reals is a constant of float64 values in row-major order.
func (s *scope) reals(values []float64, shape ...int64) tf.Output {
	flat := s.Constant(values)
	return s.One("Reshape", nil, flat, s.Integers(shape, tf.Int32))
}

// noise is a constant of random values of the given shape.
func (s *scope) noise(shape ...int64) tf.Output {
	r := rand.New(rand.NewPCG(uint64(size(shape)), 7))
	values := make([]float64, size(shape))
	for i := range values {
		values[i] = r.NormFloat64()
	}
	return s.reals(values, shape...)
}

func size(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}

// onPath fails unless the operation under test was differentiated.
func (e example) onPath(t *testing.T, y tf.Output, xs []tf.Output) {
	p, err := findPath([]tf.Output{y}, xs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.nodes {
		if p.nodes[i].kind == e.op && p.nodes[i].passes() {
			return
		}
	}
	t.Errorf("%s is not on the path", e.op)
}

// compare checks gradients[k] of objectives[k], for each order k, along random
// directions: a single wrong element shows in each of them.
func (e example) compare(t *testing.T, sess *tf.Session, r *rand.Rand, values [][]float64, xs, objectives []tf.Output, gradients [][]tf.Output) {
	const directions = 3
	step, tolerance := 1e-5, 2e-6
	if e.single {
		step, tolerance = 0.25, 2e-4
	}
	if e.curved {
		step, tolerance = 5e-3, 5e-3
	}
	fetches := append([]tf.Output{}, objectives...)
	for _, g := range gradients {
		fetches = append(fetches, g...)
	}
	exact := run(t, sess, e.feeds(t, xs, values), fetches...)[len(objectives):]
	for range directions {
		along := make([][]float64, len(values))
		for i := range values {
			along[i] = make([]float64, len(values[i]))
			for j := range along[i] {
				along[i][j] = r.NormFloat64()
			}
		}
		above := run(t, sess, e.feeds(t, xs, moved(values, along, step)), fetches...)
		below := run(t, sess, e.feeds(t, xs, moved(values, along, -step)), fetches...)
		for k := range objectives {
			want := (number(above[k]) - number(below[k])) / (2 * step)
			got := 0.0
			for i := range xs {
				got += floats.Dot(exact[k*len(xs)+i].Value().([]float64), along[i])
			}
			if !(math.Abs(got-want) <= tolerance*(10+math.Abs(want))) {
				t.Fatalf("order %d: %.9g, central difference %.9g", k+1, got, want)
			}
		}
	}
}

// moved is values + step * along.
func moved(values, along [][]float64, step float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = floats.AddScaledTo(make([]float64, len(v)), v, step, along[i])
	}
	return out
}

func (e example) feeds(t *testing.T, xs []tf.Output, values [][]float64) map[tf.Output]*tf.Tensor {
	feeds := make(map[tf.Output]*tf.Tensor, len(xs))
	for i, x := range xs {
		feeds[x] = tensorOf(t, values[i], e.in[i].shape)
	}
	return feeds
}

func tensorOf(t *testing.T, values []float64, shape []int64) *tf.Tensor {
	t.Helper()
	var v any = values
	if len(shape) == 0 {
		v = values[0]
	}
	x, err := tf.NewTensor(v)
	if err == nil && len(shape) > 0 {
		err = x.Reshape(append([]int64{}, shape...))
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func number(x *tf.Tensor) float64 { return x.Value().(float64) }

func session(t *testing.T, g *tf.Graph) *tf.Session {
	t.Helper()
	// Grappler takes many times longer than these graphs do.
	config, err := proto.Marshal(&protos.ConfigProto{
		GraphOptions: &protos.GraphOptions{RewriteOptions: &protos.RewriterConfig{DisableMetaOptimizer: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := tf.NewSession(g, &tf.SessionOptions{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(t *testing.T, session *tf.Session, feeds map[tf.Output]*tf.Tensor, fetches ...tf.Output) []*tf.Tensor {
	t.Helper()
	out, err := session.Run(feeds, fetches, nil)
	if err != nil {
		t.Fatal(strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return out
}
