package tables

import (
	"iter"
	"math"

	"upi/results"
	"upi/stats"
)

// A Clean is a model seen through an explanation on the clean images of one split, as planned.
type Clean struct {
	Model string `json:"model"`
	// Split is results.FitSplit or results.TestSplit.
	Split       string `json:"split"`
	Explanation string `json:"explanation"`
	Classes     int64  `json:"classes"`
	// Images is the size of the split.
	Images int64 `json:"images"`
}

// A CleanImage is what a model says of one clean image.
type CleanImage struct {
	Label, Prediction int64
	// Probability is that of the explained class, and Norm the L1 norm of the explanation.
	Probability, Norm float64
}

// Saturated says whether the probability is exactly 0 or 1 in float32.
func (i CleanImage) Saturated() bool {
	p := float32(i.Probability)
	return p == 0 || p == 1
}

// Row counts the images that were looked at.
func (c Clean) Row(images iter.Seq[CleanImage]) results.Model {
	row := results.Model{
		Model: c.Model, Split: c.Split, Explanation: c.Explanation, Classes: c.Classes,
		Uniform: 1 / float64(c.Classes),
	}
	var right stats.Summary
	labels, commonest := map[int64]int64{}, int64(0)
	for i := range images {
		row.Images++
		hit := 0.0
		if i.Prediction == i.Label {
			hit = 1
			row.Right++
		}
		right.Add(hit)
		labels[i.Label]++
		commonest = max(commonest, labels[i.Label])
		if i.Saturated() {
			row.Saturated++
		}
		switch {
		case math.IsNaN(i.Norm) || math.IsInf(i.Norm, 0):
			row.NotFinite++
		case i.Norm == 0:
			row.NoMap++
		}
	}
	row.Missing = c.Images - row.Images
	if row.Images > 0 {
		n := float64(row.Images)
		row.Accuracy, row.StdError, row.Commonest = stats.Defined(float64(row.Right)/n), stats.Defined(right.StdErr()), stats.Defined(float64(commonest)/n)
	}
	return row
}
