package runtime

import (
	"slices"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	protos "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"upi/savedmodels/ops"
)

// squares is a graph of y = x * x for x of shape [2, 1].
func squares(t *testing.T) (g *tf.Graph, x, y tf.Output) {
	t.Helper()
	s := ops.NewScope(tf.NewGraph(), "squares")
	x = s.Placeholder(tf.Float, 2, 1)
	y = s.One("Square", nil, x)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return s.Graph(), x, y
}

func TestRun(t *testing.T) {
	g, x, y := squares(t)
	s, err := NewSession(g, Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make([]float32, 2)
	if err := s.Run([]Feed{{To: x, Floats: []float32{3, -4}}}, []Fetch{{From: y, Into: got}}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{9, 16}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestRefusals holds what would end the process inside TensorFlow, or give nonsense.
func TestRefusals(t *testing.T) {
	g, x, y := squares(t)
	open := ops.NewScope(g, "open").Placeholder(tf.Float, -1, 1)
	s, err := NewSession(g, Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	right := Feed{To: x, Floats: []float32{1, 2}}
	for _, c := range []struct {
		name  string
		feed  Feed
		fetch Fetch
		want  string
	}{
		{"too few numbers", Feed{To: x, Floats: []float32{1}}, Fetch{y, make([]float32, 2)}, "1 numbers, the placeholder of shape [2 1] takes 2"},
		{"integers", Feed{To: x, Ints: []int32{1, 2}}, Fetch{y, make([]float32, 2)}, "the placeholder takes"},
		{"open shape", Feed{To: open, Floats: []float32{1}}, Fetch{y, make([]float32, 2)}, "open shape"},
		{"small destination", right, Fetch{y, make([]float32, 1)}, "does not fit 1 float32 numbers"},
	} {
		err := s.Run([]Feed{c.feed}, []Fetch{c.fetch})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestSelect(t *testing.T) {
	devices, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	gpus := 0
	for _, d := range devices {
		if d.Type == "GPU" {
			gpus++
		}
	}
	if got, err := Select("cpu"); err != nil || !slices.Equal(got, []Device{{}}) {
		t.Errorf("cpu: %v, %v", got, err)
	}
	if got, err := Select("auto"); err != nil || gpus == 0 && !slices.Equal(got, []Device{{}}) || gpus > 0 && len(got) != gpus {
		t.Errorf("auto with %d GPUs: %v, %v", gpus, got, err)
	}
	for name, want := range map[string]string{
		"gpu:99": "not there: TensorFlow sees only /job:localhost",
		"tpu":    "none of auto, cpu, gpu, gpu:N",
		"gpu:-1": "none of auto, cpu, gpu, gpu:N",
	} {
		if _, err := Select(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	if gpus == 0 {
		if _, err := Select("gpu"); err == nil || !strings.Contains(err.Error(), "device: cpu") {
			t.Errorf("gpu without one: error %v, want one that says what to do", err)
		}
	}
}

func TestSessionOptions(t *testing.T) {
	for _, c := range []struct {
		device     Device
		operations int
		precision  Precision
		check      func(*protos.ConfigProto) bool
	}{
		{Device{}, 10_000, Float32, func(o *protos.ConfigProto) bool {
			return o.IntraOpParallelismThreads == 1 && o.InterOpParallelismThreads == -1 && o.GpuOptions == nil &&
				o.GraphOptions.RewriteOptions.Remapping == protos.RewriterConfig_OFF
		}},
		{Device{}, 10_001, Bfloat16, func(o *protos.ConfigProto) bool { return o.GraphOptions.RewriteOptions.DisableMetaOptimizer }},
		{Device{}, 10_000, Bfloat16, func(o *protos.ConfigProto) bool {
			r := o.GraphOptions.RewriteOptions
			return r.AutoMixedPrecisionOnednnBfloat16 == protos.RewriterConfig_ON && r.Remapping == protos.RewriterConfig_OFF
		}},
		{Device{GPU: true, Index: 1}, 1, Float32, func(o *protos.ConfigProto) bool {
			return o.GpuOptions.AllowGrowth && o.AllowSoftPlacement && o.InterOpParallelismThreads == 0
		}},
	} {
		encoded, err := config(c.device, c.operations, c.precision)
		if err != nil {
			t.Fatal(err)
		}
		var options protos.ConfigProto
		if err := proto.Unmarshal(encoded, &options); err != nil {
			t.Fatal(err)
		}
		if !c.check(&options) {
			t.Errorf("%s: %v", c.device, &options)
		}
	}
}

// TestPinned runs a graph pinned to a GPU that is not there: with soft placement it runs on the CPU.
func TestPinned(t *testing.T) {
	g, x, y := squares(t)
	s, err := NewSession(g, Device{GPU: true, Index: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if device := s.own(y).Op.Device(); device != "/device:GPU:1" {
		t.Errorf("pinned to %q", device)
	}
	got := make([]float32, 2)
	if err := s.Run([]Feed{{To: x, Floats: []float32{3, -4}}}, []Fetch{{From: y, Into: got}}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{9, 16}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
