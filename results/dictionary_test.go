package results_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"upi/metric"
	"upi/results"
)

var update = flag.Bool("update", false, "write the columns into docs/outputs.md anew")

// stored are the names of the columns of a row type, in order.
func stored(row reflect.Type) []string {
	var names []string
	for i := range row.NumField() {
		if name, _, _ := strings.Cut(row.Field(i).Tag.Get("parquet"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// TestDictionary: each file has the columns of its rows, in their order, with a meaning each.
func TestDictionary(t *testing.T) {
	rows := []reflect.Type{reflect.TypeFor[results.Perturbation](), reflect.TypeFor[results.Score](), reflect.TypeFor[results.Model](),
		reflect.TypeFor[results.Cell](), reflect.TypeFor[results.MapsOf[int64]](), reflect.TypeFor[results.Example]()}
	if len(rows) != len(results.Dictionary) {
		t.Fatalf("%d files, want %d", len(results.Dictionary), len(rows))
	}
	for i, f := range results.Dictionary {
		var names []string
		for _, c := range f.Columns {
			names = append(names, c.Name)
			if c.Doc == "" {
				t.Errorf("%s: %s has no meaning", f.Path, c.Name)
			}
		}
		if want := stored(rows[i]); !slices.Equal(names, want) {
			t.Errorf("%s: columns %v, want %v", f.Path, names, want)
		}
	}
}

const begin, end = "<!-- columns -->\n", "<!-- end of columns -->"

// TestDocumentedColumns: docs/outputs.md has every column and every metric, as the dictionary and the table of metrics say.
func TestDocumentedColumns(t *testing.T) {
	const path = "../docs/outputs.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, f := range results.Dictionary {
		fmt.Fprintf(&want, "\n### `%s`\n\nA row is %s.\n\n| column | meaning |\n|---|---|\n", f.Path, f.Row)
		for _, c := range f.Columns {
			fmt.Fprintf(&want, "| `%s` | %s |\n", c.Name, c.Doc)
		}
	}
	fmt.Fprintf(&want, "\n### Metrics\n\n%s\n\n| metric | meaning | formula | stronger | source |\n|---|---|---|---|---|\n", metric.Notation)
	for _, m := range metric.All() {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Doc, strings.ReplaceAll(m.Formula, "|", `\|`), m.Stronger(), m.Origin)
	}
	want.WriteString("\n")
	before, rest, found := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s lacks the marks %q and %q", path, begin, end)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want.String()+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("%s differs: go test ./results -update writes it. It should hold\n%s", path, want.String())
	}
}
