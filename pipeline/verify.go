package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"upi/pipeline/cache"
	"upi/pipeline/content"
)

// Verify hashes again all that a run's manifest names: the files of its
// directory, the artefacts and the inputs. It returns what is not as it was; an
// error means that it could not look.
func Verify(runDir string, store *cache.Store) ([]string, error) {
	m, err := ReadManifest(runDir)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, o := range m.Outputs {
		if !filepath.IsLocal(o.Name) {
			wrong = append(wrong, fmt.Sprintf("output %q lies outside the run's directory", o.Name))
			continue
		}
		now, err := cache.Sum(runDir, o.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, fmt.Sprintf("output %s is missing", o.Name))
		case err != nil:
			return nil, fmt.Errorf("verify output: %w", err)
		case now != o.File:
			wrong = append(wrong, fmt.Sprintf("output %s has changed", o.Name))
		}
	}
	for _, t := range m.Tasks {
		if t.Status == "failed" || t.Status == "skipped" {
			continue
		}
		a, err := store.Lookup(t.Stage, t.Key)
		if a != nil {
			err = a.Verify()
		} else if err == nil && t.Transient {
			continue // dropped when what reads it was made
		} else if err == nil {
			err = fmt.Errorf("artefact of %s %s is no longer in the cache", t.Stage, t.Label)
		}
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	// Without stored hashes: every byte is read.
	hasher := content.NewHasher("")
	for _, in := range m.Inputs {
		sum, err := hasher.Sum(in.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, fmt.Sprintf("input %s is missing", in.Path))
		case err != nil:
			wrong = append(wrong, err.Error())
		case sum.Hash != in.SHA256:
			wrong = append(wrong, fmt.Sprintf("input %s has changed", in.Path))
		}
	}
	return wrong, nil
}
