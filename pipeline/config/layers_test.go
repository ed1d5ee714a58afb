package config

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// write makes the files of one test case and returns the path of main.yml.
func write(t interface {
	Helper()
	Fatal(...any)
}, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "main.yml")
}

const base = `
name: base
seed: 7
memory: 2GiB
data:
  fit: {path: fit.parquet, limit: 10}
  test: {path: test.parquet}
models:
  - {name: cnn, path: savedmodels/cnn}
  - {name: cnn.v2, path: savedmodels/v2, input: {scale: 0.5}}
explanations:
  - {name: sg, kind: simple_gradient}
attacks:
  - {name: pca, kind: upi_pca, eps: [255, 8/255], steps: [{size: 1}, {size: 2, count: 3}]}
  - {name: Noise, kind: random}
`

func TestLayers(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		env   map[string]string
		sets  []string
		look  func(*Config) any
		want  any
	}{
		{"a child's value wins and its neighbours stay",
			map[string]string{"main.yml": "extends: sub/base.yml\ndata: {fit: {limit: 3}}", "sub/base.yml": base}, nil, nil,
			func(c *Config) any { return c.Data.Fit }, Split{Path: "fit.parquet", Limit: 3}},
		{"columns hold for both splits, but for those of a split's own",
			map[string]string{"main.yml": "extends: base.yml\ndata: {image: img, id: file, test: {label: kind, id: none}}", "base.yml": base}, nil, nil,
			func(c *Config) any { return []any{c.Data.Fit.Columns, c.Data.Test.Columns} },
			[]any{Columns{Image: "img", ID: "file"}, Columns{Image: "img", Label: "kind", ID: "none"}}},
		{"three files deep",
			map[string]string{"main.yml": "extends: sub/mid.yml", "sub/mid.yml": "extends: ../base.yml\nworkers: 3", "base.yml": base}, nil, nil,
			func(c *Config) any { return []any{c.Workers, c.Name} }, []any{3, "base"}},
		{"a child replaces a value of another type",
			map[string]string{"main.yml": "extends: base.yml\nmemory: 1073741824", "base.yml": base}, nil, nil,
			func(c *Config) any { return c.Memory }, Bytes(1 << 30)},
		{"a child's seeds withdraw the parent's seed",
			map[string]string{"main.yml": "extends: base.yml\nseeds: [1, 2]", "base.yml": base}, nil, nil,
			func(c *Config) any { return c.Seeds }, []uint64{1, 2}},
		{"the environment wins over files",
			map[string]string{"main.yml": base}, map[string]string{"UPI_SEED": "9", "UPI_DATA_FIT_PATH": "x.parquet", "UPI_PYTHON": "python3"}, nil,
			func(c *Config) any { return []any{c.Seeds, c.Data.Fit} }, []any{[]uint64{9}, Split{Path: "x.parquet", Limit: 10}}},
		{"--set wins over the environment",
			map[string]string{"main.yml": base}, map[string]string{"UPI_SEED": "9"}, []string{"seeds=[4,5]", "name=ResNet50"},
			func(c *Config) any { return []any{c.Seeds, c.Name} }, []any{[]uint64{4, 5}, "ResNet50"}},
		{"an environment list",
			map[string]string{"main.yml": base}, map[string]string{"UPI_EVALUATION_METRICS": "[cosine]"}, nil,
			func(c *Config) any { return c.Evaluation.Metrics }, []string{"cosine"}},
		{"--set enters a list by name",
			map[string]string{"main.yml": base}, nil, []string{"attacks.pca.eps=[510]", "attacks.Noise.norm=linf", "attacks.pca.smoothing.draws=4"},
			func(c *Config) any {
				a, b := c.Attacks[0].Settings.(*pca), c.Attacks[1].Settings.(*pca)
				return []any{a.Eps, a.Smoothing.Draws, b.Norm}
			}, []any{[]Pixels{510}, 4, "linf"}},
		{"--set finds the longest name",
			map[string]string{"main.yml": base}, nil, []string{"models.cnn.v2.input.scale=3"},
			func(c *Config) any { return []PerChannel{c.Models[0].Input.Scale, c.Models[1].Input.Scale} }, []PerChannel{{1}, {3}}},
		{"numbers per channel",
			map[string]string{"main.yml": base}, nil,
			[]string{"models.cnn.input.scale=1/127.5", "models.cnn.input.offset=[-103.939,-116.779,-1]", "models.cnn.input.channels=bgr"},
			func(c *Config) any {
				in := c.Models[0].Input
				return []any{in.Scale, in.Offset, in.Channels}
			},
			[]any{PerChannel{1 / 127.5}, PerChannel{-103.939, -116.779, -1}, "bgr"}},
		{"a convention by name",
			map[string]string{"main.yml": base}, nil, []string{"models.cnn.input.preprocess=caffe"},
			func(c *Config) any { return c.Models[0].Input.Preprocess }, "caffe"},
		{"the settings' defaults",
			map[string]string{"main.yml": base}, nil, nil,
			func(c *Config) any {
				a, b := c.Attacks[0].Settings.(*pca), c.Attacks[1].Settings.(*pca)
				return []any{a.Norm, a.Eps, a.Every, a.Steps, b.Eps}
			},
			[]any{"l2", []Pixels{255, 8}, time.Minute, []step{{1, 10}, {2, 3}}, []Pixels{255, 510, 1020}}},
		{"the name is the file's if there is none",
			map[string]string{"main.yml": strings.Replace(base, "name: base", "", 1)}, nil, nil,
			func(c *Config) any { return c.Name }, "main"},
		{"keys in any case, values as written",
			map[string]string{"main.yml": base + "\nDEVICE: gpu:1\nEvaluation: {Sign: plus}"}, nil, nil,
			func(c *Config) any { return []string{c.Device, c.Evaluation.Sign, c.Attacks[1].Name} }, []string{"gpu:1", "plus", "Noise"}},
		{"anchors and merge keys",
			map[string]string{"main.yml": strings.Replace(base, "- {name: sg, kind: simple_gradient}",
				"- &sg {name: sg, kind: simple_gradient, score: logit}\n  - {<<: *sg, name: again}", 1)}, nil, nil,
			func(c *Config) any { return []any{c.Explanations[1].Name, c.Explanations[1].Settings} },
			[]any{"again", &gradient{"logit"}}},
		{"a whole float is a whole number",
			map[string]string{"main.yml": base + "\nworkers: 1e1"}, nil, nil,
			func(c *Config) any { return c.Workers }, 10},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			cfg, err := Load(write(t, t.TempDir(), c.files), c.sets, kinds)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.look(cfg); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCheckSeesTheWhole(t *testing.T) {
	k := kinds
	k.Check = func(c *Config) []error {
		return []error{Invalid("attacks[1].norm", c.Attacks[1].Name, "nothing but l2 for noise")}
	}
	path := write(t, t.TempDir(), map[string]string{"main.yml": base})
	_, err := Load(path, nil, k)
	if err == nil || err.Error() != path+`:15: attacks[1].norm (Noise) = "Noise": nothing but l2 for noise` {
		t.Errorf("got %v", err)
	}
}

// TestMarshalJSON: the manifest holds a configuration under the keys of its file.
func TestMarshalJSON(t *testing.T) {
	cfg, err := Load(write(t, t.TempDir(), map[string]string{"main.yml": base}), nil, kinds)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"memory":"2GiB"`, `"top_k":0.1`, `{"eps":[255,8],"every":"1m0s","kind":"upi_pca","name":"pca"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}

// TestLabels: a label belongs to the name that it was given for, whatever the case of that, and dots in a name part nothing.
func TestLabels(t *testing.T) {
	cfg, err := Load(write(t, t.TempDir(), map[string]string{"main.yml": `
name: a
data: {fit: {path: f}, test: {path: t}}
models: [{name: Net1.0, path: m}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: PCA, kind: upi_pca, eps: [1]}]
labels: {Net1.0: Our net, PCA: UPI-PCA, cosine: cos}
`}), nil, kinds)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Net1.0": "Our net", "PCA": "UPI-PCA", "cosine": "cos"}
	if !reflect.DeepEqual(cfg.Labels, want) {
		t.Errorf("labels %v, want %v", cfg.Labels, want)
	}
}

// TestMarshalRoundTrip: what is resolved is written, read and resolved to the same.
func TestMarshalRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := anyConfig(t)
		text, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(write(t, dir, map[string]string{"main.yml": string(text)}), nil, kinds)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", got, want, text)
		}
	})
}

// TestMarshalOwnData: where each model has data of its own, and the run has none, that is read back too.
func TestMarshalOwnData(t *testing.T) {
	main := write(t, t.TempDir(), map[string]string{"main.yml": "models: [{name: a, path: a, data: {fit: {path: f}, test: {path: t}}}]\n" +
		"explanations: [{name: sg, kind: simple_gradient}]\nattacks: [{name: random, kind: random, eps: [1]}]\n"})
	want, err := Load(main, nil, kinds)
	if err != nil {
		t.Fatal(err)
	}
	text, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(write(t, t.TempDir(), map[string]string{"main.yml": string(text)}), nil, kinds)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, from\n%s", got, err, text)
	}
}

func anyConfig(t *rapid.T) *Config {
	name := rapid.StringMatching(`[A-Za-z0-9_][A-Za-z0-9_+=-]{0,9}(\.[A-Za-z0-9]{1,3})?`)
	path := rapid.StringMatching(`[ -~ä]{1,20}`)
	length := rapid.Custom(func(t *rapid.T) Pixels {
		return Pixels(rapid.Float64Range(1e-9, 1e9).Draw(t, "length"))
	})
	columns := rapid.Custom(func(t *rapid.T) Columns {
		column := rapid.SampledFrom([]string{"", "img", "fine label"})
		return Columns{column.Draw(t, "image"), column.Draw(t, "label"), column.Draw(t, "id")}
	})
	split := rapid.Custom(func(t *rapid.T) Split {
		return Split{Path: path.Draw(t, "path"), Limit: rapid.IntRange(0, 1e9).Draw(t, "limit"), Columns: columns.Draw(t, "columns")}
	})
	data := rapid.Custom(func(t *rapid.T) Data {
		d := Data{Columns: columns.Draw(t, "columns"), Fit: split.Draw(t, "fit"), Test: split.Draw(t, "test")}
		d.Pictures.OnAlpha = rapid.SampledFrom([]string{"", "drop", "white"}).Draw(t, "on alpha")
		d.Pictures.Resize = Resize{Mode: path.Draw(t, "mode"), Size: rapid.IntRange(0, 4096).Draw(t, "size"), Filter: path.Draw(t, "filter")}
		d.inherit()
		return d
	})

	c := Default()
	c.Name = name.Draw(t, "name")
	c.Output, c.Cache = path.Draw(t, "output"), path.Draw(t, "cache")
	c.Seeds = rapid.SliceOfNDistinct(rapid.Uint64Range(0, math.MaxInt64), 1, 4, rapid.ID).Draw(t, "seeds")
	c.Device = rapid.StringMatching(`auto|cpu|gpu|gpu:[0-9]`).Draw(t, "device")
	c.Memory = Bytes(rapid.Int64Range(64<<20, 1<<50).Draw(t, "memory"))
	c.Workers = rapid.IntRange(0, 64).Draw(t, "workers")
	c.Deterministic = rapid.Bool().Draw(t, "deterministic")
	c.Precision = rapid.SampledFrom([]string{"float32", "bfloat16"}).Draw(t, "precision")
	c.Data = data.Draw(t, "data")
	for _, n := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,5}`), 1, 3, rapid.ID).Draw(t, "models") {
		m := Model{Name: n, Path: path.Draw(t, "path")}
		m.SetDefaults()
		factor := rapid.Custom(func(t *rapid.T) Factor { return Factor(rapid.Float64Range(0.001, 1e12).Draw(t, "factor")) })
		m.Input.Scale = rapid.SliceOfN(factor, 1, 1).Draw(t, "scale")
		// yaml.v3 does not read back a line break ahead of a tab as it has written it; no signature has such a name.
		m.Input.Name = rapid.StringMatching(`[^\n\r\t\x{85}\x{2028}\x{2029}]{0,12}`).Draw(t, "input")
		if rapid.Bool().Draw(t, "own data") {
			d := data.Draw(t, "data")
			m.Data = &d
			m.Input.Shape = []int{28, 28, 3}
			m.Input.Offset = rapid.SliceOfN(factor, 3, 3).Draw(t, "offset")
			m.Input.Channels = rapid.SampledFrom([]string{"", "rgb", "bgr"}).Draw(t, "channels")
		}
		c.Models = append(c.Models, m)
	}
	c.Explanations = []Item{{name.Draw(t, "name"), "simple_gradient", &gradient{Score: "logit"}}}
	for _, n := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,5}`), 1, 3, rapid.ID).Draw(t, "attacks") {
		s := &pca{Norm: "linf", Eps: rapid.SliceOfN(length, 1, 3).Draw(t, "eps"),
			Every: time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "every"))}
		if rapid.Bool().Draw(t, "radius") {
			r := length.Draw(t, "radius")
			s.Smoothing.Radius = &r
		}
		c.Attacks = append(c.Attacks, Item{n, "upi_pca", s})
	}
	return c
}

// FuzzLoad: whatever the file, there is a configuration or an error.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(base))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := Load(write(t, t.TempDir(), map[string]string{"main.yml": string(text)}), nil, kinds)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
	})
}
