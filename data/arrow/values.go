package arrow

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Values are those of a field in one batch, from which single ones are read.
type Values struct {
	file  *File
	batch *batch
	field *Field
}

// At are the values of a column in the batch that holds a row, and the row's place among them. It returns io.EOF after the last row.
func (f *File) At(field *Field, row int64) (Values, int64, error) {
	b, i, err := f.locate(row)
	return Values{f, b, field}, i, err
}

// Child are the values of a part of the field: of a struct's, at the same places.
func (v Values) Child(field *Field) Values { return Values{v.file, v.batch, field} }

func (v Values) damaged(format string, args ...any) error {
	return fmt.Errorf("read column %q of %s: %w: %s", v.field.Name, v.file.path, ErrDamaged, fmt.Sprintf(format, args...))
}

// read reads n bytes at a place of the field's k-th buffer.
func (v Values) read(k int, at, n int64) ([]byte, error) {
	b := v.batch.buffers[v.field.buffer+k]
	if at < 0 || n < 0 || n > b.length || at > b.length-n {
		return nil, v.damaged("values at %d+%d of a buffer of %d bytes", at, n, b.length)
	}
	if n > maxValue {
		return nil, fmt.Errorf("read column %q of %s: a value of %d bytes is above the %d that are read", v.field.Name, v.file.path, n, maxValue)
	}
	out := make([]byte, n)
	if _, err := v.file.source.ReadAt(out, v.batch.body+b.offset+at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read column %q of %s: %w", v.field.Name, v.file.path, err)
	}
	return out, nil
}

// within checks a place against the number of values.
func (v Values) within(from, n int64) error {
	if length := v.batch.nodes[v.field.node].length; from < 0 || n < 0 || n > length || from > length-n {
		return v.damaged("values %d+%d of %d", from, n, length)
	}
	return nil
}

// Valid tells whether a value is there; else it is NULL.
func (v Values) Valid(i int64) (bool, error) {
	if err := v.within(i, 1); err != nil {
		return false, err
	}
	if v.batch.nodes[v.field.node].nulls == 0 || v.batch.buffers[v.field.buffer].length == 0 {
		return true, nil
	}
	bits, err := v.read(0, i/8, 1)
	if err != nil {
		return false, err
	}
	return bits[0]>>(i%8)&1 == 1, nil
}

// AllValid tells whether none of n values is NULL.
func (v Values) AllValid(from, n int64) (bool, error) {
	if err := v.within(from, n); err != nil {
		return false, err
	}
	if n == 0 || v.batch.nodes[v.field.node].nulls == 0 || v.batch.buffers[v.field.buffer].length == 0 {
		return true, nil
	}
	bits, err := v.read(0, from/8, (from+n-1)/8-from/8+1)
	if err != nil {
		return false, err
	}
	for i := range n {
		at := from%8 + i
		if bits[at/8]>>(at%8)&1 == 0 {
			return false, nil
		}
	}
	return true, nil
}

// Number is a value of an Integer, Float or Bool; whole is false for one that is no whole number of 64 bits, which is x.
func (v Values) Number(i int64) (n int64, x float64, whole bool, err error) {
	if v.field.Kind == Bool {
		bits, err := v.read(1, i/8, 1)
		if err != nil {
			return 0, 0, false, err
		}
		return int64(bits[0] >> (i % 8) & 1), 0, true, nil
	}
	raw, err := v.read(1, i*v.field.width, v.field.width)
	if err != nil {
		return 0, 0, false, err
	}
	var bits [8]byte
	copy(bits[:], raw)
	u := binary.LittleEndian.Uint64(bits[:])
	if v.field.Kind == Float {
		switch v.field.width {
		case 4:
			x = float64(math.Float32frombits(uint32(u)))
		case 8:
			x = math.Float64frombits(u)
		default:
			return 0, 0, false, fmt.Errorf("read column %q of %s: floating-point numbers of 16 bits are not read", v.field.Name, v.file.path)
		}
		return int64(x), x, x == math.Trunc(x) && math.Abs(x) <= 1<<53, nil
	}
	if v.field.unsigned {
		return int64(u), float64(u), u <= math.MaxInt64, nil
	}
	shift := 64 - 8*v.field.width
	return int64(u<<shift) >> shift, 0, true, nil
}

// Numbers reads so many whole numbers of an Integer at once.
func (v Values) Numbers(from, n int64) ([]int64, error) {
	if v.field.Kind != Integer {
		return nil, fmt.Errorf("column %q of %s holds %s, not whole numbers", v.field.Name, v.file.path, v.field.Type)
	}
	if err := v.within(from, n); err != nil {
		return nil, err
	}
	raw, err := v.read(1, from*v.field.width, n*v.field.width)
	if err != nil {
		return nil, err
	}
	out := make([]int64, n)
	for i := range out {
		var bits [8]byte
		copy(bits[:], raw[int64(i)*v.field.width:][:v.field.width])
		u := binary.LittleEndian.Uint64(bits[:])
		if !v.field.unsigned {
			shift := 64 - 8*v.field.width
			u = uint64(int64(u<<shift) >> shift)
		}
		out[i] = int64(u)
	}
	return out, nil
}

// Bytes is a value of a Bytes or FixedBytes.
func (v Values) Bytes(i int64) ([]byte, error) {
	if v.field.Kind == FixedBytes {
		return v.read(1, i*v.field.width, v.field.width)
	}
	from, to, err := v.Range(i, 1)
	if err != nil {
		return nil, err
	}
	return v.read(2, from[0], to-from[0])
}

// maxLists bounds the lists within one value.
const maxLists = 1 << 24

// Range is where n lists (or byte arrays) from the i-th on begin among the values of the child (or among the bytes), and where the last
// one ends.
func (v Values) Range(i, n int64) (starts []int64, end int64, err error) {
	if err := v.within(i, n); err != nil {
		return nil, 0, err
	}
	if n > maxLists {
		return nil, 0, fmt.Errorf("read column %q of %s: %d lists in one value are above the %d that are read", v.field.Name, v.file.path, n, maxLists)
	}
	if v.field.Kind == FixedList {
		for k := range n {
			starts = append(starts, (i+k)*v.field.width)
		}
		return starts, (i + n) * v.field.width, nil
	}
	w := v.field.width
	raw, err := v.read(1, i*w, (n+1)*w)
	if err != nil {
		return nil, 0, err
	}
	last := int64(0)
	for k := range n + 1 {
		var bits [8]byte
		copy(bits[:], raw[k*w:][:w])
		u := binary.LittleEndian.Uint64(bits[:])
		if u > math.MaxInt64 || int64(u) < last {
			return nil, 0, v.damaged("offsets that fall or are below 0")
		}
		last = int64(u)
		starts = append(starts, last)
	}
	return starts[:n], last, nil
}
