package column

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// sample writes a small file with every type and a dictionary.
func sample(t testing.TB, path string, props ...parquet.WriterProperty) {
	t.Helper()
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.NewInt64Node("id", parquet.Repetitions.Required, -1),
		schema.NewByteArrayNode("name", parquet.Repetitions.Optional, -1),
		schema.NewFixedLenByteArrayNode("row", parquet.Repetitions.Required, 8, -1),
		schema.NewBooleanNode("flag", parquet.Repetitions.Required, -1),
	}, -1))
	props = append([]parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDataPageSize(64), parquet.WithBatchSize(16)}, props...)
	o, err := Create(path, root, parquet.NewWriterProperties(props...))
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	defs := make([]int16, n)
	var ids []int64
	var names []parquet.ByteArray
	var fixed []parquet.FixedLenByteArray
	flags := make([]bool, n)
	for i := range n {
		ids, fixed = append(ids, int64(i)), append(fixed, binary.LittleEndian.AppendUint64(nil, uint64(i)))
		if i%3 != 0 {
			defs[i], names = 1, append(names, []byte{'n', byte('a' + i%5)})
		}
		flags[i] = i%7 == 0
	}
	for range 2 {
		err = o.RowGroup(func(i int, w file.ColumnChunkWriter) (err error) {
			switch w := w.(type) {
			case *file.Int64ColumnChunkWriter:
				_, err = w.WriteBatch(ids, nil, nil)
			case *file.ByteArrayColumnChunkWriter:
				_, err = w.WriteBatch(names, defs, nil)
			case *file.FixedLenByteArrayColumnChunkWriter:
				_, err = w.WriteBatch(fixed, nil, nil)
			case *file.BooleanColumnChunkWriter:
				_, err = w.WriteBatch(flags, nil, nil)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads every value of every column that a cursor takes.
func readAll(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return readColumns(f)
}

// readBytes is readAll for a file in memory.
func readBytes(b []byte) error {
	f, err := newFile("made.parquet", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	return readColumns(f)
}

func readColumns(f *File) error {
	for _, name := range f.Names() {
		for _, leaf := range f.Leaves(name) {
			if err := readLeaf(f, leaf); err != nil {
				return err
			}
		}
	}
	return nil
}

func readLeaf(f *File, leaf Leaf) error {
	switch leaf.PhysicalType() {
	case parquet.Types.Boolean:
		return drain(NewCursor[bool](f, leaf))
	case parquet.Types.Int32:
		return drain(NewCursor[int32](f, leaf))
	case parquet.Types.Int64:
		return drain(NewCursor[int64](f, leaf))
	case parquet.Types.Float:
		return drain(NewCursor[float32](f, leaf))
	case parquet.Types.Double:
		return drain(NewCursor[float64](f, leaf))
	case parquet.Types.ByteArray:
		return drain(NewCursor[parquet.ByteArray](f, leaf))
	case parquet.Types.FixedLenByteArray:
		return drain(NewCursor[parquet.FixedLenByteArray](f, leaf))
	}
	return nil
}

// rowsRead bounds what drain does with a file that rightly claims billions of rows in a few bytes.
const rowsRead = 1 << 16

func drain[V Value](c *Cursor[V], err error) error {
	if err != nil {
		return err
	}
	var list []V
	for range rowsRead {
		if c.leaf.MaxRepetitionLevel() == 1 {
			list, _, err = c.NextList(list[:0])
		} else {
			_, _, err = c.Next()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func damage(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTruncatedFilesAreErrors cuts a file at every length.
func TestTruncatedFilesAreErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cut.parquet")
	sample(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := readAll(path); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := readBytes(whole[:n]); err == nil || !strings.Contains(err.Error(), "made.parquet") {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// TestFlippedBitsNeverCrash flips bits of a file in turn. What comes out may be an error or other values, never a crash or a
// hang, and memory stays within what a page may take.
func TestFlippedBitsNeverCrash(t *testing.T) {
	for start, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd} {
		path := filepath.Join(t.TempDir(), "flip.parquet")
		sample(t, path, parquet.WithCompression(codec))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A third of the bytes for each keeps the test quick; FuzzRead goes further.
		for i := start; i < len(whole); i += 3 {
			for _, bit := range []byte{1, 8, 128} {
				whole[i] ^= bit
				_ = readBytes(whole)
				whole[i] ^= bit
			}
		}
	}
}

// footed is a file of nothing but a footer.
func footed(footer []byte) []byte {
	b := append([]byte("PAR1"), footer...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
}

func TestFootersThatClaimTooMuch(t *testing.T) {
	many := binary.AppendUvarint([]byte{0xfc}, 1<<31) // a list of structs, its length as a varint
	cases := map[string][]byte{
		"schema of two billion elements": append([]byte{0x15, 2, 0x19}, many...),
		"groups of two billion":          append([]byte{0x15, 2, 0x29}, many...),
		"element of a billion children":  {0x15, 2, 0x19, 0x1c, 0x55, 0x80, 0xa8, 0xd6, 0xb9, 0x07, 0, 0},
		"string beyond the end":          append([]byte{0x15, 2, 0x58}, binary.AppendUvarint(nil, 1<<40)...),
		"structs within structs":         append([]byte{0x15, 2}, []byte(strings.Repeat("\x5c", 100000))...),
		"nothing":                        {},
	}
	for name, footer := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := readBytes(footed(footer))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "made.parquet") {
				t.Errorf("the footer passed: %v", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("refusing it took %d bytes", used)
			}
		})
	}
}

// TestPagesThatClaimTooMuch changes heads of pages of a sound file.
func TestPagesThatClaimTooMuch(t *testing.T) {
	for _, c := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd} {
		bomb := bombOf(t, c)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := codecs[c].decompress(make([]byte, 100), bomb)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: 64 MiB fitted into 100 bytes", c)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
			t.Errorf("%s: refusing a bomb took %d bytes", c, used)
		}
	}
	for name, head := range map[string][]byte{
		"negative size":   {0x15, 0, 0x15, 1, 0x15, 0, 0},
		"two gigabytes":   append(append([]byte{0x15, 0, 0x15}, zigzag(1<<31-1)...), 0x15, 0, 0),
		"beyond the file": append(append([]byte{0x15, 0, 0x15, 2, 0x15}, zigzag(1<<20)...), 0),
		"no end":          {0x15, 0, 0x15},
	} {
		p := &pages{source: strings.NewReader(string(head)), end: int64(len(head))}
		if _, err := p.next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: the page passed: %v", name, err)
		}
	}
}

// bombOf compresses 64 MiB of zeros.
func bombOf(t *testing.T, c compress.Compression) []byte {
	t.Helper()
	codec, err := compress.GetCodec(c)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 64<<20)
	return codec.Encode(make([]byte, codec.CompressBound(int64(len(zeros)))), zeros)
}

// FuzzRead reads whatever bytes there are as a Parquet file.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	for i, props := range [][]parquet.WriterProperty{
		nil, {parquet.WithDictionaryDefault(false)}, {parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDataPageVersion(parquet.DataPageV2)},
		{parquet.WithCompression(compress.Codecs.Uncompressed)}, {parquet.WithDictionaryDefault(false), parquet.WithEncodingFor("id", parquet.Encodings.DeltaBinaryPacked),
			parquet.WithEncodingFor("name", parquet.Encodings.DeltaByteArray)},
	} {
		path := filepath.Join(dir, string(rune('a'+i))+".parquet")
		sample(f, path, props...)
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := readBytes(b); err != nil && !strings.Contains(err.Error(), "made.parquet") {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
