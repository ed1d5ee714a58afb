package stages

import "upi/pipeline"

// scoring returns how a perturbation is scored on a target.
func (p *planner) scoring(f fitting, target plannedModel) scoringSpec {
	e := p.config.Evaluation
	return scoringSpec{
		Source:   sourceSpec{Model: target.spec, Explanation: f.explanation.spec},
		Clip:     e.Clip == "pixels",
		Correct:  e.Filter == "correct",
		PerImage: f.settings.Needs().PerImage(),
		Metrics:  e.Metrics,
		TopK:     e.TopK,
	}
}

// sign says how the sign of the perturbation is chosen. That of no perturbation, and of one per image, is not chosen.
func (p *planner) sign(f fitting) string {
	if f.settings.Needs().PerImage() || f.eps == 0 {
		return "plus"
	}
	return p.config.Evaluation.Sign
}

// signs plans to score a perturbation and its negative on the fit split of its sources, and returns the tasks of each source.
func (p *planner) signs(f fitting, delta pipeline.Key) ([][]pipeline.Key, error) {
	if p.sign(f) == "plus" {
		return nil, nil
	}
	keys := make([][]pipeline.Key, len(f.sources))
	for k, m := range f.sources {
		split, err := p.split(m.fit)
		if err != nil {
			return nil, err
		}
		references, err := p.references(m, m.fit, f.explanation, nil)
		if err != nil {
			return nil, err
		}
		spec := p.scoring(f, m)
		spec.Metrics, spec.TopK = nil, 0
		for i, shard := range split.dataset.Shards() {
			key, err := p.plan.Add(p.stages.sign, label(f.id(), m.name, shardName(shard)), spec,
				pipeline.Reads(roleModel, m.dir), pipeline.From(roleDelta, delta),
				pipeline.From(roleImages, split.images[i]), pipeline.From(roleReference, references[i]))
			if err != nil {
				return nil, err
			}
			keys[k] = append(keys[k], key)
		}
	}
	return keys, nil
}

// scores plans to score a perturbation on the test split of a target.
func (p *planner) scores(f fitting, target plannedModel, deltas, signs []pipeline.Key) ([]pipeline.Key, error) {
	split, err := p.split(target.test)
	if err != nil {
		return nil, err
	}
	references, err := p.references(target, target.test, f.explanation, nil)
	if err != nil {
		return nil, err
	}
	spec := evaluateSpec{Scoring: p.scoring(f, target), Sign: p.sign(f)}
	if spec.Sign != "fit" {
		signs = nil
	}
	var keys []pipeline.Key
	for i, shard := range split.dataset.Shards() {
		delta := deltas[0]
		if spec.Scoring.PerImage {
			delta = deltas[i]
		}
		options := append(from(roleSign, signs), pipeline.Reads(roleModel, target.dir), pipeline.From(roleDelta, delta),
			pipeline.From(roleImages, split.images[i]), pipeline.From(roleReference, references[i]))
		key, err := p.plan.Add(p.stages.evaluate, label(f.id(), target.name, shardName(shard)), spec, options...)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
