package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"upi/pipeline"
)

// A lockless is a file or folder of a file system without locks, as network file systems are that are mounted so.
type lockless struct{ *fs.LoopbackNode }

// WrapChild makes what lies below of the same kind.
func (*lockless) WrapChild(_ context.Context, node fs.InodeEmbedder) fs.InodeEmbedder {
	return &lockless{node.(*fs.LoopbackNode)}
}

// Setlk refuses fcntl and flock.
func (*lockless) Setlk(context.Context, fs.FileHandle, uint64, *fuse.FileLock, uint32) syscall.Errno {
	return syscall.ENOLCK
}

// Setlkw refuses those that wait.
func (*lockless) Setlkw(context.Context, fs.FileHandle, uint64, *fuse.FileLock, uint32) syscall.Errno {
	return syscall.ENOLCK
}

// mountLockless mounts a folder without locks.
func mountLockless(t *testing.T) string {
	t.Helper()
	below, at := t.TempDir(), t.TempDir()
	loop, err := fs.NewLoopbackRoot(below)
	if err != nil {
		t.Fatal(err)
	}
	root := &lockless{loop.(*fs.LoopbackNode)}
	server, err := fs.Mount(at, root, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, EnableLocks: true}})
	if err != nil {
		t.Skipf("no file system may be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	f, err := os.Create(filepath.Join(at, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.ENOLCK) {
		t.Fatalf("the test's file system has locks: %v", err)
	}
	return at
}

// TestWithoutLocks: with the cache and the output on a file system without locks, two runs at once come to the bytes of a run on one
// with locks; a run that was killed goes on; a second run of the same name is turned down.
func TestWithoutLocks(t *testing.T) {
	want := local(t, small)
	dir := mountLockless(t)
	a := &program{output: filepath.Join(dir, "a"), cache: filepath.Join(dir, "cache")}
	b := &program{output: filepath.Join(dir, "b"), cache: a.cache}
	a.start(t, "upi-beam", small)
	b.start(t, "upi-beam", small)
	await(t, "a reference", func() bool { return a.artefacts("reference") > 0 })
	again := &program{output: a.output, cache: a.cache}
	again.start(t, "upi-beam", small)
	if code := again.wait(); code != pipeline.ExitLocked {
		t.Errorf("a second run of the name ends with %d:\n%s", code, again.text())
	}
	a.command.Process.Kill()
	a.wait()
	b.done(t)
	a.start(t, "upi-beam", small)
	a.done(t)
	same(t, a, want, "small")
	same(t, b, want, "small")
}
