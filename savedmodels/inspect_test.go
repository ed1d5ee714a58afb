package savedmodels

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCustomGradients are told but for that of swish, which is the derivative of its ops.
func TestCustomGradients(t *testing.T) {
	i, err := Inspect(filepath.Join("testdata", "straight_through"), Options{})
	if err != nil || i.Problem != nil {
		t.Fatal(err, i)
	}
	if len(i.Custom) != 1 || !strings.HasSuffix(i.Custom[0], "IdentityN_1") {
		t.Errorf("custom gradients at %q, want the second IdentityN alone", i.Custom)
	}
	for _, ignore := range []bool{false, true} {
		m, err := Open(filepath.Join("testdata", "straight_through"), Options{IgnoreCustomGradients: ignore})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Differentiable(); (err == nil) != ignore {
			t.Errorf("ignore %v: %v", ignore, err)
		}
	}
}
