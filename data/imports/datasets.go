package imports

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// openDatasets reads a folder as the datasets library writes it: by Dataset.save_to_disk (state.json), by DatasetDict.save_to_disk
// (dataset_dict.json), or in its cache (dataset_info.json beside NAME-SPLIT.arrow). Splits are those of a folder of pictures (layout);
// a set without splits is halved.
func openDatasets(j *job, root string) ([]split, error) {
	patterns, err := datasetPatterns(root)
	for range 5 { // the cache keeps a set in NAME/CONFIGURATION/VERSION/HASH
		l, listing := j.list(root, false)
		if !errors.Is(err, errNoDataset) || listing != nil || len(l.folders) != 1 {
			break
		}
		root = filepath.Join(root, l.folders[0])
		patterns, err = datasetPatterns(root)
	}
	if err != nil {
		return nil, err
	}
	return j.openSplits(root, patterns)
}

// openSplits reads the files of each split of a folder: train, and those to test on as in a folder of pictures. A set without splits is
// halved.
func (j *job) openSplits(root string, patterns map[string]string) ([]split, error) {
	names := slices.Sorted(maps.Keys(patterns))
	if len(names) == 1 {
		all, err := j.shardSet(patterns[names[0]])
		if err != nil {
			return nil, err
		}
		return append(all.halves(j.options), all.undivided(j.options)), nil
	}
	var train *set
	var held []*set
	chosen := []string{pick(names, trainNames), pick(names, fitNames), pick(names, testNames)}
	for i, name := range chosen {
		if name == "" {
			continue
		}
		s, err := j.shardSet(patterns[name])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			train = s
		} else {
			held = append(held, s)
		}
	}
	for _, name := range names {
		if !slices.Contains(chosen, name) {
			j.skip(patterns[name], Unasked, 1)
		}
	}
	switch {
	case train == nil && len(held) == 0:
		return nil, fmt.Errorf("of the splits %q of %s none is train, validation or test", names, root)
	case len(held) == 0:
		return append(train.halves(j.options), train.undivided(j.options)), nil
	}
	return j.divide(train, held), nil
}

// datasetPatterns are the files of each split of a folder, as patterns.
func datasetPatterns(root string) (map[string]string, error) {
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return map[string]string{"": escape(root)}, nil
	}
	var dict struct {
		Splits []string `json:"splits"`
	}
	switch err := readJSON(filepath.Join(root, "dataset_dict.json"), &dict); {
	case err == nil:
		patterns := map[string]string{}
		for _, name := range dict.Splits {
			if !filepath.IsLocal(name) {
				return nil, fmt.Errorf("dataset_dict.json of %s names a split %q, which leads out of it", root, name)
			}
			if patterns[name], err = statePattern(filepath.Join(root, name)); err != nil {
				return nil, err
			}
		}
		return patterns, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	switch pattern, err := statePattern(root); {
	case err == nil:
		return map[string]string{"": pattern}, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return cachePatterns(root)
}

// statePattern is the pattern of the files that state.json names, in whose names their order stands.
func statePattern(dir string) (string, error) {
	var state struct {
		Files []struct {
			Name string `json:"filename"`
		} `json:"_data_files"`
		Indices []any `json:"_indices_data_files"` // of old versions
	}
	if err := readJSON(filepath.Join(dir, "state.json"), &state); err != nil {
		return "", err
	}
	if len(state.Indices) > 0 {
		return "", fmt.Errorf("%s holds a selection of rows that is not read; write it anew by save_to_disk with a recent version of datasets", dir)
	}
	var patterns []string
	for _, f := range state.Files {
		if f.Name != filepath.Base(f.Name) {
			return "", fmt.Errorf("state.json of %s names the file %q, which is not in the folder", dir, f.Name)
		}
		patterns = append(patterns, filePattern(dir, f.Name))
	}
	slices.Sort(patterns)
	if patterns = slices.Compact(patterns); len(patterns) != 1 {
		return "", fmt.Errorf("state.json of %s names files of %d sets, wanted one as data-00000-of-00002.arrow", dir, len(patterns))
	}
	return patterns[0], nil
}

// cacheFile is the name of a file in the cache: of the set, the split, and its number where there are several.
var cacheFile = regexp.MustCompile(`^(.+)-([^-]+?)(-\d{5}-of-\d{5})?\.arrow$`)

var errNoDataset = errors.New("has neither dataset_dict.json nor state.json nor files as NAME-train.arrow; is it a folder that datasets has written?")

// cachePatterns are the files of a folder of the cache by split.
func cachePatterns(root string) (map[string]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	patterns := map[string]string{}
	for _, e := range entries {
		parts := cacheFile.FindStringSubmatch(e.Name())
		if parts == nil || strings.HasPrefix(e.Name(), "cache-") { // of a map or a filter
			continue
		}
		patterns[parts[2]] = filePattern(root, e.Name())
	}
	if len(patterns) == 0 {
		return nil, fmt.Errorf("%s %w", root, errNoDataset)
	}
	return patterns, nil
}

var numberedFile = regexp.MustCompile(`-\d{5}(-of-\d{5}\.(arrow|parquet))$`)

// filePattern names a file with those that its number says belong to it.
func filePattern(dir, name string) string {
	return filepath.Join(escape(dir), numberedFile.ReplaceAllString(escape(name), "-*$1"))
}

// fitNames are those that splits of files go by which are for fitting: shards of one's own among them.
var fitNames = slices.Concat([]string{"fit"}, validationNames)

// splitFile is the name of a Parquet file of a set on Hugging Face's hub.
var splitFile = regexp.MustCompile(`^([^-]+)(-\d{5}-of-\d{5}(-[0-9a-f]+)?)?\.parquet$`)

// parquetSplits are the files of each split of a folder, where all of its Parquet files are named by splits of which one is for training
// or there are several; else ok is false.
func parquetSplits(root string) (patterns map[string]string, ok bool, err error) {
	paths, err := filepath.Glob(filepath.Join(escape(root), "*.parquet"))
	if err != nil {
		return nil, false, fmt.Errorf("list folder: %w", err)
	}
	patterns = map[string]string{}
	for _, path := range paths {
		parts := splitFile.FindStringSubmatch(filepath.Base(path))
		if parts == nil || pick([]string{parts[1]}, slices.Concat(trainNames, fitNames, testNames)) == "" {
			return nil, false, nil
		}
		patterns[parts[1]] = filepath.Join(escape(root), escape(parts[1])+`[\-.]*parquet`)
	}
	return patterns, len(patterns) > 1, nil
}

// maxJSON bounds the files that describe a set.
const maxJSON = 64 << 20

func readJSON(path string, into any) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read description: %w", err)
	}
	if info.Size() > maxJSON {
		return fmt.Errorf("read description %s: it has %d bytes, more than the %d allowed", path, info.Size(), maxJSON)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read description: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read description %s: %w", path, err)
	}
	return nil
}
