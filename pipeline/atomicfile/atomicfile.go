// Package atomicfile writes files that are never seen half written: the bytes
// go to a temporary name beside the file, are synced to the disk, and the file
// is renamed over the old one.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// mark is what a temporary file's name holds, between the name of the file and
// random letters.
const mark = ".partial-"

// A File is on its way: it has a temporary name until Close gives it its own.
type File struct {
	*os.File
	path string
	done bool
}

// Create starts the file that Close will put at path, in the place of what is
// there.
func Create(path string) (*File, error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+mark+rand.Text()[:12])
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	return &File{File: f, path: path}, nil
}

// Close syncs the file and gives it its name. On an error what was at path is
// as it was and nothing is left over.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	defer f.Abort()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", f.path, err)
	}
	if err := f.File.Close(); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return fmt.Errorf("put %s in place: %w", f.path, err)
	}
	f.done = true
	return SyncDir(filepath.Dir(f.path))
}

// Abort removes what has been written. After Close it does nothing.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.File.Close()
	os.Remove(f.Name())
}

// Write makes or replaces the file path with what write writes. On an error the
// old file is as it was and nothing is left over.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	b := bufio.NewWriterSize(f, 1<<16)
	if err := write(b); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

// WriteFile makes or replaces the file path with data.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Copy makes or replaces the file path with the content of the file from.
func Copy(path, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy to %s: %w", path, err)
	}
	defer f.Close()
	return Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// Clean removes what a killed process left in dir and below it. Nothing else
// may be writing there.
func Clean(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("clean %s: %w", dir, err)
		}
		if d.Type().IsRegular() && strings.HasPrefix(d.Name(), ".") && strings.Contains(d.Name(), mark) {
			return os.Remove(path)
		}
		return nil
	})
}
