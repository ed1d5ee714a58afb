package graphdef

import (
	"fmt"
	"maps"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"upi/savedmodels/tensors"
)

// DefaultSignature is the one that TensorFlow Serving calls.
const DefaultSignature = "serving_default"

// Signature is one way to call a SavedModel. Inputs and Outputs are sorted by name.
type Signature struct {
	Name    string
	Inputs  []Argument
	Outputs []Argument
}

// Argument is an input or an output of a signature.
type Argument struct {
	Name   string
	Tensor string // in the main graph
	DType  types_go_proto.DataType
	Shape  []int64 // -1: open; nil: of open rank
	// HasDefault marks an input that may be left out: it has a default, or it switches training on, which is left off.
	HasDefault bool
	// Inside marks a tensor inside the graph in place of an input. Name is the path to it.
	Inside bool
}

// String shows an argument as "name float32[?,28,28,1]".
func (a Argument) String() string {
	return fmt.Sprintf("%s %s%s", a.Name, TypeName(a.DType), ShapeString(a.Shape))
}

// Signatures lists what the model offers, without the initialisation op that TensorFlow stores as a signature.
func (m *SavedModel) Signatures() []Signature {
	var all []Signature
	for _, name := range slices.Sorted(maps.Keys(m.signature)) {
		def := m.signature[name]
		if len(def.GetInputs()) == 0 {
			continue
		}
		s := Signature{Name: name, Inputs: arguments(def.GetInputs()), Outputs: arguments(def.GetOutputs())}
		for i, in := range s.Inputs {
			_, given := def.GetDefaults()[in.Name]
			node, _, _ := splitTensor(in.Tensor)
			k, exists := m.main.index[node]
			s.Inputs[i].HasDefault = given || exists && m.main.nodes[k].GetOp() == "PlaceholderWithDefault" || trainingArgument(in)
		}
		all = append(all, s)
	}
	return all
}

// Choose picks the signature, its image input and its output by name. An empty name means the only one, or for the signature
// the one called serving_default, for the input the only one without a default, or where all have one the only one that could be
// images, and for the output the only one that holds class scores. The error lists what there is.
func (m *SavedModel) Choose(signature, input, output string) (s Signature, in, out Argument, err error) {
	all := m.Signatures()
	k := slices.IndexFunc(all, func(s Signature) bool {
		return s.Name == signature || signature == "" && (len(all) == 1 || s.Name == DefaultSignature)
	})
	if k < 0 {
		names := make([]string, len(all))
		for i, s := range all {
			names[i] = s.Name
		}
		if signature == "" {
			return s, in, out, fmt.Errorf("choose a signature of %s: none is called %s, name one: %s", m.file, DefaultSignature, orNone(names))
		}
		return s, in, out, fmt.Errorf("choose a signature of %s: no %q; there are: %s", m.file, signature, orNone(names))
	}
	s = all[k]
	if in, err = m.chooseInput(s, input); err != nil {
		return s, in, out, fmt.Errorf("choose an input of signature %q of %s: %w", s.Name, m.file, err)
	}
	if output == "" && len(s.Outputs) > 1 {
		if scores, ok := m.chooseScores(s, in); ok {
			return s, in, scores, nil
		}
	}
	if out, err = pick(s.Outputs, s.Outputs, output); err != nil {
		return s, in, out, fmt.Errorf("choose an output of signature %q of %s (output.name in a configuration): %w", s.Name, m.file, err)
	}
	return s, in, out, nil
}

// chooseInput picks an input of a signature or, by its path, a tensor inside.
func (m *SavedModel) chooseInput(s Signature, name string) (Argument, error) {
	if a, ok := m.Inside(name); ok && !slices.ContainsFunc(s.Inputs, func(in Argument) bool { return in.Name == name }) {
		return a, nil
	}
	in, err := pick(imageInputs(s.Inputs), s.Inputs, name)
	if err == nil && in.DType == types_go_proto.DataType_DT_STRING {
		return in, m.encodedError(s, in)
	}
	if len(s.Inputs) == 1 && s.Inputs[0].DType == types_go_proto.DataType_DT_STRING {
		return in, fmt.Errorf("no %q; %w", name, m.encodedError(s, s.Inputs[0]))
	}
	return in, err
}

// imageInputs are the inputs that have to be given, or, where all have defaults, those that a batch of images fits into.
func imageInputs(inputs []Argument) []Argument {
	candidates := slices.DeleteFunc(slices.Clone(inputs), func(a Argument) bool { return a.HasDefault })
	if len(candidates) > 0 {
		return candidates
	}
	return slices.DeleteFunc(slices.Clone(inputs), func(a Argument) bool {
		number := a.DType != types_go_proto.DataType_DT_BOOL && a.DType != types_go_proto.DataType_DT_STRING
		return !number || a.Shape != nil && len(a.Shape) < 2
	})
}

func pick(candidates, all []Argument, name string) (Argument, error) {
	if name == "" && len(candidates) == 1 {
		return candidates[0], nil
	}
	for _, a := range all {
		if a.Name == name {
			return a, nil
		}
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.String()
	}
	if name == "" {
		return Argument{}, fmt.Errorf("there are several, name one: %s", orNone(names))
	}
	return Argument{}, fmt.Errorf("no %q; there are: %s", name, orNone(names))
}

func arguments(infos map[string]*for_core_protos_go_proto.TensorInfo) []Argument {
	args := make([]Argument, 0, len(infos))
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		info := infos[name]
		a := Argument{Name: name, Tensor: info.GetName(), DType: info.GetDtype()}
		if shape := info.GetTensorShape(); shape != nil && !shape.GetUnknownRank() {
			a.Shape = tensors.Shape(shape)
		}
		args = append(args, a)
	}
	return args
}
