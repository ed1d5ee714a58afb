package imports

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSplitsLimitAndArchive(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	putMNIST(t, src, "t10k", 10, false, false)
	// The same files in an archive that wraps them in folders.
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	files, _ := os.ReadDir(src)
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(src, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: "a/b/" + f.Name(), Mode: 0o600, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	archive := put(t, zipped(t, out.Bytes()), src, "mnist.tar.gz")
	if _, err := Import(t.Context(), "idx", archive, dst, Options{Limit: 4, KeepOrder: true, Splits: []string{"test"}}, nil); err != nil {
		t.Fatal(err)
	}
	d, images := read(t, dst, "*.parquet")
	if got := summary(images); got != "2:2 3:3" || d.ClassNames() != nil {
		t.Errorf("got %s with classes %v", got, d.ClassNames())
	}
}

func TestArchiveThatLeadsOut(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: "../evil", Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	archive := put(t, zipped(t, out.Bytes()), dir, "a.tgz")
	j := &job{ctx: t.Context(), result: &Result{}}
	if err := j.unpack(archive, filepath.Join(dir, "in")); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("it was unpacked: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("a file was written outside of the folder")
	}
}

// TestHostileArchives: what leads out, grows out of all proportion, is encrypted or is no archive is an error, and nothing is written
// outside; links are noted.
func TestHostileArchives(t *testing.T) {
	var slip, bomb, secret, links bytes.Buffer
	z := zip.NewWriter(&slip)
	for _, name := range []string{"a/1.png", "../evil.png"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	b := zip.NewWriter(&bomb)
	f, err := b.Create("a/1.png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	s := zip.NewWriter(&secret)
	if _, err := s.CreateRaw(&zip.FileHeader{Name: "a/1.png", Flags: 1}); err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(&links)
	for _, h := range []*tar.Header{{Name: "a/1.png", Typeflag: tar.TypeReg, Size: 1}, {Name: "a/2.png", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte{0}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []interface{ Close() error }{z, b, s, w} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"slip.zip": {slip.Bytes(), "outside"}, "secret.zip": {secret.Bytes(), "encrypted"},
		"cut.zip": {bomb.Bytes()[:100], "zip"}, "pictures.rar": {[]byte("Rar!\x1a\x07\x00"), "tar.bz2"},
	} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		archive := put(t, c.content, dir, name)
		_, err := Import(t.Context(), "image-folder", archive, filepath.Join(dir, "dst"), Options{}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s gave %v, wanted it to say %q", name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Errorf("%s left %v behind", name, left)
		}
	}
	dir := t.TempDir()
	j := &job{ctx: t.Context(), result: &Result{}}
	if err := j.unpackWithin(put(t, bomb.Bytes(), dir, "bomb.zip"), filepath.Join(dir, "bomb"), 1<<20); err == nil || !strings.Contains(err.Error(), "100 times") {
		t.Errorf("ten times what is allowed gave %v", err)
	}
	archive := put(t, links.Bytes(), dir, "links.tar")
	if err := j.unpack(archive, filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	if got := leftOut(j.result, filepath.Join(dir, "in")); len(got) != 1 || got[0] != "a/2.png: a link (1)" {
		t.Errorf("left out are %q", got)
	}
}
