package tables

import "upi/stats"

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
	s.Difference, s.StdError = stats.Defined(paired.Mean), stats.Defined(paired.StdErr())
	return s
}
