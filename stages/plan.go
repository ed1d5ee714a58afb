package stages

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"upi/attack"
	"upi/data"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/projection"
	"upi/savedmodels/saliency"
)

// A planner turns a configuration into tasks.
type planner struct {
	config *config.Config
	engine *engine
	stages *stageTable
	plan   *pipeline.Plan
	splits map[config.Split]*plannedSplit
}

// A plannedSplit is a dataset with the tasks that decode it.
type plannedSplit struct {
	dataset *data.Dataset
	images  []pipeline.Key
}

// A plannedModel is a model of the configuration.
type plannedModel struct {
	name      string
	dir       string
	spec      modelSpec
	shape     [3]int
	fit, test config.Split
}

// A plannedExplanation is an explanation of the configuration.
type plannedExplanation struct {
	name     string
	spec     itemSpec
	settings saliency.Explanation
}

func newModelSpec(m config.Model) modelSpec {
	spec := modelSpec{
		Signature: m.Signature, Input: m.Input.Name, Output: m.Output.Name,
		Head: m.Output.Head, Layout: m.Input.Layout, Scale: m.Input.Scale, Offset: m.Input.Offset,
	}
	copy(spec.Shape[:], m.Input.Shape)
	return spec
}

// model opens a model and checks that its images are those of its data.
func (p *planner) model(m config.Model) (plannedModel, error) {
	d := p.config.Data
	if m.Data != nil {
		d = *m.Data
	}
	planned := plannedModel{name: m.Name, dir: m.Path, spec: newModelSpec(m), fit: d.Fit, test: d.Test}
	opened, err := p.engine.model(m.Path, planned.spec)
	if err != nil {
		return planned, fmt.Errorf("model %s: %w", m.Name, err)
	}
	planned.shape = opened.ImageShape()
	for _, s := range []config.Split{d.Fit, d.Test} {
		split, err := p.split(s)
		if err != nil {
			return planned, err
		}
		if shape := split.dataset.Shape(); shape != planned.shape {
			return planned, fmt.Errorf("model %s takes images of %v (height, width, channels), %s holds %v", m.Name, planned.shape, s.Path, shape)
		}
	}
	return planned, nil
}

// split opens a dataset and plans to decode its shards.
func (p *planner) split(s config.Split) (*plannedSplit, error) {
	if known := p.splits[s]; known != nil {
		return known, nil
	}
	dataset, err := data.Open(s.Path, int64(s.Limit))
	if err != nil {
		return nil, err
	}
	planned := &plannedSplit{dataset: dataset}
	for _, shard := range dataset.Shards() {
		spec := imagesSpec{FirstRow: shard.FirstRow, Rows: shard.Rows, Shape: shard.Shape}
		size := int64(shard.Shape[0] * shard.Shape[1] * shard.Shape[2])
		key, err := p.plan.Add(p.stages.images, shardName(shard), spec,
			pipeline.Reads(roleShard, shard.Path), pipeline.Costs(pipeline.Estimate{Bytes: shard.Rows * size}))
		if err != nil {
			return nil, err
		}
		planned.images = append(planned.images, key)
	}
	p.splits[s] = planned
	return planned, nil
}

func shardName(s data.Shard) string {
	return strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path))
}

// references plans the maps and predictions of a model on a split.
func (p *planner) references(m plannedModel, s config.Split, e plannedExplanation, surrogate *attack.Surrogate) ([]pipeline.Key, error) {
	split, err := p.split(s)
	if err != nil {
		return nil, err
	}
	var keys []pipeline.Key
	for i, shard := range split.dataset.Shards() {
		bytes := shard.Rows * int64(4*m.shape[0]*m.shape[1])
		key, err := p.plan.Add(p.stages.reference, label(m.name, e.name, shardName(shard)), sourceSpec{m.spec, e.spec, surrogate},
			pipeline.Reads(roleModel, m.dir), pipeline.From(roleImages, split.images[i]), pipeline.Costs(pipeline.Estimate{Bytes: bytes}))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// gradients plans the rows of one term on the fit split of a model.
func (p *planner) gradients(m plannedModel, e plannedExplanation, t attack.Target, smoothed attack.Smoothed,
	noise attack.Noise, seed int64) ([]pipeline.Key, error) {
	references, err := p.references(m, m.fit, e, smoothed.Surrogate)
	if err != nil {
		return nil, err
	}
	split, err := p.split(m.fit)
	if err != nil {
		return nil, err
	}
	spec := gradientsSpec{Source: sourceSpec{m.spec, e.spec, smoothed.Surrogate}, Target: t, Noise: noise, Seed: seed}
	var keys []pipeline.Key
	for i, shard := range split.dataset.Shards() {
		size := int64(m.shape[0] * m.shape[1] * m.shape[2])
		key, err := p.plan.Add(p.stages.gradients, label(m.name, e.name, string(t), shardName(shard)), spec,
			pipeline.Reads(roleModel, m.dir), pipeline.From(roleImages, split.images[i]), pipeline.From(roleReference, references[i]),
			pipeline.Costs(pipeline.Estimate{Bytes: 4 * shard.Rows * size}))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func label(parts ...string) string { return strings.Join(parts, "/") }

// from makes each key a parent of the same role, in order.
func from(role string, keys []pipeline.Key) []pipeline.Option {
	var options []pipeline.Option
	for _, key := range keys {
		options = append(options, pipeline.From(role, key))
	}
	return options
}

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

func (f fitting) smoothed() attack.Smoothed {
	if s, ok := f.settings.(interface{ Smoothness() attack.Smoothed }); ok {
		return s.Smoothness()
	}
	return attack.Smoothed{}
}

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
	switch a := f.settings.(type) {
	case attack.PerImage:
		// Ahead of Iterative, of which it has the methods too.
		return p.fitEach(f, spec, size)
	case attack.Direct:
		// A drawn perturbation depends on no model.
		spec.Sources, options = nil, nil
	case attack.FromRows:
		key, err := p.direction(f, a, spec, len(split.images))
		if err != nil {
			return nil, err
		}
		options = append(options, pipeline.From(roleDirection, key))
	case attack.Iterative:
		options = append(options, from(roleImages, split.images)...)
		for _, m := range f.sources {
			keys, err := p.references(m, m.fit, f.explanation, a.Smoothness().Surrogate)
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
func (p *planner) direction(f fitting, a attack.FromRows, spec fitSpec, shards int) (pipeline.Key, error) {
	var options []pipeline.Option
	for _, term := range a.Terms() {
		for _, m := range f.sources {
			keys, err := p.gradients(m, f.explanation, term.Target, a.Smoothness(), spec.Noise, f.seed)
			if err != nil {
				return "", err
			}
			options = append(options, from(roleGradients, keys)...)
		}
	}
	size := spec.size()
	return p.plan.Add(p.stages.direction, f.id(),
		directionSpec{Terms: a.Terms(), Spectrum: a.Spectrum(), Size: size, Sources: len(f.sources), Shards: shards},
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

// targets are the models that a perturbation is scored on: its sources, and with transfer every model of the same images.
func (p *planner) targets(f fitting, models []plannedModel) []plannedModel {
	if _, perImage := f.settings.(attack.PerImage); perImage || !p.config.Evaluation.Transfer {
		return f.sources
	}
	return slices.DeleteFunc(slices.Clone(models), func(m plannedModel) bool {
		return m.test != f.sources[0].test
	})
}
