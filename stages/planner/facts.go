package planner

import (
	"errors"

	"upi/pipeline"
	"upi/savedmodels"
)

// facts are what planning has to know of a model. They are remembered, so that no model is opened for a run of which all is there.
type facts struct {
	Shape   [3]int `json:"shape"`
	Classes int    `json:"classes"`
	// Rectifiers says that a surrogate has something to replace.
	Rectifiers bool `json:"rectifiers,omitempty"`
	// OpenSize says that the model leaves the images' size open, and so the rest is not known.
	OpenSize bool `json:"open_size,omitempty"`
}

// facts finds out about the model in dir, called as the options say, or is the error that it cannot be attacked.
func (d *draft) facts(dir string, o savedmodels.Options) (facts, error) {
	find := func() (facts, error) {
		opened, err := d.engine.Model(dir, o)
		if errors.Is(err, savedmodels.ErrOpenSize) {
			return facts{OpenSize: true}, nil
		}
		if err == nil {
			err = opened.Differentiable()
		}
		if err != nil {
			return facts{}, err
		}
		return facts{Shape: opened.ImageShape(), Classes: opened.Classes(), Rectifiers: opened.Rectifiers()}, nil
	}
	in, err := d.plan.Input("model", dir)
	if err != nil {
		// What is wrong with the directory, opening it says best.
		if _, opening := d.engine.Model(dir, o); opening != nil {
			err = opening
		}
		return facts{}, err
	}
	return pipeline.Learn(d.plan, in, o, find)
}
