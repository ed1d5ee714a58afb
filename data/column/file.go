// Package column reads Parquet files column by column and row by row, within a bound of memory that the file cannot
// raise, and writes them so that nobody sees half of one. It is the ground that image shards (package data) and tables
// (package data/table) stand on.
//
// Files come from anybody: every length in them is checked against the bytes that are there before it is believed, and
// damage is an error that names the file, the column and the row.
package column

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// File is an open Parquet file. Its methods may be called from several goroutines; each Cursor belongs to one.
type File struct {
	path   string
	size   int64
	source io.ReaderAt
	closer io.Closer
	meta   *metadata.FileMetaData

	spills spills
}

// Open reads the footer of the Parquet file at path. The caller closes the File.
func Open(path string) (*File, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open Parquet file: %w", err)
	}
	f, err := openSource(path, source)
	if err != nil {
		source.Close()
		return nil, err
	}
	return f, nil
}

func openSource(path string, source *os.File) (*File, error) {
	info, err := source.Stat()
	if err != nil {
		return nil, fmt.Errorf("open Parquet file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open Parquet file %s: it is not a regular file", path)
	}
	f, err := newFile(path, source, info.Size())
	if err != nil {
		return nil, err
	}
	f.closer = source
	return f, nil
}

// newFile reads the footer of so many bytes of source; path is for messages.
func newFile(path string, source io.ReaderAt, size int64) (f *File, err error) {
	defer Recover(&err, path)
	f = &File{path: path, size: size, source: source}
	if f.meta, err = readFooter(source, size); err != nil {
		return nil, fmt.Errorf("read footer of %s: %w", path, err)
	}
	if err := f.checkRows(); err != nil {
		return nil, fmt.Errorf("read footer of %s: %w", path, err)
	}
	return f, nil
}

// checkRows makes sure that the row count of the file is that of its row groups, since readers plan with it.
func (f *File) checkRows() error {
	total := int64(0)
	for i := range f.meta.GetRowGroups() {
		rows := f.meta.RowGroup(i).NumRows()
		if rows < 0 || rows > math.MaxInt64-total {
			return fmt.Errorf("%w: row group %d claims %d rows", ErrDamaged, i, rows)
		}
		total += rows
	}
	if total != f.Rows() {
		return fmt.Errorf("%w: it claims %d rows, its row groups hold %d", ErrDamaged, f.Rows(), total)
	}
	return nil
}

// Path is the name that the file was opened by.
func (f *File) Path() string { return f.path }

// Rows is the number of rows of the file.
func (f *File) Rows() int64 { return f.meta.GetNumRows() }

// Metadata is the value of a key of the file's metadata, and whether it is there.
func (f *File) Metadata(key string) (string, bool) {
	value := f.meta.KeyValueMetadata().FindValue(key)
	if value == nil {
		return "", false
	}
	return *value, true
}

// Leaves are the columns below the top-level field name, in file order: one for a number or a list of numbers, several
// for a struct, none when the file has no such field.
func (f *File) Leaves(name string) []Leaf {
	var leaves []Leaf
	columns := f.meta.Schema
	for i := range columns.NumColumns() {
		path := columns.Column(i).ColumnPath()
		if len(path) > 0 && path[0] == name {
			leaves = append(leaves, Leaf{index: i, Column: columns.Column(i)})
		}
	}
	return leaves
}

// Names are the top-level fields of the file, in file order.
func (f *File) Names() []string {
	root := f.meta.Schema.Root()
	names := make([]string, root.NumFields())
	for i := range names {
		names[i] = root.Field(i).Name()
	}
	return names
}

// Leaf is one column of values as Parquet stores it.
type Leaf struct {
	*schema.Column
	index int
}

// Within is the path below the top-level field, "bytes" for image.bytes and "" for a column of its own.
func (l Leaf) Within() string {
	_, within, _ := strings.Cut(l.Path(), ".")
	return within
}

// Close releases the file; cursors over it are of no use afterwards.
func (f *File) Close() error {
	f.spills.closeAll()
	return f.closer.Close()
}

// ErrDamaged marks what cannot be read because the bytes of the file are wrong.
var ErrDamaged = errors.New("the file is damaged")

// An unreadError says what is not read though nothing is wrong with it, and what to do.
type unreadError struct{ text string }

func (e *unreadError) Error() string { return e.text }

func unread(format string, args ...any) error { return &unreadError{fmt.Sprintf(format, args...)} }

// Recover turns a panic of the Parquet library, which it has for some damaged files, into an error that names the file.
// It is deferred at every entry into the library.
func Recover(err *error, path string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("read %s: %w: %v", path, ErrDamaged, r)
	}
}
