package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"upi/setting"
)

// Invalid is the error of a Validate method.
func Invalid(key string, value any, want string) error {
	return &setting.Error{Key: key, Value: value, Want: want}
}

// Pixels is a length in pixel units (0..255). In a file it is a number, or a
// fraction of the range such as 8/255, which means 8 grey levels.
type Pixels float64

// UnmarshalText accepts a finite number or N/255.
func (p *Pixels) UnmarshalText(text []byte) error {
	levels, fraction := strings.CutSuffix(strings.ReplaceAll(string(text), " ", ""), "/255")
	v, err := strconv.ParseFloat(levels, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		if fraction || !strings.Contains(levels, "/") {
			return errors.New("want a number in pixel units or a fraction such as 8/255")
		}
		return errors.New("want a fraction of 255, such as 8/255")
	}
	*p = Pixels(v)
	return nil
}

// MarshalYAML writes a plain number.
func (p Pixels) MarshalYAML() (any, error) { return float64(p), nil }
