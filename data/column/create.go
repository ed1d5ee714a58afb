package column

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/pipeline/atomicfile"
)

// Output is a Parquet file on its way: it has a temporary name in the folder of path until Close gives it its own.
type Output struct {
	path   string
	file   *atomicfile.File
	sink   *sink
	writer *file.Writer
	closed bool
}

// Create starts the file that Close will put at path, replacing what is there.
func Create(path string, root *schema.GroupNode, props *parquet.WriterProperties) (o *Output, err error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	o = &Output{path: path, file: f, sink: &sink{to: f}}
	defer func() {
		if err != nil {
			o.Abort()
		}
	}()
	defer o.settle(&err)
	o.writer = file.NewParquetWriter(o.sink, root, file.WithWriterProps(props), file.WithWriteMetadata(metadata.NewKeyValueMetadata()))
	return o, nil
}

// A sink keeps the first error: the library has words of its own for some, and panics on others. It hides Close from the library,
// which would close the file before it can be synced.
type sink struct {
	to  io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// SetMetadata adds a pair to the footer; key and value must be UTF-8.
func (o *Output) SetMetadata(key, value string) error {
	if err := o.writer.AppendKeyValueMetadata(key, value); err != nil {
		return fmt.Errorf("write metadata of %s: %w", o.path, err)
	}
	return nil
}

// RowGroup writes one row group: fill is called once per column, in schema order, with that column's writer.
func (o *Output) RowGroup(fill func(column int, w file.ColumnChunkWriter) error) (err error) {
	defer o.settle(&err)
	group := o.writer.AppendRowGroup()
	for i := range o.writer.NumColumns() {
		w, err := group.NextColumn()
		if err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
		if err := fill(i, w); err != nil {
			return fmt.Errorf("write column %q of %s: %w", w.Descr().Path(), o.path, err)
		}
	}
	// The library's own Close drops this error.
	if err := group.Close(); err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	return nil
}

// Close writes the footer, syncs the file and gives it its name. After an error nothing is left behind.
func (o *Output) Close() (err error) {
	if o.closed {
		return nil
	}
	o.closed = true
	defer o.file.Abort()
	defer o.settle(&err)
	if err := o.writer.Close(); err != nil {
		return fmt.Errorf("write footer of %s: %w", o.path, err)
	}
	return o.file.Close()
}

// Abort removes what has been written. It does nothing after a successful Close.
func (o *Output) Abort() {
	o.closed = true
	o.file.Abort()
}

// settle turns what the library makes of a failed write (a full disk, say) into the file's own error.
func (o *Output) settle(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("write %s: %v", o.path, r)
	}
	if o.sink.err != nil && !errors.Is(*err, o.sink.err) {
		*err = fmt.Errorf("write %s: %w", o.path, o.sink.err)
	}
}
