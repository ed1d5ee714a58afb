package tables

import (
	"fmt"
	"strings"

	"upi/stats"
)

// A Sign is the record of how the sign of one perturbation was decided: by the normalised L2 of +delta and of -delta on images of
// the fit split of all its sources.
type Sign struct {
	// Sign is +1 or -1; +1 where both do as well, or where there is no image.
	Sign int `json:"sign"`
	// Plus and Minus are the mean normalised L2 of +delta and -delta; nil where there is no image.
	Plus  *float64 `json:"plus"`
	Minus *float64 `json:"minus"`
	// Difference is the mean of the paired differences, +delta less -delta; StdError is its standard error, nil below two images.
	Difference *float64 `json:"difference"`
	StdError   *float64 `json:"std_error"`
	// Images is the number of images in the means, LeftOut that of those which were looked at and have no map.
	Images  int64 `json:"images"`
	LeftOut int64 `json:"left_out"`
}

// A SignRow is how far the map of one fit image moves under +delta and under -delta, in normalised L2. Source is the number of
// the model among the perturbation's sources.
type SignRow struct {
	Source int64   `parquet:"source"`
	ID     int64   `parquet:"id"`
	Plus   float64 `parquet:"plus"`
	Minus  float64 `parquet:"minus"`
}

// Decide makes the record of the rows of all sources; leftOut images were looked at and have no row. The means depend on the order
// of the rows in their last bits.
func Decide(rows []SignRow, leftOut int64) Sign {
	s := Sign{Sign: 1, Images: int64(len(rows)), LeftOut: leftOut}
	if len(rows) == 0 {
		return s
	}
	var plus, minus float64
	var paired stats.Summary
	for _, row := range rows {
		plus += row.Plus
		minus += row.Minus
		paired.Add(row.Plus - row.Minus)
	}
	plus, minus = plus/float64(len(rows)), minus/float64(len(rows))
	if minus > plus {
		s.Sign = -1
	}
	s.Plus, s.Minus = &plus, &minus
	s.Difference, s.StdError = number(paired.Mean), number(paired.StdErr())
	return s
}

const (
	// fewSignImages is the number of images below which a sign that rests on them is worth a warning.
	fewSignImages = 30
	// namedSigns is how many perturbations a warning names; perturbations.parquet has the number of images of each.
	namedSigns = 20
)

// Warnings are sentences to be shown beside the summary and the table of signs: which signs rest on few images. A sign that was not
// decided because a task has failed is not among them: it scores nothing.
func Warnings(all []*Scored) []string {
	var few []string
	for _, s := range all {
		if s.Rule == SignFit && s.Fit != nil && s.Fit.Images < fewSignImages {
			few = append(few, fmt.Sprintf("%s (%d)", s.ID, s.Fit.Images))
		}
	}
	if len(few) == 0 {
		return nil
	}
	named := strings.Join(few[:min(len(few), namedSigns)], ", ")
	if more := len(few) - namedSigns; more > 0 {
		named += fmt.Sprintf(" and %d more, whose fit_images in perturbations.parquet are as few", more)
	}
	return []string{fmt.Sprintf("Warning: signs that rest on fewer than %d fit images: %s; the number of images is in parentheses.",
		fewSignImages, named)}
}
