package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"upi/results"
)

// A grid is a table laid out for people, before it becomes Markdown, LaTeX or HTML.
type grid struct {
	Name     string // of the file, without its suffix
	Title    string
	Legend   []string // how to read it
	Sections []section
	Notes    []string // what was left out
}

type section struct {
	Heading string
	Columns []column
	Rows    [][]entry
}

type column struct {
	Name  string
	Key   bool // tells the rows apart, and is repeated where a table is split
	Right bool // numbers stand to the right
}

// An entry is the text of one cell.
type entry struct {
	Text   string
	Strong bool // on the diagonal
	Gap    bool // the run owes a number here and has none
}

// Texts of cells without a number.
const (
	missingText = "missing"
	noText      = "–" // there is nothing that the run could have computed
)

var missingEntry = entry{Text: missingText, Gap: true}

// newEntry makes names harmless to terminals: letters that control how others are shown become a replacement character.
func newEntry(text string) entry { return entry{Text: printable(text)} }

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// number prints three decimals, and the exponent of what these would round to zero. What is smaller than the rounding of sums of
// numbers around 1 is zero.
func number(v float64) string {
	switch magnitude := math.Abs(v); {
	case magnitude < 1e-12:
		return "0.000"
	case magnitude < 0.0005 || magnitude >= 1e6:
		return strconv.FormatFloat(v, 'e', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

func signed(v float64) string {
	if v >= 0 {
		return "+" + number(v)
	}
	return number(v)
}

// budget prints an eps with as few digits as tell it apart.
func budget(eps float64) string { return strconv.FormatFloat(eps, 'g', 6, 64) }

// meanEntry is "mean ± standard error (standard deviation over seeds)"; images is the number that the reader is told
// elsewhere.
func meanEntry(c results.Cell, known bool, images int64) entry {
	if !known || c.Mean == nil {
		return missingEntry
	}
	text := number(*c.Mean)
	if c.StdError != nil {
		text += " ± " + number(*c.StdError)
	}
	if c.SeedStdDev != nil {
		text += " (" + number(*c.SeedStdDev) + ")"
	}
	if c.Images != images {
		text += fmt.Sprintf(" n=%d", c.Images)
	}
	return entry{Text: text}
}

// differenceEntry is "difference [low, high]"; images is the number that the reader is told elsewhere. Owed says that there is
// something to compare to.
func differenceEntry(c results.Cell, images int64, owed bool) entry {
	if c.Difference == nil {
		if owed {
			return missingEntry
		}
		return entry{Text: noText}
	}
	text := signed(*c.Difference)
	if c.Low != nil && c.High != nil {
		text += fmt.Sprintf(" [%s, %s]", signed(*c.Low), signed(*c.High))
	}
	if c.Images != images {
		text += fmt.Sprintf(" n=%d", c.Images)
	}
	return entry{Text: text}
}
