package data

import (
	"upi/data/arrow"
	"upi/data/column"
	"upi/data/picture"
)

// source is a file that holds images, row by row.
type source interface {
	Path() string
	Rows() int64
	// Metadata is the value of a key of the file's metadata, and whether it is there.
	Metadata(key string) (string, bool)
	Close() error

	// labels is the column of classes; names are looked up among classes. labelTexts is that column where it holds texts, else nil.
	labels(c Columns, classes []string) (labels, error)
	labelTexts(c Columns) (texts, error)
	// ids is nil where images are numbered by their place.
	ids(c Columns) (ids, error)
	pixels(c Columns, o picture.Options) (pixels, error)
}

// openSource opens a Parquet file, or one of Arrow's IPC format.
func openSource(path string) (source, error) {
	if arrow.Is(path) {
		f, err := arrow.Open(path)
		return arrowFile{f}, err
	}
	f, err := column.Open(path)
	return parquetFile{f}, err
}

type parquetFile struct{ *column.File }

func (f parquetFile) labels(c Columns, classes []string) (labels, error) {
	return openLabels(f.File, c, classes)
}
func (f parquetFile) labelTexts(c Columns) (texts, error) { return openLabelTexts(f.File, c) }
func (f parquetFile) ids(c Columns) (ids, error)          { return openIDs(f.File, c) }
func (f parquetFile) pixels(c Columns, o picture.Options) (pixels, error) {
	return openPixels(f.File, c, o)
}
