package tables

import (
	"fmt"

	"upi/results"
	"upi/stats"
)

// A Doubt is a reason not to trust the numbers of a model.
type Doubt struct {
	Model string
	// Code is what kind of doubt it is, and Text the sentence for people.
	Code, Text string
}

// Codes of doubts.
const (
	NearChance = "clean accuracy near chance"
	Saturated  = "most probabilities exactly 0 or 1"
	WithoutMap = "most images without a map"
	// Advice says what would be right more often.
	Advice = "advice on a model"
)

// Doubts returns what is doubtful of models, in the order of the rows. What does not depend on the explanation is said once.
func Doubts(rows []results.Model) []Doubt {
	var doubts []Doubt
	type said struct{ model, split, code string }
	known := map[said]bool{}
	add := func(r results.Model, code, text string) {
		if key := (said{r.Model, r.Split, code}); code == WithoutMap || !known[key] {
			known[key] = true
			doubts = append(doubts, Doubt{r.Model, code, text})
		}
	}
	for _, r := range rows {
		if IsNearChance(r) {
			add(r, NearChance, fmt.Sprintf("Warning: %s is near chance: it answers %d of the %d images%s right, %.1f %%, "+
				"where the same answer to all is right on %.1f %%.", r.Model, r.Right, r.Images, ofSplit(r), 100**r.Accuracy, 100*Chance(r)))
		}
		if 2*r.Saturated > r.Images {
			add(r, Saturated, fmt.Sprintf("Warning: the probabilities of %s are exactly 0 or 1 in float32 on %d of the %d images%s, "+
				"as those of a network are whose input is too large.", r.Model, r.Saturated, r.Images, ofSplit(r)))
		}
		if none := r.NoMap + r.NotFinite; 2*none > r.Images {
			add(r, WithoutMap, fmt.Sprintf("Warning: %d of the %d images%s have no map by %s on %s (%s).",
				none, r.Images, ofSplit(r), r.Explanation, r.Model, whyNoMap(r)))
		}
	}
	return doubts
}

// ofSplit names the split, where there is one.
func ofSplit(r results.Model) string {
	if r.Split == "" {
		return ""
	}
	return " of the " + r.Split + " split"
}

// whyNoMap says of images without a map what their explanations are.
func whyNoMap(r results.Model) string {
	return fmt.Sprintf("%d explanations are zero, %d infinite or not a number", r.NoMap, r.NotFinite)
}

// Chance is the accuracy of who knows only how common the labels are, 0..1: the share of the commonest one or, where the images have
// but one label, 1 / classes.
func Chance(r results.Model) float64 {
	if r.Commonest == nil || *r.Commonest == 1 {
		return r.Uniform
	}
	return *r.Commonest
}

// IsNearChance says whether the accuracy is that of who knows no image.
func IsNearChance(r results.Model) bool {
	return stats.NearChance(int(r.Right), int(r.Images), Chance(r))
}

// low is an accuracy below which it is worth to look for what was forgotten, though networks of many classes have no more.
const low = 0.6

// Worrying says whether it is worth to look for what was forgotten.
func Worrying(r results.Model) bool {
	return r.Accuracy != nil && *r.Accuracy < low || len(Doubts([]results.Model{r})) > 0
}
