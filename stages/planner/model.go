package planner

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"upi/attack"
	"upi/data"
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
	"upi/setting"
	"upi/stages"
)

// A dataset is a split with the tasks that decode its shards.
type dataset struct {
	*data.Dataset
	images []pipeline.Artefact
}

// A split is a set of shards and how their pictures become pixels.
type split struct {
	config.Split
	Pictures config.Pictures
}

// A model is a model of the configuration.
type model struct {
	name      string
	input     pipeline.Input
	options   savedmodels.Options
	shape     [3]int
	classes   int
	fit, test split
	goal      stages.Goal
	// layer is the one that grad_cam looks at where the explanation names none.
	layer string
	// rectifiers says that a surrogate has something to replace.
	rectifiers bool
}

func (m model) size() int64 { return int64(m.shape[0]) * int64(m.shape[1]) * int64(m.shape[2]) }

// An explanation is an explanation of the configuration.
type explanation struct {
	name     string
	item     setting.Item
	settings saliency.Explanation
}

// ModelOptions are the options with which a model of a configuration is opened; its shape may still be open.
func ModelOptions(m config.Model) savedmodels.Options {
	o := savedmodels.Options{
		Signature: m.Signature, Input: m.Input.Name, Output: m.Output.Name,
		Head: m.Output.Head, Layout: m.Input.Layout,
		Scale: perChannel(m.Input.Scale), Offset: perChannel(m.Input.Offset),
		Channels: m.Input.Channels, Preprocess: m.Input.Preprocess,
		IgnoreCustomGradients: m.CustomGradients == "ignore",
	}
	copy(o.Shape[:], m.Input.Shape)
	return o
}

func perChannel(values config.PerChannel) savedmodels.PerChannel {
	p := make(savedmodels.PerChannel, len(values))
	for i, v := range values {
		p[i] = float64(v)
	}
	return p
}

// model opens a model and checks that its images are those of its data.
func (d *draft) model(c config.Model) (model, error) {
	from := d.config.Data
	if c.Data != nil {
		from = *c.Data
	}
	m := model{name: c.Name, layer: c.Layer, options: ModelOptions(c), fit: split{from.Fit, from.Pictures}, test: split{from.Test, from.Pictures}}
	known, err := d.facts(c.Path, m.options)
	if err == nil && known.OpenSize {
		// The images say what the model leaves open.
		images, dataErr := d.dataset(m.fit)
		if dataErr != nil {
			return m, dataErr
		}
		m.options.Shape = images.Shape()
		if known, err = d.facts(c.Path, m.options); err == nil && known.OpenSize {
			err = savedmodels.ErrOpenSize
		}
	}
	if err == nil {
		m.input, err = d.plan.Input("model", c.Path)
	}
	if err != nil {
		return m, fmt.Errorf("model %s: %w", c.Name, err)
	}
	m.shape, m.classes, m.rectifiers = known.Shape, known.Classes, known.Rectifiers
	var classes []string
	for i, s := range []split{m.fit, m.test} {
		images, err := d.dataset(s)
		if err != nil {
			return m, err
		}
		if names := images.ClassNames(); i == 0 {
			classes = names
		} else if classes != nil && names != nil && !slices.Equal(classes, names) {
			return m, fmt.Errorf("%s and %s name different classes (%q and %q), so a number would stand for two of them; import them together",
				m.fit.Path, s.Path, classes, names)
		}
		if shape := images.Shape(); shape != m.shape {
			return m, fmt.Errorf("model %s takes images of %v (height, width, channels), %s holds %v; %s", m.name, m.shape, s.Path, shape,
				Refit(m.shape, shape))
		}
	}
	m.goal, err = d.goal(c, m)
	return m, err
}

// Refit says how images of the shape that is there become images of the shape that is wanted, both height, width and channels.
func Refit(want, there [3]int) string {
	if want[2] == there[2] {
		return "data.resize brings pictures to another size"
	}
	text := fmt.Sprintf("this network wants pictures of %d channels, which no import makes", want[2])
	if want[2] == 1 || want[2] == 3 {
		text = fmt.Sprintf("import the pictures with --channels %d", want[2])
	}
	if want[0] != there[0] || want[1] != there[1] {
		text += ", and data.resize brings them to another size"
	}
	return text
}

// dataset opens a split and plans to decode its shards.
func (d *draft) dataset(s split) (*dataset, error) {
	if known := d.datasets[s]; known != nil {
		return known, nil
	}
	pictures, err := pictureOptions(s.Pictures)
	if err != nil {
		return nil, err
	}
	opened, err := data.OpenWith(s.Path, data.Options{Limit: int64(s.Limit), Pictures: pictures,
		Columns: data.Columns{Image: s.Image, Label: s.Label, ID: s.ID}})
	if err != nil {
		return nil, err
	}
	images := &dataset{Dataset: opened}
	for _, shard := range opened.Shards() {
		in, err := d.plan.Input("shard", shard.Path)
		if err != nil {
			return nil, err
		}
		spec := stages.ImagesSpec{Shard: in, FirstRow: shard.FirstRow, Rows: shard.Rows, Shape: shard.Shape, Pictures: pictures, Columns: shard.Columns}
		if shard.TextLabels {
			spec.Classes = shard.ClassNames
		}
		size := int64(shard.Shape[0]) * int64(shard.Shape[1]) * int64(shard.Shape[2])
		a, err := d.plan.Add(d.stages.Images, shardName(shard), spec, pipeline.Costs(pipeline.Estimate{Bytes: shard.Rows * size}))
		if err != nil {
			return nil, err
		}
		images.images = append(images.images, a)
	}
	d.datasets[s] = images
	return images, nil
}

func shardName(s data.Shard) string {
	return strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path))
}

// surrogate is what an attack differentiates in place of a model. Where the configuration has models with rectifiers, one without any is
// smooth as it is; where it has none, there is nothing to replace, and building the surrogate says so.
func (d *draft) surrogate(x perturbation, m model) *attack.Surrogate {
	if !m.rectifiers && slices.ContainsFunc(d.models, func(other model) bool { return other.rectifiers }) {
		return nil
	}
	return x.needs.Smoothed.Surrogate
}

// softened is the surrogate through which shards are seen that an attack measures distances from: none where beta is on the way to
// the network as it is.
func softened(surrogate *attack.Surrogate) *attack.Surrogate {
	if surrogate != nil && surrogate.BetaTo > 0 {
		return nil
	}
	return surrogate
}

// shards plans the maps and predictions of a model on a split, and returns its shards as the model sees them.
func (d *draft) shards(m model, s split, e explanation, surrogate *attack.Surrogate) ([]stages.Shard, error) {
	key, err := json.Marshal([]any{m.name, s, e.name, surrogate})
	if err != nil {
		return nil, fmt.Errorf("name the shards of %s: %w", m.name, err)
	}
	if known := d.references[string(key)]; known != nil {
		return known, nil
	}
	images, err := d.dataset(s)
	if err != nil {
		return nil, err
	}
	from, err := d.source(m, e, surrogate)
	if err != nil {
		return nil, err
	}
	var all []stages.Shard
	for i, shard := range images.Shards() {
		bytes := shard.Rows * int64(4*m.shape[0]*m.shape[1])
		spec := stages.ReferenceSpec{Source: from, Images: images.images[i]}
		a, err := d.plan.Add(d.stages.Reference, label(m.name, e.name, shardName(shard)), spec,
			costs(bytes, float64(shard.Rows)*e.work()))
		if err != nil {
			return nil, err
		}
		all = append(all, stages.Shard{Images: images.images[i], Reference: a})
	}
	d.references[string(key)] = all
	if surrogate == nil {
		of := seen{m, s, e, images, all}
		d.clean = append(d.clean, of)
		if s.Path == m.fit.Path {
			if err := d.diagnose(of); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}
