// Package data reads and writes sets of labelled images stored as Parquet shards.
//
// A shard follows Hugging Face's image convention (image: struct<bytes, path> with picture files, label: an integer), or
// holds image: binary, or raw bytes in pixels: fixed_size_binary or list<uint8> with the shape in the field's metadata
// key "shape" or the file's key "upi.shape", or lists within lists. A column id of whole numbers or texts names the images; without it,
// their position does. Columns of other names can be chosen.
package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"

	"upi/data/column"
	"upi/data/picture"
)

// Image is one labelled picture.
type Image struct {
	// ID is the number that random numbers belong to: of a text id, TextID.
	ID int64
	// Name is the id where that is a text, else "".
	Name  string
	Label int64
	// Row is the position over the whole dataset, from 0.
	Row int64
	// Pixels are H x W x C values 0..255, row-major.
	Pixels []byte
}

// Dataset is the ordered shards that one pattern names, all of one shape and, where they say so, of the same classes.
type Dataset struct {
	pattern string
	mixed   bool
	shards  []Shard
	rows    int64
}

// Open finds the shards that pattern (as in path/filepath.Match) names, in the order of their paths, and checks what can be
// checked without decoding every image: that they are readable, of one shape, that none of a numbered set
// (NAME-00000-of-00002.parquet) is missing, and that no id occurs twice. A limit above 0
// keeps only that many images from the start. It opens each shard once and keeps none open.
func Open(pattern string, limit int64) (*Dataset, error) {
	return OpenWith(pattern, Options{Limit: limit})
}

// Options of opening a dataset. The zero value takes all images, of one size, from the usual columns.
type Options struct {
	// Limit keeps only that many images from the start; 0 keeps all.
	Limit int64
	// Mixed lets files hold pictures of different sizes, and their first ones be bad. Reading says which are of another size than the
	// first one that can be read.
	Mixed bool
	// Columns names the columns.
	Columns Columns
	// Pictures says which pixels a picture stands for. With a size to bring them to, they may be of any. JPEGs need its decoder, but not
	// to be opened.
	Pictures picture.Options
}

// OpenWith is Open with options.
func OpenWith(pattern string, o Options) (*Dataset, error) {
	limit := o.Limit
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("find shards %q: %w", pattern, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("find shards %q: no file has such a name; make shards with 'upi import', or mend the path", pattern)
	}
	if limit < 0 {
		return nil, fmt.Errorf("find shards %q: a limit of %d images is below 0", pattern, limit)
	}
	sort.Strings(paths)
	d := &Dataset{pattern: pattern, mixed: o.Mixed}
	for _, path := range paths {
		if limit > 0 && d.rows >= limit {
			break
		}
		s, err := describe(path, o)
		if err != nil {
			return nil, fmt.Errorf("open shard: %w", err)
		}
		if s.Rows == 0 {
			continue
		}
		s.FirstRow = d.rows
		if limit > 0 {
			s.Rows = min(s.Rows, limit-d.rows)
		}
		if err := d.agree(s); err != nil {
			return nil, err
		}
		d.shards = append(d.shards, s)
		d.rows += s.Rows
	}
	if d.rows == 0 {
		return nil, fmt.Errorf("open shards %q: they hold no images", pattern)
	}
	last := ""
	if limit > 0 && d.rows >= limit {
		last = d.shards[len(d.shards)-1].Path
	}
	if name := missing(pattern, paths, last); name != "" {
		return nil, fmt.Errorf("find shards %q: %s is not there, though the names of the others promise it; bring it back, or name the others "+
			"one by one as in part-0000[0-2]-of-00004.parquet", pattern, name)
	}
	if err := d.nameClasses(paths, o.Columns); err != nil {
		return nil, fmt.Errorf("open shards %q: %w", pattern, err)
	}
	if err := checkIDs(d.shards); err != nil {
		return nil, fmt.Errorf("open shards %q: %w", pattern, err)
	}
	return d, nil
}

// nameClasses numbers the classes where labels are texts.
func (d *Dataset) nameClasses(paths []string, c Columns) error {
	if !d.shards[0].TextLabels {
		return nil
	}
	names, err := classTexts(paths, c)
	if err != nil {
		return fmt.Errorf("read classes: %w", err)
	}
	for i := range d.shards {
		d.shards[i].ClassNames = names
	}
	return nil
}

// agree checks that a shard fits those before it.
func (d *Dataset) agree(s Shard) error {
	if len(d.shards) == 0 {
		return nil
	}
	first := d.shards[0]
	if s.Shape != first.Shape && !d.mixed {
		return fmt.Errorf("open shards %q: %s holds images of %s, %s of %s; keep them apart or bring them to one size ('upi import parquet' with --size, or data.resize)",
			d.pattern, first.Path, shapeString(first.Shape), s.Path, shapeString(s.Shape))
	}
	if s.TextLabels != first.TextLabels {
		return fmt.Errorf("open shards %q: of %s and %s only one has labels that are texts; keep them apart", d.pattern, first.Path, s.Path)
	}
	if s.TextIDs != first.TextIDs {
		return fmt.Errorf("open shards %q: of %s and %s only one has ids that are texts; keep them apart, or have none read", d.pattern, first.Path, s.Path)
	}
	if !slices.Equal(s.ClassNames, first.ClassNames) {
		return fmt.Errorf("open shards %q: %s and %s name different classes (%q and %q)", d.pattern, first.Path, s.Path, first.ClassNames, s.ClassNames)
	}
	return nil
}

// Shards are the files in order, those past the limit left out.
func (d *Dataset) Shards() []Shard { return slices.Clone(d.shards) }

// Len is the number of images.
func (d *Dataset) Len() int64 { return d.rows }

// Shape is the height, width and number of channels of every image.
func (d *Dataset) Shape() [3]int { return d.shards[0].Shape }

// ClassNames are the names of the labels 0, 1, ...; nil where the shards do not say.
func (d *Dataset) ClassNames() []string { return slices.Clone(d.shards[0].ClassNames) }

// TextIDs tells whether ids are texts.
func (d *Dataset) TextIDs() bool { return d.shards[0].TextIDs }

// Labels are the labels of all images in order; -1 stands where a row has none that can be read.
func (d *Dataset) Labels(ctx context.Context) ([]int64, error) {
	var all []int64 // a file can claim any number of rows
	for _, s := range d.shards {
		if err := s.eachLabel(ctx, func(_, label int64, err error) error {
			if err != nil {
				label = -1
			}
			all = append(all, label)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read labels: %w", err)
		}
	}
	return all, nil
}

// eachLabel calls visit with each row (from 0 in the file) and its label, or what is wrong with that.
func (s Shard) eachLabel(ctx context.Context, visit func(row, label int64, err error) error) error {
	f, err := openSource(s.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := &Reader{shard: s, file: f}
	if r.labels, err = f.labels(s.Columns, s.ClassNames); err != nil {
		return err
	}
	for ; r.row < s.Rows; r.row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		label, err := r.label()
		if err != nil {
			err = r.at(err)
		}
		if errors.As(err, new(*column.CursorError)) {
			return err
		}
		if err := visit(r.row, label, err); err != nil {
			return err
		}
	}
	return nil
}

func shapeString(s [3]int) string { return fmt.Sprintf("%d x %d x %d", s[0], s[1], s[2]) }
