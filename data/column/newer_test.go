package column

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/golang/snappy"
	"github.com/pierrec/lz4/v4"

	"upi/internal/pythontest"
)

func packSnappy(b []byte) []byte { return snappy.Encode(nil, b) }

func packLZ4(t *testing.T, b []byte) []byte {
	t.Helper()
	out := make([]byte, lz4.CompressBlockBound(len(b)))
	n, err := lz4.CompressBlock(b, out, nil)
	if err != nil || n == 0 {
		t.Fatalf("packed into %d bytes: %v", n, err)
	}
	return out[:n]
}

// TestGzipChecksum flips every bit of a file of gzip pages: none may give other numbers, which pyarrow sees to by the same checksum.
func TestGzipChecksum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gzip.parquet")
	sample(t, path, parquet.WithCompression(compress.Codecs.Gzip), parquet.WithDataPageSize(1<<20), parquet.WithDictionaryDefault(false))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFile("made.parquet", bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	chunk, err := f.meta.RowGroup(0).ColumnChunk(0)
	if err != nil {
		t.Fatal(err)
	}
	from, to := chunk.DataPageOffset(), chunk.DataPageOffset()+chunk.TotalCompressedSize()
	for at := from; at < to; at++ {
		for bit := range 8 {
			whole[at] ^= 1 << bit
			if sum, n, err := sumIDs(whole); err == nil && (sum != 2*4950 || n != 200) {
				t.Errorf("bit %d of byte %d flipped gives %d numbers of sum %d", bit, at, n, sum)
			}
			whole[at] ^= 1 << bit
		}
	}
}

// sumIDs adds up the column id of a sample.
func sumIDs(b []byte) (sum int64, n int, err error) {
	f, err := newFile("made.parquet", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, 0, err
	}
	c, err := NewCursor[int64](f, f.Leaves("id")[0])
	if err != nil {
		return 0, 0, err
	}
	for {
		v, _, err := c.Next()
		if errors.Is(err, io.EOF) {
			return sum, n, nil
		}
		if err != nil {
			return 0, 0, err
		}
		sum, n = sum+v, n+1
	}
}

// withLogical gives a column of a file a logical type, the union's member of that number with nothing in it.
func withLogical(t *testing.T, b []byte, column string, member int64) []byte {
	t.Helper()
	length := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	footer := b[len(b)-8-length : len(b)-8]
	c := &compact{buf: footer, left: maxElements}
	end := 0
	err := c.fields(func(id int64, kind byte) error {
		if id != fieldSchema {
			return c.skip(kind, 1)
		}
		n, _, err := c.list()
		for range n {
			name := ""
			if err := c.fields(func(id int64, kind byte) error {
				start := c.pos
				err := c.skip(kind, 2)
				if id == 4 {
					name = string(footer[start+1 : c.pos])
				}
				return err
			}); err != nil {
				return err
			}
			if name == column {
				end = c.pos - 1
			}
		}
		return err
	})
	if err != nil || end == 0 {
		t.Fatalf("no column %s: %v", column, err)
	}
	logical := append([]byte{typeStruct}, zigzag(fieldLogical)...)
	logical = append(append(append(logical, typeStruct), zigzag(member)...), 0, 0)
	footer = append(append(bytes.Clone(footer[:end]), logical...), footer[end:]...)
	out := append(bytes.Clone(b[:len(b)-8-length]), footer...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(footer))), "PAR1"...)
}

// TestNewerLogicalTypes: a column of VARIANT (16), GEOMETRY (17), GEOGRAPHY (18) or of a type to come hinders neither the others nor
// itself; one that is known still counts.
func TestNewerLogicalTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newer.parquet")
	sample(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []int64{16, 17, 18, 19, 1000} {
		b := withLogical(t, whole, "name", member)
		if sum, n, err := sumIDs(b); err != nil || sum != 2*4950 || n != 200 {
			t.Errorf("member %d: %d numbers of sum %d (%v)", member, n, sum, err)
		}
		if err := readBytes(b); err != nil {
			t.Errorf("member %d: %v", member, err)
		}
	}
	f, err := newFile("made.parquet", bytes.NewReader(withLogical(t, whole, "name", 1)), int64(len(withLogical(t, whole, "name", 1))))
	if err != nil || f.Leaves("name")[0].LogicalType().String() != "String" {
		t.Errorf("a string is no string any more: %v", err)
	}
}

// TestEncryptedColumnsAreSaidToBe reads what pyarrow encrypts: the other columns are read, none is called damaged.
func TestEncryptedColumnsAreSaidToBe(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-encrypted", dir)
	f, err := Open(filepath.Join(dir, "column.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := readLeaf(f, f.Leaves("open")[0]); err != nil {
		t.Errorf("the column that is not encrypted: %v", err)
	}
	err = readLeaf(f, f.Leaves("secret")[0])
	_, footer := Open(filepath.Join(dir, "footer.parquet"))
	for name, err := range map[string]error{"column": err, "footer": footer} {
		if err == nil || !strings.Contains(err.Error(), "encrypted") || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEmptyPagesOfVersion2: a page of nothing but NULLs may have no bytes of values at all, in whatever compression it is said to be.
func TestEmptyPagesOfVersion2(t *testing.T) {
	for codec := range codecs {
		head := []byte{0x15, 2 * pageDataV2, 0x15, 4, 0x15, 4, 0x5c, // kind, 2 bytes, 2 compressed; DataPageHeaderV2:
			0x15, 2, 0x15, 2, 0x15, 2, 0x15, 0, 0x15, 4, 0x15, 0, 0, 0} // 1 value, 1 NULL, 1 row, plain, 2 bytes of definition levels
		body := []byte{1 << 1, 0} // once level 0
		p, err := newPages(bytes.NewReader(append(head, body...)), 0, int64(len(head)+len(body)), codec)
		if err != nil {
			t.Fatal(err)
		}
		h, err := p.next()
		if err != nil || h.values != 1 || !bytes.Equal(h.data, body) {
			t.Errorf("compression %d: %+v, %v", codec, h, err)
		}
	}
}
