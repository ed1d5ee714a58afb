package stages

import (
	"fmt"

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
}

// engine is the source of programs; the precision is that of the gradients of objectives.
func (s Source) engine(p runtime.Precision) engine.Source {
	from := engine.Source{Precision: p, Dir: s.Model.Path(), Model: s.Options, Explanation: s.Explanation}
	if s.Surrogate != nil {
		from.Surrogate = &savedmodels.Softplus{Beta: s.Surrogate.Beta}
	}
	return from
}

// Shard is an image shard as a model sees it: artefacts of the stages images and reference.
type Shard struct {
	Images    pipeline.Artefact `json:"images"`
	Reference pipeline.Artefact `json:"reference"`
}

func (s Shard) part(job *pipeline.Job) imageset.Part {
	return imageset.Part{Images: job.Dir(s.Images), References: job.Dir(s.Reference)}
}

// An explained is a source and shards of its images, opened.
type explained struct {
	source      engine.Source
	model       *savedmodels.Model
	explanation saliency.Explanation
	shape       [3]int
	set         *imageset.Set
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
	parts := make([]imageset.Part, len(shards))
	for i, shard := range shards {
		parts[i] = shard.part(job)
	}
	e.set, err = imageset.Open(e.shape, parts...)
	return e, err
}

// batcher puts the images into batches for a function of them: with an explanation and clean maps if it looks at maps.
func (e explained) batcher(of attack.Function) imageset.Batcher {
	b := imageset.Batcher{Set: e.set}
	if of == attack.Dissimilarity {
		b.Explanation, b.Reference = e.explanation, true
	}
	return b
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

// objectives is the table of the functions that attacks ask gradients of.
var objectives = map[attack.Function]engine.Kind[*saliency.Objective]{
	attack.Dissimilarity: engine.Dissimilarity,
	attack.CrossEntropy:  engine.CrossEntropy,
}

func objective(of attack.Function) (engine.Kind[*saliency.Objective], error) {
	kind, ok := objectives[of]
	if !ok {
		return kind, fmt.Errorf("there is no objective %q", of)
	}
	return kind, nil
}
