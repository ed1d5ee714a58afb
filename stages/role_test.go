package stages

import (
	"os"
	"slices"
	"strings"
	"testing"

	"upi/attack"
	"upi/results"
)

// TestRoles: every kind of attack has a role, the one that docs/outputs.md says.
func TestRoles(t *testing.T) {
	text, err := os.ReadFile("../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	for kind := range attack.Kinds {
		role, err := attackRole(kind)
		if err != nil || !slices.Contains(results.Roles, role) {
			t.Errorf("%s: role %q, %v", kind, role, err)
			continue
		}
		for line := range strings.Lines(string(text)) {
			if documented := strings.HasPrefix(line, "| `"+string(role)+"` | "); documented && !strings.Contains(line, "`"+kind+"`") {
				t.Errorf("docs/outputs.md does not list %s: %s", kind, line)
			}
		}
	}
	if _, err := attackRole("unheard"); err == nil || !strings.Contains(err.Error(), `"unheard"`) {
		t.Errorf("the error is %v, want one that names the kind", err)
	}
}
