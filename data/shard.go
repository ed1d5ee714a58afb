package data

import (
	"context"
	"encoding/json"
	"fmt"

	"upi/data/column"
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
	// ClassNames are the names of the labels 0, 1, ..., nil where the file does not say.
	ClassNames []string
}

// describe reads what a file says of itself, and the head of its first image.
func describe(path string) (Shard, error) {
	f, err := column.Open(path)
	if err != nil {
		return Shard{}, err
	}
	defer f.Close()
	s := Shard{Path: path, Rows: f.Rows()}
	if s.ClassNames, err = classNames(f); err != nil {
		return Shard{}, err
	}
	if s.Rows == 0 {
		return s, nil
	}
	pixels, err := openPixels(f)
	if err != nil {
		return Shard{}, err
	}
	if s.Shape, err = pixels.shape(); err != nil {
		return Shard{}, fmt.Errorf("row 0 of %s: %w", path, err)
	}
	_, err = openLabels(f)
	return s, err
}

// features is the part of Hugging Face's metadata that names classes.
type features struct {
	Info struct {
		Features map[string]struct {
			Names []string `json:"names"`
		} `json:"features"`
	} `json:"info"`
}

// classNames reads the names from Hugging Face's metadata.
func classNames(f *column.File) ([]string, error) {
	text, ok := f.Metadata("huggingface")
	if !ok {
		return nil, nil
	}
	var meta features
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		// Other feature types put other things under "names"; only a label's list of names matters here.
		return nil, nil
	}
	return meta.Info.Features[labelColumn].Names, nil
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
	f, err := column.Open(s.Path)
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
