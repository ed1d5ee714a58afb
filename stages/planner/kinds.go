package planner

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/metric"
	"upi/pipeline/config"
	"upi/savedmodels/saliency"
	"upi/setting"
)

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
	for name, kind := range attack.Kinds {
		k.Attacks[name] = func() config.Settings { return kind.New() }
	}
	return k
}

func newExplanation(item config.Item) (explanation, error) {
	of, err := setting.NewItem(item.Kind, item.Settings)
	if err != nil {
		return explanation{}, err
	}
	settings, err := saliency.NewExplanation(of)
	return explanation{item.Name, of, settings}, err
}

// check finds what is impossible only in a configuration as a whole.
func check(c *config.Config) []error {
	var models, explanations []string
	data := map[string]config.Data{}
	problems := append(checkPictures("data", c.Data.Pictures), checkGoals(c)...)
	for i, m := range c.Models {
		models = append(models, m.Name)
		data[m.Name] = c.Data
		if m.Data != nil {
			data[m.Name] = *m.Data
			problems = append(problems, checkPictures(fmt.Sprintf("models[%d].data", i), m.Data.Pictures)...)
		}
	}
	for _, e := range c.Explanations {
		explanations = append(explanations, e.Name)
	}
	for i, item := range c.Attacks {
		a, ok := item.Settings.(attack.Attack)
		if !ok {
			continue
		}
		common := a.Common()
		sources := fmt.Sprintf("attacks[%d].sources", i)
		problems = slices.Concat(problems,
			among(sources, common.Sources, models),
			among(fmt.Sprintf("attacks[%d].explanations", i), common.Explanations, explanations))
		if slices.ContainsFunc(common.Sources, func(s string) bool { return data[s] != data[common.Sources[0]] }) {
			problems = append(problems, setting.Check(false, sources, common.Sources, "want models of the same images")...)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(common.Sources)))) < len(common.Sources) {
			problems = append(problems, setting.Check(false, sources, common.Sources, "want each model once")...)
		}
		if a.Needs().PerImage() && len(common.Sources) > 1 {
			problems = append(problems, setting.Check(false, sources, common.Sources, "want one model: an attack per image has one source")...)
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
