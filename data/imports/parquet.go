package imports

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"upi/data"
)

// openParquet reads shards that others have made: of mixed sizes, in other layouts, or just in too many files. Ids stay. The files of a
// folder whose names are those of splits (train-00000-of-00002.parquet) are those splits.
func openParquet(j *job, pattern string) ([]split, error) {
	if isFolder(pattern) {
		pattern = j.parquetFolder(pattern)
		patterns, ok, err := parquetSplits(pattern)
		if err != nil {
			return nil, err
		}
		if ok {
			return j.openSplits(pattern, patterns)
		}
		pattern = filepath.Join(escape(pattern), "*.parquet")
	}
	all, err := j.shardSet(pattern)
	if err != nil {
		return nil, err
	}
	return append(all.halves(j.options), all.undivided(j.options)), nil
}

// parquetFolder is the folder of Parquet files below root: root itself, its folder data, as on Hugging Face's hub, or the only one.
func (j *job) parquetFolder(root string) string {
	inner := root
	for range 4 {
		if found, err := filepath.Glob(filepath.Join(escape(inner), "*.parquet")); err != nil || len(found) > 0 {
			return inner
		}
		l, err := j.list(inner, false)
		switch {
		case err == nil && slices.Contains(l.folders, "data"):
			inner = filepath.Join(inner, "data")
		case err == nil && len(l.folders) == 1:
			inner = filepath.Join(inner, l.folders[0])
		default:
			return root
		}
	}
	return root
}

// shardSet is the set of the images in the Parquet or Arrow files that a pattern names.
func (j *job) shardSet(pattern string) (*set, error) {
	dataset, err := data.OpenWith(pattern, data.Options{Mixed: true, Columns: j.options.Columns, Pictures: j.options.Pictures})
	if err != nil {
		return nil, err
	}
	labels, err := dataset.Labels(j.ctx)
	if err != nil {
		return nil, err
	}
	shape := dataset.Shape()
	all := &set{
		schema: data.Schema{Shape: shape, ClassNames: dataset.ClassNames(), TextIDs: dataset.TextIDs(), Notes: j.options.notes()},
		total:  dataset.Len(),
		labels: labels,
	}
	all.read = func(j *job, places []int64, yield func(int64, data.Image) error) error {
		for _, shard := range dataset.Shards() {
			if len(places) == 0 {
				break
			}
			if shard.FirstRow+shard.Rows <= places[0] {
				continue
			}
			shard.Shape = shape
			left, err := j.readShard(shard, places, yield)
			if err != nil {
				return err
			}
			places = left
		}
		return nil
	}
	return all, nil
}

// readShard yields the images of a shard at those of the places that lie in it, and returns the others.
func (j *job) readShard(shard data.Shard, places []int64, yield func(int64, data.Image) error) (left []int64, err error) {
	r, err := shard.Read(j.ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for row := shard.FirstRow; len(places) > 0 && places[0] < shard.FirstRow+shard.Rows; row++ {
		if row != places[0] {
			if _, err := r.Skip(); err != nil && !errors.As(err, new(*data.RowError)) {
				return nil, err
			}
			continue
		}
		places = places[1:]
		im, err := r.Next()
		if otherShape(err) {
			return nil, err
		}
		if bad := new(data.RowError); errors.As(err, &bad) {
			if err := j.badPicture(fmt.Sprintf("row %d of %s", bad.Row, bad.Path), bad.Err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := yield(im.Row, im); err != nil {
			return nil, err
		}
	}
	return places, nil
}
