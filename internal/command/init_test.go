package command

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"upi/pipeline/config"
	"upi/savedmodels"
)

// TestInitText: what is found of a network stands in a configuration that reads back to it.
func TestInitText(t *testing.T) {
	s := &start{name: "net", model: "my models/net", fit: "shards/fit-*.parquet", test: "it's/test.parquet", shape: [3]int{224, 224, 3},
		head: savedmodels.Head{Kind: savedmodels.HeadSoftmax, Classes: 1000}, images: [2]int64{5000, 150}, resize: config.Resize{Mode: "crop", Size: 224},
		setting: "input: {scale: [0.5, 1, 2], offset: -0.5}", advice: strings.Repeat("a long advice ", 30)}
	cfg, err := load(s.text())
	if err != nil {
		t.Fatal(err)
	}
	m := cfg.Models[0]
	if m.Path != "my models/net" || !slices.Equal(m.Input.Scale, config.PerChannel{0.5, 1, 2}) || !slices.Equal(m.Input.Offset, config.PerChannel{-0.5}) {
		t.Errorf("model %+v", m)
	}
	if d := cfg.Data; d.Fit.Path != s.fit || d.Fit.Limit != 200 || d.Test.Path != s.test || d.Test.Limit != 0 || d.Pictures.Resize != s.resize {
		t.Errorf("data %+v", d)
	}
	for _, line := range strings.Split(s.text(), "\n") {
		if len(line) > 140 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}

// TestInitSurrogate: where the attacks need a surrogate they get one, and random does not.
func TestInitSurrogate(t *testing.T) {
	s := &start{name: "net", model: "net", fit: "fit.parquet", test: "test.parquet", shape: [3]int{17, 23, 1},
		head: savedmodels.Head{Kind: savedmodels.HeadBinary, Classes: 2}, images: [2]int64{30, 30}, surrogate: true}
	cfg, err := load(s.text())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range cfg.Attacks {
		settings, err := json.Marshal(a.Settings)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Contains(string(settings), `"beta":30`), a.Kind != "random"; got != want {
			t.Errorf("%s: %s", a.Name, settings)
		}
	}
}

// TestBudget: 510 for 32 x 32 x 3 values, and as strong for each value of larger images.
func TestBudget(t *testing.T) {
	for values, want := range map[int]float64{32 * 32 * 3: 510, 28 * 28: 260, 224 * 224 * 3: 3600} {
		if got := budget(values); got != want {
			t.Errorf("%d values: %g, want %g", values, got, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	for dir, want := range map[string]string{"a/b/my net+1/": "my_net_1", "/x/.hidden": "hidden", "models/äöü": "model", "m": "m"} {
		if got := nameOf(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}
