package planner

import (
	"strings"
	"testing"

	"upi/pipeline"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// TestNoSecondOrder: independent sigmoids, a binary head given as probability or logit, a two-class softmax and the logit, all of ReLU, have
// piecewise constant maps, and the cure is the surrogate. The same heads behind tanh have a second order, and so has a softmax of more
// classes. The networks are those of python/make_heads_testdata.py and of this repository.
func TestNoSecondOrder(t *testing.T) {
	const heads = "../../savedmodels/saliency/testdata/heads/"
	for _, c := range []struct {
		dir, head string
		score     saliency.Score
		says      string
	}{
		{heads + "relu_sigmoids", "", saliency.Probability, "independent sigmoids"},
		{heads + "relu_one_sigmoid", "", saliency.Probability, "two classes"},
		{heads + "relu_one_logit", "binary", saliency.Probability, "two classes"},
		{heads + "relu_two_classes", "", saliency.Probability, "two classes"},
		{heads + "relu_two_classes", "", saliency.Logit, "surrogate"},
		{"../../savedmodels/mnist_mlp", "", saliency.Logit, "score: probability"},
		{"../../savedmodels/mnist_mlp", "", saliency.Probability, ""},
		{heads + "sigmoids", "", saliency.Probability, ""},
		{heads + "one_sigmoid", "", saliency.Probability, ""},
		{heads + "two_classes", "", saliency.Probability, ""},
		{heads + "sigmoids", "", saliency.Logit, ""},
	} {
		m, err := savedmodels.Open(c.dir, savedmodels.Options{Head: c.head})
		if err != nil {
			t.Fatal(err)
		}
		found, err := noSecondOrder(m, &saliency.SimpleGradient{Answer: saliency.Answer{Score: c.score}})
		if err != nil {
			t.Fatal(err)
		}
		told := strings.Contains(found, c.says) && strings.Contains(found, "surrogate: {relu: softplus, beta: 30}")
		if (c.says != "" && !told) || (c.says == "" && found != "") {
			t.Errorf("%s, %s: %q, want %q", c.dir, c.score, found, c.says)
		}
	}
}

// TestPlanTellsOfNoSecondOrder: each attack on maps and model once; not attacks on predictions, nor those with a surrogate.
func TestPlanTellsOfNoSecondOrder(t *testing.T) {
	t.Chdir("../..")
	p, err := plannerOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: logit, kind: simple_gradient, score: logit}, {name: sg, kind: simple_gradient}]
seeds: [0, 1]
attacks:
  - {name: grad, kind: upi_grad, eps: [255, 510], steps: 1}
  - {name: pca, kind: upi_pca, eps: [255]}
  - {name: each, kind: per_image, eps: [255]}
  - {name: soft, kind: upi_grad, eps: [255], steps: 1, surrogate: {beta: 30}}
  - {name: sgd, kind: sgd_uap, eps: [255], steps: 1}
  - {name: random, kind: random, eps: [255]}
`)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Plan(pipeline.NewPlan(p.Environment(), nil)); err != nil {
		t.Fatal(err)
	}
	if p.SecondOrder() == nil {
		t.Fatal("nothing is said")
	}
	lines := strings.Split(p.SecondOrder().Error(), "\n")
	for i, name := range []string{"grad", "pca", "each"} {
		if len(lines) != 3 || !strings.HasPrefix(lines[i], "attack "+name+" on model m, explanation logit: ") {
			t.Errorf("got %q", lines)
		}
	}
}
