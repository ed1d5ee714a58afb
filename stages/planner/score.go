package planner

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/metric"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/random"
	"upi/results"
	"upi/stages"
	"upi/stages/tables"
)

// perturbation plans everything about one perturbation, up to its place in the tables.
func (d *draft) perturbation(x perturbation) (stages.PlannedPerturbation, error) {
	planned := stages.PlannedPerturbation{Noise: x.noise(), Precision: d.precision(x), Perturbation: tables.Perturbation{
		ID: x.id(), Method: x.attack.Name, Kind: x.attack.Kind, Role: attack.Kinds[x.attack.Kind].Role, Source: x.source(),
		Explanation: x.explanation.name, Score: x.explanation.settings.Explains().Score.String(), Norm: x.norm().String(), Eps: x.eps,
		Seed: x.seed, Draw: x.draw, Shape: x.sources[0].shape, Rule: d.rule(x),
	}}
	for _, m := range x.sources {
		planned.Sources = append(planned.Sources, m.name)
	}
	deltas, err := d.fit(x)
	if err != nil {
		return planned, err
	}
	if !x.needs.PerImage() {
		planned.Delta = optional(deltas[0])
	}
	var sign *pipeline.Artefact
	if planned.Rule != tables.SignPlus {
		decided, images, err := d.sign(x, deltas[0], x.id())
		if err != nil {
			return planned, err
		}
		sign, planned.Sign, planned.SignImages = &decided, optional(decided), images
	}
	signed := stages.Signed{Rule: planned.Rule, Sign: sign}
	if d.shown(x) {
		examples, err := d.examples(x, deltas, signed)
		if err != nil {
			return planned, err
		}
		planned.Examples = optional(examples)
	}
	if signed.Rule == tables.SignTest {
		signed.Sign = nil
	}
	for _, target := range d.targets(x) {
		scores, err := d.scores(x, target, x.explanation, deltas, signed)
		if err != nil {
			return planned, err
		}
		images, err := d.dataset(target.test)
		if err != nil {
			return planned, err
		}
		planned.Targets = append(planned.Targets, tables.Target{Model: target.name, Images: images.Len()})
		planned.Scores = append(planned.Scores, scores)
	}
	return planned, d.cross(x, &planned, deltas, signed)
}

// cross plans to score a perturbation through the explanations that it was not fitted for, on its sources. One that was fitted for none is
// the same for all.
func (d *draft) cross(x perturbation, planned *stages.PlannedPerturbation, deltas []pipeline.Artefact, signed stages.Signed) error {
	if !d.config.Evaluation.CrossExplanations || planned.Role == results.RoleRandom || planned.Role == results.RoleNothing {
		return nil
	}
	for _, item := range d.config.Explanations {
		if item.Name == x.explanation.name {
			continue
		}
		other, err := newExplanation(item)
		if err != nil {
			return err
		}
		for _, m := range x.sources {
			scores, err := d.scores(x, m, other, deltas, signed)
			if err != nil {
				return err
			}
			images, err := d.dataset(m.test)
			if err != nil {
				return err
			}
			planned.Targets = append(planned.Targets, tables.Target{Model: m.name, Explanation: other.name, Images: images.Len()})
			planned.Scores = append(planned.Scores, scores)
		}
	}
	return nil
}

func optional(a pipeline.Artefact) *pipeline.Optional {
	o := pipeline.IfThere(a)
	return &o
}

// rule says how the sign of the perturbation is chosen. That of no perturbation, and of one per image, is not chosen, nor is that of
// an ascent whose objective knows + from -.
func (d *draft) rule(x perturbation) tables.SignRule {
	if x.needs.PerImage() || x.eps == 0 || x.needs.Ascent != nil && x.needs.Ascent.Objective.Directed() {
		return tables.SignPlus
	}
	return tables.SignRule(d.config.Evaluation.Sign)
}

// scoring returns how a perturbation is scored.
func (d *draft) scoring(x perturbation, delta pipeline.Artefact) stages.Scoring {
	e := d.config.Evaluation
	s := stages.Scoring{
		Delta: delta, PerImage: x.needs.PerImage(), Clip: e.Clip == "pixels", Correct: e.Filter == "correct", Metrics: metric.Computed(e.Metrics),
	}
	if slices.Contains(s.Metrics, "top_k") {
		s.TopK = e.TopK
	}
	return s
}

// scores plans to score a perturbation on the test split of a target, through an explanation.
func (d *draft) scores(x perturbation, target model, through explanation, deltas []pipeline.Artefact, signed stages.Signed) ([]pipeline.Optional, error) {
	shards, err := d.shards(target, target.test, through, nil)
	if err != nil {
		return nil, err
	}
	images, err := d.dataset(target.test)
	if err != nil {
		return nil, err
	}
	from, err := d.source(target, through, nil)
	if err != nil {
		return nil, err
	}
	spec := stages.EvaluateSpec{Scoring: d.scoring(x, deltas[0]), Source: from, Signed: signed}
	spec.KeepMaps, spec.Goal = d.config.Evaluation.Maps, measured(target.goal, spec.Metrics)
	id := x.id()
	if through.name != x.explanation.name {
		id = label(id, through.name)
	}
	scores := make([]pipeline.Optional, len(shards))
	for i, shard := range images.Shards() {
		if spec.PerImage {
			spec.Delta = deltas[i]
		}
		spec.Shard = shards[i]
		a, err := d.plan.Add(d.stages.Evaluate, label(id, target.name, shardName(shard)), spec,
			costs(shard.Rows*int64(40+8*len(spec.Metrics)), float64(shard.Rows)*d.signs(x)*x.explanation.work()))
		if err != nil {
			return nil, err
		}
		scores[i] = pipeline.IfThere(a)
	}
	return scores, nil
}

// sign plans to decide the sign of a perturbation on images of the fit split of the sources, and says how many those are.
func (d *draft) sign(x perturbation, delta pipeline.Artefact, name string) (pipeline.Artefact, int64, error) {
	spec := stages.SignSpec{Scoring: d.scoring(x, delta)}
	spec.Metrics, spec.TopK = nil, 0
	total := int64(0)
	for _, m := range x.sources {
		shards, err := d.shards(m, m.fit, x.explanation, nil)
		if err != nil {
			return pipeline.Artefact{}, 0, err
		}
		images, err := d.dataset(m.fit)
		if err != nil {
			return pipeline.Artefact{}, 0, err
		}
		from, err := d.source(m, x.explanation, nil)
		if err != nil {
			return pipeline.Artefact{}, 0, err
		}
		chosen, n := d.signImages(images, shards, x.seed)
		spec.Sources = append(spec.Sources, stages.SignSource{Source: from, Shards: chosen})
		total += n
	}
	a, err := d.plan.Add(d.stages.Sign, name, spec, costs(0, 2*float64(total)*x.explanation.work()))
	return a, total, err
}

// An order is that of the images of a fit split by one seed.
type order struct{ seed, images int64 }

// signImages chooses the images of a fit split that decide signs, the first in an order that the seed keys, and returns their shards.
func (d *draft) signImages(images *dataset, shards []stages.Shard, seed int64) ([]stages.SignShard, int64) {
	most := d.config.Evaluation.SignImages
	if most == config.All || int64(most) >= images.Len() {
		all := make([]stages.SignShard, len(shards))
		for i, s := range shards {
			all[i] = stages.SignShard{Shard: s}
		}
		return all, images.Len()
	}
	by := order{seed, images.Len()}
	rows := d.orders[by]
	if rows == nil {
		rows = slices.Sorted(slices.Values(random.New(seed, "sign images", 0, 0).Perm(int(images.Len()))[:most]))
		d.orders[by] = rows
	}
	var chosen []stages.SignShard
	first := 0
	for i, shard := range images.Shards() {
		end := first + int(shard.Rows)
		n, _ := slices.BinarySearch(rows, end)
		if n > 0 {
			of := stages.SignShard{Shard: shards[i]}
			for _, row := range rows[:n] {
				of.Positions = append(of.Positions, row-first)
			}
			chosen = append(chosen, of)
		}
		rows, first = rows[n:], end
	}
	return chosen, int64(most)
}

// examplesPerFigure is how many images each perturbation is shown on.
const examplesPerFigure = 2

// shown says whether figures show a perturbation: the first seed and draw of each attack's largest budget.
func (d *draft) shown(x perturbation) bool {
	for _, eps := range x.settings.Common().Eps {
		if float64(eps) > x.eps {
			return false
		}
	}
	return x.eps > 0 && x.draw == 0 && x.first
}

// examples plans what the figures show of a perturbation, on its first source. Where the test split chooses the sign, which no task
// knows yet, they show the one that the fit split would choose.
func (d *draft) examples(x perturbation, deltas []pipeline.Artefact, signed stages.Signed) (pipeline.Artefact, error) {
	m := x.sources[0]
	shards, err := d.shards(m, m.test, x.explanation, nil)
	if err != nil {
		return pipeline.Artefact{}, err
	}
	images, err := d.dataset(m.test)
	if err != nil {
		return pipeline.Artefact{}, err
	}
	from, err := d.source(m, x.explanation, nil)
	if err != nil {
		return pipeline.Artefact{}, err
	}
	spec := stages.ExamplesSpec{
		Scoring: d.scoring(x, deltas[0]), Source: from, Shard: shards[0], Signed: signed,
		Title: fmt.Sprintf("%s, %s %g, %s, %s", x.attack.Name, x.norm(), x.eps, x.source(), x.explanation.name),
		Keep:  examplesPerFigure, Classes: images.ClassNames(),
	}
	spec.Metrics, spec.TopK, spec.Goal = nil, 0, x.goal() // figures show no metrics, but where the maps were to go
	for _, id := range d.config.Report.Examples {
		spec.IDs = append(spec.IDs, string(id))
	}
	if len(spec.IDs) > 0 {
		for i, shard := range shards[1:] {
			of := stages.ScoredShard{Shard: shard, Delta: deltas[0]}
			if spec.PerImage {
				of.Delta = deltas[i+1]
			}
			spec.Rest = append(spec.Rest, of)
		}
	}
	if signed.Rule == tables.SignTest {
		spec.Title += ", in the sign of the fit images"
	}
	return d.plan.Add(d.stages.Examples, label(x.id(), m.name), spec)
}

// newTables begins the task that gathers everything.
func (d *draft) newTables() stages.TablesSpec {
	e := d.config.Evaluation
	return stages.TablesSpec{Settings: tables.Settings{Metrics: e.Metrics, Resamples: e.Bootstrap, Seed: d.config.Seeds[0]}, Clip: e.Clip,
		Maps: e.Maps}
}

// addTo adds a perturbation. Two that would bear the same id, since their names differ in where they hold a dot, are an error.
func addTo(t *stages.TablesSpec, p stages.PlannedPerturbation) error {
	for _, other := range t.Perturbations {
		if other.ID == p.ID {
			return fmt.Errorf("the names %s, %s, %s and %s, %s, %s make the same id: rename a model, an explanation or an attack",
				other.Source, other.Explanation, other.Method, p.Source, p.Explanation, p.Method)
		}
	}
	t.Perturbations = append(t.Perturbations, p)
	return nil
}
