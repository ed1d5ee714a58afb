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
		IgnoreCustomGradients: m.CustomGradients == "ignore",
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
	if err := opened.Differentiable(); err != nil {
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
func (p *planner) gradients(m plannedModel, e plannedExplanation, t attack.Function, smoothed attack.Smoothed,
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

// targets are the models that a perturbation is scored on: its sources, and with transfer every model of the same images.
func (p *planner) targets(f fitting, models []plannedModel) []plannedModel {
	if f.settings.Needs().PerImage() || !p.config.Evaluation.Transfer {
		return f.sources
	}
	return slices.DeleteFunc(slices.Clone(models), func(m plannedModel) bool {
		return m.test != f.sources[0].test
	})
}
