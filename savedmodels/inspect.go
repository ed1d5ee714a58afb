package savedmodels

import (
	"errors"

	"upi/savedmodels/graphdef"
)

// Inspection is what can be told of a SavedModel without running it, for people to read.
type Inspection struct {
	Dir        string
	Signatures []graphdef.Signature

	// What the options choose. Empty if Problem says that they choose nothing.
	Signature     string
	Input, Output graphdef.Argument

	// Refused lists the ops that stand in the way: those that the chosen output needs and that are refused.
	Refused []graphdef.Refusal
	// Problem is why Open refuses the model; nil if it does not. What follows is empty in that case.
	Problem error

	Head       string
	ImageShape [3]int
	Batch      int // -1: open
	Classes    int
	Variables  int            // that the logits need
	Parameters int64          // in them
	Ops        map[string]int // of the flat graph up to the logits
	Path       []OpUse        // the ops that a gradient has to pass
	// Custom are the nodes to which Python gives a gradient of their own, which is not used here.
	Custom []string
	// Layer is the layer of the last convolution, nil if there is none: see [Model.Layer].
	Layer *Layer
}

// Inspect looks at the SavedModel in dir as Open does with the same options. It is an error only if saved_model.pb cannot be
// read; all else that is wrong with the model is in the inspection.
func Inspect(dir string, o Options) (*Inspection, error) {
	dir, err := graphdef.Find(dir)
	if err != nil {
		return nil, err
	}
	saved, err := graphdef.Read(dir)
	if err != nil {
		return nil, err
	}
	i := &Inspection{Dir: dir, Signatures: saved.Signatures()}
	signature, input, output, err := saved.Choose(o.Signature, o.Input, o.Output)
	if err != nil {
		i.Problem = err
		return i, nil
	}
	i.Signature, i.Input, i.Output = signature.Name, input, output
	m, err := Open(dir, o)
	i.Problem = err
	var refused *graphdef.RefusedError
	if errors.As(err, &refused) {
		i.Refused = append([]graphdef.Refusal{refused.Refusal}, refused.Others...)
	}
	if m != nil {
		i.describe(m)
	}
	return i, nil
}

func (i *Inspection) describe(m *Model) {
	i.Head, i.ImageShape, i.Batch, i.Classes = m.head.Kind, m.shape, m.batch, m.head.Classes
	i.Custom = m.custom
	i.Ops, i.Path, i.Variables, i.Parameters = m.saved.ops, m.path, m.saved.variables, m.saved.parameters
	if plain, err := m.AsSaved(); err == nil {
		if l, err := plain.Layer(""); err == nil {
			i.Layer = &l
		}
	}
}
