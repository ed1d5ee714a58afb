package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"upi/data/column"
	"upi/data/picture"
)

// Shard is one file of a dataset.
type Shard struct {
	Path string
	// Rows is the number of images to read, from the first; a dataset's limit may make it smaller than the file's.
	Rows int64
	// FirstRow is the position of the first image in the dataset.
	FirstRow int64
	// Shape is the height, width and number of channels.
	Shape [3]int
	// ClassNames are the names of the labels 0, 1, ..., nil where the file does not say. Where labels are texts they decide what
	// number each one stands for.
	ClassNames []string
	// Columns names the columns to read.
	Columns Columns
	// TextLabels and TextIDs tell that labels are names of classes, and that ids are texts.
	TextLabels, TextIDs bool
	// Pictures says which pixels a picture stands for.
	Pictures picture.Options
}

// describe reads what a file says of itself, and the head of its first image. Names of classes are those of its metadata; where labels
// are texts, the dataset finds them. Of mixed sizes the shape is that of the first image that can be read.
func describe(path string, o Options) (Shard, error) {
	f, err := openSource(path)
	if err != nil {
		return Shard{}, err
	}
	defer f.Close()
	columns := o.Columns
	s := Shard{Path: path, Rows: f.Rows(), Columns: columns, Pictures: o.Pictures}
	texts, err := f.labelTexts(columns)
	if s.TextLabels = err == nil && texts != nil; !s.TextLabels {
		s.ClassNames = classNames(f, columns.label())
	}
	if s.Rows == 0 {
		return s, nil
	}
	pixels, err := f.pixels(columns, o.Pictures)
	if err != nil {
		return Shard{}, err
	}
	if s.Shape, err = firstShape(pixels, s, o.Mixed); err != nil {
		return Shard{}, err
	}
	if _, err = f.labels(columns, nil); err != nil {
		return Shard{}, err
	}
	ids, err := f.ids(columns)
	_, s.TextIDs = ids.(textIDs)
	return s, err
}

// firstShape is the shape of the first image, of mixed sizes of the first that can be read.
func firstShape(p pixels, s Shard, mixed bool) ([3]int, error) {
	var first error
	for row := range s.Rows {
		shape, err := p.shape()
		if err == nil {
			return shape, nil
		}
		if first == nil {
			first = fmt.Errorf("row %d of %s: %w", row, s.Path, err)
		}
		if !mixed || errors.As(err, new(*column.CursorError)) {
			break
		}
	}
	return [3]int{}, first
}

// features is the part of Hugging Face's metadata that names classes.
type features struct {
	Info struct {
		Features map[string]json.RawMessage `json:"features"`
	} `json:"info"`
}

// classNames reads the names of a column's classes from Hugging Face's metadata, nil where it does not say.
func classNames(f source, label string) []string {
	text, ok := f.Metadata("huggingface")
	if !ok {
		return nil
	}
	var meta features
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return nil
	}
	return featureNames(meta.Info.Features[label])
}

// featureNames are the class names of a ClassLabel as the datasets library writes it in JSON, nil for another feature.
func featureNames(feature []byte) []string {
	var label struct {
		Names []string `json:"names"`
	}
	if err := json.Unmarshal(feature, &label); err != nil {
		// Other features put other things under "names".
		return nil
	}
	return label.Names
}

// Read starts reading the shard's images in order. Once ctx is done, Next returns its error.
func (s Shard) Read(ctx context.Context) (*Reader, error) {
	r, err := s.open(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("read shard: %w", err)
	}
	return r, nil
}

// open makes a reader, with or without the column of pictures.
func (s Shard) open(ctx context.Context, pictures bool) (*Reader, error) {
	f, err := openSource(s.Path)
	if err != nil {
		return nil, err
	}
	r := &Reader{ctx: ctx, shard: s, file: f}
	if err := r.columns(pictures); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}
