package savedmodels

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/gradient"
	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"
)

// expectation is what Python's TensorFlow says of one of the models that python/make_models_testdata.py writes.
type expectation struct {
	Name       string
	Signature  string
	Input      string
	Output     string
	Head       string
	Layout     string
	Scale      PerChannel
	Offset     PerChannel
	Channels   string
	Convention string
	Shape      [3]int // of the images
	Batch      int
	Classes    int
	WantHead   string
	Softmax    bool // Scores are log-probabilities without their mean
	Scores     []float64
	Tolerance  float64
	// Gradient is that of half the sum of the squared scores, Product the product of their Hessian with the cosines of 0, 1, ...
	Gradient, Product []float64
	Error             string // instead of all that: a part of Open's error
}

func (e expectation) options() Options {
	return Options{
		Signature: e.Signature, Input: e.Input, Output: e.Output, Head: e.Head, Layout: e.Layout,
		Scale: e.Scale, Offset: e.Offset, Channels: e.Channels, Preprocess: e.Convention, Shape: e.Shape,
	}
}

func readExpectations(t *testing.T, dir string) []expectation {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []expectation
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestParity compares logits with those that Python's TensorFlow got from the same directories and images.
func TestParity(t *testing.T) {
	testParity(t, "testdata")
}

// TestParityInputs does the same for inputs of other forms than [B,H,W,C] in pixel units, written by make_inputs_testdata.py;
// the three conventions' values are those of Keras' preprocess_input.
func TestParityInputs(t *testing.T) {
	testParity(t, "testdata/inputs")
}

// TestParityXLA does the same for JAX networks, written by make_xla_testdata.py; the values are those of JAX.
func TestParityXLA(t *testing.T) {
	testParity(t, "testdata/xla")
}

// TestParityApplications does the same for keras.applications, written by make_models_testdata.py --applications DIR (several
// hundred MB): UPI_APPLICATIONS=DIR.
func TestParityApplications(t *testing.T) {
	dir := os.Getenv("UPI_APPLICATIONS")
	if dir == "" {
		t.Skip("UPI_APPLICATIONS is not set")
	}
	testParity(t, dir)
}

// TestDerivativesXLA compares the derivatives of these networks with JAX's own, of both orders.
func TestDerivativesXLA(t *testing.T) {
	for _, want := range readExpectations(t, "testdata/xla") {
		if len(want.Gradient) == 0 {
			continue
		}
		t.Run(want.Name, func(t *testing.T) {
			m, err := Open(filepath.Join("testdata/xla", want.Name), want.options())
			if err != nil {
				t.Fatal(err)
			}
			g := tf.NewGraph()
			s := ops.NewScope(g, "test")
			dims := []int64{int64(want.Batch), int64(want.Shape[0]), int64(want.Shape[1]), int64(want.Shape[2])}
			x := s.Placeholder(tf.Float, dims...)
			logits, err := m.Build(g, "network", x, BuildOptions{})
			if err != nil {
				t.Fatal(err)
			}
			first, err := gradient.Of(g, []tf.Output{s.Scale(0.5, s.Mul(logits, logits))}, []tf.Output{x}, gradient.Options{})
			if err != nil {
				t.Fatal(err)
			}
			pattern := make([]float32, len(want.Gradient))
			for i := range pattern {
				pattern[i] = float32(math.Cos(float64(i)))
			}
			along := s.Mul(first[0], s.Reshape(s.Constant(pattern), dims...))
			second, err := gradient.Of(g, []tf.Output{along}, []tf.Output{x}, gradient.Options{})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, run(t, m, g, x, pixels(dims...), s.Reshape(first[0], 1, -1)), want.Gradient, 1e-4)
			compare(t, run(t, m, g, x, pixels(dims...), s.Reshape(second[0], 1, -1)), want.Product, 1e-4)
		})
	}
}

func testParity(t *testing.T, dir string) {
	for _, want := range readExpectations(t, dir) {
		if want.Error != "" {
			continue
		}
		t.Run(want.Name, func(t *testing.T) {
			m, err := Open(filepath.Join(dir, want.Name), want.options())
			if err != nil {
				t.Fatal(err)
			}
			if m.Classes() != want.Classes || m.Head().Kind != want.WantHead || m.ImageShape() != want.Shape {
				t.Errorf("%d classes, head %s, images %v; want %d, %s, %v",
					m.Classes(), m.Head().Kind, m.ImageShape(), want.Classes, want.WantHead, want.Shape)
			}
			got := logitsOf(t, m, want.Batch)
			if want.Softmax {
				centre(got, want.Classes)
			}
			compare(t, got, want.Scores, want.Tolerance)
		})
	}
}

// logitsOf builds and runs a model on the images that the script used as well.
func logitsOf(t *testing.T, m *Model, batch int) []float64 {
	t.Helper()
	g := tf.NewGraph()
	shape := m.ImageShape()
	dims := []int64{int64(batch), int64(shape[0]), int64(shape[1]), int64(shape[2])}
	x, err := placeholder(g, "images", tf.Float, dims...)
	if err != nil {
		t.Fatal(err)
	}
	logits, err := m.Build(g, "network", x, BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run(t, m, g, x, pixels(dims...), logits)
}

func run(t *testing.T, m *Model, g *tf.Graph, x tf.Output, images *tf.Tensor, y tf.Output) []float64 {
	t.Helper()
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	err = m.Initialize(g, func(feeds map[tf.Output]*tf.Tensor, targets []*tf.Operation) error {
		_, err := session.Run(feeds, nil, targets)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := session.Run(map[tf.Output]*tf.Tensor{x: images}, []tf.Output{y}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var flat []float64
	for _, row := range results[0].Value().([][]float32) {
		for _, v := range row {
			flat = append(flat, float64(v))
		}
	}
	return flat
}

// pixels are grey levels that any language can make: pixel i is 31 i mod 251.
func pixels(dims ...int64) *tf.Tensor {
	values := make([]float32, tensors.Elements(dims))
	for i := range values {
		values[i] = float32(31 * i % 251)
	}
	images, err := tf.NewTensor(values)
	if err != nil {
		panic(err)
	}
	if err := images.Reshape(dims); err != nil {
		panic(err)
	}
	return images
}

// centre takes each row's mean off: probabilities tell logits only up to a constant.
func centre(logits []float64, classes int) {
	for row := 0; row < len(logits); row += classes {
		mean := 0.0
		for _, v := range logits[row : row+classes] {
			mean += v / float64(classes)
		}
		for k := row; k < row+classes; k++ {
			logits[k] -= mean
		}
	}
}

func compare(t *testing.T, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d scores, want %d", len(got), len(want))
	}
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i := range got {
		if diff := math.Abs(got[i] - want[i]); !(diff <= tolerance*largest) {
			t.Fatalf("score %d is %g, want %g", i, got[i], want[i])
		}
	}
}
