package stages

import (
	"fmt"
	"maps"
	"slices"

	"upi/attack"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// Differentiable says for each explanation and score of a model whether its map can be computed and attacked, and what stands in
// the way if not.
func Differentiable(dir string, o savedmodels.Options) []string {
	m, err := savedmodels.Open(dir, o)
	if err != nil {
		return []string{err.Error()}
	}
	settings := saliency.Settings{Batch: max(m.Batch(), 1)}
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(saliency.Kinds)) {
		for _, score := range []string{"probability", "logit"} {
			line := fmt.Sprintf("%s of the %s: ", kind, score)
			spec := itemSpec{Kind: kind, Settings: fmt.Appendf(nil, `{"score": %q}`, score)}
			e, err := spec.explanation()
			if err == nil {
				err = probe(saliency.NewMapper(m, e, settings))
			}
			if err != nil {
				lines = append(lines, line+"no map: "+err.Error())
				continue
			}
			if err := probe(saliency.NewDissimilarity(m, e, settings)); err != nil {
				lines = append(lines, line+"map, no attack on it: "+err.Error())
				continue
			}
			lines = append(lines, line+"map and attacks")
		}
	}
	if err := probe(saliency.NewCrossEntropy(m, settings)); err != nil {
		lines = append(lines, fmt.Sprintf("%s: %s", attack.CrossEntropy, err))
	}
	return lines
}

// probe closes a program that could be built.
func probe[P measurable](p P, err error) error {
	if err != nil {
		return err
	}
	return p.Close()
}
