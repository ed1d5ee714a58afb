package cache

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"upi/pipeline/lock"
)

func key(digit string) Key { return Key(strings.Repeat(digit, 64)) }

func store(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put makes an artefact of one file in a subdirectory.
func put(t testing.TB, s *Store, k Key, text string, replace bool) (*Artefact, bool) {
	t.Helper()
	d, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.Dir(), "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir(), "sub", "text"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	a, differed, err := d.Commit(Artefact{Key: k, Stage: "count", Counts: map[string]int64{"lines": 1}}, replace)
	if err != nil {
		t.Fatal(err)
	}
	return a, differed
}

func textOf(t testing.TB, a *Artefact) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.Dir(), "sub", "text"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCommitAndLookup(t *testing.T) {
	s := store(t)
	if a, err := s.Lookup("count", key("a")); a != nil || err != nil {
		t.Fatalf("empty cache: %v, %v", a, err)
	}
	put(t, s, key("a"), "first", false)
	a, err := s.Lookup("count", key("a"))
	if err != nil || a == nil {
		t.Fatal(a, err)
	}
	if textOf(t, a) != "first" || a.Counts["lines"] != 1 || a.Size() != 5 || a.Files[0].Name != "sub/text" {
		t.Errorf("got %+v", a)
	}
	if err := a.Verify(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Root(), "tmp")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestTheFirstCommitWins(t *testing.T) {
	s := store(t)
	put(t, s, key("a"), "first", false)
	if a, differed := put(t, s, key("a"), "second", false); textOf(t, a) != "first" || differed {
		t.Errorf("got %q", textOf(t, a))
	}
	if a, differed := put(t, s, key("a"), "second", true); textOf(t, a) != "second" || !differed {
		t.Errorf("replaced: got %q, differed %v", textOf(t, a), differed)
	}
	if _, differed := put(t, s, key("a"), "second", true); differed {
		t.Error("the same bytes are said to differ")
	}
}

func TestDamage(t *testing.T) {
	cases := []struct {
		name   string
		harm   func(dir string) error
		lookup string // what Lookup says, or else Verify
		verify string
	}{
		{"file missing", func(dir string) error { return os.Remove(filepath.Join(dir, "sub", "text")) }, "sub/text is missing", ""},
		{"file cut", func(dir string) error { return os.Truncate(filepath.Join(dir, "sub", "text"), 2) }, "has 2 bytes, was written with 5", ""},
		{"bit flipped", func(dir string) error { return os.WriteFile(filepath.Join(dir, "sub", "text"), []byte("fIrst"), 0o666) }, "", "does not have the bytes that were written"},
		{"manifest cut", func(dir string) error { return os.Truncate(filepath.Join(dir, artefactFile), 20) }, "artefact.json: unexpected end", ""},
		{"manifest of another format", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, artefactFile), []byte(`{"format": 9}`), 0o666)
		}, "format 9", ""},
		{"manifest of another key", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, artefactFile), []byte(`{"format": 1, "key": "b"}`), 0o666)
		}, "holds the key b", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := store(t)
			made, _ := put(t, s, key("a"), "first", false)
			if err := c.harm(made.Dir()); err != nil {
				t.Fatal(err)
			}
			a, err := s.Lookup("count", key("a"))
			if c.lookup == "" {
				if err != nil {
					t.Fatal(err)
				}
				err = a.Verify()
			}
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.lookup+c.verify) {
				t.Fatalf("got %v", err)
			}
			// A damaged artefact makes way for a good one.
			if err := s.Remove("count", key("a")); err != nil {
				t.Fatal(err)
			}
			put(t, s, key("a"), "again", false)
		})
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	s := store(t)
	for _, stage := range []string{"", "..", "a/b", "tmp", "Upper", "locks"} {
		if _, err := s.Lookup(stage, key("a")); err == nil {
			t.Errorf("stage %q is accepted", stage)
		}
	}
	for _, k := range []Key{"", "abc", "../../../../etc/passwd", Key(strings.Repeat("g", 64))} {
		if _, err := s.Lookup("count", k); err == nil {
			t.Errorf("key %q is accepted", k)
		}
	}
}

func TestArtefactsHoldRegularFilesOnly(t *testing.T) {
	s := store(t)
	d, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(d.Dir(), "link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Commit(Artefact{Key: key("a"), Stage: "count"}, false); err == nil || !strings.Contains(err.Error(), "link may not be part") {
		t.Errorf("got %v", err)
	}
}

func TestOpenSweepsWhatTheDeadHaveLeft(t *testing.T) {
	s := store(t)
	alive, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Discard()
	tmp := filepath.Join(s.Root(), "tmp")
	// What a killed process leaves: a lock file that nobody holds, and the draft.
	if err := os.MkdirAll(filepath.Join(tmp, "dead", "artefact"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "dead.lock"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.Root()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tmp, "dead")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the dead draft is still there")
	}
	if _, err := os.Stat(alive.Dir()); err != nil {
		t.Error("the draft in hand is gone")
	}
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	err := filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(p, then, then))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGC(t *testing.T) {
	const day = 24 * time.Hour
	// Keys a..f of 5, 10, 15 ... bytes and some for artefact.json, of ages 5, 4
	// ... 0 days; b is needed by a finished run, c by a live one, d by a run
	// whose directory is gone.
	cases := []struct {
		name   string
		policy Policy
		gone   string
	}{
		{"nothing asked", Policy{}, ""},
		{"age", Policy{MaxAge: 3*day - time.Hour}, "a"},
		{"age of all", Policy{MaxAge: time.Hour}, "ade"},
		{"size", Policy{MaxBytes: 1}, "adef"},
		{"all", Policy{All: true}, "adef"},
		{"dry run", Policy{All: true, DryRun: true}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := store(t)
			for i, k := range "abcdef" {
				a, _ := put(t, s, key(string(k)), strings.Repeat("x", 5*(i+1)), false)
				age(t, a.Dir(), time.Duration(5-i)*day)
			}
			runs := t.TempDir()
			lease := func(name string, current, finished []Key) *Lease {
				dir := filepath.Join(runs, name)
				if err := os.Mkdir(dir, 0o777); err != nil {
					t.Fatal(err)
				}
				l, err := s.Lease(t.Context(), dir, current)
				if err != nil {
					t.Fatal(err)
				}
				if finished != nil {
					if err := errors.Join(l.Finish(finished), l.Release()); err != nil {
						t.Fatal(err)
					}
				}
				return l
			}
			lease("finished", nil, []Key{key("b")})
			lease("gone", nil, []Key{key("d")})
			live := lease("live", []Key{key("c")}, nil)
			defer live.Release()
			for _, dir := range []string{"gone", "live"} { // a live run is safe even then
				if err := os.RemoveAll(filepath.Join(runs, dir)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.GC(t.Context(), c.policy)
			if err != nil {
				t.Fatal(err)
			}
			gone := ""
			for _, k := range "abcdef" {
				if a, err := s.Lookup("count", key(string(k))); err != nil {
					t.Error(err)
				} else if a == nil {
					gone += string(k)
				}
			}
			if gone != c.gone {
				t.Errorf("gone: %q, want %q", gone, c.gone)
			}
			if got.Needed != 2 || !c.policy.DryRun && (got.Removed != len(gone) || got.Kept != 6-len(gone)) {
				t.Errorf("reported %+v", got)
			}
		})
	}
}

func TestGCLeavesATaskInHandAlone(t *testing.T) {
	s := store(t)
	dir, err := s.Partial(key("a"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Lock(t.Context(), key("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GC(t.Context(), Policy{All: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error("the checkpoint of a task in hand is gone")
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GC(t.Context(), Policy{All: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("a checkpoint that nobody needs is still there")
	}
	if _, held := lock.Held(filepath.Join(s.Root(), "gc.lock")); held {
		t.Error("GC still holds its lock")
	}
}

// TestGCDryRunForgetsNothing: what a run needs whose directory is moved away for a moment is still known when it is back.
func TestGCDryRunForgetsNothing(t *testing.T) {
	s := store(t)
	put(t, s, key("a"), "rows", false)
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	l, err := s.Lease(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Finish([]Key{key("a")}), l.Release(), os.Rename(dir, dir+".away")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GC(t.Context(), Policy{All: true, DryRun: true}); err != nil || got.Removed != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	got, err := s.GC(t.Context(), Policy{All: true})
	if err != nil || got.Removed != 0 || len(got.Holders) != 1 || got.Holders[0].Dir != dir || got.Holders[0].Bytes != got.KeptBytes ||
		got.Holders[0].Alone != got.KeptBytes {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestExistingMakesNothing: a cache that is not there is an error, and still not there.
func TestExistingMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Existing(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestDrop: the files go and the record stays; what a live run of another process needs stays as it is.
func TestDrop(t *testing.T) {
	s := store(t)
	a, _ := put(t, s, key("a"), "rows", false)
	put(t, s, key("b"), "rows", false)
	other, err := Open(s.Root()) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	l, err := other.Lease(t.Context(), t.TempDir(), []Key{key("b")})
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Lease(t.Context(), t.TempDir(), []Key{key("a"), key("b")})
	if err != nil {
		t.Fatal(err)
	}
	names := []Name{{"count", key("a")}, {"count", key("b")}, {"count", key("c")}}
	if freed, err := s.Drop(t.Context(), names); err != nil || freed != a.Size() {
		t.Fatalf("%d bytes freed, %v, want %d", freed, err, a.Size())
	}
	if found, err := s.Lookup("count", key("a")); found != nil || err != nil {
		t.Errorf("looked up %+v, %v", found, err)
	}
	record, err := s.Recall("count", key("a"))
	if err != nil || record == nil || !record.Dropped || !slices.Equal(record.Files, a.Files) {
		t.Errorf("recalled %+v, %v", record, err)
	}
	if entries, err := os.ReadDir(a.Dir()); err != nil || len(entries) != 1 {
		t.Errorf("%v are left, %v", entries, err)
	}
	if found, err := s.Lookup("count", key("b")); found == nil || err != nil {
		t.Errorf("what another run needs: %+v, %v", found, err)
	}
	// Made again, it is what it was; other bytes are noticed.
	if again, differed := put(t, s, key("a"), "rows", false); differed || textOf(t, again) != "rows" {
		t.Errorf("made again: differed %v", differed)
	}
	if err := errors.Join(l.Release(), own.Release()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Drop(t.Context(), names); err != nil {
		t.Fatal(err)
	}
	if again, differed := put(t, s, key("b"), "other", false); !differed || textOf(t, again) != "other" {
		t.Errorf("made again with other bytes: differed %v", differed)
	}
}
