package savedmodels

import (
	"fmt"
	"math"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/runtime"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	tf "github.com/wamuir/graft/tensorflow"
)

// shapes are a probe's, as graphdef asks for them.
type shapes struct{ *probe }

func (s shapes) Shape(t graphdef.Tensor) []int64 {
	if s.ops[t.Node] == nil || t.Index >= s.ops[t.Node].NumOutputs() {
		return nil
	}
	return s.shape(t)
}

func (s shapes) Type(t graphdef.Tensor) types_go_proto.DataType {
	return types_go_proto.DataType(s.output(t).DataType())
}

// findHead finds out what the output is, from the options, the ops that make it and, where these do not tell, its values for some
// images, and ends the graph at the logits. What cannot be told is an error that says what to write.
func (m *Model) findHead() error {
	p, err := m.probe(m.graph, m.trialBatch())
	if err != nil {
		return err
	}
	out := p.output(m.graph.Output)
	if !carries(out.DataType()) {
		return fmt.Errorf("the output is %s, not one row of class scores for each image: output.name chooses another", out.Shape())
	}
	shape := p.shape(m.graph.Output)
	if len(shape) == 0 {
		return fmt.Errorf("the output's shape stays open when the images' shape is known")
	}
	one := len(shape) == 1 || shape[len(shape)-1] == 1
	found := m.graph.Head(shapes{p})
	if done, err := m.headOfOps(found, one); done || err != nil {
		return err
	}
	if one {
		return m.headOfOne(found.Kind == graphdef.Affine, shapes{p})
	}
	switch declared := m.options.Head; {
	case declared == HeadBinary:
		return fmt.Errorf("output.head: %s is for one score per image, and the output is %s", HeadBinary, graphdef.ShapeString(shape))
	case declared == HeadLogits || declared == HeadAuto && found.Kind == graphdef.Affine:
		m.head.Kind = HeadLogits
		return nil
	case declared == HeadLogSoftmax:
		m.head.Kind, m.logs = HeadLogSoftmax, true
		return nil
	case declared == HeadSigmoid && found.Kind == graphdef.Affine:
		m.head.Kind = HeadSigmoid
		return nil
	}
	return m.headOfValues(shapes{p})
}

// headOfOps takes the head that the ops tell of, if any does. One says that there is one score for each image.
func (m *Model) headOfOps(found graphdef.Head, one bool) (done bool, err error) {
	kind := map[string]string{
		graphdef.Softmax: HeadSoftmax, graphdef.LogSoftmax: HeadLogSoftmax, graphdef.Sigmoid: HeadSigmoid,
	}[found.Kind]
	if kind == "" {
		return false, nil
	}
	if found.Kind != graphdef.Sigmoid && found.Columns == 1 {
		return false, fmt.Errorf("the output is a softmax over one class, which is 1 for every image: export the network with a sigmoid")
	}
	if one {
		kind = HeadBinary
	}
	full := m.graph
	cut, err := m.graph.WithLogits(found)
	if err != nil {
		return false, fmt.Errorf("end the network at its logits: %w", err)
	}
	head := Head{Kind: kind}
	if !one && found.Classes != nil {
		head.Classes = len(found.Classes)
	}
	if !found.Plain {
		understood, err := m.understood(full, cut, head, found)
		if !understood || err != nil {
			return false, err
		}
	}
	switch declared := m.options.Head; {
	case declared == HeadAuto || declared == kind || declared == HeadSigmoid && kind == HeadBinary:
	case declared == HeadLogits && kind == HeadLogSoftmax:
		// Its softmax is that of the logits, and its own values are what is asked for.
		m.head.Kind = HeadLogits
		return true, nil
	default:
		return false, fmt.Errorf("output.head: %s does not fit the output, which the op %s makes: leave it out, or say %s",
			declared, map[string]string{graphdef.Softmax: "Softmax", graphdef.LogSoftmax: "LogSoftmax", graphdef.Sigmoid: "Sigmoid"}[found.Kind], kind)
	}
	m.graph, m.head = cut, head
	return true, nil
}

// headOfOne finds out whether a single score per image is a probability or its logit.
func (m *Model) headOfOne(affine bool, p graphdef.Prober) error {
	declared := m.options.Head
	if !slices.Contains([]string{HeadAuto, HeadBinary, HeadSigmoid}, declared) {
		return fmt.Errorf("the output is one score per image, and output.head: %s wants one per class: say output.head: %s", declared, HeadBinary)
	}
	m.head.Kind = HeadBinary
	if affine {
		return nil
	}
	rows, _, err := m.sample(m.graph, nil)
	if err != nil {
		return err
	}
	probability := true
	for _, row := range rows {
		probability = probability && row[0] >= -1e-6 && row[0] <= 1+1e-6
	}
	switch {
	case !probability:
		return nil
	case declared == HeadAuto:
		return fmt.Errorf("the output is one score per image, within 0..1 for the images tried, which no sigmoid op makes: "+
			"say output.head: %s if it is the probability of class 1", HeadBinary)
	}
	m.graph, err = m.graph.WithLogit(p)
	return err
}

// headOfValues decides by the output's values for some images.
func (m *Model) headOfValues(p graphdef.Prober) error {
	rows, _, err := m.sample(m.graph, nil)
	if err != nil {
		return err
	}
	kind, declared := kindOf(rows), m.options.Head
	switch {
	case declared == HeadSigmoid && (kind == unitInterval || kind == simplex || kind == constantValues && inUnit(rows)):
		m.head.Kind = HeadSigmoid
		m.graph, err = m.graph.WithLogit(p)
		return err
	case declared == HeadSigmoid:
		m.head.Kind = HeadSigmoid
		return nil
	case kind == simplex || kind == percentages || declared == HeadSoftmax && kind == constantValues && inUnit(rows):
		m.head.Kind = HeadSoftmax
		m.graph, err = m.graph.WithLog(p)
		return err
	case declared == HeadSoftmax:
		sum := 0.0
		for _, v := range rows[0] {
			sum += float64(v)
		}
		return fmt.Errorf("output.head: %s, but the output is not probabilities: for an image it adds up to %.3g; its head is %s (or %s, if each "+
			"class is a probability of its own)", HeadSoftmax, sum, HeadLogits, HeadSigmoid)
	case kind == logarithms:
		m.head.Kind = HeadLogSoftmax
		return nil
	case kind == unitInterval || kind == constantValues && inUnit(rows):
		return fmt.Errorf("the output is within 0..1 for the images tried, does not add up to 1, and no sigmoid op makes it: say output.head: %s "+
			"if each class is a probability of its own, or %s", HeadSigmoid, HeadLogits)
	}
	m.head.Kind = HeadLogits
	return nil
}

func inUnit(rows [][]float32) bool {
	for _, row := range rows {
		if slices.ContainsFunc(row, func(v float32) bool { return !(v >= -1e-6 && v <= 1+1e-6) }) {
			return false
		}
	}
	return true
}

// understood says whether the probabilities of the logits are the network's own output for some images.
func (m *Model) understood(full, cut *graphdef.Graph, head Head, found graphdef.Head) (bool, error) {
	was := m.head
	m.head = head
	defer func() { m.head = was }()
	outputs, logits, err := m.sample(full, cut)
	if err != nil {
		return false, err
	}
	head.Classes, head.Columns = len(outputs[0]), len(logits[0])
	if head.Kind == HeadBinary {
		head.Classes = 2
	}
	for i, row := range outputs {
		for c, v := range row {
			got := float64(v) / found.Scale
			if found.Kind == graphdef.LogSoftmax {
				got = math.Exp(float64(v))
			}
			if head.Kind == HeadBinary {
				c = 1
			}
			if !(math.Abs(got-head.Probability(logits[i], c)) <= 1e-2) {
				return false, nil
			}
		}
	}
	return true, nil
}

// sampled is how many images tell what an output is.
const sampled = 12

// sample runs the network on some images of noise, ramps and plain grey. It returns the rows of its output, and of the logits of cut
// if that is given.
func (m *Model) sample(full, cut *graphdef.Graph) (outputs, logits [][]float32, err error) {
	step := max(m.batch, 1)
	batch := (sampled + step - 1) / step * step
	if m.batch > 0 {
		batch = m.batch
	}
	g := tf.NewGraph()
	size := m.shape[0] * m.shape[1] * m.shape[2]
	x, err := placeholder(g, "image", tf.Float, int64(batch), int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2]))
	if err != nil {
		return nil, nil, err
	}
	image, err := m.preprocess(g, "sample", x)
	if err != nil {
		return nil, nil, err
	}
	weights, err := m.addWeights(g)
	if err != nil {
		return nil, nil, err
	}
	wanted := []tf.Output{}
	out, err := importFlat(g, "full", full, image, weights)
	if err != nil {
		return nil, nil, err
	}
	a := adder{g: g, prefix: "full/output"}
	out = a.op("Reshape", a.cast(out, tf.Float), a.constant([]int32{int32(batch), -1}))
	if a.err != nil {
		return nil, nil, a.err
	}
	wanted = append(wanted, out)
	if cut != nil {
		if out, err = importFlat(g, "cut", cut, image, weights); err == nil {
			out, err = m.finish(g, "cut", int64(batch), out)
		}
		if err != nil {
			return nil, nil, err
		}
		wanted = append(wanted, out)
	}
	session, err := runtime.NewSession(g, runtime.Device{})
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	if err := session.Initialize(m.Initialize); err != nil {
		return nil, nil, err
	}
	rows := make([][][]float32, 2)
	for done := 0; done < sampled; done += batch {
		fetches := make([]runtime.Fetch, len(wanted))
		for i, w := range wanted {
			fetches[i] = runtime.Fetch{From: w, Into: make([]float32, int64(batch)*w.Shape().Size(1))}
		}
		if err := session.Run([]runtime.Feed{{To: x, Floats: sampleImages(done, batch, size)}}, fetches); err != nil {
			return nil, nil, fmt.Errorf("try the network on some images: %w", err)
		}
		for i, f := range fetches {
			width := len(f.Into) / batch
			for k := range batch {
				rows[i] = append(rows[i], f.Into[k*width:(k+1)*width])
			}
		}
	}
	return rows[0], rows[1], nil
}

// sampleImages makes images number first and on: noise of full and of little contrast, ramps, and plain grey.
func sampleImages(first, count, size int) []float32 {
	pixels := make([]float32, count*size)
	state := uint32(2463534242)
	for i := range pixels {
		image, at := first+i/size, i%size
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		noise := float32(state>>8) / (1 << 24)
		switch image % 4 {
		case 0:
			pixels[i] = 255 * noise
		case 1:
			pixels[i] = float32(20*image%200) + 40*noise
		case 2:
			pixels[i] = 255 * float32(at) / float32(size)
		default:
			pixels[i] = float32(60 * image % 256)
		}
	}
	return pixels
}
