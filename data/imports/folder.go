package imports

import (
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

// The names that folders of splits go by, in lower case.
var (
	trainNames      = []string{"train", "training"}
	validationNames = []string{"val", "validation", "valid", "dev"}
	testNames       = []string{"test", "testing"}
)

// openImageFolder reads root/CLASS/.../PICTURE, with the classes numbered in the order of their names, or splits of such folders (layout).
// Without splits root itself is halved, or is the split "all" if that is asked for.
func openImageFolder(j *job, root string) ([]split, error) {
	root, l, err := j.unwrap(root)
	if err != nil {
		return nil, err
	}
	train, validation, test := pick(l.folders, trainNames), pick(l.folders, validationNames), pick(l.folders, testNames)
	if train != "" && validation+test != "" {
		if classes, err := j.list(filepath.Join(root, train), false); err != nil {
			return nil, err
		} else if len(classes.folders) > 0 {
			return j.openLayout(root, l, train, validation, test)
		}
	}
	all, err := j.folderSet(root, "", nil)
	if err != nil {
		return nil, err
	}
	return append(all.halves(j.options), all.undivided(j.options)), nil
}

// unwrap goes down through folders that hold nothing but one folder of folders, as archives have them.
func (j *job) unwrap(root string) (string, listing, error) {
	const most = 4
	for i := 0; ; i++ {
		l, err := j.list(root, false)
		if err != nil {
			return root, l, fmt.Errorf("list classes: %w", err)
		}
		if i == most || len(l.folders) != 1 || len(l.pictures) > 0 {
			return root, l, nil
		}
		inner, err := j.list(filepath.Join(root, l.folders[0]), false)
		if err != nil {
			return root, l, err
		}
		if len(inner.folders) == 0 || len(inner.pictures) > 0 {
			return root, l, nil
		}
		if _, err := j.list(root, true); err != nil { // to note what is passed over
			return root, l, err
		}
		j.pass(root, listing{others: l.others})
		root = filepath.Join(root, l.folders[0])
	}
}

// pick is the folder whose name is one of these, "" if there is none.
func pick(folders, names []string) string {
	i := slices.IndexFunc(folders, func(name string) bool { return slices.Contains(names, strings.ToLower(name)) })
	if i < 0 {
		return ""
	}
	return folders[i]
}

// openLayout reads the folder train as the split of that name. Of validation and test, the one that has classes is halved into fit and
// test; where both have, they are fit and test. The classes are those of train.
func (j *job) openLayout(root string, l listing, train, validation, test string) ([]split, error) {
	if _, err := j.list(root, true); err != nil { // to note what is hidden
		return nil, err
	}
	trainSet, err := j.folderSet(filepath.Join(root, train), train, nil)
	if err != nil {
		return nil, err
	}
	classes := trainSet.schema.ClassNames
	var held []*set
	for _, name := range []string{validation, test} {
		if name == "" {
			continue
		}
		dir := filepath.Join(root, name)
		inner, err := j.list(dir, false)
		if err != nil {
			return nil, err
		}
		if len(inner.folders) == 0 || len(inner.folders) == 1 && !slices.Contains(classes, inner.folders[0]) {
			j.skip(dir, Classless, countFiles(dir)) // as ImageNet's test set
			continue
		}
		s, err := j.folderSet(dir, name, classes)
		if err != nil {
			return nil, err
		}
		held = append(held, s)
	}
	j.pass(root, l)
	for _, name := range l.folders {
		if !slices.Contains([]string{train, validation, test}, name) {
			j.skip(filepath.Join(root, name), Unasked, countFiles(filepath.Join(root, name)))
		}
	}
	if len(held) == 0 {
		return nil, fmt.Errorf("list classes: of %s only %s has folders of classes; there is nothing to test on", j.shown(root), train)
	}
	return j.divide(trainSet, held), nil
}

// divide makes the split train of a training set, if there is one. Of the sets held back from training one is halved into fit and test,
// and two, for validation and for the test, are fit and test.
func (j *job) divide(train *set, held []*set) (splits []split) {
	if train != nil {
		splits = append(splits, train.whole("train", j.options))
	}
	if len(held) == 2 {
		return append(splits, held[0].whole("fit", j.options), held[1].whole("test", j.options))
	}
	return append(splits, held[0].halves(j.options)...)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folderSet lists root/CLASS at any depth. The classes are the folders of root, or those given, of which some may have no folder.
func (j *job) folderSet(root, name string, classes []string) (*set, error) {
	l, err := j.list(root, true)
	if err != nil {
		return nil, fmt.Errorf("list classes: %w", err)
	}
	if len(l.folders) == 0 {
		return nil, fmt.Errorf("list classes: %s has no folders; it should have one per class", j.shown(root))
	}
	j.pass(root, l)
	if classes == nil {
		classes = l.folders
	}
	if i := slices.IndexFunc(l.folders, func(name string) bool { return !slices.Contains(classes, name) }); i >= 0 {
		return nil, fmt.Errorf("class %q of %s is not among the training set's", l.folders[i], j.shown(root))
	}
	var files []pictureFile
	var empty []string
	for label, class := range classes {
		var paths []string
		if slices.Contains(l.folders, class) {
			if paths, err = j.pictures(filepath.Join(root, class)); err != nil {
				return nil, err
			}
		}
		if len(paths) == 0 {
			empty = append(empty, fmt.Sprintf("%q", class))
		}
		for _, path := range paths {
			files = append(files, pictureFile{path, int64(len(files)), int64(label)})
		}
	}
	if len(empty) > 0 {
		j.warn("no pictures of %s in %s; each still is a class and keeps its number", list(empty), j.shown(root))
	}
	return j.fileSet(root, name, files, classes)
}

// fileSet is a set of listed pictures; the first of them that can be read gives the shape.
func (j *job) fileSet(root, name string, files []pictureFile, classes []string) (*set, error) {
	s := &set{name: name, schema: data.Schema{ClassNames: classes, Notes: j.options.notes()}, total: int64(len(files)), anyOrder: true}
	if len(files) == 0 {
		return nil, fmt.Errorf("list pictures: %s has no pictures%s", j.shown(root), j.others())
	}
	for _, f := range files {
		s.labels = append(s.labels, f.label)
	}
	shape, err := j.firstShape(files)
	if err != nil {
		return nil, err
	}
	s.schema.Shape = shape
	s.read = func(j *job, places []int64, yield func(int64, data.Image) error) error {
		for _, place := range places {
			f := files[place]
			pixels, err := j.options.load(f.path, shape)
			if otherShape(err) {
				return fmt.Errorf("picture %s: %w", j.shown(f.path), err)
			}
			if err != nil {
				if err := j.badPicture(f.path, err); err != nil {
					return err
				}
				continue
			}
			if err := yield(place, data.Image{ID: f.id, Label: f.label, Pixels: pixels}); err != nil {
				return err
			}
		}
		return nil
	}
	return s, nil
}

// firstShape is that of the first picture that can be read.
func (j *job) firstShape(files []pictureFile) ([3]int, error) {
	for _, f := range files {
		shape, err := j.options.loadFirst(f.path)
		if err == nil {
			return shape, nil
		}
		if err := j.badPicture(f.path, err); err != nil {
			return [3]int{}, err
		}
	}
	j.options.SkipBad = 0 // none is left to go on with
	return [3]int{}, j.tooMany()
}

// others says what was left out, for a set in which nothing was found.
func (j *job) others() string {
	if len(j.result.Skipped) == 0 {
		return ""
	}
	var names []string
	for _, s := range j.result.Skipped {
		names = append(names, fmt.Sprintf("%s (%s)", s.Path, s.Reason))
	}
	return "; it has " + list(names)
}
