package planner

import (
	"fmt"
	"reflect"
	"slices"

	"upi/attack"
	"upi/metric"
	"upi/pipeline/config"
	"upi/setting"
	"upi/stages"
)

// goal is that of a model: its own, or else the run's. One that does not fit its maps is an error.
func (d *draft) goal(c config.Model, m model) (stages.Goal, error) {
	of, key := goalOf(d.config, c)
	var goal stages.Goal
	fail := func(part string, err error) (stages.Goal, error) {
		return goal, fmt.Errorf("model %s: %s.%s: %w", c.Name, key, part, err)
	}
	if of.Region != nil {
		goal.Region = &metric.Region{Top: of.Region.Top, Left: of.Region.Left, Height: of.Region.Height, Width: of.Region.Width}
		if err := goal.Region.Check(m.shape[0], m.shape[1]); err != nil {
			return fail("region", err)
		}
	}
	if of.Target != "" {
		if _, err := stages.ReadTarget(of.Target, m.shape[0], m.shape[1]); err != nil {
			return fail("target", err)
		}
		in, err := d.plan.Input("target map", of.Target)
		if err != nil {
			return fail("target", err)
		}
		goal.Target = &in
	}
	return goal, nil
}

// goalOf is the goal of a model, and the key at which it stands.
func goalOf(c *config.Config, m config.Model) (config.Goal, string) {
	if m.Goal == nil {
		return c.Goal, "goal"
	}
	i := slices.IndexFunc(c.Models, func(other config.Model) bool { return other.Name == m.Name })
	return *m.Goal, fmt.Sprintf("models[%d].goal", i)
}

// goal is the part of the sources' goal that the perturbation's objective looks at.
func (x perturbation) goal() stages.Goal {
	if x.needs.Ascent == nil {
		return stages.Goal{}
	}
	of := x.needs.Ascent.Objective.Of
	return x.sources[0].goal.Part(of == attack.Region, of == attack.Target)
}

// measured is the part of a goal that some of the metrics look at.
func measured(g stages.Goal, metrics []string) stages.Goal {
	looks := func(at metric.Goal) bool {
		return slices.ContainsFunc(metrics, func(name string) bool { m, err := metric.Lookup(name); return err == nil && m.Goal == at })
	}
	return g.Part(looks(metric.RegionGoal), looks(metric.TargetGoal))
}

// goalTexts say what a part of a goal is.
var goalTexts = map[string]string{
	string(metric.RegionGoal): "want a box {top, left, height, width} in pixels of the map",
	string(metric.TargetGoal): "want the path of a grey PNG of the map's size",
}

// checkGoals looks for objectives and metrics of a goal that is not there, for objectives whose success no metric tells, and for goals
// that differ between models of the same images.
func checkGoals(c *config.Config) []error {
	problems := checkSharedGoals(c)
	for i, item := range c.Attacks {
		a, ok := item.Settings.(attack.Attack)
		if !ok || a.Needs().Ascent == nil {
			continue
		}
		of := a.Needs().Ascent.Objective.Of
		who := fmt.Sprintf("attacks[%d] (%s)", i, item.Name)
		problems = append(problems, needGoal(c, attack.Objectives[string(of)].Goal, a.Common().Sources, "the objective of "+who)...)
		if m, there := metric.Measuring(string(of)); there && of != attack.Dissimilarity {
			problems = append(problems, setting.Check(slices.Contains(c.Evaluation.Metrics, m.Name), "evaluation.metrics", c.Evaluation.Metrics,
				fmt.Sprintf("want %s among them, which tells how far %s comes", m.Name, who))...)
		}
	}
	for i, name := range c.Evaluation.Metrics {
		if m, err := metric.Lookup(name); err == nil {
			problems = append(problems, needGoal(c, string(m.Goal), nil, fmt.Sprintf("evaluation.metrics[%d] (%s)", i, name))...)
		}
	}
	return problems
}

// needGoal reports the models among some, all if none is named, whose goal lacks a part. An empty part is always there.
func needGoal(c *config.Config, part string, among []string, who string) []error {
	var problems []error
	for _, m := range c.Models {
		if len(among) > 0 && !slices.Contains(among, m.Name) {
			continue
		}
		g, key := goalOf(c, m)
		lacks := part == string(metric.RegionGoal) && g.Region == nil || part == string(metric.TargetGoal) && g.Target == ""
		e := &setting.Error{Key: key + "." + part, Want: "missing: " + goalTexts[part] + ", for " + who}
		if lacks && !slices.ContainsFunc(problems, func(other error) bool { return reflect.DeepEqual(other, error(e)) }) {
			problems = append(problems, e)
		}
	}
	return problems
}

// checkSharedGoals reports models that have the images of an earlier one and another goal: what was climbed on the one would be
// measured by that of the other.
func checkSharedGoals(c *config.Config) []error {
	var problems []error
	dataOf := func(m config.Model) config.Data {
		if m.Data != nil {
			return *m.Data
		}
		return c.Data
	}
	for i, m := range c.Models {
		own, key := goalOf(c, m)
		for _, other := range c.Models[:i] {
			if theirs, _ := goalOf(c, other); dataOf(other) == dataOf(m) && !reflect.DeepEqual(own, theirs) {
				problems = append(problems, setting.Check(false, key, nil,
					fmt.Sprintf("want the goal of the model %s, which has the same images", other.Name))...)
				break
			}
		}
	}
	return problems
}
