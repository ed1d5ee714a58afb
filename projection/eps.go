package projection

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Eps is a budget in pixel units (0..255). In text it is a number of pixel units ("510", "8.0") or a fraction of the full
// range ("8/255", which is 8 pixel units: 255 * 8 / 255). It becomes a plain number in JSON and YAML.
type Eps float64

// ParseEps reads a budget. It returns an error where text is neither form, or the budget is negative or not finite.
func ParseEps(text string) (Eps, error) {
	value, err := parseEps(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("eps %q: %w", text, err)
	}
	return Eps(value), nil
}

func parseEps(text string) (float64, error) {
	above, below, fraction := strings.Cut(text, "/")
	value, err := strconv.ParseFloat(strings.TrimSpace(above), 64)
	if err != nil {
		return 0, fmt.Errorf("write pixel units, as in 8, or a fraction of the range, as in 8/255")
	}
	if fraction {
		divisor, err := strconv.ParseFloat(strings.TrimSpace(below), 64)
		if err != nil || !(divisor > 0) {
			return 0, fmt.Errorf("the divisor must be a number above 0, as in 8/255")
		}
		// Multiplying first makes n/255 exactly n.
		value = value * 255 / divisor
	}
	if !(value >= 0) || math.IsInf(value, 1) {
		return 0, fmt.Errorf("it must be finite and not negative")
	}
	return value, nil
}

// UnmarshalText reads either form of a budget.
func (e *Eps) UnmarshalText(text []byte) error {
	value, err := ParseEps(string(text))
	if err != nil {
		return err
	}
	*e = value
	return nil
}

// UnmarshalJSON reads a number, or a string of either form; null leaves the budget as it was.
func (e *Eps) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("read eps: %w", err)
		}
	}
	return e.UnmarshalText([]byte(text))
}
