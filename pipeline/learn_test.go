package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"upi/pipeline/content"
)

// TestLearn: what was found out is remembered by the next plan, for the same content, question and environment alone.
func TestLearn(t *testing.T) {
	dir := t.TempDir()
	path, hashes := filepath.Join(dir, "input"), filepath.Join(dir, "hashes")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	type answer struct{ Length int }
	found := 0
	learn := func(dir, version string, about any, failure error) answer {
		t.Helper()
		p := NewPlan(Environment{"tensorflow": version}, content.NewHasher(dir))
		in, err := p.Input("file", path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Learn(p, in, about, func() (answer, error) {
			found++
			text, err := os.ReadFile(path)
			return answer{len(text)}, errors.Join(err, failure)
		})
		if !errors.Is(err, failure) {
			t.Fatal(err)
		}
		return got
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		what    string
		write   string
		dir     string
		version string
		about   any
		failure error
		finds   bool
		length  int
	}{
		{"errors are not remembered", "", hashes, "1", "length", broken, true, 5},
		{"the first time", "", hashes, "1", "length", nil, true, 5},
		{"the second time", "", hashes, "1", "length", nil, false, 5},
		{"another question", "", hashes, "1", "size", nil, true, 5},
		{"another environment", "", hashes, "2", "length", nil, true, 5},
		{"without a memory", "", "", "1", "length", nil, true, 5},
		{"other content", "second", hashes, "1", "length", nil, true, 6},
		{"the content of before", "first", hashes, "1", "length", nil, false, 5},
	} {
		if c.write != "" {
			write(c.write)
		}
		before := found
		got := learn(c.dir, c.version, c.about, c.failure)
		if (found > before) != c.finds || got.Length != c.length {
			t.Errorf("%s: got %+v, found out anew: %v", c.what, got, found > before)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := content.NewHasher(hashes).Forget(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(hashes, "*.json"))
	if err != nil || len(left) > 1 { // that of the test itself
		t.Errorf("%d notes and hashes are left of a file that is gone (%v)", len(left), err)
	}
}
