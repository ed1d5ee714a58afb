package planner

import (
	"errors"
	"fmt"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
	"upi/setting"
)

// SecondOrder says of which attacks of the planned configuration every gradient is zero, because the maps that they look at are piecewise
// constant by the network's structure, and what helps. It is nil where there is none.
func (p *Planner) SecondOrder() error { return errors.Join(p.flat...) }

// checkSecondOrder notes an attack on maps whose gradients are zero whatever the images.
func (d *draft) checkSecondOrder(x perturbation) error {
	if !looksAtMaps(x.needs) {
		return nil
	}
	for _, m := range x.sources {
		if d.surrogate(x, m) != nil {
			continue
		}
		found, err := d.secondOrder(m, x.explanation)
		if err != nil {
			return err
		}
		if found == "" {
			continue
		}
		flat := fmt.Errorf("attack %s on model %s, explanation %s: %s", x.attack.Name, m.name, x.explanation.name, found)
		if !slices.ContainsFunc(d.flat, func(other error) bool { return other.Error() == flat.Error() }) {
			d.flat = append(d.flat, flat)
		}
	}
	return nil
}

// looksAtMaps reports whether an attack differentiates maps.
func looksAtMaps(n attack.Needs) bool {
	if n.Ascent != nil {
		return n.Ascent.Objective.Of.OfMaps()
	}
	return n.Rows != nil && slices.ContainsFunc(n.Rows.Terms, func(t attack.Term) bool { return t.Function.OfMaps() })
}

// secondOrder says why the map of a model has no second order, or nothing. The answer is remembered.
func (d *draft) secondOrder(m model, e explanation) (string, error) {
	from, err := d.source(m, e, nil)
	if err != nil {
		return "", err
	}
	about := struct {
		Options     savedmodels.Options
		Explanation setting.Item
	}{m.options, from.Explanation}
	return pipeline.Learn(d.plan, m.input, about, func() (string, error) {
		opened, err := d.engine.Model(m.input.Path(), m.options)
		if err != nil {
			return "", err
		}
		settings, err := saliency.NewExplanation(from.Explanation)
		if err != nil {
			return "", err
		}
		return noSecondOrder(opened, settings)
	})
}

// noSecondOrder says why the map of a model has no second order, or nothing. The graph, which takes a while, is built only of networks
// that may be so by their heads or scores.
func noSecondOrder(m *savedmodels.Model, e saliency.Explanation) (string, error) {
	if head := m.Head(); e.Explains().Score == saliency.Probability && !head.Independent() && head.Columns > 2 {
		return "", nil
	}
	program, err := saliency.NewDissimilarity(m, e, saliency.Settings{Batch: max(m.Batch(), 1)})
	switch {
	case errors.Is(err, saliency.ErrNoSecondOrder):
		return err.Error(), nil
	case err != nil:
		// Whatever else is in the way, the attack's task says where it is.
		return "", nil
	}
	return "", program.Close()
}
