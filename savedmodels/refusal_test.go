package savedmodels

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefused opens the models of testdata that must not be opened.
func TestRefused(t *testing.T) {
	for _, data := range []string{"testdata", "testdata/inputs", "testdata/xla"} {
		for _, want := range readExpectations(t, data) {
			if want.Error == "" {
				continue
			}
			t.Run(want.Name, func(t *testing.T) {
				dir := filepath.Join(data, want.Name)
				_, err := Open(dir, want.options())
				wantError(t, err, want.Error, dir)
			})
		}
	}
}

// TestBesideTheScores runs a model that writes a file when it is called, which its scores do not need: that op is not taken over.
func TestBesideTheScores(t *testing.T) {
	const written = "/tmp/written"
	if _, err := os.Stat(written); err == nil {
		t.Skipf("%s is there already", written)
	}
	logitsOf(t, open(t, "writes_file", Options{}), 2)
	if _, err := os.Stat(written); err == nil {
		t.Errorf("the model wrote %s", written)
	}
}

func TestOpenOptions(t *testing.T) {
	tests := []struct {
		name, dir string
		options   Options
		want      []string
	}{
		{"no directory", "nothing", Options{}, []string{"testdata/nothing"}},
		{"head", "module", Options{Head: "relu"}, []string{`"relu"`, "auto, logits, softmax, log_softmax, sigmoid, binary"}},
		{"layout", "module", Options{Layout: "HWC"}, []string{`"HWC"`, "NHWC or NCHW"}},
		{"signature", "several", Options{Signature: "none"}, []string{"other, serving_default"}},
		{"output that is no score", "several", Options{Signature: "other", Output: "a"}, []string{"the output is [3], not one row"}},
		{"unknown output", "several", Options{Signature: "other", Output: "c"}, []string{`no "c"`, "b float32[?,3]"}},
		{"input", "two_inputs", Options{}, []string{"gain float32[]", "image float32[?,4,4,2]"}},
		{"open size", "open_size", Options{}, []string{"[?,?,?,3]", "declare"}},
		{"other size", "module", Options{Shape: [3]int{5, 4, 2}}, []string{"[?,4,4,2]", "[5 4 2]"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(filepath.Join("testdata", test.dir), test.options)
			wantError(t, err, test.want...)
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
