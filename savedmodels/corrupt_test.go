package savedmodels

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// flips is the number of damaged copies per file; 72,000 in all were tried once.
const flips = 100

// TestCorrupt cuts each file of a SavedModel short and flips bits in it: Open and Build must return, where TensorFlow could
// abort the process. A flipped bit may fall on what does not matter, such as a name, so that it need not be an error.
func TestCorrupt(t *testing.T) {
	tests := []struct {
		source, file string
	}{
		{"module", "saved_model.pb"},
		{"constant_control", "saved_model.pb"},
		{"module", "variables/variables.index"},
		{"module", "variables/variables.data-00000-of-00001"},
	}
	for _, test := range tests {
		t.Run(test.source+"/"+test.file, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", test.source))); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, test.file)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for cut := 0; cut < len(content); cut += 1 + len(content)/60 {
				if openDamaged(t, dir, file, content[:cut]) == nil && cut < len(content)/2 {
					t.Errorf("no error when cut to %d of %d bytes", cut, len(content))
				}
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range flips {
				damaged := append([]byte(nil), content...)
				damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
				openDamaged(t, dir, file, damaged)
			}
		})
	}
}

func openDamaged(t *testing.T, dir, file string, content []byte) error {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	shape := m.ImageShape()
	g := tf.NewGraph()
	x, err := placeholder(g, "images", tf.Float, 2, int64(shape[0]), int64(shape[1]), int64(shape[2]))
	if err != nil {
		return err
	}
	_, err = m.Build(g, "network", x, BuildOptions{})
	return err
}
