package imports

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/data"
)

// pictureFile is one picture of a set, before it is read.
type pictureFile struct {
	path      string
	id, label int64
}

// openImageFolder reads root/CLASS/PICTURE, with the classes numbered in the order of their names. Where root has folders
// train and val (ImageNet), the one is the split train and the other is halved; else root itself is halved, or is the
// split "all" if that is asked for.
func openImageFolder(root string, o Options) ([]split, error) {
	train, val := filepath.Join(root, "train"), filepath.Join(root, "val")
	if !isFolder(train) || !isFolder(val) {
		classes, err := folders(root)
		if err != nil {
			return nil, err
		}
		all, err := folderSet(root, classes, o)
		if err != nil {
			return nil, err
		}
		undivided := all.whole("all", o)
		undivided.onDemand = true
		return append(all.halves(o), undivided), nil
	}
	classes, err := folders(train)
	if err != nil {
		return nil, err
	}
	trainSet, err := folderSet(train, classes, o)
	if err != nil {
		return nil, err
	}
	valSet, err := folderSet(val, classes, o)
	if err != nil {
		return nil, err
	}
	return append([]split{trainSet.whole("train", o)}, valSet.halves(o)...), nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folders are the names of the folders in root, sorted.
func folders(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list classes: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && isFolder(filepath.Join(root, e.Name())) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("list classes: %s has no folders; it should have one per class", root)
	}
	return names, nil
}

// folderSet lists root/CLASS/*; a class without a folder has no pictures.
func folderSet(root string, classes []string, o Options) (set, error) {
	if stray, err := folders(root); err != nil {
		return set{}, err
	} else if i := slices.IndexFunc(stray, func(name string) bool { return !slices.Contains(classes, name) }); i >= 0 {
		return set{}, fmt.Errorf("class %q of %s is not among the training set's", stray[i], root)
	}
	perClass := make([][]string, len(classes))
	for label, class := range classes {
		paths, err := picturesIn(filepath.Join(root, class))
		if err != nil {
			return set{}, err
		}
		perClass[label] = paths
	}
	return fileSet(root, alternate(perClass), classes, o)
}

// alternate takes the first picture of each class, then the second of each, so that halves and beginnings of the set hold
// all classes. Ids are places in the order of classes and names.
func alternate(perClass [][]string) []pictureFile {
	var files []pictureFile
	total, longest := int64(0), 0
	first := make([]int64, len(perClass))
	for label, paths := range perClass {
		first[label] = total
		total += int64(len(paths))
		longest = max(longest, len(paths))
	}
	for k := range longest {
		for label, paths := range perClass {
			if k < len(paths) {
				files = append(files, pictureFile{paths[k], first[label] + int64(k), int64(label)})
			}
		}
	}
	return files
}

// picturesIn lists the PNG and JPEG files of a folder by name; a folder that is not there has none.
func picturesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("list pictures: %w", err)
	}
	var paths []string
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".png", ".jpg", ".jpeg":
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// fileSet is a set of listed pictures; the first of them gives the shape.
func fileSet(root string, files []pictureFile, classes []string, o Options) (set, error) {
	if len(files) == 0 {
		return set{}, fmt.Errorf("list pictures: %s has no PNG or JPEG files", root)
	}
	first, err := load(files[0].path)
	if err != nil {
		return set{}, err
	}
	shape := o.shape(first.Bounds())
	return set{
		schema: data.Schema{Shape: shape, ClassNames: classes},
		total:  int64(len(files)),
		read: func(_ context.Context, from, to int64, yield func(data.Image) error) error {
			for _, f := range files[from:to] {
				picture, err := load(f.path)
				if err != nil {
					return err
				}
				pixels, err := o.fit(picture, shape)
				if err != nil {
					return fmt.Errorf("picture %s: %w", f.path, err)
				}
				if err := yield(data.Image{ID: f.id, Label: f.label, Pixels: pixels}); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}
