package savedmodels

import (
	"fmt"
	"math"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
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
	if !ops.Carries(out.DataType()) {
		return fmt.Errorf("the output is %s, not one row of class scores for each image: output.name chooses another", out.Shape())
	}
	shape := p.shape(m.graph.Output)
	if len(shape) == 0 {
		return fmt.Errorf("the output's shape stays open when the images' shape is known")
	}
	alone := len(shape) == 1 && !m.arrangement.single // the classes of a single image have no axis beside them
	one := alone || shape[len(shape)-1] == 1
	found := m.graph.Head(shapes{p}, alone)
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
	return m.headOfValues(shapes{p}, found.Kind != graphdef.Affine && found.Kind != graphdef.Unknown)
}

// headOfOps takes the head that the ops tell of, if any does. One says that there is one score for each image.
func (m *Model) headOfOps(found graphdef.Head, one bool) (done bool, err error) {
	type made struct{ kind, op string }
	by, told := map[string]made{
		graphdef.Softmax:    {HeadSoftmax, "Softmax"},
		graphdef.LogSoftmax: {HeadLogSoftmax, "LogSoftmax"},
		graphdef.Sigmoid:    {HeadSigmoid, "Sigmoid"},
	}[found.Kind]
	if !told {
		return false, nil
	}
	kind := by.kind
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
			declared, by.op, kind)
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

// headOfValues decides by the output's values for some images. doubtful says that there is an op for probabilities, whose numbers the
// output does not have.
func (m *Model) headOfValues(p graphdef.Prober, doubtful bool) error {
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
		out := m.graph.Output
		m.graph, err = m.graph.WithLog(p)
		// Where they are no more than the output's logarithm, the images that are explained show whether it adds up to 1.
		m.logs = err == nil && kind == simplex && m.graph.Output.Node.IsLogOf(out)
		return err
	case declared == HeadSoftmax:
		sum := 0.0
		for _, v := range rows[0] {
			sum += float64(v)
		}
		return fmt.Errorf("output.head: %s, but the output is not probabilities: for an image it adds up to %.3g; its head is %s "+
			"(or %s, if each class is a probability of its own)", HeadSoftmax, sum, HeadLogits, HeadSigmoid)
	case kind == logarithms:
		m.head.Kind = HeadLogSoftmax
		return nil
	case doubtful:
		return fmt.Errorf("the output is made of probabilities and is none itself: say what it is, output.head: %s, %s or %s",
			HeadLogits, HeadSoftmax, HeadSigmoid)
	case kind == unitInterval || kind == constantValues && inUnit(rows):
		return fmt.Errorf("the output is within 0..1 for the images tried, does not add up to 1, and no sigmoid op makes it: "+
			"say output.head: %s if each class is a probability of its own, or %s", HeadSigmoid, HeadLogits)
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
