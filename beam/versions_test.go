package beam

import (
	"os/exec"
	"strings"
	"testing"
)

// sdk are modules that Beam needs newer than upi does, and on which no byte depends that upi writes: networks, logs, tools.
var sdk = []string{"golang.org/x/", "google.golang.org/", "github.com/spf13/", "github.com/fsnotify/", "honnef.co/"}

// TestVersions: upi-beam has the libraries of upi in upi's versions, so that both write the same bytes under the same keys.
func TestVersions(t *testing.T) {
	list := func(dir string) map[string]string {
		c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{if .Replace}}{{.Replace.Version}}{{else}}{{.Version}}{{end}}{{end}}", "./cmd/...")
		c.Dir = dir
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		versions := map[string]string{}
		for line := range strings.Lines(string(out)) {
			if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && version != "" {
				versions[path] = version
			}
		}
		return versions
	}
	ours, theirs := list(".."), list(".")
	compared := 0
next:
	for path, version := range ours {
		for _, prefix := range sdk {
			if strings.HasPrefix(path, prefix) {
				continue next
			}
		}
		compared++
		if theirs[path] != version {
			t.Errorf("upi has %s %s, upi-beam %q: add a replace line to beam/go.mod", path, version, theirs[path])
		}
	}
	if compared < 10 {
		t.Errorf("only %d modules were compared", compared)
	}
}
