package column

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// TestFullDisk: wherever in the file the disk gets full, the error is the disk's, and nothing is left behind.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.NewInt64Node("id", parquet.Repetitions.Required, -1),
	}, -1)
	if err != nil {
		t.Fatal(err)
	}
	write := func(room int) error {
		o, err := Create(filepath.Join(dir, "x.parquet"), root, parquet.NewWriterProperties())
		if err != nil {
			t.Fatal(err)
		}
		defer o.Abort()
		// The library has written four bytes by now.
		o.sink.to = &full{to: o.sink.to, room: room}
		err = o.RowGroup(func(_ int, w file.ColumnChunkWriter) error {
			_, err := w.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{1, 2, 3}, nil, nil)
			return err
		})
		if err != nil {
			return err
		}
		return o.Close()
	}
	room := 0
	for ; ; room++ {
		err := write(room)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d bytes free: %v", room, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Fatalf("%d bytes free: %v is left", room, left)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "x.parquet")); err != nil || info.Size() != int64(room)+4 {
		t.Errorf("%v, want a file of %d bytes: %v", info, room+4, err)
	}
}

// full is a disk with little room left.
type full struct {
	to   io.Writer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n, err := f.to.Write(p[:min(len(p), f.room)])
	f.room -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}
