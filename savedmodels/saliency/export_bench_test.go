package saliency

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
)

// An exported program is what bench/profile.py runs: a graph, what is fed and fetched, and the weights, a file of float32 each.
type exportedProgram struct {
	Batch   int                `json:"batch"`
	Shape   [3]int             `json:"shape"`
	Feeds   map[string]string  `json:"feeds"`
	Fetches []string           `json:"fetches"`
	Start   []string           `json:"start"`
	Weights map[string][]int64 `json:"weights"` // the number of the file, then the shape
}

// TestExport writes the graph of the dissimilarity of a network's simple gradients, for the benchmark to profile:
//
//	UPI_EXPORT=DIR UPI_NETWORK=SAVEDMODEL UPI_BATCH=N go test -run '^TestExport$' ./savedmodels/saliency
func TestExport(t *testing.T) {
	dir := os.Getenv("UPI_EXPORT")
	if dir == "" {
		t.Skip("UPI_EXPORT names no folder")
	}
	batch, err := strconv.Atoi(os.Getenv("UPI_BATCH"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := savedmodels.Open(os.Getenv("UPI_NETWORK"), savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewDissimilarity(m, &SimpleGradient{}, Settings{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	n := o.network
	e := exportedProgram{
		Batch: batch, Shape: m.ImageShape(), Weights: map[string][]int64{},
		Feeds: map[string]string{"pixels": n.pixels.Op.Name(), "classes": n.class.Op.Name(), "reference": o.reference.Op.Name()},
	}
	for _, f := range []tf.Output{o.value, o.gradient} {
		e.Fetches = append(e.Fetches, f.Op.Name()+":"+strconv.Itoa(f.Index))
	}
	write(t, filepath.Join(dir, "graph.pb"), func(f *os.File) error {
		_, err := n.Graph().WriteTo(f)
		return err
	})
	err = m.Initialize(n.Graph(), func(feeds map[tf.Output]*tf.Tensor, start []*tf.Operation) error {
		for _, op := range start {
			e.Start = append(e.Start, op.Name())
		}
		for to, weights := range feeds {
			number := len(e.Weights)
			write(t, filepath.Join(dir, strconv.Itoa(number)+".f32"), func(f *os.File) error {
				_, err := weights.WriteContentsTo(f)
				return err
			})
			e.Weights[to.Op.Name()] = append([]int64{int64(number)}, weights.Shape()...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "program.json"), func(f *os.File) error { return json.NewEncoder(f).Encode(e) })
}

func write(t *testing.T, path string, content func(*os.File) error) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := content(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
