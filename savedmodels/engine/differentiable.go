package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"upi/savedmodels"
	"upi/savedmodels/saliency"
	"upi/setting"
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
			e, err := saliency.NewExplanation(setting.Item{Kind: kind, Settings: fmt.Appendf(nil, `{"score": %q}`, score)})
			if err == nil {
				err = try(saliency.NewMapper(m, e, settings))
			}
			if err != nil {
				lines = append(lines, line+"no map: "+err.Error())
				continue
			}
			if err := try(saliency.NewDissimilarity(m, e, settings)); err != nil {
				lines = append(lines, line+"map, no attack on it: "+err.Error())
				continue
			}
			lines = append(lines, line+"map and attacks")
		}
	}
	if err := try(saliency.NewCrossEntropy(m, settings)); err != nil {
		lines = append(lines, fmt.Sprintf("cross-entropy: %s", err))
	}
	return lines
}

// NeedsSurrogate tells whether attacks on the simple-gradient map of a model need a surrogate with this beta, since the gradient of the
// map is zero without one, as with two classes behind ReLU. An error says what is in the way of attacks with it too.
func NeedsSurrogate(dir string, o savedmodels.Options, beta float64) (bool, error) {
	m, err := savedmodels.Open(dir, o)
	if err != nil {
		return false, err
	}
	e, err := saliency.NewExplanation(setting.Item{Kind: "simple_gradient", Settings: []byte("{}")})
	if err != nil {
		return false, err
	}
	settings := saliency.Settings{Batch: max(m.Batch(), 1)}
	plain := try(saliency.NewDissimilarity(m, e, settings))
	if !errors.Is(plain, saliency.ErrNoSecondOrder) {
		return false, plain
	}
	settings.Surrogate = &savedmodels.Softplus{Beta: beta}
	if err := try(saliency.NewDissimilarity(m, e, settings)); err != nil {
		return true, fmt.Errorf("no attack on the simple-gradient map can be made: %w; with a surrogate: %w", saliency.ErrNoSecondOrder, err)
	}
	return true, nil
}

// try closes a program that could be built.
func try[P Program](p P, err error) error {
	if err != nil {
		return err
	}
	return p.Close()
}
