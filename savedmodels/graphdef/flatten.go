package graphdef

import "fmt"

// Flatten inlines what a signature's output needs into one flat graph. The errors name the file and the node or function: an
// op that is refused, a condition that is not a constant, functions that call themselves, an input without a default, an
// output that does not depend on the image.
func (m *SavedModel) Flatten(signature Signature, input, output Argument) (*Graph, error) {
	g, err := m.flatten(signature, input, output)
	if err != nil {
		return nil, fmt.Errorf("inline signature %q of %s: %w", signature.Name, m.file, err)
	}
	return g, nil
}

func (m *SavedModel) flatten(signature Signature, input, output Argument) (*Graph, error) {
	if input.Tensor == "" || output.Tensor == "" {
		return nil, fmt.Errorf("%q and %q must both be dense tensors", input.Name, output.Name)
	}
	order, err := m.main.sort([]string{output.Tensor})
	if err != nil {
		return nil, err
	}
	if err := m.check(output); err != nil {
		return nil, err
	}
	keys, err := m.checkpointKeys()
	if err != nil {
		return nil, fmt.Errorf("find the variables' names in the checkpoint: %w", err)
	}
	image, _, _ := splitTensor(input.Tensor)
	in := &inliner{
		model: m, image: image, defaults: map[string]*Node{}, keys: keys, paths: m.variablePaths(), budget: maxNodes,
		names: map[string]int{}, reads: map[*Node]*Node{}, folded: map[*Node][]float64{}, rules: inlineRules(),
	}
	in.input = &Node{Name: in.unique(image), Op: "Placeholder"}
	for _, arg := range signature.Inputs {
		value := m.signature[signature.Name].GetDefaults()[arg.Name]
		if value == nil || arg.Tensor == input.Tensor {
			continue
		}
		node, _, _ := splitTensor(arg.Tensor)
		given := constNode(in.unique(node), value)
		if err := checkTensor(arg.Name, value); err != nil {
			return nil, err
		}
		in.defaults[node] = given
	}
	main := *m.main
	main.order = order
	main.consts = map[int]*Node{}
	for _, b := range m.bodies {
		b.consts = map[int]*Node{}
	}
	results, err := in.inline(&scope{body: &main}, []string{output.Tensor})
	if err != nil {
		return nil, err
	}
	g, err := newGraph(results[0], in.input, m.graph.GetVersions())
	if err == nil {
		g.CustomGradients = in.custom
	}
	return g, err
}
