package runtime

import (
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		architecture string
		amx, avx512  bool
		want, err    string
	}{
		{"amd64", true, true, "AMX", ""},
		{"amd64", false, true, "AVX512_BF16", ""},
		{"amd64", false, false, "", "neither AMX nor AVX512_BF16"},
		{"arm64", false, false, "", "this one is arm64"},
	} {
		got, err := units(c.architecture, c.amx, c.avx512)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if _, err := Bfloat16Units(Device{GPU: true}); err == nil {
		t.Error("TensorFlow's rewriter leaves GPUs in float32")
	}
	t.Setenv("TF_ENABLE_ONEDNN_OPTS", "0")
	if _, err := Bfloat16Units(Device{}); err == nil || !strings.Contains(err.Error(), "TF_ENABLE_ONEDNN_OPTS=0") {
		t.Errorf("without oneDNN: %v", err)
	}
}

func TestSmallestMemory(t *testing.T) {
	present := []tf.Device{{Type: "CPU", MemoryLimitBytes: 1}, {Type: "GPU", MemoryLimitBytes: 30}, {Type: "GPU", MemoryLimitBytes: 20}}
	for _, c := range []struct {
		gpus []Device
		want int64
	}{
		{[]Device{{GPU: true}}, 30}, {[]Device{{GPU: true}, {GPU: true, Index: 1}}, 20}, {[]Device{{GPU: true, Index: 1}}, 20},
	} {
		if got, err := smallest(present, c.gpus); err != nil || got != c.want {
			t.Errorf("%v: %d, %v; want %d", c.gpus, got, err, c.want)
		}
	}
	if _, err := smallest(present, []Device{{GPU: true, Index: 2}}); err == nil {
		t.Error("the memory of a GPU that is not there")
	}
}
