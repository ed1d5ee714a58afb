package results_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"upi/attack"
	"upi/results"
)

// TestDocumentedRoles: docs/outputs.md has a row for each role, in the order of the tables, which lists the kinds of attacks that have it.
func TestDocumentedRoles(t *testing.T) {
	text, err := os.ReadFile("../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "| role | kinds | meaning |\n|---|---|---|\n")
	if !found {
		t.Fatal("docs/outputs.md has no table of roles")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	lines := strings.Split(table, "\n")
	if len(lines) != len(results.Roles) {
		t.Fatalf("%d rows, want %d roles:\n%s", len(lines), len(results.Roles), table)
	}
	for i, role := range results.Roles {
		if !strings.HasPrefix(lines[i], "| `"+string(role)+"` | ") {
			t.Errorf("row %d is %q, want that of %s", i, lines[i], role)
		}
	}
	for name, kind := range attack.Kinds {
		i := slices.Index(results.Roles, results.Role(kind.Role))
		if i < 0 {
			t.Errorf("%s has the role %q, which the tables do not know", name, kind.Role)
			continue
		}
		if kinds := strings.Split(lines[i], " | ")[1]; !slices.Contains(strings.Split(kinds, ", "), "`"+name+"`") {
			t.Errorf("%s is not among the kinds of %s: %s", name, kind.Role, kinds)
		}
	}
}
