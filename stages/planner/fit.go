package planner

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/stages"
)

// fit plans the task that finds the perturbation; for an attack per image, one task for each of the shards that are scored.
func (d *draft) fit(x perturbation) ([]pipeline.Artefact, error) {
	problem, err := x.problem(d.config.Evaluation.Clip == "pixels")
	if err != nil {
		return nil, err
	}
	if x.needs.PerImage() {
		return d.fitEach(x, problem)
	}
	spec := stages.FitSpec{Problem: problem}
	switch {
	case x.needs.Rows != nil:
		if spec.Direction, spec.Rounds, err = d.direction(x, problem); err != nil {
			return nil, err
		}
	case x.needs.Ascent != nil:
		for _, m := range x.sources {
			from, err := d.ascending(x, m, m.fit)
			if err != nil {
				return nil, err
			}
			spec.Precision = d.precision(x)
			spec.Sources = append(spec.Sources, from)
		}
	}
	work := 0.0
	if x.needs.Ascent != nil {
		images, err := d.dataset(x.sources[0].fit)
		if err != nil {
			return nil, err
		}
		work = x.ascentWork(float64(images.Len())) * float64(len(x.sources))
	}
	delta, err := d.plan.Add(d.stages.Fit, x.id(), spec, costs(4*x.sources[0].size(), work))
	return []pipeline.Artefact{delta}, err
}

// ascending is a model and the shards of a split, as an ascent sees them and as its iterates are compared on them.
func (d *draft) ascending(x perturbation, m model, s split) (from stages.FitSource, err error) {
	surrogate := d.surrogate(x, m)
	if from.Shards, err = d.climbed(x, m, s); err != nil {
		return from, err
	}
	if surrogate != nil {
		if from.Scored, err = d.shards(m, s, x.explanation, nil); err != nil {
			return from, err
		}
	}
	from.Source, err = d.source(m, x.explanation, surrogate)
	return from, err
}

// climbed are the shards of a split as an ascent sees them: with the answers of the network itself, if they are to be kept while a
// surrogate stands in for it.
func (d *draft) climbed(x perturbation, m model, s split) ([]stages.Shard, error) {
	surrogate := softened(d.surrogate(x, m))
	shards, err := d.shards(m, s, x.explanation, surrogate)
	if err != nil || surrogate == nil || !x.needs.Ascent.Objective.Keeps() {
		return shards, err
	}
	own, err := d.shards(m, s, x.explanation, nil)
	if err != nil {
		return nil, err
	}
	shards = slices.Clone(shards)
	for i := range shards {
		shards[i].Answers = &own[i].Reference
	}
	return shards, nil
}

// A round is one time that rows of gradients are taken.
type round struct {
	// at is the perturbation at which they are taken; nil is delta = 0.
	at *stages.Point
	// label names the tasks of the round, but for the rows at delta = 0, which perturbations share.
	label string
}

// direction plans the gradients of all terms on the fit split, and the task that finds the direction in them. If the attack refines it,
// more of them are taken at the perturbation that it gives, as often as the attack says, and it is found anew in all; then the
// perturbations of all rounds are returned instead.
func (d *draft) direction(x perturbation, problem stages.Problem) (*pipeline.Artefact, []stages.Point, error) {
	spec := stages.DirectionSpec{Spectrum: x.needs.Rows.Spectrum, Size: int(x.sources[0].size())}
	last := spec.Spectrum.Refine
	spec.Spectrum.Refine = 0 // it is the rows that tell
	for _, term := range x.needs.Rows.Terms {
		spec.Matrices = append(spec.Matrices, stages.Matrix{Term: term})
	}
	taken := round{label: x.id()}
	var rounds []stages.Point
	for i := range last + 1 {
		if last > 0 {
			taken.label = label(x.id(), fmt.Sprintf("refined-%d", i))
		}
		spec.Matrices = slices.Clone(spec.Matrices)
		for t := range spec.Matrices {
			shards, err := d.matrix(x, spec.Matrices[t].Function, problem, taken)
			if err != nil {
				return nil, nil, err
			}
			spec.Matrices[t].Shards = slices.Concat(spec.Matrices[t].Shards, shards)
		}
		found, err := d.plan.Add(d.stages.Direction, taken.label, spec, pipeline.Costs(pipeline.Estimate{Bytes: 28 * x.sources[0].size()}))
		if last == 0 || err != nil {
			return &found, nil, err
		}
		if taken.at, err = d.point(x, problem, found, taken.label); err != nil {
			return nil, nil, err
		}
		rounds = append(rounds, *taken.at)
	}
	return nil, rounds, nil
}

// point plans the perturbation that a direction gives, and its sign.
func (d *draft) point(x perturbation, problem stages.Problem, direction pipeline.Artefact, name string) (*stages.Point, error) {
	delta, err := d.plan.Add(d.stages.Fit, name, stages.FitSpec{Problem: problem, Direction: &direction}, costs(4*x.sources[0].size(), 0))
	if err != nil {
		return nil, err
	}
	sign, _, err := d.sign(x, delta, name)
	return &stages.Point{Delta: delta, Sign: sign, Clip: problem.Clip}, err
}

// matrix plans the gradients of a function in a round: of each fit shard one artefact for each source.
func (d *draft) matrix(x perturbation, of attack.Function, problem stages.Problem, taken round) ([][]pipeline.Artefact, error) {
	var shards [][]pipeline.Artefact
	for _, m := range x.sources {
		rows, err := d.gradients(x, m, of, problem, taken)
		if err != nil {
			return nil, err
		}
		if shards == nil {
			shards = make([][]pipeline.Artefact, len(rows))
		}
		for i, a := range rows {
			shards[i] = append(shards[i], a)
		}
	}
	return shards, nil
}

// gradients plans the rows of one function on the fit split of a model in a round.
func (d *draft) gradients(x perturbation, m model, of attack.Function, problem stages.Problem, taken round) ([]pipeline.Artefact, error) {
	surrogate := d.surrogate(x, m)
	shards, err := d.shards(m, m.fit, x.explanation, surrogate)
	if err != nil {
		return nil, err
	}
	images, err := d.dataset(m.fit)
	if err != nil {
		return nil, err
	}
	from, err := d.source(m, x.explanation, surrogate)
	if err != nil {
		return nil, err
	}
	spec := stages.GradientsSpec{Source: from, Function: of, Noise: problem.Noise, Seed: problem.Seed,
		Precision: d.precision(x), At: taken.at}
	var rows []pipeline.Artefact
	for i, shard := range images.Shards() {
		spec.Shard = shards[i]
		name := label(m.name, x.explanation.name, string(of), shardName(shard))
		if taken.at != nil {
			name = label(taken.label, m.name, string(of), shardName(shard))
		}
		a, err := d.plan.Add(d.stages.Gradients, name, spec,
			d.costsOfRows(4*shard.Rows*m.size(), float64(shard.Rows)*x.functionWork(of)))
		if err != nil {
			return nil, err
		}
		rows = append(rows, a)
	}
	return rows, nil
}

// costsOfRows is for rows of gradients. They are as large as all else together, and read for their direction alone.
func (d *draft) costsOfRows(bytes int64, work float64) pipeline.Option {
	return func(t *pipeline.Task) {
		costs(bytes, work)(t)
		if !d.config.KeepGradients {
			pipeline.Transient()(t)
		}
	}
}

func (d *draft) fitEach(x perturbation, problem stages.Problem) ([]pipeline.Artefact, error) {
	m := x.sources[0]
	from, err := d.ascending(x, m, m.test)
	if err != nil {
		return nil, err
	}
	images, err := d.dataset(m.test)
	if err != nil {
		return nil, err
	}
	spec := stages.PerImageSpec{Problem: problem, Source: from.Source, Precision: d.precision(x)}
	var deltas []pipeline.Artefact
	for i, shard := range images.Shards() {
		spec.Shard = from.Shards[i]
		if from.Scored != nil {
			spec.Scored = from.Scored[i : i+1]
		}
		a, err := d.plan.Add(d.stages.PerImage, label(x.id(), shardName(shard)), spec,
			costs(4*shard.Rows*m.size(), x.eachWork(float64(shard.Rows))))
		if err != nil {
			return nil, err
		}
		deltas = append(deltas, a)
	}
	return deltas, nil
}
