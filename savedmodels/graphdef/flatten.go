package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
)

// Flatten inlines what a signature's output needs into one flat graph. With an inference (nil: without) it decides conditions and
// the number of a loop's turns also where they follow from the image's shape. The errors name the file and the node or function:
// an op that is refused, a condition that depends on the pixels, functions that call themselves, an input without a default, an
// output that does not depend on the image.
func (m *SavedModel) Flatten(signature Signature, input, output Argument, inference Inference) (*Graph, error) {
	g, err := m.flatten(signature, input, output, inference)
	if err != nil {
		return nil, fmt.Errorf("inline signature %q of %s: %w", signature.Name, m.file, err)
	}
	return g, nil
}

func (m *SavedModel) flatten(signature Signature, input, output Argument, inference Inference) (*Graph, error) {
	if input.Tensor == "" && !input.Inside || output.Tensor == "" {
		return nil, fmt.Errorf("%q and %q must both be dense tensors", input.Name, output.Name)
	}
	within := ""
	if input.Inside {
		within = input.Name
	}
	order, err := m.main.sortFrom(within, []string{output.Tensor})
	if err != nil {
		return nil, err
	}
	keys, err := m.checkpointKeys()
	if err != nil {
		return nil, fmt.Errorf("find the variables' names in the checkpoint: %w", err)
	}
	image, _, _ := splitTensor(input.Tensor)
	in := &inliner{
		model: m, image: image, defaults: map[string]*Node{}, keys: keys, paths: m.variablePaths(), budget: maxNodes,
		names: map[string]int{}, reads: map[*Node]*Node{}, rules: inlineRules(),
		folder: folder{values: map[*Node][]float64{}}, decider: folder{values: map[*Node][]float64{}, inference: inference},
	}
	if in.within = within; input.Inside {
		in.image = ""
	}
	in.input = &Node{Name: in.unique("image"), Op: "Placeholder"}
	for _, arg := range signature.Inputs {
		value := m.signature[signature.Name].GetDefaults()[arg.Name]
		node, _, _ := splitTensor(arg.Tensor)
		if k, exists := m.main.index[node]; value == nil && trainingArgument(arg) && exists && m.main.nodes[k].GetOp() == "Placeholder" {
			// Without any value it is false.
			value = &tensor_go_proto.TensorProto{Dtype: arg.DType, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}}
		}
		if value == nil || arg.Tensor == input.Tensor {
			continue
		}
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
		g.Decided = in.decider.asked > 0
	}
	return g, err
}
