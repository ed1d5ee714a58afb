package graphdef

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"
)

// Foreign is the error for a file that holds a network in another format than a SavedModel: what it is and the command that makes
// a SavedModel of it. It is nil for every other file.
func Foreign(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	to := strings.TrimSuffix(path, filepath.Ext(path)) + "_savedmodel"
	say := func(what, command string) error {
		return fmt.Errorf("%s is %s, not a SavedModel; this makes one of it: %s", path, what, command)
	}
	name := strings.ToLower(filepath.Base(path))
	switch filepath.Ext(name) {
	case ".keras", ".h5", ".hdf5":
		if strings.HasSuffix(name, ".weights.h5") {
			return fmt.Errorf("%s is the weights of a Keras model without the model: build the model in Python, load_weights(%s), "+
				"and model.export(%s)", path, quoted(path), quoted(to))
		}
		return say("a Keras model", python("import keras; keras.saving.load_model(%s, compile=False).export(%s)", path, to))
	case ".tflite":
		onnx := strings.TrimSuffix(path, filepath.Ext(path)) + ".onnx"
		// onnx2tf takes an input for [B, C, H, W], which tf2onnx makes of one that it is told the name of.
		name := python("import tensorflow as tf; print(tf.lite.Interpreter(%s).get_input_details()[0]['name'])", path)
		return say("a TensorFlow Lite model", fmt.Sprintf("python -m tf2onnx.convert --tflite %s --output %s --inputs-as-nchw \"$(%s)\" "+
			"&& onnx2tf -i %s -o %s -osd", shell(path), shell(onnx), name, shell(onnx), shell(to)))
	case ".onnx":
		return say("an ONNX model", fmt.Sprintf("onnx2tf -i %s -o %s -osd", shell(path), shell(to)))
	case ".pt", ".pth", ".safetensors":
		return fmt.Errorf("%s is the weights of a PyTorch model, not a SavedModel: export the model by way of ONNX (docs/models.md)",
			path)
	case ".pb":
		if name == FileName {
			return fmt.Errorf("%s is the graph of a SavedModel: give its directory, %s", path, filepath.Dir(path))
		}
		return frozen(path, to, say)
	}
	return nil
}

// frozen tells how to give a frozen graph of TensorFlow 1 a signature, with the names of its input and its output.
func frozen(path, to string, say func(what, command string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	var graph graph_go_proto.GraphDef
	if err != nil || len(content) > maxFileBytes || (proto.UnmarshalOptions{RecursionLimit: maxMessageDepth}).Unmarshal(content, &graph) != nil {
		return nil
	}
	input, output := "INPUT", "OUTPUT"
	used := map[string]bool{}
	for _, n := range graph.GetNode() {
		for _, in := range n.GetInput() {
			used[nodeName(in)] = true
		}
		if n.GetOp() == "Placeholder" && input == "INPUT" {
			input = n.GetName()
		}
	}
	for _, n := range graph.GetNode() {
		if !used[n.GetName()] && n.GetOp() != "Placeholder" && n.GetOp() != "Const" && n.GetOp() != "NoOp" {
			output = n.GetName()
		}
	}
	if len(graph.GetNode()) == 0 {
		return nil
	}
	return say("a frozen graph of TensorFlow 1", python("import tensorflow.compat.v1 as tf; tf.disable_eager_execution(); "+
		"tf.import_graph_def(tf.GraphDef.FromString(open(%s, 'rb').read()), name=''); s = tf.Session(); t = s.graph.get_tensor_by_name; "+
		"tf.saved_model.simple_save(s, %s, {'image': t(%s)}, {'scores': t(%s)})", path, to, input+":0", output+":0"))
}

// python is a command line that runs a line of Python with the given strings in it.
func python(line string, values ...string) string {
	literals := make([]any, len(values))
	for i, v := range values {
		literals[i] = quoted(v)
	}
	return "python -c " + shell(fmt.Sprintf(line, literals...))
}

// quoted is a string as Python writes it.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

// shell quotes an argument of a command line, in double quotes since Python's strings above have single ones.
func shell(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./+:=,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s) + `"`
}
