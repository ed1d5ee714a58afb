// Package table stores rows of a struct type in Parquet files: reference maps, gradients, perturbations, scores, tables.
//
// A row type is a struct whose exported fields carry a tag:
//
//	type Row struct {
//		ID     int64     `parquet:"id"`        // also int32, float64, float32, string, bool
//		Cosine *float64  `parquet:"cosine"`    // nil is NULL
//		Shape  []int32   `parquet:"shape"`     // list; also []int64 and []float32
//		Map    []float32 `parquet:"map,fixed"` // Options.Width["map"] numbers, for bulk data; ",half" stores them as float16
//		Scores []float64 `parquet:",columns"`  // a column for each name of Options.Columns, NULL where NaN
//	}
//
// Fields without a tag, or with the tag "-", are not stored; of one tagged ",optional" a file that is read may lack the column. Only
// pointers and the numbers of a ",columns" field can be NULL; a NULL met where the row type has none is an error.
package table

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// Options of a table to write.
type Options struct {
	// Width is the number of values in each row of a column tagged "fixed" or "half".
	Width map[string]int
	// Columns are the names of the numbers in the field tagged ",columns", in the order of the field.
	Columns []string
	// Metadata goes to the file's footer.
	Metadata map[string]string
	// RowGroupBytes is about how much is held back and written at once. 0 means 32 MiB.
	RowGroupBytes int
}

// pageBytes is the size at which a page of a bulk column is closed; a reader holds one page per column.
const pageBytes = 1 << 20

// Writer writes rows of T to a file that has a temporary name until Close. It holds one row group in memory.
type Writer[T any] struct {
	path     string
	output   *column.Output
	encoders []encoder
	limit    int
	held     int // rows in the encoders
	written  int64
	err      error
}

// Create starts a table that Close will put at path, replacing what is there.
func Create[T any](path string, o Options) (*Writer[T], error) {
	fields, err := layout(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("create table %s: %w", path, err)
	}
	w := &Writer[T]{path: path, limit: o.RowGroupBytes}
	if w.limit <= 0 {
		w.limit = 32 << 20
	}
	var nodes schema.FieldList
	props := []parquet.WriterProperty{
		// Of zstd arrow makes an encoder for each page, and in it one for each core, of a megabyte each: most of the memory, and of the
		// time, that a table of short columns takes.
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false),
		parquet.WithDataPageSize(pageBytes), parquet.WithCreatedBy("upi"),
	}
	for _, f := range fields {
		encoders, err := f.encoders(o)
		if err != nil {
			return nil, fmt.Errorf("create table %s: %w", path, err)
		}
		for _, e := range encoders {
			node, leafProps, err := e.node()
			if err != nil {
				return nil, fmt.Errorf("create table %s: %w", path, err)
			}
			nodes = append(nodes, node)
			props = append(props, leafProps...)
		}
		w.encoders = append(w.encoders, encoders...)
	}
	if err := checkNames(nodes); err != nil {
		return nil, fmt.Errorf("create table %s: %w", path, err)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return nil, fmt.Errorf("create table %s: %w", path, err)
	}
	if w.output, err = column.Create(path, root, parquet.NewWriterProperties(props...)); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(o.Metadata)) {
		if err := w.output.SetMetadata(key, o.Metadata[key]); err != nil {
			w.output.Abort()
			return nil, err
		}
	}
	return w, nil
}

// Write appends rows. The slices of a row may be reused as soon as it returns. After an error the table is of no use:
// Abort it.
func (w *Writer[T]) Write(rows ...T) error {
	for i := range rows {
		if w.err != nil {
			return w.err
		}
		w.err = w.write(reflect.ValueOf(&rows[i]).Elem())
	}
	return w.err
}

func (w *Writer[T]) write(row reflect.Value) error {
	size := 0
	for _, e := range w.encoders {
		if err := e.add(row); err != nil {
			return fmt.Errorf("write row %d of %s: %w", w.written, w.path, err)
		}
		size += e.size()
	}
	w.held++
	w.written++
	if size < w.limit {
		return nil
	}
	return w.flush()
}

func (w *Writer[T]) flush() error {
	if w.held == 0 {
		return nil
	}
	w.held = 0
	return w.output.RowGroup(func(i int, chunk file.ColumnChunkWriter) error { return w.encoders[i].flush(chunk) })
}

// Close writes what is held back, syncs the file and gives it its name. After an error nothing is left behind.
func (w *Writer[T]) Close() error {
	if w.err == nil {
		w.err = w.flush()
	}
	if w.err != nil {
		w.output.Abort()
		return w.err
	}
	return w.output.Close()
}

// Abort removes what has been written. After Close it does nothing, so it can be deferred.
func (w *Writer[T]) Abort() { w.output.Abort() }
