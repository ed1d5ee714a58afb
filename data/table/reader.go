package table

import (
	"fmt"
	"io"
	"reflect"

	"upi/data/column"
)

// Reader reads the rows of a table in order, holding one page of each column. It belongs to one goroutine.
type Reader[T any] struct {
	file     *column.File
	decoders []decoder
	columns  []string
	row      int64
}

// Open opens the table at path. A column that T names and the file lacks, or holds in another type, is an error that
// names both; columns that T does not name are not read.
func Open[T any](path string) (*Reader[T], error) {
	fields, err := layout(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	file, err := column.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	r := &Reader[T]{file: file}
	taken := make(map[string]bool)
	for _, f := range fields {
		taken[f.name] = true
	}
	for _, f := range fields {
		decoders, err := f.decoders(file, taken)
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("open table: %w", err)
		}
		r.decoders = append(r.decoders, decoders...)
		if f.name == "" {
			r.columns = spreadNames(file, taken)
		}
	}
	return r, nil
}

// Next sets *row to the next row and returns io.EOF after the last one. Slices in *row are overwritten where they are large
// enough: a caller that keeps rows gives a fresh T each time.
func (r *Reader[T]) Next(row *T) error {
	if r.row == r.file.Rows() {
		return io.EOF
	}
	v := reflect.ValueOf(row).Elem()
	for _, decode := range r.decoders {
		if err := decode(v); err != nil {
			return fmt.Errorf("read row %d of table: %w", r.row, err)
		}
	}
	r.row++
	return nil
}

// Columns are the names of the numbers in the field tagged ",columns", in file order.
func (r *Reader[T]) Columns() []string { return r.columns }

// Metadata is the value of a key of the file's footer, and whether it is there.
func (r *Reader[T]) Metadata(key string) (string, bool) { return r.file.Metadata(key) }

// Close releases the file.
func (r *Reader[T]) Close() error { return r.file.Close() }

// Each hands the rows that are left to deliver, in a T that is the same each time.
func (r *Reader[T]) Each(deliver func(row *T) error) error {
	var row T
	for {
		if err := r.Next(&row); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := deliver(&row); err != nil {
			return err
		}
	}
}

// All returns the rows that are left of a table that is known to be small.
func (r *Reader[T]) All() ([]T, error) {
	var rows []T
	for {
		var row T
		if err := r.Next(&row); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// ReadAll reads a whole table that is known to be small.
func ReadAll[T any](path string) ([]T, error) {
	r, err := Open[T](path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.All()
}
