package graphdef

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Find is the directory of the SavedModel at a path: the path itself, or the folder of the highest version where it holds
// versions as serving tools lay them out (net/1, net/2). For a file of another format the error says the command that makes a
// SavedModel of it.
func Find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return path, nil // whose reading says that it is not there
	}
	if !info.IsDir() {
		if err := Foreign(path); err != nil {
			return "", err
		}
		return "", fmt.Errorf("read SavedModel %s: it is a file, not the directory of a SavedModel", path)
	}
	if holdsModel(path) {
		return path, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("read SavedModel: %w", err)
	}
	highest, found := uint64(0), ""
	for _, entry := range entries {
		dir := filepath.Join(path, entry.Name())
		version, err := strconv.ParseUint(entry.Name(), 10, 63)
		if err == nil && (found == "" || version > highest) && holdsModel(dir) {
			highest, found = version, dir
		}
	}
	if found != "" {
		return found, nil
	}
	for _, entry := range entries {
		if err := Foreign(filepath.Join(path, entry.Name())); err != nil {
			return "", fmt.Errorf("read SavedModel %s: there is no %s: %w", path, FileName, err)
		}
	}
	return path, nil // whose reading says what is missing
}

func holdsModel(dir string) bool {
	for _, name := range []string{FileName, "saved_model.pbtxt"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
