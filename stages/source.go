package stages

import (
	"fmt"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/savedmodels"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/setting"
	"upi/stages/imageset"
)

// A Source is a model seen through an explanation.
type Source struct {
	Model pipeline.Input `json:"model"`
	// Options are how the SavedModel is called.
	Options     savedmodels.Options `json:"options"`
	Explanation setting.Item        `json:"explanation"`
	Surrogate   *attack.Surrogate   `json:"surrogate,omitempty"`
	// Baselines is an artefact of the stage baselines, for an explanation that takes some.
	Baselines *pipeline.Artefact `json:"baselines,omitempty"`
}

// engine is the source of programs; the precision is that of the gradients of objectives.
func (s Source) engine(p runtime.Precision) engine.Source {
	from := engine.Source{Precision: p, Dir: s.Model.Path(), Model: s.Options, Explanation: s.Explanation}
	if s.Surrogate != nil {
		from.Surrogate = softplus(*s.Surrogate)
	}
	return from
}

func softplus(s attack.Surrogate) *savedmodels.Softplus {
	if s.BetaTo > 0 {
		return &savedmodels.Softplus{Beta: min(s.Beta, s.BetaTo), Fed: true}
	}
	return &savedmodels.Softplus{Beta: s.Beta}
}

// Shard is an image shard as a model sees it: artefacts of the stages images and reference.
type Shard struct {
	Images    pipeline.Artefact `json:"images"`
	Reference pipeline.Artefact `json:"reference"`
	// Answers is the reference of the network itself, where Reference is that of a surrogate and the network's predictions are to be
	// kept.
	Answers *pipeline.Artefact `json:"answers,omitempty"`
}

func (s Shard) part(job *pipeline.Job) imageset.Part {
	p := imageset.Part{Images: job.Dir(s.Images), References: job.Dir(s.Reference)}
	if s.Answers != nil {
		p.Answers = job.Dir(*s.Answers)
	}
	return p
}

// An explained is a source and shards of its images, opened.
type explained struct {
	source      engine.Source
	model       *savedmodels.Model
	explanation saliency.Explanation
	shape       [3]int
	set         *imageset.Set
	baselines   imageset.Baselines
}

// open opens a source with shards of its images. The caller closes the set.
func (r *runner) open(job *pipeline.Job, s Source, shards ...Shard) (explained, error) {
	return r.openIn(runtime.Float32, job, s, shards...)
}

// openIn opens a source whose objectives have gradients of a precision.
func (r *runner) openIn(p runtime.Precision, job *pipeline.Job, s Source, shards ...Shard) (explained, error) {
	e := explained{source: s.engine(p)}
	var err error
	if e.model, e.explanation, err = r.engine.Open(e.source); err != nil {
		return e, err
	}
	e.shape = e.model.ImageShape()
	if e.baselines, err = s.baselines(job, e.shape); err != nil {
		return e, err
	}
	e.set, err = openShards(job, e.shape, shards)
	return e, err
}

// openShards opens the images of shards, height x width x channels, with what a model says of them.
func openShards(job *pipeline.Job, shape [3]int, shards []Shard) (*imageset.Set, error) {
	parts := make([]imageset.Part, len(shards))
	for i, shard := range shards {
		parts[i] = shard.part(job)
	}
	return imageset.Open(shape, parts...)
}

// climbing is the batcher of what an ascent's steps look at.
func (e explained) climbing(a attack.Ascent, p Problem, s Source) (imageset.Batcher, error) {
	b, err := e.batcher(a.Objective, p.Goal)
	b.Clip, b.Noise, b.Seed = p.Clip, p.Noise, p.Seed
	if s.Surrogate != nil {
		b.Beta = s.Surrogate.At
	}
	return b, err
}

// scored returns the batcher of what iterates are compared on: the clean maps of the network as it is, if shards of it are given, and
// no noise; otherwise what the objective looks at. The caller closes its set.
func (e explained) scored(job *pipeline.Job, objective imageset.Batcher, shards ...Shard) (imageset.Batcher, error) {
	if len(shards) == 0 {
		return objective, nil
	}
	objective.Noise = attack.Noise{Draws: 1}
	var err error
	objective.Set, err = openShards(job, e.shape, shards)
	return objective, err
}

// batcher puts the images into batches for an objective: with an explanation and maps if it looks at maps.
func (e explained) batcher(o attack.Objective, g Goal) (imageset.Batcher, error) {
	b := imageset.Batcher{Set: e.set}
	if o.Keeps() {
		b.Keep = &o.Keep
	}
	if !o.Of.OfMaps() {
		return b, nil
	}
	b.Explanation, b.Baselines, b.Reference = e.explanation, e.baselines, true
	var err error
	b.Aim, err = aim(o, g, e.shape[0], e.shape[1])
	return b, err
}

// withMap lists the images that have a map, and counts the others.
func (e explained) withMap(job *pipeline.Job) []int {
	var positions []int
	for i := range e.set.Len() {
		if e.set.HasMap(i) {
			positions = append(positions, i)
		} else {
			job.Count(pipeline.CountLeftOut, 1)
		}
	}
	return positions
}

// objective is the kind of the programs that compute what an attack climbs. A function of maps has one name in both packages.
func objective(o attack.Objective) (engine.Kind[*saliency.Objective], error) {
	if o.Of == attack.CrossEntropy && !o.Keeps() {
		return engine.CrossEntropy, nil
	}
	f := saliency.Function(o.Of)
	if !slices.Contains(saliency.Functions(), f) {
		return engine.Kind[*saliency.Objective]{}, fmt.Errorf("there is no objective %q", o.Of)
	}
	return engine.Objective(f, o.Keeps()), nil
}
