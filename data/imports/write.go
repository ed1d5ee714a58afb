package imports

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"upi/data"
)

const defaultShardRows = 2500

// write makes the shards in a folder of their own beside their final place and names them when all are complete.
func (j *job) write(splits []split, dst string) error {
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, s := range splits {
		old, err := filepath.Glob(filepath.Join(escape(dst), s.name+"-*-of-*.parquet"))
		if err != nil {
			return fmt.Errorf("look for old shards in %s: %w", dst, err)
		}
		if len(old) > 0 {
			return fmt.Errorf("%s is there already; remove the old %s shards or choose another folder", old[0], s.name)
		}
		if len(s.places) == 0 {
			return fmt.Errorf("write split %s: it has no images", s.name)
		}
	}
	if err := checkLists(dst); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(dst, ".import-*")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(stage)
	names, err := j.writeSplits(splits, stage)
	if err != nil {
		return err
	}
	j.compare()
	j.result.sort()
	if err := j.result.writeLists(stage, dst); err != nil {
		return err
	}
	names = append(names, classesFile)
	if len(j.result.Skipped) > 0 {
		names = append(names, skippedFile)
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(stage, name), filepath.Join(dst, name)); err != nil {
			return fmt.Errorf("name shard: %w", err)
		}
	}
	return nil
}

// writeSplits writes each split, those of a set that must be read in order by way of a copy of its images.
func (j *job) writeSplits(splits []split, stage string) (names []string, err error) {
	spilled := map[*set]*spill{}
	defer func() {
		for _, s := range spilled {
			s.close()
		}
	}()
	for _, s := range splits {
		read := s.set.read
		if !s.set.anyOrder && !slices.IsSorted(s.places) {
			if spilled[s.set] == nil {
				if spilled[s.set], err = j.spill(s.set, splits, stage); err != nil {
					return nil, fmt.Errorf("read set: %w", err)
				}
			}
			read = spilled[s.set].read
		}
		written, err := j.writeSplit(s, read, stage)
		if err != nil {
			return nil, fmt.Errorf("write split %s: %w", s.name, err)
		}
		names = append(names, written...)
	}
	return names, j.tooMany()
}

// escape keeps a folder's own name out of a pattern.
func escape(path string) string {
	var out []rune
	for _, r := range path {
		switch r {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// writeSplit makes the shards of one split in dir and returns their names.
func (j *job) writeSplit(s split, read func(*job, []int64, func(int64, data.Image) error) error, dir string) (names []string, err error) {
	w := &shardWriter{dir: dir, schema: s.set.schema, rows: j.options.ShardRows}
	if w.rows == 0 {
		w.rows = defaultShardRows
	}
	defer w.abort()
	made := SplitResult{Name: s.name, PerClass: make([]int64, len(s.set.schema.ClassNames))}
	total := int64(len(s.places))
	err = read(j, s.places, func(_ int64, im data.Image) error {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		if err := w.write(im); err != nil {
			return err
		}
		for int64(len(made.PerClass)) <= im.Label && im.Label < maxCounted {
			made.PerClass = append(made.PerClass, 0)
		}
		if im.Label < maxCounted {
			made.PerClass[im.Label]++
		}
		made.Images++
		if j.progress != nil {
			j.progress(s.name, made.Images, total)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := j.tooMany(); made.Images == 0 {
		if err == nil {
			err = fmt.Errorf("it has no images")
		}
		return nil, err
	}
	j.result.Splits = append(j.result.Splits, made)
	j.result.ClassNames = s.set.schema.ClassNames
	return w.finish(s.name)
}

// maxCounted bounds the classes whose images are counted where they have no names; a label may be any number.
const maxCounted = 1 << 17

// compare warns of classes that a split lacks.
func (j *job) compare() {
	var fit, test *SplitResult
	for i, s := range j.result.Splits {
		switch s.Name {
		case "fit":
			fit = &j.result.Splits[i]
		case "test":
			test = &j.result.Splits[i]
		}
	}
	if fit == nil || test == nil {
		return
	}
	var lacking []string
	for label, n := range test.PerClass {
		if n > 0 && (label >= len(fit.PerClass) || fit.PerClass[label] == 0) {
			lacking = append(lacking, j.className(label))
		}
	}
	if len(lacking) > 0 {
		j.warn("the split fit has no image of %s, which test has: what is fitted has not seen them", list(lacking))
	}
}

func (j *job) className(label int) string {
	if label < len(j.result.ClassNames) {
		return fmt.Sprintf("%q", j.result.ClassNames[label])
	}
	return fmt.Sprintf("class %d", label)
}

// list names the first few.
func list(names []string) string {
	const most = 10
	out := ""
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			out += ", "
		}
		out += name
	}
	if more := len(names) - most; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// shardWriter cuts images into shards, which get their numbers at the end: only then is it known how many there are.
type shardWriter struct {
	dir    string
	schema data.Schema
	rows   int64

	done   int64
	shards int
	writer *data.Writer
}

func (w *shardWriter) temporary(i int) string {
	return filepath.Join(w.dir, fmt.Sprintf("shard-%d", i))
}

func (w *shardWriter) write(im data.Image) (err error) {
	if w.done%w.rows == 0 {
		if err := w.end(); err != nil {
			return err
		}
		if w.writer, err = data.Create(w.temporary(w.shards), w.schema); err != nil {
			return err
		}
		w.shards++
	}
	w.done++
	return w.writer.Write(im)
}

func (w *shardWriter) end() error {
	if w.writer == nil {
		return nil
	}
	return w.writer.Close()
}

// finish names the shards of a split.
func (w *shardWriter) finish(split string) (names []string, err error) {
	if err := w.end(); err != nil {
		return nil, err
	}
	for i := range w.shards {
		name := fmt.Sprintf("%s-%05d-of-%05d.parquet", split, i, w.shards)
		if err := os.Rename(w.temporary(i), filepath.Join(w.dir, name)); err != nil {
			return nil, fmt.Errorf("name shard: %w", err)
		}
		names = append(names, name)
	}
	return names, nil
}

func (w *shardWriter) abort() {
	if w.writer != nil {
		w.writer.Abort()
	}
}
