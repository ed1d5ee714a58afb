package column

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/internal/pythontest"
)

// rows is ROWS of python/interop.py, whose formulas are repeated here.
const rows = 3000

// TestReadsWhatPyarrowWrites reads every compression, encoding and page version, with NULLs, over many pages and row groups.
func TestReadsWhatPyarrowWrites(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-columns", dir)
	paths, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(paths) != 16 {
		t.Fatalf("found %d files: %v", len(paths), err)
	}
	nullable := func(i int) bool { return i%11 != 0 }
	always := func(int) bool { return true }
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			check(t, f, "r", always, func(i int) int64 { return int64(i) }, nil)
			check(t, f, "i64", nullable, func(i int) int64 { return int64(i)*2654435761%(1<<40) - 1<<39 }, nil)
			check(t, f, "i32", nullable, func(i int) int32 { return int32(i*7919%100003 - 50000) }, nil)
			check(t, f, "f64", nullable, func(i int) float64 { return float64(i)*0.5 - 3 }, nil)
			check(t, f, "f32", nullable, func(i int) float32 { return float32(i)*0.25 - 7 }, nil)
			check(t, f, "b", nullable, func(i int) bool { return i%3 == 0 }, nil)
			check(t, f, "s", nullable, func(i int) parquet.ByteArray { return parquet.ByteArray(fmt.Sprintf("name-%d-%d", i%50, i*i)) },
				func(a, b parquet.ByteArray) bool { return string(a) == string(b) })
			check(t, f, "fsb", nullable, func(i int) parquet.FixedLenByteArray { return parquet.FixedLenByteArray{byte(i), byte(i >> 8), 0} },
				func(a, b parquet.FixedLenByteArray) bool { return string(a) == string(b) })
			checkLists(t, f)
		})
	}
}

// check compares a column with its formula.
func check[V Value](t *testing.T, f *File, name string, present func(int) bool, want func(int) V, equal func(a, b V) bool) {
	t.Helper()
	if equal == nil {
		equal = func(a, b V) bool { return any(a) == any(b) }
	}
	c, err := NewCursor[V](f, f.Leaves(name)[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		v, ok, err := c.Next()
		if err != nil {
			t.Fatalf("column %s, row %d: %v", name, i, err)
		}
		if ok != present(i) || ok && !equal(v, want(i)) {
			t.Fatalf("column %s, row %d is %v (%t), wanted %v (%t)", name, i, v, ok, want(i), present(i))
		}
	}
	if _, _, err := c.Next(); err != io.EOF {
		t.Errorf("column %s: after the last row came %v", name, err)
	}
}

func checkLists(t *testing.T, f *File) {
	t.Helper()
	c, err := NewCursor[int32](f, f.Leaves("l")[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		list, ok, err := c.NextList(nil)
		if err != nil {
			t.Fatalf("lists, row %d: %v", i, err)
		}
		var want []int32
		for j := range i % 4 {
			want = append(want, int32(i*3+j))
		}
		if ok != (i%13 != 0) || ok && !slices.Equal(list, want) {
			t.Fatalf("lists, row %d is %v (%t), wanted %v", i, list, ok, want)
		}
	}
	if _, _, err := c.NextList(nil); err != io.EOF {
		t.Errorf("lists: after the last row came %v", err)
	}
}

// A checksum is in the files that were written with gzip.
func TestChecksumFindsAFlippedBit(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-columns", dir)
	damage(t, filepath.Join(dir, "gzip-v1.parquet"), func(b []byte) []byte { b[600] ^= 1; return b })
	if err := readAll(filepath.Join(dir, "gzip-v1.parquet")); !errors.Is(err, ErrDamaged) {
		t.Errorf("a flipped bit gave %v", err)
	}
}

func TestHybridAgainstTheSpecificationsExample(t *testing.T) {
	// Encodings.md of Apache Parquet: the numbers 0 to 7, bit-packed in 3 bits, are the bytes 88 C6 FA; a head of one group
	// of eight goes before them.
	h := newHybrid([]byte{1<<1 | 1, 0x88, 0xc6, 0xfa, 5 << 1, 6}, 3, 7)
	for i, want := range []uint32{0, 1, 2, 3, 4, 5, 6, 7, 6, 6, 6, 6, 6} {
		if got, err := h.next(); got != want || err != nil {
			t.Fatalf("number %d is %d (%v), wanted %d", i, got, err, want)
		}
	}
	if _, err := h.next(); err == nil {
		t.Error("a number came after the end")
	}
	if _, err := newHybrid([]byte{2 << 1, 6}, 3, 5).next(); err == nil {
		t.Error("a number above the limit came through")
	}
}

func TestDeltasAgainstTheSpecificationsExamples(t *testing.T) {
	// Encodings.md of Apache Parquet, "Delta Encoding", example 2: 7, 5, 3, 1, 2, 3, 4, 5 with smallest difference -2.
	// Blocks of 128 in 4 miniblocks, as it says; differences less -2 are 0 0 0 3 3 3 3, in 2 bits: C0 3F.
	buf := []byte{128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0}
	d, err := newDeltas(buf)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{7, 5, 3, 1, 2, 3, 4, 5} {
		if got, err := d.next(); got != want || err != nil {
			t.Fatalf("number %d is %d (%v), wanted %d", i, got, err, want)
		}
	}
	if _, err := d.next(); err == nil {
		t.Error("a number came after the end")
	}
	for _, bad := range [][]byte{nil, {0, 1, 1, 1}, {128, 1, 0, 1, 1}, {128, 1, 3, 1, 1}, {255, 255, 255, 255, 255, 1, 1, 1, 1}} {
		if _, err := newDeltas(bad); err == nil {
			t.Errorf("the head %v passed", bad)
		}
	}
}

func TestWideDeltasWrapAround(t *testing.T) {
	// From the largest number to the smallest is a difference of 1 that wraps around; with the smallest difference -1 the
	// 64 bits hold 2, alone in a miniblock of 8.
	buf := append([]byte{8, 1, 2}, zigzag(math.MaxInt64)...)
	buf = append(buf, 1, 64, 2, 0, 0, 0, 0, 0, 0, 0)
	d, err := newDeltas(buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{math.MaxInt64, math.MinInt64} {
		if got, err := d.next(); got != want || err != nil {
			t.Fatalf("got %d (%v), wanted %d", got, err, want)
		}
	}
}

func zigzag(v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	var out []byte
	for ; u >= 128; u >>= 7 {
		out = append(out, byte(u)|128)
	}
	return append(out, byte(u))
}
