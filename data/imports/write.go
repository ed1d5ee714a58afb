package imports

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"upi/data"
)

const defaultShardRows = 2500

// write makes the shards in a folder of their own beside their final place and names them when all are complete.
func write(ctx context.Context, splits []split, dst string, o Options, progress Progress) error {
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
	}
	stage, err := os.MkdirTemp(dst, ".import-*")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(stage)
	var names []string
	for _, s := range splits {
		written, err := s.write(ctx, stage, o, progress)
		if err != nil {
			return fmt.Errorf("write split %s: %w", s.name, err)
		}
		names = append(names, written...)
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(stage, name), filepath.Join(dst, name)); err != nil {
			return fmt.Errorf("name shard: %w", err)
		}
	}
	return nil
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

// write makes the shards of one split in dir and returns their names.
func (s split) write(ctx context.Context, dir string, o Options, progress Progress) (names []string, err error) {
	total := s.to - s.from
	if total == 0 {
		return nil, fmt.Errorf("it has no images")
	}
	rows := o.ShardRows
	if rows == 0 {
		rows = defaultShardRows
	}
	shards := (total + rows - 1) / rows
	var w *data.Writer
	defer func() {
		if w != nil {
			w.Abort()
		}
	}()
	done := int64(0)
	err = s.set.read(ctx, s.from, s.to, func(im data.Image) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done%rows == 0 {
			if err := finish(w); err != nil {
				return err
			}
			name := fmt.Sprintf("%s-%05d-of-%05d.parquet", s.name, done/rows, shards)
			names = append(names, name)
			if w, err = data.Create(filepath.Join(dir, name), s.set.schema); err != nil {
				return err
			}
		}
		if err := w.Write(im); err != nil {
			return err
		}
		done++
		progress(s.name, done, total)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if done != total {
		return nil, fmt.Errorf("the source ended after %d of %d images", done, total)
	}
	return names, finish(w)
}

func finish(w *data.Writer) error {
	if w == nil {
		return nil
	}
	return w.Close()
}
