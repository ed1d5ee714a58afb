package column

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/internal/pythontest"
)

// small makes every page of more than n bytes a large one, for the length of a test.
func small(t *testing.T, n int64) {
	old := maxPage
	maxPage = n
	t.Cleanup(func() { maxPage = old })
}

// TestLargePagesOfWhatPyarrowWrites reads the texts of interop.py, in every compression, with and without a dictionary, as pages that are
// not held in memory. Other columns, and other encodings than plain, are refused with what to do.
func TestLargePagesOfWhatPyarrowWrites(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-columns", dir)
	paths, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(paths) != 16 {
		t.Fatalf("found %d files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			// Files with snappy and zstd have dictionaries, to which pages of some 2,000 bytes refer.
			small(t, 100)
			if dictionary := strings.HasPrefix(filepath.Base(path), "snappy") || strings.HasPrefix(filepath.Base(path), "zstd"); dictionary {
				small(t, 4000)
			}
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if strings.HasPrefix(filepath.Base(path), "delta") {
				if err := readLeaf(f, f.Leaves("s")[0]); err == nil || !strings.Contains(err.Error(), "smaller pages") || strings.Contains(err.Error(), "damaged") {
					t.Errorf("it gave %v", err)
				}
			} else {
				check(t, f, "s", func(i int) bool { return i%11 != 0 },
					func(i int) parquet.ByteArray { return parquet.ByteArray(fmt.Sprintf("name-%d-%d", i%50, i*i)) },
					func(a, b parquet.ByteArray) bool { return string(a) == string(b) })
			}
			if err := readLeaf(f, f.Leaves("f64")[0]); err == nil || !strings.Contains(err.Error(), "smaller pages") || strings.Contains(err.Error(), "damaged") {
				t.Errorf("large pages of numbers gave %v", err)
			}
			if n := len(f.spills.open); n > 2 {
				t.Errorf("%d temporary files are open", n)
			}
		})
	}
}

// TestLargePagesTakeLittleMemory reads pages of 40 MB where 1 MB is held.
func TestLargePagesTakeLittleMemory(t *testing.T) {
	const values, size = 400, 100_000
	random := rand.NewChaCha8([32]byte{1})
	blob := make([]byte, size)
	if _, err := random.Read(blob); err != nil {
		t.Fatal(err)
	}
	var blobs []parquet.ByteArray
	for i := range values {
		b := bytes.Clone(blob)
		copy(b, fmt.Sprint(i))
		blobs = append(blobs, b)
	}
	for _, dictionary := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "large.parquet")
		root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{schema.NewByteArrayNode("blob", parquet.Repetitions.Required, -1)}, -1))
		o, err := Create(path, root, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDataPageSize(1<<30),
			parquet.WithDictionaryDefault(dictionary), parquet.WithDictionaryPageSizeLimit(1<<30)))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.RowGroup(func(_ int, w file.ColumnChunkWriter) error {
			_, err := w.(*file.ByteArrayColumnChunkWriter).WriteBatch(blobs, nil, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		small(t, 1<<20)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := NewCursor[parquet.ByteArray](f, f.Leaves("blob")[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			v, _, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(v, blobs[i]) {
				t.Fatalf("value %d differs", i)
			}
		}
		if _, _, err := c.Next(); err != io.EOF {
			t.Errorf("after the last came %v", err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
			t.Errorf("with a dictionary (%t): reading %d bytes took %d", dictionary, values*size, used)
		}
	}
}

// TestBlocksAgainstTheirLibraries decodes what the libraries of snappy and LZ4 have written, and never fails worse than with an error on
// damaged bytes.
func TestBlocksAgainstTheirLibraries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var plain []byte
	for len(plain) < 5<<20 { // runs, repetitions near and far, noise
		switch random.IntN(4) {
		case 0:
			plain = append(plain, bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(3000))...)
		case 1:
			for range random.IntN(3000) {
				plain = append(plain, byte(random.Uint32()))
			}
		case 2:
			if len(plain) > 0 {
				from := max(0, len(plain)-random.IntN(60000)-1)
				plain = append(plain, plain[from:min(len(plain), from+random.IntN(5000))]...)
			}
		case 3:
			plain = append(plain, fmt.Sprintf("text %d ", random.IntN(100))...)
		}
	}
	for name, c := range map[string]struct {
		packed []byte
		codec  compress.Compression
	}{"snappy": {packSnappy(plain), compress.Codecs.Snappy}, "lz4": {packLZ4(t, plain), lz4Raw}} {
		var out bytes.Buffer
		if err := unpackTo(&out, bytes.NewReader(c.packed), codecs[c.codec], int64(len(plain))); err != nil || !bytes.Equal(out.Bytes(), plain) {
			t.Errorf("%s: %d bytes of %d came back (%v)", name, out.Len(), len(plain), err)
		}
		for _, want := range []int64{int64(len(plain)) - 1, int64(len(plain)) + 1} {
			if err := unpackTo(io.Discard, bytes.NewReader(c.packed), codecs[c.codec], want); err == nil {
				t.Errorf("%s: a wrong length passed", name)
			}
		}
		part := c.packed[:20000]
		for range 2000 {
			bad := bytes.Clone(part)
			for range 1 + random.IntN(3) {
				bad[random.IntN(len(bad))] ^= byte(1 + random.IntN(255))
			}
			var out bytes.Buffer
			_ = unpackTo(&out, bytes.NewReader(bad[:random.IntN(len(bad))]), codecs[c.codec], 1<<20)
			if out.Len() > 1<<20 {
				t.Fatalf("%s: %d bytes came where 1 MiB was asked for", name, out.Len())
			}
		}
	}
}
