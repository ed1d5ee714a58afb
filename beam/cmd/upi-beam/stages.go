package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"upi/beam"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/stages/planner"
)

// stages makes the stages of a worker, with one engine of models and programs for its life. An error says what this machine lacks.
func stages(j *beam.Job) (pipeline.Stages, error) {
	// The configuration is the driver's, whatever this machine's environment says.
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "UPI_") {
			os.Unsetenv(name)
		}
	}
	c, err := config.Load(j.Config(), nil, planner.Kinds())
	if err != nil {
		return nil, err
	}
	c.Workers = j.Workers
	atOnce, err := j.Slots()
	if err != nil {
		return nil, err
	}
	p, err := planner.NewOf(c, atOnce)
	if err != nil {
		return nil, err
	}
	plan, err := pipeline.OpenPlan(j.Dir())
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	return p.Stages(), agree(plan.Environment, p.Environment())
}

// agree returns an error if the results of this machine would have other bits than the plan's keys say.
func agree(plan, here pipeline.Environment) error {
	for _, name := range slices.Sorted(maps.Keys(plan)) {
		if plan[name] != here[name] {
			return fmt.Errorf("%s is %s here, and %s where the run was planned", name, here[name], plan[name])
		}
	}
	return nil
}
