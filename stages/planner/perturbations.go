package stages

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/pipeline/config"
)

// fittings lists the perturbations that a configuration asks for, in its order.
func (p *planner) fittings(models []plannedModel) ([]fitting, error) {
	var explanations []plannedExplanation
	for _, item := range p.config.Explanations {
		spec, err := newItemSpec(item.Kind, item.Settings)
		if err != nil {
			return nil, err
		}
		settings, err := spec.explanation()
		if err != nil {
			return nil, err
		}
		explanations = append(explanations, plannedExplanation{item.Name, spec, settings})
	}
	var all []fitting
	for _, item := range p.config.Attacks {
		settings, ok := item.Settings.(attack.Attack)
		if !ok {
			return nil, fmt.Errorf("attack %s: settings of type %T", item.Name, item.Settings)
		}
		common := settings.Common()
		for _, sources := range sourcesOf(common, models) {
			sources = firstImages(sources, common.FitImages)
			for _, e := range explanations {
				if len(common.Explanations) > 0 && !slices.Contains(common.Explanations, e.name) {
					continue
				}
				for _, eps := range common.Eps {
					all = p.draws(all, fitting{attack: item, settings: settings, sources: sources, explanation: e, eps: float64(eps)})
				}
			}
		}
	}
	return all, nil
}

// firstImages lets each model be fitted on the first n images of its fit split only; 0 leaves all.
func firstImages(models []plannedModel, n int) []plannedModel {
	models = slices.Clone(models)
	for i := range models {
		if limit := &models[i].fit.Limit; n > 0 && (*limit == 0 || n < *limit) {
			*limit = n
		}
	}
	return models
}

// draws adds the perturbations of one attack and eps: one for each seed, and for attacks that draw several, each draw. Without
// a perturbation there is nothing that a seed could change.
func (p *planner) draws(all []fitting, f fitting) []fitting {
	draws := f.settings.Needs().Perturbations()
	for i, seed := range p.seeds(f) {
		if i > 0 && f.eps == 0 {
			break
		}
		for draw := range draws {
			f.seed, f.draw = int64(seed), int64(draw)
			all = append(all, f)
		}
	}
	return all
}

// seeds are those of the attack, or else of the run.
func (p *planner) seeds(f fitting) []uint64 {
	if own := f.settings.Common().Seeds; len(own) > 0 {
		return own
	}
	return p.config.Seeds
}

// sourcesOf returns the groups of models that an attack is fitted on: each alone, or those that it names together.
func sourcesOf(common *attack.Shared, models []plannedModel) [][]plannedModel {
	var groups [][]plannedModel
	if len(common.Sources) == 0 {
		for _, m := range models {
			groups = append(groups, []plannedModel{m})
		}
		return groups
	}
	var group []plannedModel
	for _, m := range models {
		if slices.Contains(common.Sources, m.name) {
			group = append(group, m)
		}
	}
	return [][]plannedModel{group}
}

// Plan adds all tasks of a configuration to a plan. It opens the models and datasets: what does not fit together is an error.
func (r *Runner) Plan(c *config.Config, plan *pipeline.Plan) error {
	p := &planner{config: c, engine: r.engine, stages: r.stages, plan: plan, splits: map[config.Split]*plannedSplit{}}
	var models []plannedModel
	for _, m := range c.Models {
		planned, err := p.model(m)
		if err != nil {
			return err
		}
		models = append(models, planned)
	}
	fittings, err := p.fittings(models)
	if err != nil {
		return err
	}
	t := newTablesPlan(c)
	for _, f := range fittings {
		if err := p.perturbation(f, models, t); err != nil {
			return fmt.Errorf("plan %s: %w", f.id(), err)
		}
	}
	_, err = plan.Add(r.stages.tables, c.Name, t.spec, t.options...)
	return err
}

// perturbation plans everything about one perturbation, up to its place in the tables.
func (p *planner) perturbation(f fitting, models []plannedModel, t *tablesPlan) error {
	deltas, err := p.fit(f)
	if err != nil {
		return err
	}
	signsOf, err := p.signs(f, deltas[0])
	if err != nil {
		return err
	}
	signs := slices.Concat(signsOf...)
	examples, err := p.examples(f, deltas, signs)
	if err != nil {
		return err
	}
	fitImages := int64(0)
	for _, m := range f.sources {
		fit, err := p.split(m.fit)
		if err != nil {
			return err
		}
		fitImages += fit.dataset.Len()
	}
	if err := t.begin(f, p.sign(f), fitImages, deltas, signsOf, examples); err != nil {
		return err
	}
	for _, target := range p.targets(f, models) {
		scores, err := p.scores(f, target, deltas, signs)
		if err != nil {
			return err
		}
		split, err := p.split(target.test)
		if err != nil {
			return err
		}
		t.target(target.name, split.dataset.Len(), scores)
	}
	return nil
}
