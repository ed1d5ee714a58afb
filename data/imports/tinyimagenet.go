package imports

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// openTinyImageNet reads the folder tiny-imagenet-200. Labels are places in the sorted list of WordNet ids, as training on the
// folder train/ gives them. The folder test/ has no labels and is passed over; val/ is halved into fit and test.
func openTinyImageNet(j *job, root string) ([]split, error) {
	ids, err := lines(filepath.Join(root, "wnids.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	classes, err := wordNames(filepath.Join(root, "words.txt"), ids)
	if err != nil {
		return nil, err
	}
	var splits []split
	if isFolder(filepath.Join(root, "train")) {
		train, err := j.tinyTrain(root, ids, classes)
		if err != nil {
			return nil, err
		}
		splits = append(splits, train.whole("train", j.options))
	}
	val, err := j.tinyVal(root, ids, classes)
	if err != nil {
		return nil, err
	}
	if test := filepath.Join(root, "test"); isFolder(test) {
		j.skip(test, Classless, countFiles(test))
	}
	return append(splits, val.halves(j.options)...), nil
}

// tinyTrain takes the pictures in the order of their classes and names.
func (j *job) tinyTrain(root string, ids, classes []string) (*set, error) {
	var files []pictureFile
	for label, id := range ids {
		dir := filepath.Join(root, "train", id, "images")
		if !isFolder(dir) {
			j.warn("no pictures of %q in %s", classes[label], j.shown(filepath.Join(root, "train")))
			continue
		}
		paths, err := j.pictures(dir)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			files = append(files, pictureFile{path, int64(len(files)), int64(label)})
		}
	}
	return j.fileSet(filepath.Join(root, "train"), "train", files, classes)
}

// tinyVal takes the pictures in the order of val_annotations.txt: file, WordNet id, and a box that is not used.
func (j *job) tinyVal(root string, ids, classes []string) (*set, error) {
	path := filepath.Join(root, "val", "val_annotations.txt")
	text, err := lines(path)
	if err != nil {
		return nil, err
	}
	var files []pictureFile
	for i, line := range text {
		parts := strings.Fields(line)
		if len(parts) < 2 {
			return nil, fmt.Errorf("line %d of %s is %q, wanted a file and a WordNet id", i+1, path, line)
		}
		label, ok := slices.BinarySearch(ids, parts[1])
		if !ok {
			return nil, fmt.Errorf("line %d of %s: %q is not in wnids.txt", i+1, path, parts[1])
		}
		name := filepath.Base(parts[0])
		files = append(files, pictureFile{filepath.Join(root, "val", "images", name), int64(i), int64(label)})
	}
	return j.fileSet(filepath.Join(root, "val"), "val", files, classes)
}

// wordNames are class names like "n02124075 Egyptian cat"; the id keeps those apart that WordNet calls by one word.
func wordNames(path string, ids []string) ([]string, error) {
	names := slices.Clone(ids)
	text, err := lines(path)
	if errors.Is(err, os.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, err
	}
	for _, line := range text {
		id, words, _ := strings.Cut(line, "\t")
		if label, ok := slices.BinarySearch(ids, id); ok {
			first, _, _ := strings.Cut(words, ",")
			names[label] = strings.TrimSpace(id + " " + first)
		}
	}
	return names, nil
}

// lines are the lines of a text file that are not empty.
func lines(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	defer file.Close()
	var out []string
	s := bufio.NewScanner(file)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" {
			out = append(out, line)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read list %s: %w", path, err)
	}
	return out, nil
}
