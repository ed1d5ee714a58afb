package compare

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"upi/metric"
	"upi/projection"
)

// A Condition is met by cells in which two runs differ in some way, as in
//
//	normalized_l2 < -0.02
//	upi_grad target=mnist_cnn normalized_l2.high < 0
//
// It holds words that say which cells are looked at, a method or KEY=VALUE with one of the keys method, source, target, explanation,
// norm and eps; a metric; and what of the difference after - before is compared with a number: its mean or, after .low or .high, that
// end of its 95 % interval.
type Condition struct {
	Text   string
	of     Selection
	metric string
	end    string // "", "low" or "high"
	above  bool
	bound  float64
}

// A Selection says which rows are looked at: those that agree with all that is not empty.
type Selection struct {
	Method, Source, Target, Explanation, Norm string
	// Eps is 0 for any budget.
	Eps float64
}

func (s Selection) has(r Row) bool {
	for _, pair := range [][2]string{{s.Method, r.Method}, {s.Source, r.Source}, {s.Target, r.Target}, {s.Explanation, r.Explanation}, {s.Norm, r.Norm}} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return s.Eps == 0 || s.Eps == r.Eps
}

var comparison = regexp.MustCompile(`^(.*\S)\s*([<>])\s*(\S+)$`)

// ParseCondition reads a condition.
func ParseCondition(text string) (Condition, error) {
	fail := func(format string, args ...any) (Condition, error) {
		return Condition{}, fmt.Errorf("condition %q: %s", text, fmt.Sprintf(format, args...))
	}
	parts := comparison.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return fail("want [METHOD] METRIC < NUMBER or > NUMBER, such as normalized_l2 < -0.02")
	}
	c := Condition{Text: strings.TrimSpace(text), above: parts[2] == ">"}
	var err error
	if c.bound, err = strconv.ParseFloat(parts[3], 64); err != nil {
		return fail("%s is not a number", parts[3])
	}
	if math.IsNaN(c.bound) || math.IsInf(c.bound, 0) {
		return fail("%s: want a finite number, since no difference lies beyond this one", parts[3])
	}
	words := strings.Fields(parts[1])
	c.metric, c.end, _ = strings.Cut(words[len(words)-1], ".")
	if _, err := metric.Lookup(c.metric); err != nil {
		return fail("%s", err)
	}
	if !slices.Contains([]string{"", "low", "high"}, c.end) {
		return fail("%s.%s: want .low or .high, the ends of the interval", c.metric, c.end)
	}
	for _, word := range words[:len(words)-1] {
		key, value, given := strings.Cut(word, "=")
		if !given {
			key, value = "method", word
		}
		into := map[string]*string{"method": &c.of.Method, "source": &c.of.Source, "target": &c.of.Target, "explanation": &c.of.Explanation,
			"norm": &c.of.Norm}[key]
		switch {
		case key == "eps":
			eps, err := projection.ParseEps(value)
			if err != nil {
				return fail("%s", err)
			}
			c.of.Eps = float64(eps)
		case into == nil:
			return fail("%s: want method, source, target, explanation, norm or eps", word)
		case *into != "":
			return fail("two words say the %s: %s and %s", key, *into, value)
		default:
			*into = value
		}
	}
	return c, nil
}

// Met returns the cells that meet the condition or of which nobody can say, since a run lacks the number or no image was scored by
// both. A condition that looks at no cell is an error.
func (c Condition) Met(cells []Cell) ([]Cell, error) {
	var met []Cell
	looked := false
	for _, cell := range cells {
		if cell.Metric != c.metric || !c.of.has(cell.Row) {
			continue
		}
		looked = true
		value := map[string]*float64{"": cell.Difference, "low": cell.Low, "high": cell.High}[c.end]
		if value == nil || c.above && *value > c.bound || !c.above && *value < c.bound {
			met = append(met, cell)
		}
	}
	if !looked {
		return nil, fmt.Errorf("condition %q: the tables have no such cell", c.Text)
	}
	return met, nil
}
