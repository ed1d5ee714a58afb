package attack

import (
	"os"
	"strings"
	"testing"

	"upi/projection"
)

// TestOptimizersStayInTheBall: whatever the optimizer, a long walk in one direction ends on the boundary in that direction.
func TestOptimizersStayInTheBall(t *testing.T) {
	for name := range Optimizers {
		for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
			ball := projection.Ball{Norm: norm, Eps: 10}
			o, err := AscentSettings{Optimizer: name}.optimizer()
			if err != nil {
				t.Fatal(err)
			}
			delta, scratch := make([]float32, 3), make([]float32, 3)
			for range 50 {
				if err := o.Step(ball, delta, []float64{1, -1, 1}, 2, scratch); err != nil {
					t.Fatal(err)
				}
				if !ball.Contains(delta) {
					t.Fatalf("%s: norm %v", name, projection.Of(norm, delta))
				}
			}
			if got := projection.Of(norm, delta); got < 9.999 || delta[0] <= 0 || delta[1] >= 0 || delta[2] <= 0 {
				t.Errorf("%s, %v: ends at %v", name, norm, delta)
			}
		}
	}
}

// TestTablesAreDocumented: each kind of attack and each optimizer has a line in docs/configuration.md.
func TestTablesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	has := func(name string) {
		t.Helper()
		if !strings.Contains(string(text), "\n| `"+name+"` |") {
			t.Errorf("docs/configuration.md has no line for %s", name)
		}
	}
	for name := range Kinds {
		has(name)
	}
	for name := range Optimizers {
		has(name)
	}
}
