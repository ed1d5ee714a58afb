package graphdef

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead feeds damaged SavedModels to the reader, the allow-list and the inliner. They may refuse, but not panic.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("../testdata/*/" + FileName)
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(content[:len(content)/2])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		g, err := flattenDefault(content)
		if err != nil {
			return
		}
		smooth, _ := g.Smooth(10)
		if _, err := smooth.Def(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.Relax(); err != nil {
			t.Fatal(err)
		}
		if wide, _, err := g.Widen(); err == nil {
			if _, err := wide.Def(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(content []byte) {
		if err := os.WriteFile(filepath.Join(dir, FileName), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Read(dir); err == nil {
		t.Error("no error without a file")
	}
	// Messages in messages without end: a group of field 2 (meta_graphs) nested a million times is 0x12 and a length each.
	deep := []byte{}
	for range 10_000 {
		deep = append([]byte{0x12, byte(len(deep)&0x7f | 0x80), byte(len(deep) >> 7 & 0x7f)}, deep...)
	}
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("not a model"), "deep": deep} {
		write(content)
		if _, err := Read(dir); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
