package report

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestMapTexts: a report says which layer grad_cam looks at, whether the explanation, a model or neither names it.
func TestMapTexts(t *testing.T) {
	var s settings
	err := yaml.Unmarshal([]byte(`
models: [{name: a, path: a, layer: block_7}, {name: b, path: b}]
explanations:
  - {name: found, kind: grad_cam, layer: ""}
  - {name: named, kind: grad_cam, layer: block_3}
  - {name: expected, kind: expected_gradients, samples: 10, baseline_images: 100, multiply_by_inputs: true}
`), &s)
	if err != nil {
		t.Fatal(err)
	}
	texts := (&run{settings: &s}).mapTexts()
	for i, want := range []string{"the layer of the last convolution, each times", "the layer block_3, each times", "a baseline b times x − b; baselines are drawn from 100 fit images"} {
		if !strings.Contains(texts[i].Value, want) {
			t.Errorf("%q does not say %q", texts[i].Value, want)
		}
	}
	if own := "On a the layer is block_7."; !strings.Contains(texts[0].Value, own) || strings.Contains(texts[1].Value, own) || strings.Contains(texts[2].Value, own) {
		t.Errorf("%q does not say %q, or the others do", texts[0].Value, own)
	}
}
