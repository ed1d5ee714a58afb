package test

import (
	"testing"

	"upi/internal/pythontest"
)

// TestExplanationsAgainstTensorFlow: explanations that look inside the network, and those that draw baselines, with attacks of every kind on
// them, through each other, and with the maps kept; every score as TensorFlow gives it.
func TestExplanationsAgainstTensorFlow(t *testing.T) {
	pythontest.Interpreter(t)
	r := newRun(t, "base.yaml", "--set", "evaluation.cross_explanations=true", "--set", "evaluation.maps=true", "--set",
		"explanations=[{name: cam, kind: grad_cam}, {name: logit, kind: grad_cam, score: logit, class: predicted}, {name: guided, kind: guided_backprop}, "+
			"{name: expected, kind: expected_gradients, samples: 3, baseline_images: 20}]", "--set",
		"attacks=[{name: random, kind: random, eps: [510], draws: 1}, {name: pca, kind: upi_pca, eps: [510], surrogate: {beta: 30}}, "+
			"{name: uap, kind: sgd_uap, eps: [510], steps: 3, batch: 16}, {name: climb, kind: upi_grad, eps: [510], steps: 3, batch: 16, surrogate: {beta: 30}}, "+
			"{name: single, kind: per_image, eps: [510], steps: 2, surrogate: {beta: 30}}]").done(t)
	stdout, stderr, content := check(t, r.dir(), "--fit-signs")
	if !content {
		t.Fatalf("%s\n%s", stdout, stderr)
	}
	t.Log(stdout)
}
