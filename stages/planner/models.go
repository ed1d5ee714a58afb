package planner

import (
	"upi/pipeline"
	"upi/results"
	"upi/stages"
	"upi/stages/tables"
)

// A seen is a split as a model sees it through an explanation.
type seen struct {
	model       model
	split       split
	explanation explanation
	images      *dataset
	shards      []stages.Shard
}

// plannedModels lists the clean images of each model, split and explanation of which some perturbation needs what the model says.
// Nothing is planned for this alone. Where attacks look at different numbers of fit images, the most count.
func (d *draft) plannedModels() []stages.PlannedModel {
	var all []stages.PlannedModel
	for _, m := range d.models {
		for _, split := range []struct {
			name string
			of   split
		}{{results.FitSplit, m.fit}, {results.TestSplit, m.test}} {
			for _, item := range d.config.Explanations {
				s, there := d.mostSeen(m.name, split.of.Path, item.Name)
				if !there {
					continue
				}
				planned := stages.PlannedModel{Clean: tables.Clean{
					Model: m.name, Split: split.name, Explanation: item.Name, Classes: int64(m.classes), Images: s.images.Len(),
				}}
				for _, shard := range s.shards {
					planned.References = append(planned.References, pipeline.IfThere(shard.Reference))
				}
				all = append(all, planned)
			}
		}
	}
	return all
}

// mostSeen returns what a model sees of the images of a path, as many of them as are planned.
func (d *draft) mostSeen(model, path, explanation string) (most seen, there bool) {
	for _, s := range d.clean {
		if s.model.name != model || s.split.Path != path || s.explanation.name != explanation {
			continue
		}
		if !there || s.images.Len() > most.images.Len() {
			most, there = s, true
		}
	}
	return most, there
}
