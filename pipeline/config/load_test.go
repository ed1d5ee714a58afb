package config

import (
	"os"
	"path/filepath"
	"testing"
)

type pca struct {
	Norm      string    `yaml:"norm"`
	Eps       []Pixels  `yaml:"eps"`
	Smoothing smoothing `yaml:"smoothing"`
}

type smoothing struct {
	Radius *Pixels `yaml:"radius,omitempty"`
	Draws  int     `yaml:"draws"`
}

func (p *pca) Validate() []error {
	var errs []error
	if p.Norm != "l2" && p.Norm != "linf" {
		errs = append(errs, Invalid("norm", p.Norm, "want one of l2, linf"))
	}
	if len(p.Eps) == 0 {
		errs = append(errs, Invalid("eps", nil, "want at least one"))
	}
	for _, e := range p.Eps {
		if e <= 0 {
			errs = append(errs, Invalid("eps", float64(e), "want a number above 0"))
		}
	}
	return errs
}

type gradient struct {
	Score string `yaml:"score"`
}

func (g *gradient) Validate() []error {
	if g.Score != "probability" && g.Score != "logit" {
		return []error{Invalid("score", g.Score, "want one of probability, logit")}
	}
	return nil
}

var kinds = Kinds{
	Explanations: map[string]func() Settings{
		"simple_gradient": func() Settings { return &gradient{Score: "probability"} },
	},
	Attacks: map[string]func() Settings{
		"upi_pca": func() Settings { return &pca{Norm: "l2", Smoothing: smoothing{Draws: 1}} },
	},
	Metrics: []string{"normalized_l2", "cosine", "prediction_changed", "top_k"},
}

const good = `name: mnist
data:
  fit: {path: fit.parquet}
  test: {path: test.parquet, limit: 1000}
models:
  - {name: cnn, path: savedmodels/cnn}
explanations:
  - {name: sg, kind: simple_gradient}
attacks:
  - {name: upi_pca, kind: upi_pca, eps: [255, 8/255], smoothing: {radius: 2}}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	cfg, err := Load(write(t, good), []string{"attacks.upi_pca.eps=[510]", "seeds=[1,2]", "memory=2GiB"}, kinds)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cfg.Marshal()
	t.Logf("%v\n%s", err, text)
	_, err = Load(write(t, "sede: 1\ndata: 3\nextends: nowhere.yml\nattacks: [{name: a/b, kind: upi_pca, epsilon: [1], smoothing: {draws: 1.5, x: 3}}]"), []string{"workers=-3"}, kinds)
	t.Log(err)
}
