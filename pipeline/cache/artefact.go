package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"upi/pipeline/atomicfile"
)

// format is the version of artefact.json.
const format = 1

// artefactFile is the file that makes a directory an artefact.
const artefactFile = "artefact.json"

// Artefact is what is known of the result of one task.
type Artefact struct {
	Format       int    `json:"format"`
	Key          Key    `json:"key"`
	Stage        string `json:"stage"`
	StageVersion int    `json:"stage_version"`
	Label        string `json:"label"`
	// Task is the whole task, with parents and inputs: the lineage.
	Task     json.RawMessage  `json:"task,omitempty"`
	Parents  []Key            `json:"parents,omitempty"`
	Created  time.Time        `json:"created"`
	Seconds  float64          `json:"seconds"`
	Counts   map[string]int64 `json:"counts,omitempty"`
	Warnings []Warning        `json:"warnings,omitempty"`
	Files    []File           `json:"files"`
	// Dropped says that the files are gone and only this record is left: see [Store.Drop].
	Dropped bool `json:"dropped,omitempty"`

	dir string
}

// Warning counts what went wrong without stopping a task.
type Warning struct {
	Code  string `json:"code"`
	Count int64  `json:"count"`
	// Examples are the first few in order of the alphabet.
	Examples []string `json:"examples,omitempty"`
}

// File is a file of an artefact.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Dir is the artefact's directory.
func (a *Artefact) Dir() string { return a.dir }

// Size is the number of bytes of its files.
func (a *Artefact) Size() int64 {
	var n int64
	for _, f := range a.Files {
		n += f.Size
	}
	return n
}

// DamagedError says that what stands under a key is not what was written.
type DamagedError struct {
	Dir    string
	Reason string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("artefact %s: %s", e.Dir, e.Reason) }

// open reads the artefact in dir and looks whether its files are there at their
// full size. The error is os.ErrNotExist if there is none.
func open(dir string, key Key) (*Artefact, error) {
	text, err := os.ReadFile(filepath.Join(dir, artefactFile))
	if err != nil {
		return nil, err
	}
	a := &Artefact{dir: dir}
	switch err := json.Unmarshal(text, a); {
	case err != nil:
		return nil, &DamagedError{dir, "artefact.json: " + err.Error()}
	case a.Format != format:
		return nil, &DamagedError{dir, fmt.Sprintf("artefact.json has format %d, this program reads %d", a.Format, format)}
	case a.Key != key:
		return nil, &DamagedError{dir, "it holds the key " + string(a.Key)}
	}
	if a.Dropped {
		return a, nil
	}
	for _, f := range a.Files {
		info, err := os.Stat(filepath.Join(dir, f.Name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, &DamagedError{dir, f.Name + " is missing"}
		case err != nil:
			return nil, err
		case info.Size() != f.Size:
			return nil, &DamagedError{dir, fmt.Sprintf("%s has %d bytes, was written with %d", f.Name, info.Size(), f.Size)}
		}
	}
	return a, nil
}

// Verify reads every file again and compares its hash.
func (a *Artefact) Verify() error {
	for _, want := range a.Files {
		got, err := Sum(a.dir, want.Name)
		if err != nil {
			return err
		}
		if got != want {
			return &DamagedError{a.dir, want.Name + " does not have the bytes that were written"}
		}
	}
	return nil
}

// seal lists and syncs the files below dir and writes artefact.json.
func (a *Artefact) seal(dir string) error {
	a.Files = []File{}
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, path)
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || name == artefactFile {
			return fmt.Errorf("%s may not be part of an artefact", name)
		}
		if err := syncFile(path); err != nil {
			return err
		}
		f, err := Sum(dir, name)
		a.Files = append(a.Files, f)
		return err
	})
	if err != nil {
		return err
	}
	sort.Slice(a.Files, func(i, j int) bool { return a.Files[i].Name < a.Files[j].Name })
	// The innermost directories first, so that no name is durable before its content.
	sort.Slice(dirs, func(i, j int) bool {
		return strings.Count(dirs[i], string(filepath.Separator)) > strings.Count(dirs[j], string(filepath.Separator))
	})
	for _, d := range dirs {
		if err := atomicfile.SyncDir(d); err != nil {
			return err
		}
	}
	return a.record(dir)
}

// record writes artefact.json.
func (a *Artefact) record(dir string) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("encode artefact.json: %w", err)
	}
	return atomicfile.WriteFile(filepath.Join(dir, artefactFile), append(text, '\n'))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Sum is what an artefact would say of the file name in dir.
func Sum(dir, name string) (File, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return File{Name: filepath.ToSlash(name), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}
