// Package stages is the kinds of tasks that a run is made of, from image shards and SavedModels to scores and tables. Each stage is a
// spec, which says what a task computes and from what, and the function that does it.
package stages

import (
	"context"

	"upi/pipeline"
	"upi/savedmodels/engine"
)

// A Table holds the stages. The version of one is raised by whoever changes what it writes.
type Table struct {
	Images, Baselines, Reference, Diagnosis, Gradients, Direction, Fit, PerImage, Sign, Evaluate, Examples, Tables *pipeline.Stage
}

// New returns the stages of a process, which share an engine.
func New(e *engine.Engine) *Table {
	r := &runner{engine: e, rows: make(chan struct{}, 1)}
	return &Table{
		Images:    pipeline.NewStage("images", 3, runImages),
		Baselines: pipeline.NewStage("baselines", 1, runBaselines),
		Reference: pipeline.NewStage("reference", 6, r.runReference),
		Diagnosis: pipeline.NewStage("diagnosis", 2, r.runDiagnosis),
		Gradients: pipeline.NewStage("gradients", 6, r.runGradients),
		Direction: pipeline.NewStage("direction", 5, r.runDirection),
		Fit:       pipeline.NewStage("fit", 7, r.runFit),
		PerImage:  pipeline.NewStage("per_image", 5, r.runPerImage),
		Sign:      pipeline.NewStage("sign", 5, r.runSign),
		Evaluate:  pipeline.NewStage("evaluate", 6, r.runEvaluate),
		Examples:  pipeline.NewStage("examples", 5, r.runExamples),
		Tables:    pipeline.NewStage("tables", 11, runTables),
	}
}

// All are the stages by their names.
func (t *Table) All() pipeline.Stages {
	all := pipeline.Stages{}
	for _, s := range []*pipeline.Stage{t.Images, t.Baselines, t.Reference, t.Diagnosis, t.Gradients, t.Direction, t.Fit, t.PerImage,
		t.Sign, t.Evaluate, t.Examples, t.Tables} {
		all[s.Name] = s
	}
	return all
}

// A runner is what the tasks of a process share.
type runner struct {
	engine *engine.Engine
	// rows is held by the task that goes over rows of gradients. A pass keeps all slots busy by itself; what a second one beside it
	// would add is the memory of a second basis.
	rows chan struct{}
}

// exclusively does work while no other task goes over rows.
func (r *runner) exclusively(ctx context.Context, work func() error) error {
	select {
	case r.rows <- struct{}{}:
		defer func() { <-r.rows }()
		return work()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
