package arrow

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	lib "github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// sample is a stream of two batches as Arrow's own library writes it.
func sample(t testing.TB, options ...ipc.Option) []byte {
	t.Helper()
	schema := lib.NewSchema([]lib.Field{
		{Name: "when", Type: lib.FixedWidthTypes.Timestamp_s, Nullable: true},
		{Name: "image", Type: lib.StructOf(lib.Field{Name: "bytes", Type: lib.BinaryTypes.Binary, Nullable: true}, lib.Field{Name: "path", Type: lib.BinaryTypes.String, Nullable: true}), Nullable: true},
		{Name: "label", Type: lib.PrimitiveTypes.Int16, Nullable: true},
		{Name: "lists", Type: lib.ListOf(lib.FixedSizeListOf(2, lib.PrimitiveTypes.Uint8)), Nullable: true},
		{Name: "id", Type: lib.BinaryTypes.LargeString, Nullable: true, Metadata: lib.NewMetadata([]string{"key"}, []string{"value"})},
	}, &lib.Metadata{})
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(schema))...)
	for batch := range 2 {
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		for i := range 3 {
			n := 3*batch + i
			b.Field(0).(*array.TimestampBuilder).Append(lib.Timestamp(n))
			picture := b.Field(1).(*array.StructBuilder)
			picture.Append(true)
			if n == 4 {
				picture.FieldBuilder(0).AppendNull()
			} else {
				picture.FieldBuilder(0).(*array.BinaryBuilder).Append(bytes.Repeat([]byte{byte(n)}, n))
			}
			picture.FieldBuilder(1).(*array.StringBuilder).Append("path")
			b.Field(2).(*array.Int16Builder).Append(int16(n - 2))
			lists := b.Field(3).(*array.ListBuilder)
			lists.Append(true)
			pairs := lists.ValueBuilder().(*array.FixedSizeListBuilder)
			for k := range n {
				pairs.Append(true)
				pairs.ValueBuilder().(*array.Uint8Builder).AppendValues([]uint8{uint8(k), uint8(n)}, nil)
			}
			b.Field(4).(*array.LargeStringBuilder).Append(strings.Repeat("x", n))
		}
		r := b.NewRecord()
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, content []byte) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.arrow")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path)
}

func TestReadsWhatTheLibraryWrites(t *testing.T) {
	f, err := open(t, sample(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Rows() != 6 || strings.Join(f.Names(), " ") != "when image label lists id" || f.Field("id").Metadata["key"] != "value" {
		t.Fatalf("%d rows of %q", f.Rows(), f.Names())
	}
	for n := range int64(6) {
		picture, i, err := f.At(f.Field("image"), n)
		if err != nil {
			t.Fatal(err)
		}
		blob := picture.Child(f.Field("image").Child("bytes"))
		valid, err := blob.Valid(i)
		if err != nil || valid != (n != 4) {
			t.Fatalf("row %d: there is a picture: %t (%v)", n, valid, err)
		}
		if b, err := blob.Bytes(i); valid && (err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(n)}, int(n)))) {
			t.Fatalf("row %d: %v (%v)", n, b, err)
		}
		label, i, err := f.At(f.Field("label"), n)
		if err != nil {
			t.Fatal(err)
		}
		if v, _, whole, err := label.Number(i); v != n-2 || !whole || err != nil {
			t.Fatalf("row %d has label %d (%v)", n, v, err)
		}
		lists, i, err := f.At(f.Field("lists"), n)
		if err != nil {
			t.Fatal(err)
		}
		starts, end, err := lists.Range(i, 1)
		if err != nil || end-starts[0] != n {
			t.Fatalf("row %d has %d pairs (%v)", n, end-starts[0], err)
		}
		pairs := lists.Child(f.Field("lists").Children[0])
		from, to, err := pairs.Range(starts[0], n)
		if err != nil || len(from) != int(n) {
			t.Fatalf("row %d has pairs at %v (%v)", n, from, err)
		}
		if n == 0 {
			continue
		}
		values, err := pairs.Child(f.Field("lists").Children[0].Children[0]).Numbers(from[0], to-from[0])
		for k, v := range values {
			if want := []int64{int64(k / 2), n}[k%2]; v != want || err != nil {
				t.Fatalf("row %d has the values %v (%v)", n, values, err)
			}
		}
	}
	if _, _, err := f.At(f.Field("label"), 6); err != io.EOF {
		t.Errorf("after the last row came %v", err)
	}
	if _, err := open(t, sample(t, ipc.WithZstd())); err == nil || !strings.Contains(err.Error(), "compressed") || errors.Is(err, ErrDamaged) {
		t.Errorf("a compressed file gave %v", err)
	}
}

// readAll reads every value of a file.
func readAll(f *File) error {
	for row := range min(f.Rows(), 20) {
		for _, name := range f.Names() {
			v, i, err := f.At(f.Field(name), row)
			if err != nil {
				return err
			}
			if err := readField(v, f.Field(name), i); err != nil {
				return err
			}
		}
	}
	return nil
}

func readField(v Values, field *Field, i int64) error {
	if valid, err := v.Valid(i); err != nil || !valid {
		return err
	}
	var err error
	switch field.Kind {
	case Integer, Float, Bool:
		_, _, _, err = v.Number(i)
	case Bytes, FixedBytes:
		_, err = v.Bytes(i)
	case Struct:
		for _, c := range field.Children {
			if err := readField(v.Child(c), c, i); err != nil {
				return err
			}
		}
	case List, FixedList:
		starts, end, err := v.Range(i, 1)
		if err != nil {
			return err
		}
		for k := starts[0]; k < min(end, starts[0]+20); k++ {
			if err := readField(v.Child(field.Children[0]), field.Children[0], k); err != nil {
				return err
			}
		}
	}
	return err
}

// TestTruncatedFilesAreErrors cuts a file at every length.
func TestTruncatedFilesAreErrors(t *testing.T) {
	whole := sample(t)
	for n := range whole {
		f, err := open(t, whole[:n])
		if err == nil && f.Rows() == 6 && n < len(whole)-8 { // the end mark may be missing
			t.Fatalf("cut to %d of %d bytes it has all rows", n, len(whole))
		}
		if err == nil {
			f.Close()
		} else if !strings.Contains(err.Error(), "made.arrow") {
			t.Fatalf("the error does not name the file: %v", err)
		}
	}
}

// FuzzRead reads whatever bytes there are as an Arrow file.
func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add(append([]byte(fileMagic), sample(f)...))
	path := filepath.Join(f.TempDir(), "made.arrow")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err == nil {
			defer file.Close()
			err = readAll(file)
		}
		if err != nil && !strings.Contains(err.Error(), "made.arrow") {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
