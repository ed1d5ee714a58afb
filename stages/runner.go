// Package stages is what a run does: it plans the tasks of a configuration, from image shards and SavedModels to scores and
// tables, and runs one task at a time.
package stages

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/attack"
	"upi/metric"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/setting"
)

// A Runner plans runs and holds what their tasks share.
type Runner struct {
	engine  *engine
	stages  *stageTable
	devices []runtime.Device
}

// A stageTable holds the stages. The version of one is raised by whoever changes what it writes.
type stageTable struct {
	images, reference, gradients, direction, fit, perImage, sign, evaluate, examples, tables *pipeline.Stage
}

// NewRunner finds the devices that a configuration asks for. A GPU that is not there is an error.
func NewRunner(c *config.Config) (*Runner, error) {
	devices, err := runtime.Select(c.Device)
	if err != nil {
		return nil, err
	}
	workers := c.Workers
	if workers <= 0 {
		workers = goruntime.GOMAXPROCS(0)
	}
	e := newEngine(devices, workers, int64(c.Memory))
	e.steady = c.Deterministic
	return &Runner{
		engine:  e,
		devices: devices,
		stages: &stageTable{
			images:    &pipeline.Stage{Name: "images", Version: 1, Run: runImages},
			reference: &pipeline.Stage{Name: "reference", Version: 1, Run: e.runReference},
			gradients: &pipeline.Stage{Name: "gradients", Version: 1, Run: e.runGradients},
			direction: &pipeline.Stage{Name: "direction", Version: 1, Run: e.runDirection},
			fit:       &pipeline.Stage{Name: "fit", Version: 3, Run: e.runFit},
			perImage:  &pipeline.Stage{Name: "per_image", Version: 1, Run: e.runPerImage},
			sign:      &pipeline.Stage{Name: "sign", Version: 1, Run: e.runSign},
			evaluate:  &pipeline.Stage{Name: "evaluate", Version: 1, Run: e.runEvaluate},
			examples:  &pipeline.Stage{Name: "examples", Version: 1, Run: e.runExamples},
			tables:    &pipeline.Stage{Name: "tables", Version: 8, Run: runTables},
		},
	}, nil
}

// Environment is what changes bits beside the tasks themselves.
func (r *Runner) Environment(c *config.Config) pipeline.Environment {
	return pipeline.Environment{
		"tensorflow":    tf.Version(),
		"device":        r.devices[0].Kind(),
		"deterministic": strconv.FormatBool(c.Deterministic),
	}
}

// Device names the devices, for a run's manifest.
func (r *Runner) Device() string {
	var names []string
	for _, d := range r.devices {
		names = append(names, d.String())
	}
	return strings.Join(names, ", ")
}

// Kinds is what a configuration may name.
func Kinds() config.Kinds {
	k := config.Kinds{
		Explanations: map[string]func() config.Settings{},
		Attacks:      map[string]func() config.Settings{},
		Metrics:      metric.Names(),
		Check:        check,
	}
	for name, build := range saliency.Kinds {
		k.Explanations[name] = func() config.Settings { return build() }
	}
	for name, build := range attack.Kinds {
		k.Attacks[name] = func() config.Settings { return build() }
	}
	return k
}

// check finds what is impossible only in a configuration as a whole.
func check(c *config.Config) []error {
	var models, explanations []string
	data := map[string]config.Data{}
	for _, m := range c.Models {
		models = append(models, m.Name)
		data[m.Name] = c.Data
		if m.Data != nil {
			data[m.Name] = *m.Data
		}
	}
	for _, e := range c.Explanations {
		explanations = append(explanations, e.Name)
	}
	var problems []error
	for i, item := range c.Attacks {
		a, ok := item.Settings.(attack.Attack)
		if !ok {
			continue
		}
		common := a.Common()
		problems = slices.Concat(problems,
			among(fmt.Sprintf("attacks[%d].sources", i), common.Sources, models),
			among(fmt.Sprintf("attacks[%d].explanations", i), common.Explanations, explanations))
		if different := slices.ContainsFunc(common.Sources, func(s string) bool { return data[s] != data[common.Sources[0]] }); different {
			problems = append(problems, setting.Check(false, fmt.Sprintf("attacks[%d].sources", i), common.Sources,
				"want models of the same images")...)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(common.Sources)))) < len(common.Sources) {
			problems = append(problems, setting.Check(false, fmt.Sprintf("attacks[%d].sources", i), common.Sources, "want each model once")...)
		}
		if isPerImage(a) && len(common.Sources) > 1 {
			problems = append(problems, setting.Check(false, fmt.Sprintf("attacks[%d].sources", i), common.Sources,
				"want one model: an attack per image has one source")...)
		}
	}
	return append(problems, setting.Check(c.Evaluation.Sign != "test" || slices.Contains(c.Evaluation.Metrics, "normalized_l2"),
		"evaluation.metrics", c.Evaluation.Metrics, "want normalized_l2 among them, by which sign: test chooses")...)
}

func among(key string, names, known []string) []error {
	var problems []error
	for i, name := range names {
		problems = append(problems, setting.Check(slices.Contains(known, name), fmt.Sprintf("%s[%d]", key, i), name,
			fmt.Sprintf("want one of %q", known))...)
	}
	return problems
}
