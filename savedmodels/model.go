// Package savedmodels opens a TensorFlow SavedModel directory as one checked, flat, frozen inference graph, and adds it to
// graphs of ours. The model's own program never runs: only the ops that its logits need do, once an allow-list has passed them.
package savedmodels

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// Layouts of the network's input. Images are NHWC everywhere else.
const (
	NHWC = "NHWC"
	NCHW = "NCHW"
)

// Options say how a SavedModel is to be read. The zero value fits what Keras exports.
type Options struct {
	Signature, Input, Output string // default: the only one; of several signatures, serving_default

	Head   string // HeadAuto (default) or what the output is
	Layout string // NHWC (default) or NCHW

	// The network's input is Scale*pixels + Offset. Scale 0 means 1.
	Scale, Offset PerChannel
	// Channels is their order in the network: RGB (default) or BGR. Scale and Offset are in that order.
	Channels string `json:",omitempty"`
	// Preprocess names a convention in place of Scale, Offset and Channels: one of Conventions.
	Preprocess string `json:",omitempty"`

	// Shape is the images' height, width and channels where the signature leaves them open. Zero: as the signature says.
	Shape [3]int

	// IgnoreCustomGradients differentiates the ops of the network also where Python gives them another gradient.
	IgnoreCustomGradients bool `json:",omitempty"`
}

// Model is an image classifier, ready to be added to graphs. It is safe for concurrent use.
type Model struct {
	dir       string
	options   Options
	input     graphdef.Argument
	graph     *graphdef.Graph
	weights   []*tf.Tensor  // by Variable.Position
	types     []tf.DataType // of the weights
	weightsID string        // equal for models of equal weights, in hex

	head      Head
	logs      bool   // the logits must be logarithms of probabilities
	raw       bool   // the end of the graph is not known to be logits
	wide      *Model // the same in float32, nil where there are no 16-bit floats
	inputType tf.DataType
	shape     [3]int
	batch     int // -1 unless the signature fixes more than one image
	unit      int // images of one call of the graph; 0: any number
	path      []OpUse
	saved     contents
	custom    []string
	asSaved   func() (*Model, error) // nil where the model is so

	arrangement arrangement // of the images in the network's input
}

// Open reads the SavedModel in dir: it checks its ops, inlines its functions, reads the variables that the logits need and
// infers the number of classes. Errors name the file and what to do: no such signature, input or output (with a list of those
// there are), an op that is refused, an input that is no image, a corrupt checkpoint.
func Open(dir string, o Options) (*Model, error) {
	m, err := openAsSaved(dir, o)
	if err != nil || m.Half() {
		return m, err
	}
	if err := m.lighten(); err != nil {
		return nil, fmt.Errorf("open %s: fold its batch normalisations: %w", m.dir, err)
	}
	m.asSaved = sync.OnceValues(func() (*Model, error) { return openAsSaved(dir, o) })
	return m, nil
}

// openAsSaved leaves the graph as it was saved.
func openAsSaved(dir string, o Options) (*Model, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	dir, err := graphdef.Find(dir)
	if err != nil {
		return nil, err
	}
	saved, err := graphdef.Read(dir)
	if err != nil {
		return nil, err
	}
	signature, input, output, err := saved.Choose(o.Signature, o.Input, o.Output)
	if err != nil {
		return nil, err
	}
	m := &Model{dir: dir, options: o, input: input, inputType: tf.DataType(input.DType)}
	if err := m.arrangeInput(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := m.flatten(saved, signature, input, output); err != nil {
		return nil, err
	}
	m.custom = m.graph.CustomGradients
	if err := m.lower(saved); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := m.relaxInput(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := m.readWeights(filepath.Join(dir, "variables", "variables")); err != nil {
		return nil, err
	}
	if err := m.findHead(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := m.trial(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if m.wide, err = m.widen(); err != nil {
		return nil, fmt.Errorf("open %s: put float32 in place of its 16-bit floats: %w", dir, err)
	}
	m.saved = m.contents()
	return m, nil
}

// ImageShape is the images' height, width and channels.
func (m *Model) ImageShape() [3]int { return m.shape }

// Batch is the batch size that the signature fixes, -1 if it leaves it open or takes one image. Build takes multiples of it.
func (m *Model) Batch() int { return m.batch }

// Classes is the number K of classes.
func (m *Model) Classes() int { return m.head.Classes }

// Head says what the signature's output is, and how to read the logits that Build returns in every case.
func (m *Model) Head() Head { return m.head }

// Bytes is the size of the network's weights in memory.
func (m *Model) Bytes() int64 {
	var total int64
	for _, w := range m.weights {
		total += 4 * tensors.Elements(w.Shape())
	}
	return total
}

// Differentiable is an error if Python, by tf.custom_gradient, gives some nodes of the network another gradient than the derivative of
// their ops, unless the options ignore that. Such gradients are not followed.
func (m *Model) Differentiable() error {
	n := len(m.custom)
	if n == 0 || m.options.IgnoreCustomGradients {
		return nil
	}
	return fmt.Errorf("tf.custom_gradient gives %d of the network's nodes a gradient of its own, which is not followed (%s): "+
		"custom_gradients: ignore differentiates their ops instead", n, strings.Join(m.custom[:min(n, 5)], ", "))
}

// Rectifiers reports whether the network has any that a surrogate replaces.
func (m *Model) Rectifiers() bool {
	_, replaced := m.graph.Smooth(1)
	return replaced > 0
}

// Path lists the ops from the image to the logits that a gradient has to pass, sorted by type.
func (m *Model) Path() []OpUse { return m.path }

// Half says that the network calculates with 16-bit floats.
func (m *Model) Half() bool { return m.wide != nil }

// widen returns the model in float32, nil if it is so already.
func (m *Model) widen() (*Model, error) {
	graph, wider, err := m.graph.Widen()
	if err != nil {
		return nil, err
	}
	wide := *m
	wide.graph = graph
	if wide.inputType == tf.Half || wide.inputType == tf.Bfloat16 {
		wide.inputType, wider = tf.Float, true
	}
	if !wider {
		return nil, nil
	}
	_, err = wide.probe(wide.graph, wide.trialBatch())
	return &wide, err
}

// trial infers the shapes for one batch size, to find the classes and the ops on the path.
func (m *Model) trial() error {
	batch := m.trialBatch()
	p, err := m.probe(m.graph, batch)
	if err != nil {
		return err
	}
	logits, err := m.finish(p.graph, "logits", int64(batch), p.output(m.graph.Output))
	if err != nil {
		return err
	}
	m.head.Columns = int(logits.Shape().Size(1))
	if m.head.Classes == 0 {
		m.head.Classes = m.head.Columns
	}
	m.path = p.path()
	if err := p.checkTraining(); err != nil {
		return err
	}
	if m.unit == 0 {
		return m.checkBatch(p, m.trialSizes()[1])
	}
	return nil
}

// trialBatch is the batch that the graph is for, or a size that no side of an image has.
func (m *Model) trialBatch() int {
	if m.unit > 0 {
		return m.unit
	}
	return m.trialSizes()[0]
}

func (o *Options) setDefaults() error {
	if o.Head == "" {
		o.Head = HeadAuto
	}
	if o.Layout == "" {
		o.Layout = NHWC
	}
	if !slices.Contains(heads, o.Head) {
		return fmt.Errorf("head %q: must be one of %s", o.Head, strings.Join(heads, ", "))
	}
	if o.Layout != NHWC && o.Layout != NCHW {
		return fmt.Errorf("layout %q: must be %s or %s", o.Layout, NHWC, NCHW)
	}
	return o.setInput()
}
