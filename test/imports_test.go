package test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A packageRule is a row of the table of packages in docs/architecture.md.
type packageRule struct {
	// everything says that it may import any other package.
	everything bool
	imports    []string
}

// rowOfPackages is a row: package in backquotes, what it is about, what it may import.
var (
	rowOfPackages = regexp.MustCompile("^\\| `([a-z0-9_/]+)` \\| .+ \\| (.+) \\|$")
	nameOfPackage = regexp.MustCompile("^`([a-z0-9_/]+)`$")
)

// readPackages reads the table. The last column is "everything", "nothing", or a list of packages of the module in backquotes with
// commas between; packages are written without the module's name.
func readPackages(r io.Reader) (map[string]packageRule, error) {
	rules := map[string]packageRule{}
	within := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "| package |"):
			within = true
			continue
		case !within || strings.HasPrefix(line, "|---"):
			continue
		case !strings.HasPrefix(line, "|"):
			return rules, nil
		}
		row := rowOfPackages.FindStringSubmatch(line)
		if row == nil {
			return nil, fmt.Errorf("not a row of a package: %s", line)
		}
		if _, twice := rules[row[1]]; twice {
			return nil, fmt.Errorf("two rows for %s", row[1])
		}
		var rule packageRule
		switch row[2] {
		case "everything":
			rule.everything = true
		case "nothing":
		default:
			for _, item := range strings.Split(row[2], ", ") {
				name := nameOfPackage.FindStringSubmatch(item)
				if name == nil {
					return nil, fmt.Errorf("%s may import %q: want everything, nothing, or packages in backquotes with commas between", row[1], row[2])
				}
				rule.imports = append(rule.imports, name[1])
			}
		}
		rules[row[1]] = rule
	}
	return nil, errors.New("the table has no end, or there is none")
}

// disallowed returns where packages and the table do not agree, a line each: packages without a row, rows without a package, and imports
// that are not in the package's row.
func disallowed(rules map[string]packageRule, imports map[string][]string) []string {
	var wrong []string
	for name, of := range imports {
		rule, ok := rules[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s has no row in the table", name))
			continue
		}
		for _, imported := range of {
			if !rule.everything && !slices.Contains(rule.imports, imported) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s, which its row does not allow", name, imported))
			}
		}
	}
	for name := range rules {
		if _, ok := imports[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("there is no package %s, of which there is a row", name))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// graft is the binding to TensorFlow, and graftOps its package that adds ops to graphs: savedmodels/ops does that here.
const (
	graft    = "github.com/wamuir/graft/tensorflow"
	graftOps = graft + "/op"
)

// TestOneWayToAddOps: no package imports graft's ops, its tests included.
func TestOneWayToAddOps(t *testing.T) {
	packages, err := listPackages()
	if err != nil {
		t.Fatal(err)
	}
	onGraft := false
	for _, p := range packages {
		imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		onGraft = onGraft || slices.Contains(imports, graft)
		if slices.Contains(imports, graftOps) {
			t.Errorf("%s imports %s: add ops with upi/savedmodels/ops", p.ImportPath, graftOps)
		}
	}
	if !onGraft {
		t.Errorf("no package imports %s: this test looks at the wrong name", graft)
	}
}

// TestImports holds the imports of the module's packages, those of their tests apart, to the table of docs/architecture.md. Packages
// that have only tests, and the tests' own helpers below test, are not in it.
func TestImports(t *testing.T) {
	f, err := os.Open(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rules, err := readPackages(f)
	if err != nil {
		t.Fatalf("read the table of docs/architecture.md: %v", err)
	}
	imports, err := moduleImports()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range disallowed(rules, imports) {
		t.Errorf("docs/architecture.md: %s", line)
	}
}

// A listedPackage is what go list says of a package.
type listedPackage struct {
	ImportPath                                            string
	Module                                                struct{ Path string }
	GoFiles, CgoFiles, Imports, TestImports, XTestImports []string
}

// listPackages lists the module's packages, once.
var listPackages = sync.OnceValues(func() ([]listedPackage, error) {
	list := exec.Command("go", "list", "-json=ImportPath,Module,GoFiles,CgoFiles,Imports,TestImports,XTestImports", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := decoder.Decode(&p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w", err)
		}
		packages = append(packages, p)
	}
})

// moduleImports returns which packages of the module each of them imports.
func moduleImports() (map[string][]string, error) {
	packages, err := listPackages()
	if err != nil {
		return nil, err
	}
	imports := map[string][]string{}
	for _, p := range packages {
		prefix := p.Module.Path + "/"
		name := strings.TrimPrefix(p.ImportPath, prefix)
		if len(p.GoFiles)+len(p.CgoFiles) == 0 || strings.HasPrefix(name, "test/") {
			continue
		}
		imports[name] = []string{}
		for _, i := range p.Imports {
			if of, ok := strings.CutPrefix(i, prefix); ok {
				imports[name] = append(imports[name], of)
			}
		}
	}
	return imports, nil
}

// TestImportTable: what the rules are, on a table of its own.
func TestImportTable(t *testing.T) {
	table := "text\n\n| package | is about | may import |\n|---|---|---|\n" +
		"| `cmd/upi` | wiring | everything |\n| `stages` | tasks | `data`, `stats` |\n| `data` | shards | nothing |\n| `gone` | x | nothing |\n\nmore\n"
	rules, err := readPackages(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	got := disallowed(rules, map[string][]string{"cmd/upi": {"stages"}, "stages": {"data", "report"}, "data": {}, "stats": {}})
	want := []string{
		"stages imports report, which its row does not allow",
		"stats has no row in the table",
		"there is no package gone, of which there is a row",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, bad := range []string{
		"no table\n",
		"| package | is about | may import |\n|---|---|---|\n| `a` | x | all below |\n\n",
		"| package | is about | may import |\n|---|---|---|\n| `a` | x | `b` and `c` |\n\n",
		"| package | is about | may import |\n|---|---|---|\n| a | x | nothing |\n\n",
		"| package | is about | may import |\n|---|---|---|\n| `a` | x | nothing |\n| `a` | y | nothing |\n\n",
	} {
		if rules, err := readPackages(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, rules)
		}
	}
}
