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

	// Refused lists the ops that stand in the way of the chosen signature, as far as the allow-list finds them.
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
}

// Inspect looks at the SavedModel in dir as Open does with the same options. It is an error only if saved_model.pb cannot be
// read; all else that is wrong with the model is in the inspection.
func Inspect(dir string, o Options) (*Inspection, error) {
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
	refused, err := saved.Refusals(output)
	i.Refused = refused
	m, openErr := Open(dir, o)
	if i.Problem = openErr; openErr == nil {
		i.Problem = err
	}
	var one *graphdef.RefusedError
	if len(i.Refused) == 0 && errors.As(openErr, &one) {
		i.Refused = []graphdef.Refusal{one.Refusal}
	}
	if m != nil {
		i.describe(m)
	}
	return i, nil
}

func (i *Inspection) describe(m *Model) {
	i.Head, i.ImageShape, i.Batch, i.Classes = m.head.Kind, m.shape, m.batch, m.head.Classes
	i.Custom = m.custom
	i.Ops, i.Path, i.Variables = m.graph.Histogram(), m.path, len(m.graph.Variables)
	for _, w := range m.weights {
		i.Parameters += elements(w.Shape())
	}
}
