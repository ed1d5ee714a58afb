package graphdef

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

func write(t *testing.T, content string, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFindVersions(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"9", "10", "latest", "11/deeper"} {
		write(t, "", dir, "net", version, FileName)
	}
	write(t, "", dir, "net", "12", "unfinished")
	for path, want := range map[string]string{
		filepath.Join(dir, "net"):       filepath.Join(dir, "net", "10"),
		filepath.Join(dir, "net", "9"):  filepath.Join(dir, "net", "9"),
		filepath.Join(dir, "net", "12"): filepath.Join(dir, "net", "12"),
	} {
		if got, err := Find(path); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", path, got, err, want)
		}
	}
	if _, err := Read(filepath.Join(dir, "none")); err == nil {
		t.Error("read a path that is not there")
	}
}

// TestForeign: the commands themselves were run by hand; docs/models.md says which.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	var graph graph_go_proto.GraphDef
	if err := prototext.Unmarshal([]byte(`node { name: "in" op: "Placeholder" } node { name: "mid" op: "Relu" input: "in" }
		node { name: "out" op: "Softmax" input: "mid" } node { name: "unused" op: "Const" }`), &graph); err != nil {
		t.Fatal(err)
	}
	frozen, err := proto.Marshal(&graph)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, content, want string }{
		{"a net.keras", "PK", `.keras', compile=False).export('` + dir + `/a net_savedmodel')"`},
		{"it's.h5", "", `load_model('` + dir + `/it\\'s.h5'`},
		{"w.weights.h5", "", "without the model"},
		{"net.tflite", "", "tf2onnx.convert --tflite " + dir + "/net.tflite"},
		{"net.onnx", "", "onnx2tf -i " + dir + "/net.onnx -o " + dir + "/net_savedmodel -osd"},
		{"net.pth", "", "ONNX"},
		{"frozen.pb", string(frozen), `{'image': t('in:0')}, {'scores': t('out:0')}`},
		{FileName, "", "give its directory, " + dir},
	}
	for _, test := range tests {
		path := write(t, test.content, dir, test.name)
		if err := Foreign(path); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not say %q", test.name, err, test.want)
		}
		if _, err := Find(path); err == nil {
			t.Errorf("%s was found as a SavedModel", test.name)
		}
	}
	for _, name := range []string{"images.parquet", "broken.pb", "none"} {
		path := filepath.Join(dir, name)
		if name != "none" {
			write(t, "\xff\xff\xff", dir, name)
		}
		if err := Foreign(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
