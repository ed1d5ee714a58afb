package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"upi/attack"
	"upi/pipeline/config"
	"upi/projection"
	"upi/setting"
	"upi/stages"
)

// A perturbation is one that the configuration asks for.
type perturbation struct {
	attack      config.Item
	settings    attack.Attack
	needs       attack.Needs
	sources     []model
	explanation explanation
	eps         float64
	seed, draw  int64
	// first says that it is of the first of the attack's seeds.
	first bool
}

func (x perturbation) norm() projection.Norm { return x.settings.Common().Norm }

func (x perturbation) source() string {
	var names []string
	for _, m := range x.sources {
		names = append(names, m.name)
	}
	return strings.Join(names, "+")
}

// id names the perturbation.
func (x perturbation) id() string {
	id := fmt.Sprintf("%s.%s.%s.%s-%g.s%d", x.source(), x.explanation.name, x.attack.Name, x.norm(), x.eps, x.seed)
	if x.draw > 0 {
		id = fmt.Sprintf("%s.d%d", id, x.draw)
	}
	return id
}

func (x perturbation) noise() attack.Noise {
	shape := x.sources[0].shape
	return x.needs.Smoothed.Smoothing.For(l2(x.norm(), x.eps, shape[0]*shape[1]*shape[2]))
}

// l2 returns the L2 norm of the largest perturbations of a budget: for L-infinity that of its corners.
func l2(norm projection.Norm, eps float64, size int) float64 {
	if norm == projection.LInf {
		return eps * math.Sqrt(float64(size))
	}
	return eps
}

// problem is what the attack is given. The budgets and names beside the one at hand do not change the perturbation, nor its key; nor does
// how often a direction is refined, which the direction itself tells.
func (x perturbation) problem(clip bool) (stages.Problem, error) {
	item, err := setting.NewItem(x.attack.Kind, x.settings)
	if err != nil {
		return stages.Problem{}, err
	}
	alone, err := attack.New(item)
	if err != nil {
		return stages.Problem{}, err
	}
	*alone.Common() = attack.Shared{}
	if rows, ok := alone.(interface{ Unrefined() }); ok {
		rows.Unrefined()
	}
	if item, err = setting.NewItem(x.attack.Kind, alone); err != nil {
		return stages.Problem{}, err
	}
	return stages.Problem{
		Attack: item, Shape: x.sources[0].shape, Norm: x.norm(), Eps: x.eps, Noise: x.noise(), Clip: clip, Seed: x.seed, Draw: x.draw,
		Goal: x.goal(),
	}, nil
}

// perturbations lists those that the configuration asks for, in its order.
func (d *draft) perturbations() ([]perturbation, error) {
	var explanations []explanation
	for _, item := range d.config.Explanations {
		e, err := newExplanation(item)
		if err != nil {
			return nil, err
		}
		explanations = append(explanations, e)
	}
	var all []perturbation
	for _, item := range d.config.Attacks {
		settings, ok := item.Settings.(attack.Attack)
		if !ok {
			return nil, fmt.Errorf("attack %s: settings of type %T", item.Name, item.Settings)
		}
		common := settings.Common()
		for _, sources := range sourcesOf(common, d.models) {
			x := perturbation{attack: item, settings: settings, needs: settings.Needs(), sources: firstImages(sources, common.FitImages)}
			for _, x.explanation = range explanations {
				if len(common.Explanations) > 0 && !slices.Contains(common.Explanations, x.explanation.name) {
					continue
				}
				for _, eps := range common.Eps {
					x.eps = float64(eps)
					all = append(all, d.draws(x)...)
				}
			}
		}
	}
	return all, nil
}

// firstImages lets each model be fitted on the first n images of its fit split only; 0 leaves all.
func firstImages(models []model, n int) []model {
	models = slices.Clone(models)
	for i := range models {
		if limit := &models[i].fit.Limit; n > 0 && (*limit == 0 || n < *limit) {
			*limit = n
		}
	}
	return models
}

// draws lists the perturbations of one attack and eps: one for each seed, and for attacks that draw several, each draw. Without
// a perturbation there is nothing that a seed could change.
func (d *draft) draws(x perturbation) []perturbation {
	seeds := d.config.Seeds
	if own := x.settings.Common().Seeds; len(own) > 0 {
		seeds = own
	}
	if x.eps == 0 {
		seeds = seeds[:1]
	}
	var all []perturbation
	for i, seed := range seeds {
		for draw := range x.needs.Perturbations() {
			x.seed, x.draw, x.first = int64(seed), int64(draw), i == 0
			all = append(all, x)
		}
	}
	return all
}

// sourcesOf returns the groups of models that an attack is fitted on: each alone, or those that it names together.
func sourcesOf(common *attack.Shared, models []model) [][]model {
	var groups [][]model
	if len(common.Sources) == 0 {
		for _, m := range models {
			groups = append(groups, []model{m})
		}
		return groups
	}
	var group []model
	for _, m := range models {
		if slices.Contains(common.Sources, m.name) {
			group = append(group, m)
		}
	}
	return [][]model{group}
}

// targets are the models that a perturbation is scored on: its sources, and with transfer every model of the same images.
func (d *draft) targets(x perturbation) []model {
	if x.needs.PerImage() || !d.config.Evaluation.Transfer {
		return x.sources
	}
	return slices.DeleteFunc(slices.Clone(d.models), func(m model) bool { return m.test != x.sources[0].test })
}
