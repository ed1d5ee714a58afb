package graphdef

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
)

// written makes a SavedModel whose main graph feeds image x through the given nodes to a tensor y.
func written(t *testing.T, nodes string, functions ...string) []byte {
	t.Helper()
	text := `meta_graphs { meta_info_def { tags: "serve" }
		signature_def { key: "serving_default" value {
			inputs { key: "x" value { name: "x:0" dtype: DT_FLOAT } }
			outputs { key: "y" value { name: "y:0" dtype: DT_FLOAT } } } }
		graph_def { node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } } ` +
		nodes + ` library { ` + strings.Join(functions, " ") + ` } } }`
	var saved for_core_protos_go_proto.SavedModel
	if err := prototext.Unmarshal([]byte(text), &saved); err != nil {
		t.Fatal(err)
	}
	content, err := proto.Marshal(&saved)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// function is a library function of one float argument "a" whose result is the named tensor.
func function(name, result, nodes string) string {
	return fmt.Sprintf(`function { signature { name: %q input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
		ret { key: "r" value: %q } %s }`, name, result, strings.ReplaceAll(nodes, "node {", "node_def {"))
}

func call(name, function, input string) string {
	return fmt.Sprintf(`node { name: %q op: "PartitionedCall" input: %q attr { key: "f" value { func { name: %q } } }
		attr { key: "Tout" value { list { type: DT_FLOAT } } } }`, name, input, function)
}

func constant(name, dims, values string) string {
	return fmt.Sprintf(`node { name: %q op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
		attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { %s } %s } } } }`, name, dims, values)
}

// doubling is a chain of functions of which each calls the next twice: 2^n nodes from a few lines.
func doubling(n int) []string {
	var functions []string
	for i := range n {
		next := fmt.Sprintf("f%d", i+1)
		functions = append(functions, function(fmt.Sprintf("f%d", i), "q:output:0", call("p", next, "a")+call("q", next, "p:output:0")))
	}
	return append(functions, function(fmt.Sprintf("f%d", n), "n:y:0", `node { name: "n" op: "Neg" input: "a" }`))
}

func nesting(n int) []string {
	var functions []string
	for i := range n {
		functions = append(functions, function(fmt.Sprintf("f%d", i), "p:output:0", call("p", fmt.Sprintf("f%d", i+1), "a")))
	}
	return append(functions, function(fmt.Sprintf("f%d", n), "a", ""))
}

func TestHostile(t *testing.T) {
	endless := `node { name: "y" op: "While" input: "x" attr { key: "T" value { list { type: DT_FLOAT } } }
		attr { key: "cond" value { func { name: "always" } } } attr { key: "body" value { func { name: "same" } } } }`
	always := function("always", "c:output:0", `node { name: "c" op: "Const" attr { key: "dtype" value { type: DT_BOOL } }
		attr { key: "value" value { tensor { dtype: DT_BOOL tensor_shape {} bool_val: true } } } }`)
	tests := []struct {
		name      string
		nodes     string
		functions []string
		want      string
	}{
		{"function calls itself", call("y", "f", "x"), []string{function("f", "p:output:0", call("p", "f", "a"))}, "calls itself (f -> f)"},
		{"functions call each other", call("y", "f", "x"), []string{
			function("f", "p:output:0", call("p", "g", "a")), function("g", "p:output:0", call("p", "f", "a")),
		}, "calls itself (f -> g -> f)"},
		{"deep calls", call("y", "f0", "x"), nesting(100), "more than 64 deep"},
		{"doubling calls", call("y", "f0", "x"), doubling(40), "more than 1000000 nodes"},
		{"endless loop", endless, []string{always, function("same", "a", "")}, "more than 1024 turns"},
		{"cycle of nodes", `node { name: "y" op: "Neg" input: "z" } node { name: "z" op: "Neg" input: "y" }`, nil, "depends on itself"},
		{"node is its own input", `node { name: "y" op: "AddV2" input: "y" input: "x" }`, nil, "depends on itself"},
		{"no such input", `node { name: "y" op: "Neg" input: "z" }`, nil, `"z" does not exist`},
		{"no such function", call("y", "f", "x"), nil, `function "f" does not exist`},
		{"no such result", call("y", "f", "x"), []string{function("f", "b", "")}, `"b" of function "f" does not exist`},
		{"too few arguments", `node { name: "y" op: "PartitionedCall" attr { key: "f" value { func { name: "f" } } } }`,
			[]string{function("f", "a", "")}, "takes 1 arguments"},
		{"huge output number", `node { name: "z" op: "Identity" input: "x" } node { name: "y" op: "Neg" input: "z:99999999999999999999" }`, nil, "does not exist"},
		{"name twice", `node { name: "y" op: "Neg" input: "x" } node { name: "y" op: "Neg" input: "x" }`, nil, "defined twice"},
		{"function twice", call("y", "f", "x"), []string{function("f", "a", ""), function("f", "a", "")}, "defined twice"},
		{"unknown op", `node { name: "y" op: "CompanyOp" input: "x" }`, nil, `op CompanyOp (node "y" in the main graph) is refused`},
		{"output apart from the image", constant("y", "", "int_val: 1"), nil, "does not depend on the input"},
		{"no condition", `node { name: "y" op: "If" }`, nil, "has no condition"},
		{"huge constant", constant("s", "dim { size: 1000000 } dim { size: 1000000 }", "int_val: 1") +
			`node { name: "y" op: "Reshape" input: "x" input: "s" }`, nil, "more than 268435456 elements"},
		{"overflowing constant", constant("s", "dim { size: 4294967296 } dim { size: 4294967296 }", "int_val: 1") +
			`node { name: "y" op: "Reshape" input: "x" input: "s" }`, nil, "more than 268435456 elements"},
		{"negative constant", constant("s", "dim { size: -1 }", "int_val: 1") + `node { name: "y" op: "Reshape" input: "x" input: "s" }`, nil, "unknown size"},
		{"constant of another type", strings.Replace(constant("s", "", "int_val: 1"), "type: DT_INT32", "type: DT_FLOAT", 1) +
			`node { name: "y" op: "Reshape" input: "x" input: "s" }`, nil, "has a value of type"},
		{"huge fill", constant("s", "dim { size: 2 }", "int_val: [1000000, 1000000]") + constant("v", "", "int_val: 1") +
			`node { name: "f" op: "Fill" input: "s" input: "v" } node { name: "y" op: "Reshape" input: "x" input: "f" }`, nil, "makes 1e+12 elements"},
		{"read of no variable", `node { name: "y" op: "ReadVariableOp" input: "x" }`, nil, "not a variable"},
		{"variable not in the checkpoint", `node { name: "v" op: "VarHandleOp" } node { name: "r" op: "ReadVariableOp" input: "v" }
			node { name: "y" op: "AddV2" input: "x" input: "r" }`, nil, "not restored from the checkpoint"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := flattenDefault(written(t, test.nodes, test.functions...))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

// flattenDefault goes all the way from bytes to a flat GraphDef.
func flattenDefault(content []byte) (*Graph, error) {
	m, err := Parse(content)
	if err != nil {
		return nil, err
	}
	s, in, out, err := m.Choose("", "", "")
	if err != nil {
		return nil, err
	}
	g, err := m.Flatten(s, in, out, nil)
	if err != nil {
		return nil, err
	}
	_, err = g.Def()
	return g, err
}

// TestImageWithDefault takes the image through a placeholder that has a default, which must not be taken instead.
func TestImageWithDefault(t *testing.T) {
	content := written(t, `node { name: "y" op: "Neg" input: "x" }`)
	m, err := Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	m.main.nodes[0].Op = "PlaceholderWithDefault"
	s, in, out, err := m.Choose("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Flatten(s, in, out, nil); err != nil {
		t.Error(err)
	}
}

func TestLongChain(t *testing.T) {
	const length = 200_000
	var nodes strings.Builder
	nodes.WriteString(`node { name: "n0" op: "Neg" input: "x" }`)
	for i := 1; i < length; i++ {
		fmt.Fprintf(&nodes, `node { name: "n%d" op: "Neg" input: "n%d" }`, i, i-1)
	}
	fmt.Fprintf(&nodes, `node { name: "y" op: "Neg" input: "n%d" }`, length-1)
	g, err := flattenDefault(written(t, nodes.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != length+2 {
		t.Errorf("%d nodes", len(g.Nodes))
	}
}
