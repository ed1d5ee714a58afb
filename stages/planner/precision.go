package planner

import (
	"cmp"
	"errors"
	"fmt"

	"upi/attack"
	"upi/pipeline/config"
	"upi/savedmodels/runtime"
)

// precision is that of the gradients that an attack looks at: its own, or else the run's.
func (p *Planner) precision(x perturbation) runtime.Precision {
	return precision(p.config, x.settings)
}

// Reducible is an error that says why the gradients of a run cannot be computed in bfloat16, or nil.
func (p *Planner) Reducible() error { return reducible(p.config, p.devices[0]) }

func reducible(c *config.Config, d runtime.Device) error {
	if c.Deterministic {
		return errors.New("its kernels are oneDNN's, which deterministic: true switches off")
	}
	_, err := runtime.Bfloat16Units(d)
	return err
}

func precision(c *config.Config, a attack.Attack) runtime.Precision {
	if a.Needs().Draw == nil && cmp.Or(a.Common().Precision, c.Precision) == runtime.Bfloat16.String() {
		return runtime.Bfloat16
	}
	return runtime.Float32
}

// CheckPrecision returns a [*config.Error] where a configuration asks for a precision that its device or its settings do not allow.
func CheckPrecision(c *config.Config, d runtime.Device) error {
	var problems []config.Problem
	refuse := func(key, name string, why error) {
		problems = append(problems, config.Problem{Key: key, Name: name, Value: runtime.Bfloat16.String(),
			Message: fmt.Sprintf("%v; take float32", why)})
	}
	missing := reducible(c, d)
	if missing == nil {
		return nil
	}
	named := false
	for i, item := range c.Attacks {
		a, ok := item.Settings.(attack.Attack)
		if !ok || precision(c, a) == runtime.Float32 {
			continue
		}
		if a.Common().Precision != "" {
			refuse(fmt.Sprintf("attacks[%d].precision", i), item.Name, missing)
		} else if !named {
			refuse("precision", "", missing)
			named = true
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &config.Error{Problems: problems}
}
