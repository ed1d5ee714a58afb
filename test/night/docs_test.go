package night

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var block = regexp.MustCompile("(?s)```[a-z]+\n# (/[^\n]+)\n(.*?)```")

// guide returns docs/nightly.md and the files that it shows, by their names.
func guide(t *testing.T) (text string, files map[string]string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "nightly.md"))
	must(t, err)
	files = map[string]string{}
	for _, found := range block.FindAllStringSubmatch(string(content), -1) {
		files[filepath.Base(found[1])] = found[2]
	}
	return string(content), files
}

// TestUnits has systemd read the units of the guide.
func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd here to read units")
	}
	_, files := guide(t)
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o777))
	must(t, os.Link(upi, filepath.Join(dir, "bin", "upi")))
	args := []string{"verify", "--man=no"}
	for name, text := range files {
		if ext := filepath.Ext(name); ext != ".service" && ext != ".timer" {
			continue
		}
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "/srv/upi", dir)), 0o666))
		args = append(args, path)
	}
	if len(args) != 6 {
		t.Fatalf("the guide shows %d units, want 4", len(args)-2)
	}
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestConfigurationOfTheGuide: it shows configs/nightly.yaml as it is.
func TestConfigurationOfTheGuide(t *testing.T) {
	_, files := guide(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "configs", "nightly.yaml"))
	must(t, err)
	_, settings, _ := strings.Cut(string(text), "\n")
	if shown := files["nightly.yaml"]; shown != settings {
		t.Errorf("the guide shows\n%s\nthe file holds\n%s", shown, settings)
	}
}

// TestMetricsOfTheGuide: it names only metrics that are written.
func TestMetricsOfTheGuide(t *testing.T) {
	text, files := guide(t)
	written, err := os.ReadFile(filepath.Join("..", "..", "pipeline", "testdata", "metrics.prom"))
	must(t, err)
	for _, name := range regexp.MustCompile(`\bupi_[a-z]+_[a-z_]+`).FindAllString(text+files["upi.yml"], -1) {
		if !strings.Contains(string(written), "# TYPE "+name+" gauge\n") {
			t.Errorf("there is no metric %s", name)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	must(t, yaml.Unmarshal([]byte(files["upi.yml"]), &rules))
	if len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != 4 || rules.Groups[0].Rules[1].Expr == "" {
		t.Errorf("read %+v", rules)
	}
}
