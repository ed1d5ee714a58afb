package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pca and gradient stand for the settings of real kinds.
type pca struct {
	Norm      string        `yaml:"norm"`
	Eps       []Pixels      `yaml:"eps"`
	Smoothing smoothing     `yaml:"smoothing"`
	Every     time.Duration `yaml:"every"`
	Steps     []step        `yaml:"steps,omitempty"`
}

type smoothing struct {
	Radius *Pixels `yaml:"radius,omitempty"`
	Draws  int     `yaml:"draws"`
}

type step struct {
	Size  float64 `yaml:"size"`
	Count int32   `yaml:"count"`
}

func (s *step) SetDefaults() { s.Count = 10 }

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
		"upi_pca": func() Settings {
			return &pca{Norm: "l2", Smoothing: smoothing{Draws: 1}, Every: time.Minute}
		},
		"random": func() Settings { return &pca{Norm: "l2", Eps: []Pixels{255, 510, 1020}} },
	},
	Metrics: []string{"normalized_l2", "cosine", "prediction_changed", "top_k"},
}

// TestBad loads every testdata/*.bad.yml, with the --set expressions and the
// variables that its first lines name, and compares the message with the file
// of the same name that ends in .txt.
func TestBad(t *testing.T) {
	t.Chdir("testdata")
	files, err := filepath.Glob("*.bad.yml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d bad configurations, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".bad.yml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var sets []string
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if s, ok := strings.CutPrefix(line, "# set: "); ok {
					sets = append(sets, s)
				}
				if s, ok := strings.CutPrefix(line, "# env: "); ok {
					name, value, _ := strings.Cut(s, "=")
					t.Setenv(name, value)
				}
			}
			_, err = Load(file, sets, kinds)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			golden := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
