package content

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, h *Hasher, path string) Sum {
	t.Helper()
	s, err := h.Sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSum(t *testing.T) {
	dir := t.TempDir()
	h := NewHasher("")
	write(t, dir+"/a/x", "abc")
	write(t, dir+"/a/sub/y", "def")
	write(t, dir+"/b/sub/y", "def")
	write(t, dir+"/b/x", "abc")
	write(t, dir+"/c/x", "abc")
	write(t, dir+"/c/sub/z", "def")
	// FIPS 180-2, appendix B.1.
	if got := sum(t, h, dir+"/a/x"); got.Hash != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || got.Size != 3 {
		t.Errorf("got %+v", got)
	}
	a, b, c := sum(t, h, dir+"/a"), sum(t, h, dir+"/b"), sum(t, h, dir+"/c")
	if a.Hash != b.Hash {
		t.Error("equal directories in different places have different hashes")
	}
	if a.Hash == c.Hash {
		t.Error("a file's name is not part of its directory's hash")
	}
	if a.Size != 6 {
		t.Errorf("size %d", a.Size)
	}
	if err := os.Symlink(dir+"/a", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if sum(t, h, dir+"/link").Hash != a.Hash {
		t.Error("a link is not followed")
	}
	if err := os.Symlink(dir, dir+"/a/loop"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Sum(dir + "/a"); err == nil {
		t.Error("a loop of links is no error")
	}
	if _, err := h.Sum(dir + "/nowhere"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
}

// TestShortCut: a stored hash is used for a file that has not been touched, and
// for no other.
func TestShortCut(t *testing.T) {
	dir, kept := t.TempDir(), t.TempDir()
	path := dir + "/x"
	write(t, path, "abc")
	h := NewHasher(kept)
	first := sum(t, h, path)
	if files, _ := os.ReadDir(kept); len(files) != 0 {
		t.Error("the hash of a file just written is stored, though it may yet change within its time stamp")
	}
	f, _, err := stat(path)
	if err != nil {
		t.Fatal(err)
	}
	place, err := h.memo(path)
	if err != nil {
		t.Fatal(err)
	}
	fake := strings.Repeat("0", 64)
	remember(place, stored{Path: path, Stamp: f.stamp(), Hash: fake})
	if got := sum(t, h, path); got.Hash != fake {
		t.Error("the stored hash is not used")
	}
	// The same size and modification time: the change time gives it away.
	old := time.Unix(0, f.mtime)
	write(t, path, "abd")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, h, path); got.Hash == fake || got.Hash == first.Hash {
		t.Error("a stored hash is used for a file that has changed")
	}
	if err := os.WriteFile(place, []byte("{broken"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, h, path); got.Hash == fake {
		t.Error("a broken store is believed")
	}
}

func TestCheck(t *testing.T) {
	path := t.TempDir() + "/x"
	write(t, path, "abc")
	want := sum(t, NewHasher(""), path)
	if err := Check(path, want); err != nil {
		t.Error(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if err := Check(path, want); err != nil {
		t.Errorf("a new time over the same bytes: %v", err)
	}
	write(t, path, "abd")
	if err := Check(path, want); err == nil || !strings.Contains(err.Error(), "has changed since the plan") {
		t.Errorf("got %v", err)
	}
	os.Remove(path)
	if err := Check(path, want); err == nil || !strings.Contains(err.Error(), "has vanished") {
		t.Errorf("got %v", err)
	}
}

func TestForget(t *testing.T) {
	dir, kept := t.TempDir(), t.TempDir()
	h := NewHasher(kept)
	for _, name := range []string{"here", "gone"} {
		write(t, dir+"/"+name, "abc")
		place, err := h.memo(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		remember(place, stored{Path: dir + "/" + name})
	}
	os.Remove(dir + "/gone")
	if err := h.Forget(); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(kept); len(files) != 1 {
		t.Errorf("%d stored hashes, want that of the file which is there", len(files))
	}
}
