package stages

import (
	"fmt"
	"strings"

	"upi/attack"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/projection"
)

// A fitting is one perturbation to be found.
type fitting struct {
	attack      config.Item
	settings    attack.Attack
	sources     []plannedModel
	explanation plannedExplanation
	eps         float64
	seed, draw  int64
}

func (f fitting) norm() projection.Norm { return f.settings.Common().Norm }

func (f fitting) sourceNames() string {
	var names []string
	for _, m := range f.sources {
		names = append(names, m.name)
	}
	return strings.Join(names, "+")
}

// id names the perturbation.
func (f fitting) id() string {
	id := fmt.Sprintf("%s.%s.%s.%s-%g.s%d", f.sourceNames(), f.explanation.name, f.attack.Name, f.norm(), f.eps, f.seed)
	if f.draw > 0 {
		id = fmt.Sprintf("%s.d%d", id, f.draw)
	}
	return id
}

// spec returns the part of the task that all kinds of attack share.
func (f fitting) spec(clip bool, shards int) (fitSpec, error) {
	// The budgets and names beside the one at hand do not change the perturbation, nor its key.
	settings, err := newItemSpec(f.attack.Kind, f.settings)
	if err != nil {
		return fitSpec{}, err
	}
	alone, err := settings.attack()
	if err != nil {
		return fitSpec{}, err
	}
	*alone.Common() = attack.Shared{}
	if settings, err = newItemSpec(f.attack.Kind, alone); err != nil {
		return fitSpec{}, err
	}
	spec := fitSpec{
		Attack: settings, Shape: f.sources[0].shape, Norm: f.norm(), Eps: f.eps, Noise: f.noise(),
		Clip: clip, Seed: f.seed, Draw: f.draw, Shards: shards,
	}
	for _, m := range f.sources {
		spec.Sources = append(spec.Sources, sourceSpec{m.spec, f.explanation.spec, f.smoothed().Surrogate})
	}
	return spec, nil
}

func (f fitting) smoothed() attack.Smoothed { return f.settings.Needs().Smoothed }

func (f fitting) noise() attack.Noise {
	shape := f.sources[0].shape
	return f.smoothed().Smoothing.For(l2(f.norm(), f.eps, shape[0]*shape[1]*shape[2]))
}

// fit plans the task that finds the perturbation; for an attack per image, one task for each of the shards that are scored.
func (p *planner) fit(f fitting) ([]pipeline.Key, error) {
	split, err := p.split(f.sources[0].fit)
	if err != nil {
		return nil, err
	}
	spec, err := f.spec(p.config.Evaluation.Clip == "pixels", len(split.images))
	if err != nil {
		return nil, err
	}
	var options []pipeline.Option
	for _, m := range f.sources {
		options = append(options, pipeline.Reads(roleModel, m.dir))
	}
	size := int64(spec.size())
	switch needs := f.settings.Needs(); {
	case needs.PerImage():
		return p.fitEach(f, spec, size)
	case needs.Draw != nil:
		// A drawn perturbation depends on no model.
		spec.Sources, options = nil, nil
	case needs.Rows != nil:
		key, err := p.direction(f, *needs.Rows, spec, len(split.images))
		if err != nil {
			return nil, err
		}
		options = append(options, pipeline.From(roleDirection, key))
	case needs.Ascent != nil:
		options = append(options, from(roleImages, split.images)...)
		for _, m := range f.sources {
			keys, err := p.references(m, m.fit, f.explanation, needs.Smoothed.Surrogate)
			if err != nil {
				return nil, err
			}
			options = append(options, from(roleReference, keys)...)
		}
	}
	options = append(options, pipeline.Costs(pipeline.Estimate{Bytes: 4 * size}))
	key, err := p.plan.Add(p.stages.fit, f.id(), spec, options...)
	return []pipeline.Key{key}, err
}

// direction plans the gradients of all terms on the fit split, and the task that finds the direction in them.
func (p *planner) direction(f fitting, rows attack.Rows, spec fitSpec, shards int) (pipeline.Key, error) {
	var options []pipeline.Option
	for _, term := range rows.Terms {
		for _, m := range f.sources {
			keys, err := p.gradients(m, f.explanation, term.Function, f.smoothed(), spec.Noise, f.seed)
			if err != nil {
				return "", err
			}
			options = append(options, from(roleGradients, keys)...)
		}
	}
	size := spec.size()
	return p.plan.Add(p.stages.direction, f.id(),
		directionSpec{Terms: rows.Terms, Spectrum: rows.Spectrum, Size: size, Sources: len(f.sources), Shards: shards},
		append(options, pipeline.Costs(pipeline.Estimate{Bytes: 20 * int64(size)}))...)
}

func (p *planner) fitEach(f fitting, spec fitSpec, size int64) ([]pipeline.Key, error) {
	m := f.sources[0]
	split, err := p.split(m.test)
	if err != nil {
		return nil, err
	}
	references, err := p.references(m, m.test, f.explanation, f.smoothed().Surrogate)
	if err != nil {
		return nil, err
	}
	spec.Shards = 1
	var keys []pipeline.Key
	for i, shard := range split.dataset.Shards() {
		key, err := p.plan.Add(p.stages.perImage, label(f.id(), shardName(shard)), spec,
			pipeline.Reads(roleModel, m.dir), pipeline.From(roleImages, split.images[i]), pipeline.From(roleReference, references[i]),
			pipeline.Costs(pipeline.Estimate{Bytes: 4 * shard.Rows * size}))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
