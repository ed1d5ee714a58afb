package report

import (
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestPrecisionFact: gradients in less than float32 are named, and nothing is said where there are none.
func TestPrecisionFact(t *testing.T) {
	const attacks = "attacks: [{name: a, kind: upi_pca}, {name: b, kind: upi_grad, precision: bfloat16}, {name: c, kind: upi_grad, precision: float32}]\n"
	for text, want := range map[string]string{
		attacks:                           "the gradients that attacks look at in float32, those of b in bfloat16, all that is shown in float32",
		"precision: bfloat16\n" + attacks: "the gradients that attacks look at in bfloat16, those of c in float32, all that is shown in float32",
		"precision: float32\nattacks: [{name: a, kind: upi_pca}]": "",
		"attacks: [{name: a, kind: upi_pca}]":                     "",
	} {
		var s settings
		if err := yaml.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		facts := s.facts()
		i := slices.IndexFunc(facts, func(f fact) bool { return f.Name == "Precision" })
		if i < 0 || facts[i].Value != want {
			t.Errorf("%s\ngives %q, want %q", text, facts, want)
		}
	}
}
