package tables

import (
	"fmt"

	"upi/results"
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
)

// judged is the number of images below which a share of them says little.
const judged = 10

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
			add(r, NearChance, fmt.Sprintf("Warning: %s is near chance: it answers %d of the %d images of the %s split right, %.1f %%, "+
				"where the same answer to all is right on %.1f %%.", r.Model, r.Right, r.Images, r.Split, 100**r.Accuracy, 100*Chance(r)))
		}
		if 2*r.Saturated > r.Images {
			add(r, Saturated, fmt.Sprintf("Warning: the probabilities of %s are exactly 0 or 1 in float32 on %d of the %d images of the %s split, "+
				"as those of a network are whose input is too large.", r.Model, r.Saturated, r.Images, r.Split))
		}
		if none := r.NoMap + r.NotFinite; 2*none > r.Images {
			add(r, WithoutMap, fmt.Sprintf("Warning: %d of the %d images of the %s split have no map by %s on %s (%s).",
				none, r.Images, r.Split, r.Explanation, r.Model, whyNoMap(r)))
		}
	}
	return doubts
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

// IsNearChance says whether the accuracy is not above chance by more than 3 standard errors, or is under twice chance. Where chance
// is a large share, as that of two classes, the second means less than a tenth of the way from chance to 1.
func IsNearChance(r results.Model) bool {
	if r.Accuracy == nil || r.Images < judged || *r.Accuracy == 1 {
		return false
	}
	chance := Chance(r)
	return *r.Accuracy <= chance+3**r.StdError || *r.Accuracy < min(2*chance, chance+(1-chance)/10)
}
