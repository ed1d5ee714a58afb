package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Count is a number of things, or all of them.
type Count int

// All is the Count of all things there are, in a file "all".
const All Count = 0

// UnmarshalText accepts a number from 1 up, or all.
func (c *Count) UnmarshalText(text []byte) error {
	if string(text) == "all" {
		*c = All
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return errors.New("want a number from 1 up, or all")
	}
	*c = Count(n)
	return nil
}

// MarshalYAML writes a plain number, or all.
func (c Count) MarshalYAML() (any, error) {
	if c == All {
		return "all", nil
	}
	return int(c), nil
}

// PerChannel is one number for all channels of an image, or a list of one for each. A number may be a fraction such as 1/255.
type PerChannel []Factor

// String shows a single number without a list.
func (p PerChannel) String() string {
	if len(p) == 1 {
		return fmt.Sprint(float64(p[0]))
	}
	return fmt.Sprint([]Factor(p))
}

// MarshalYAML writes a single number without a list.
func (p PerChannel) MarshalYAML() (any, error) {
	if len(p) == 1 {
		return float64(p[0]), nil
	}
	return []Factor(p), nil
}

// Factor is a number. In a file it is one, or a fraction such as 1/127.5.
type Factor float64

// UnmarshalText accepts a finite number, or two with a stroke between them.
func (f *Factor) UnmarshalText(text []byte) error {
	above, below, fraction := strings.Cut(strings.ReplaceAll(string(text), " ", ""), "/")
	v, err := strconv.ParseFloat(above, 64)
	if fraction && err == nil {
		var divisor float64
		divisor, err = strconv.ParseFloat(below, 64)
		v /= divisor
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return errors.New("want a number or a fraction such as 1/255")
	}
	*f = Factor(v)
	return nil
}

// MarshalYAML writes a plain number.
func (f Factor) MarshalYAML() (any, error) { return float64(f), nil }

// Bytes is an amount of memory: a whole number, or one with a unit (512MiB, 4GiB).
type Bytes int64

var units = []struct {
	name string
	size float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// UnmarshalText accepts a number of bytes or a number with a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, factor := strings.TrimSpace(string(text)), 1.0
	if v, err := strconv.ParseInt(number, 10, 64); err == nil && v >= 0 {
		*b = Bytes(v)
		return nil
	}
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = strings.TrimSpace(rest), u.size
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	v *= factor
	if err != nil || math.IsNaN(v) || v < 0 || v >= math.MaxInt64 || v != math.Trunc(v) {
		return errors.New("want a number of bytes, such as 4GiB or 512MiB")
	}
	*b = Bytes(v)
	return nil
}

// String writes the largest binary unit that divides b.
func (b Bytes) String() string {
	for _, u := range units[:4] {
		if size := int64(u.size); b != 0 && int64(b)%size == 0 {
			return fmt.Sprintf("%d%s", int64(b)/size, u.name)
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalYAML writes the form of String, or a plain number where it has no unit.
func (b Bytes) MarshalYAML() (any, error) {
	if s := b.String(); strings.HasSuffix(s, "B") {
		return s, nil
	}
	return int64(b), nil
}
