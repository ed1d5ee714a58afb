package planner

import (
	"fmt"

	"upi/pipeline/config"
)

// smoothAlready says of each attack with a surrogate on which of its models there is nothing to replace. An attack of which that is so
// on all of them is a [*config.Error].
func (d *draft) smoothAlready(all []perturbation) ([]string, error) {
	const without = "has no Relu, Relu6 or LeakyRelu that a surrogate could replace"
	var notes []string
	var problems []config.Problem
	for i, item := range d.config.Attacks {
		smooth := map[string]bool{}
		for _, x := range all {
			if x.attack.Name == item.Name && x.needs.Smoothed.Surrogate != nil {
				for _, m := range x.sources {
					smooth[m.name] = !m.rectifiers
				}
			}
		}
		var names []string
		for _, m := range d.models {
			if smooth[m.name] {
				names = append(names, m.name)
				notes = append(notes, fmt.Sprintf("Note: %s %s; there %s differentiates the network as it is.", m.name, without, item.Name))
			}
		}
		if len(names) > 0 && len(names) == len(smooth) {
			problems = append(problems, config.Problem{Key: fmt.Sprintf("attacks[%d].surrogate", i), Name: item.Name,
				Message: fmt.Sprintf("%s %s; leave it out", names[0], without)})
		}
	}
	if len(problems) > 0 {
		return nil, &config.Error{Problems: problems}
	}
	return notes, nil
}
