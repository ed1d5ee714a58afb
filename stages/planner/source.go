package planner

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
	"upi/setting"
	"upi/stages"
)

// source is a model seen through an explanation, with what the explanation needs beside the image: the model's own layer, and
// baselines from the model's fit split, which are the same whatever part of it an attack looks at.
func (d *draft) source(m model, e explanation, surrogate *attack.Surrogate) (stages.Source, error) {
	s := stages.Source{Model: m.input, Options: m.options, Explanation: e.item, Surrogate: surrogate}
	if cam, ok := e.settings.(*saliency.GradCAM); ok && cam.Layer == "" && m.layer != "" {
		named := *cam
		named.Layer = m.layer
		var err error
		if s.Explanation, err = setting.NewItem(e.item.Kind, &named); err != nil {
			return s, err
		}
	}
	if err := d.fits(m, s.Explanation); err != nil {
		return s, fmt.Errorf("model %s, explanation %s: %w", m.name, e.name, err)
	}
	_, among := e.settings.Baselines()
	if among == 0 {
		return s, nil
	}
	if i := slices.IndexFunc(d.models, func(other model) bool { return other.name == m.name }); i >= 0 {
		m = d.models[i]
	}
	images, err := d.dataset(m.fit)
	if err != nil {
		return s, err
	}
	baselines, err := d.plan.Add(d.stages.Baselines, m.name, stages.BaselinesSpec{Images: images.images, Shape: m.shape, Keep: among},
		pipeline.Costs(pipeline.Estimate{Bytes: int64(among) * m.size()}))
	s.Baselines = &baselines
	return s, err
}

// A fitting is a question to a model: whether an explanation is one of it.
type fitting struct {
	Options     savedmodels.Options `json:"options"`
	Explanation setting.Item        `json:"explanation"`
}

// fits is an error where an explanation is none of a model. That it is one is remembered.
func (d *draft) fits(m model, item setting.Item) error {
	e, err := saliency.NewExplanation(item)
	if err != nil {
		return err
	}
	particular, ok := e.(saliency.Particular)
	if !ok {
		return nil
	}
	_, err = pipeline.Learn(d.plan, m.input, fitting{m.options, item}, func() (bool, error) {
		opened, err := d.engine.Model(m.input.Path(), m.options)
		if err != nil {
			return false, err
		}
		return true, particular.Fits(opened)
	})
	return err
}
