package graphdef

import "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

// maxObjectDepth bounds the attributes of attributes on the way to a variable.
const maxObjectDepth = 256

// variablePaths says by which attribute names each variable of the main graph is reached from the root object. The saved
// functions name the objects that they capture, which are the last inputs of the call in the main graph. It is how Python finds
// variables, and the only way where Keras 3 saved a copy of each and restores that one alone (tf.saved_model.save of a model).
func (m *SavedModel) variablePaths() map[string][]string {
	paths := objectPaths(m.objects.GetNodes())
	found := map[string][]string{}
	for _, n := range m.main.nodes {
		function := n.GetAttr()["f"].GetFunc().GetName()
		captured := m.objects.GetConcreteFunctions()[function].GetBoundInputs()
		inputs := dataInputs(n)
		if len(captured) > len(inputs) {
			continue
		}
		for i, input := range inputs[len(inputs)-len(captured):] {
			if path := paths[captured[i]]; path != nil {
				found[nodeName(input)] = path
			}
		}
	}
	return found
}

// objectPaths is the shortest path of attribute names from the root to every variable.
func objectPaths(objects []*for_core_protos_go_proto.SavedObject) map[int32][]string {
	type step struct {
		from int32
		name string
	}
	if len(objects) == 0 {
		return nil
	}
	reached := map[int32]step{0: {from: -1}}
	queue := []int32{0}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, child := range objects[id].GetChildren() {
			to := child.GetNodeId()
			if _, again := reached[to]; !again && to >= 0 && int(to) < len(objects) {
				reached[to] = step{id, child.GetLocalName()}
				queue = append(queue, to)
			}
		}
	}
	paths := map[int32][]string{}
	for id := range reached {
		if objects[id].GetVariable() == nil {
			continue
		}
		var path []string
		for at := id; reached[at].from >= 0 && len(path) <= maxObjectDepth; at = reached[at].from {
			path = append([]string{reached[at].name}, path...)
		}
		if len(path) <= maxObjectDepth {
			paths[id] = path
		}
	}
	return paths
}
