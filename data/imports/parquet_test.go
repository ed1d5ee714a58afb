package imports

import (
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// writeEncoded writes pictures (nil is NULL) and labels as they are.
func writeEncoded(t testing.TB, path string, pictures [][]byte, labels []int64) {
	t.Helper()
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.NewByteArrayNode("image", parquet.Repetitions.Optional, -1), schema.NewInt64Node("label", parquet.Repetitions.Required, -1),
	}, -1))
	o, err := column.Create(path, root, parquet.NewWriterProperties())
	if err != nil {
		t.Fatal(err)
	}
	var values []parquet.ByteArray
	var defs []int16
	for _, p := range pictures {
		if p == nil {
			defs = append(defs, 0)
			continue
		}
		defs, values = append(defs, 1), append(values, p)
	}
	err = o.RowGroup(func(i int, w file.ColumnChunkWriter) (err error) {
		switch w := w.(type) {
		case *file.ByteArrayColumnChunkWriter:
			_, err = w.WriteBatch(values, defs, nil)
		case *file.Int64ColumnChunkWriter:
			_, err = w.WriteBatch(labels, nil, nil)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}
