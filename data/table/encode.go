package table

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// encoder holds the values of one column for one row group.
type encoder interface {
	// node is the column's place in the schema, with the settings it wants.
	node() (schema.Node, []parquet.WriterProperty, error)
	// add takes a copy of the row's value.
	add(row reflect.Value) error
	// size is about the number of bytes held.
	size() int
	// flush writes what is held and forgets it.
	flush(w file.ColumnChunkWriter) error
}

// batchWriter is the typed side of the library's column writers.
type batchWriter[V any] interface {
	WriteBatch(values []V, defs, reps []int16) (int64, error)
}

// nodeFunc makes a leaf of the schema.
type nodeFunc func(name string, r parquet.Repetition) (schema.Node, error)

func leafNode(t parquet.Type) nodeFunc {
	return func(name string, r parquet.Repetition) (schema.Node, error) {
		return schema.NewPrimitiveNode(name, r, t, -1, -1)
	}
}

var (
	int64Node   = leafNode(parquet.Types.Int64)
	int32Node   = leafNode(parquet.Types.Int32)
	float64Node = leafNode(parquet.Types.Double)
	float32Node = leafNode(parquet.Types.Float)
	boolNode    = leafNode(parquet.Types.Boolean)
)

func textNode(name string, r parquet.Repetition) (schema.Node, error) {
	return schema.NewPrimitiveNodeLogical(name, r, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1)
}

// valueEncoder is a column of one value per row.
type valueEncoder[V any] struct {
	name   string
	leaf   nodeFunc
	props  []parquet.WriterProperty
	get    func(row reflect.Value) V
	weigh  func(V) int
	values []V
	bytes  int
}

func (e *valueEncoder[V]) node() (schema.Node, []parquet.WriterProperty, error) {
	n, err := e.leaf(e.name, parquet.Repetitions.Required)
	return n, e.props, err
}

func (e *valueEncoder[V]) add(row reflect.Value) error {
	v := e.get(row)
	e.values = append(e.values, v)
	e.bytes += e.weigh(v)
	return nil
}

func (e *valueEncoder[V]) size() int { return e.bytes }

func (e *valueEncoder[V]) flush(w file.ColumnChunkWriter) error {
	_, err := w.(batchWriter[V]).WriteBatch(e.values, nil, nil)
	e.values, e.bytes = e.values[:0], 0
	return err
}

// nullEncoder is a column of numbers that may be NULL.
type nullEncoder struct {
	name   string
	get    func(row reflect.Value) (float64, bool)
	check  func(row reflect.Value) error // may be nil
	values []float64
	defs   []int16
}

func (e *nullEncoder) node() (schema.Node, []parquet.WriterProperty, error) {
	n, err := float64Node(e.name, parquet.Repetitions.Optional)
	return n, nil, err
}

func (e *nullEncoder) add(row reflect.Value) error {
	if e.check != nil {
		if err := e.check(row); err != nil {
			return err
		}
	}
	v, ok := e.get(row)
	if !ok {
		e.defs = append(e.defs, 0)
		return nil
	}
	e.defs, e.values = append(e.defs, 1), append(e.values, v)
	return nil
}

func (e *nullEncoder) size() int { return 8*len(e.values) + 2*len(e.defs) }

func (e *nullEncoder) flush(w file.ColumnChunkWriter) error {
	_, err := w.(batchWriter[float64]).WriteBatch(e.values, e.defs, nil)
	e.values, e.defs = e.values[:0], e.defs[:0]
	return err
}

// listEncoder is a column of lists, neither of which nor of whose items may be NULL.
type listEncoder[V any] struct {
	name       string
	index      int
	leaf       nodeFunc
	values     []V
	defs, reps []int16
}

func (e *listEncoder[V]) node() (schema.Node, []parquet.WriterProperty, error) {
	item, err := e.leaf("element", parquet.Repetitions.Required)
	if err != nil {
		return nil, nil, err
	}
	items, err := schema.NewGroupNode("list", parquet.Repetitions.Repeated, schema.FieldList{item}, -1)
	if err != nil {
		return nil, nil, err
	}
	n, err := schema.NewGroupNodeLogical(e.name, parquet.Repetitions.Required, schema.FieldList{items}, schema.NewListLogicalType(), -1)
	path := e.name + ".list.element"
	return n, []parquet.WriterProperty{parquet.WithStatsFor(path, false)}, err
}

func (e *listEncoder[V]) add(row reflect.Value) error {
	list := row.Field(e.index).Interface().([]V)
	e.values = append(e.values, list...)
	if len(list) == 0 {
		e.defs, e.reps = append(e.defs, 0), append(e.reps, 0)
		return nil
	}
	for i := range list {
		e.defs, e.reps = append(e.defs, 1), append(e.reps, int16(min(i, 1)))
	}
	return nil
}

func (e *listEncoder[V]) size() int { return len(e.defs)*4 + len(e.values)*8 }

func (e *listEncoder[V]) flush(w file.ColumnChunkWriter) error {
	_, err := w.(batchWriter[V]).WriteBatch(e.values, e.defs, e.reps)
	e.values, e.defs, e.reps = e.values[:0], e.defs[:0], e.reps[:0]
	return err
}

// fixedEncoder is a bulk column: little-endian rows of one width, neither compressed nor counted, since random
// numbers gain nothing from it.
type fixedEncoder struct {
	name  string
	index int
	width int
	number
	data []byte
}

func (e *fixedEncoder) node() (schema.Node, []parquet.WriterProperty, error) {
	n, err := schema.NewPrimitiveNode(e.name, parquet.Repetitions.Required, parquet.Types.FixedLenByteArray, -1, int32(e.bytes*e.width))
	return n, []parquet.WriterProperty{
		parquet.WithCompressionFor(e.name, compress.Codecs.Uncompressed), parquet.WithStatsFor(e.name, false),
	}, err
}

func (e *fixedEncoder) add(row reflect.Value) error {
	values := row.Field(e.index).Interface().([]float32)
	if len(values) != e.width {
		return fmt.Errorf("column %q: the row has %d numbers, the table's width is %d", e.name, len(values), e.width)
	}
	n := len(e.data)
	e.data = slices.Grow(e.data, e.bytes*e.width)[:n+e.bytes*e.width]
	for i, v := range values {
		e.put(e.data[n+e.bytes*i:], v)
	}
	return nil
}

func (e *fixedEncoder) size() int { return len(e.data) }

func (e *fixedEncoder) flush(w file.ColumnChunkWriter) error {
	bytes := e.bytes * e.width
	// The library looks at the page's size once per call.
	perPage := max(1, pageBytes/bytes)
	page := make([]parquet.FixedLenByteArray, 0, perPage)
	for rest := e.data; len(rest) > 0; {
		page = page[:0]
		for len(page) < perPage && len(rest) > 0 {
			page, rest = append(page, rest[:bytes:bytes]), rest[bytes:]
		}
		if _, err := w.(batchWriter[parquet.FixedLenByteArray]).WriteBatch(page, nil, nil); err != nil {
			return err
		}
	}
	e.data = e.data[:0]
	return nil
}
