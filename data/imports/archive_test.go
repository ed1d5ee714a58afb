package imports

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
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
	if err := Import(t.Context(), "idx", archive, dst, Options{Limit: 4, Splits: []string{"test"}}, nil); err != nil {
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
	if err := unpack(t.Context(), archive, filepath.Join(dir, "in")); err == nil {
		t.Error("it was unpacked")
	}
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("a file was written outside of the folder")
	}
}
