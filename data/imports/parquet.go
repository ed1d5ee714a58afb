package imports

import (
	"context"
	"errors"
	"image"
	"io"
	"path/filepath"

	"upi/data"
)

// openParquet reads shards that others have made: of mixed sizes, in other layouts, or just in too many files. Ids stay.
func openParquet(pattern string, o Options) ([]split, error) {
	if isFolder(pattern) {
		pattern = filepath.Join(escape(pattern), "*.parquet")
	}
	dataset, err := data.OpenMixed(pattern, o.Limit)
	if err != nil {
		return nil, err
	}
	shape := dataset.Shape()
	if o.Channels == 0 {
		o.Channels = shape[2]
	}
	shape = o.shape(image.Rect(0, 0, shape[1], shape[0]))
	all := set{
		schema: data.Schema{Shape: shape, ClassNames: dataset.ClassNames()},
		total:  dataset.Len(),
		read: func(ctx context.Context, from, to int64, yield func(data.Image) error) error {
			for _, shard := range dataset.Shards() {
				if shard.FirstRow >= to || shard.FirstRow+shard.Rows <= from {
					continue
				}
				if err := readShard(ctx, shard, func(picture image.Image, im data.Image) (err error) {
					if im.Row < from || im.Row >= to {
						return nil
					}
					if im.Pixels, err = o.fit(picture, shape); err != nil {
						return err
					}
					return yield(im)
				}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	undivided := all.whole("all", o)
	undivided.onDemand = true
	return append(all.halves(o), undivided), nil
}

func readShard(ctx context.Context, shard data.Shard, visit func(image.Image, data.Image) error) (err error) {
	r, err := shard.Read(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		picture, im, err := r.NextPicture()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(picture, im); err != nil {
			return err
		}
	}
}
