package parity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upi/data/table"
	"upi/internal/pythontest"
	"upi/savedmodels"
)

// A network is an entry of networks.json, which python/make_parity_models.py writes.
type network struct {
	Name    string
	Ops     int    // of Python's frozen graph
	Head    string // of its output
	Half    bool   // has 16-bit floats; the references' network does not
	Options savedmodels.Options
	// Replaced are the operations of which TensorFlow's Python lacks a derivative or has a wrong one: both references are made
	// with others in their place, and checked against central differences.
	Replaced []string

	rows map[string][]reference // by explanation
}

// A reference is one image of one network, explained in one way, by TensorFlow's Python: class, probabilities, the explanation
// at Pixels and its map, the distance to the map at Moved and that distance's gradient.
type reference struct {
	Network       string    `parquet:"network"`
	Explanation   string    `parquet:"explanation"`
	Image         int64     `parquet:"image"`
	Class         int64     `parquet:"class"`
	Pixels        []float32 `parquet:"pixels"`
	Moved         []float32 `parquet:"moved"`
	Probabilities []float32 `parquet:"probabilities"`
	Map           []float32 `parquet:"map"`
	// In float64 and in float32.
	FirstDouble  []float32 `parquet:"first_double"`
	FirstSingle  []float32 `parquet:"first_single"`
	SecondDouble []float32 `parquet:"second_double"`
	SecondSingle []float32 `parquet:"second_single"`
	Distance     float64   `parquet:"distance"`
	// Jump is 1 - cosine of the float64 gradients, first or second, to those of images that are moved by as little as float32
	// rounds, the worst of some: the images are chosen so that it is small.
	Jump float64 `parquet:"jump"`
	// Error is how far SecondDouble is from central differences, relative to its norm; -1 if no operation is replaced.
	Error float64 `parquet:"error"`
}

func (r reference) first() (single, double []float32)  { return r.FirstSingle, r.FirstDouble }
func (r reference) second() (single, double []float32) { return r.SecondSingle, r.SecondDouble }

const root = "../.."

// foreignPython is the environment variable that names the Python which has the packages of python/requirements-foreign.txt.
const foreignPython = "UPI_FOREIGN_PYTHON"

// A set is networks that one script makes.
type set struct {
	// cache has a folder for each version of the scripts: of those named by their hash, all are complete.
	cache string
	// scripts begin with the one to run. The requirements say which TensorFlow and Keras write the networks.
	scripts []string
	python  func(testing.TB) string
}

var own = set{
	cache:   root + "/.deps/parity",
	scripts: []string{"make_parity_models.py", "parity_networks.py", "parity_forms.py", "parity_reference.py", "requirements.txt"},
	python:  pythontest.Interpreter,
}

var foreign = set{
	cache: root + "/.deps/parity-foreign",
	scripts: []string{
		"make_parity_foreign.py", "make_parity_models.py", "parity_networks.py", "parity_forms.py", "parity_reference.py",
		"requirements-foreign.txt",
	},
	python: func(t testing.TB) string {
		python := os.Getenv(foreignPython)
		if _, err := os.Stat(python); err != nil {
			t.Fatalf("%s names no Python; 'make parity-foreign' makes one: %v", foreignPython, err)
		}
		return python
	},
}

// networks returns the folder of the networks, and all networks with their references. They are made once, 1.4 GB in a few
// minutes, and again when a script changes. "go test" repeats its last result only while the files that a test opened are as
// they were: these are the scripts, here, and the networks, all within the module.
func (s set) networks(t *testing.T) (string, []*network) {
	t.Helper()
	hash := sha256.New()
	for _, name := range s.scripts {
		content, err := os.ReadFile(filepath.Join(root, "python", name))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(content)
	}
	folder := filepath.Join(s.cache, hex.EncodeToString(hash.Sum(nil))[:16])
	if _, err := os.Stat(folder); err != nil {
		if err := s.write(t, folder); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(filepath.Join(folder, "networks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*network
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		rows, err := table.ReadAll[reference](filepath.Join(folder, n.Name+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		n.rows = map[string][]reference{}
		for _, row := range rows {
			n.rows[row.Explanation] = append(n.rows[row.Explanation], row)
		}
	}
	return folder, all
}

// write makes the folder, which appears when it is complete, and removes those of other versions.
func (s set) write(t *testing.T, folder string) error {
	t.Helper()
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(s.cache, "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	ctx := context.Background()
	if deadline, ok := t.Deadline(); ok {
		// Before the test's own end, which would leave the interpreter running.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		defer cancel()
	}
	command := exec.CommandContext(ctx, s.python(t), filepath.Join(root, "python", s.scripts[0]), temporary)
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("make the networks: no time left; test with a longer -timeout")
	}
	if err != nil {
		return fmt.Errorf("make the networks: %w\n%s", err, output)
	}
	others, err := os.ReadDir(s.cache)
	if err != nil {
		return err
	}
	for _, other := range others {
		if !strings.HasPrefix(other.Name(), "making-") && other.Name() != filepath.Base(folder) {
			if err := os.RemoveAll(filepath.Join(s.cache, other.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Rename(temporary, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return err // but for another test that was quicker
	}
	return nil
}
