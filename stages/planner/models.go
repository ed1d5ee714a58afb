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

// diagnose plans to look at the answers of a model to the first shards that are planned of its fit images; it comes early in the plan, for
// what is wrong then may stop the run later.
func (d *draft) diagnose(s seen) error {
	name := s.model.name
	if _, planned := d.diagnoses[name]; planned {
		return nil
	}
	from, err := d.source(s.model, s.explanation, nil)
	if err != nil {
		return err
	}
	spec := stages.DiagnosisSpec{Source: from, Shards: s.shards}
	a, err := d.plan.Add(d.stages.Diagnosis, name, spec)
	d.diagnoses[name] = a
	return err
}

// plannedDiagnoses lists those of all models. One whose fit images nothing needs is looked at on its test images.
func (d *draft) plannedDiagnoses() ([]stages.PlannedDiagnosis, error) {
	for _, s := range d.clean {
		if err := d.diagnose(s); err != nil {
			return nil, err
		}
	}
	var all []stages.PlannedDiagnosis
	for _, m := range d.models {
		if a, planned := d.diagnoses[m.name]; planned {
			all = append(all, stages.PlannedDiagnosis{Model: m.name, Finding: pipeline.IfThere(a)})
		}
	}
	return all, nil
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
