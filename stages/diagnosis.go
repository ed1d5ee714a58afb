package stages

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
	"upi/savedmodels/engine"
	"upi/savedmodels/preflight"
	"upi/savedmodels/runtime"
	"upi/stages/imageset"
	"upi/stages/tables"
)

// DiagnosisSpec is a task that looks for what was forgotten where a model's answers are doubtful: another scaling of the pixels, another
// order of channels or classes. Where they are not it does nothing.
type DiagnosisSpec struct {
	Source Source  `json:"source"`
	Shards []Shard `json:"shards"`
}

// A PlannedDiagnosis is a model with an artefact of the stage diagnosis.
type PlannedDiagnosis struct {
	Model   string            `json:"model"`
	Finding pipeline.Optional `json:"finding"`
}

const diagnosisFile = "diagnosis.json" // preflight.Finding, of no images where nothing was looked for

func (r *runner) runDiagnosis(ctx context.Context, job *pipeline.Job, spec DiagnosisSpec) error {
	finding, err := r.diagnose(ctx, job, spec)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		// The run's numbers do not rest on it.
		job.Warn("diagnosis not made", 1, err.Error())
	}
	if finding.Images > 0 {
		advice := finding.Says()
		job.Warn(tables.Advice, 1, advice)
		job.Log.Warn(tables.Advice, "model", job.Task.Label, "advice", advice)
	}
	job.Count(pipeline.CountImages, int64(finding.Images))
	return writeJSON(filepath.Join(job.Out, diagnosisFile), finding)
}

func (r *runner) diagnose(ctx context.Context, job *pipeline.Job, spec DiagnosisSpec) (preflight.Finding, error) {
	var clean []tables.CleanImage
	parts := make([]imageset.Part, len(spec.Shards))
	for i, shard := range spec.Shards {
		images, err := readClean(job.Dir(shard.Reference))
		if err != nil {
			return preflight.Finding{}, err
		}
		clean = append(clean, images...)
		parts[i] = imageset.Part{Images: job.Dir(shard.Images)}
	}
	source := spec.Source.engine(runtime.Float32)
	model, err := r.engine.Model(source.Dir, source.Model)
	if err != nil {
		return preflight.Finding{}, err
	}
	set, err := imageset.Open(model.ImageShape(), parts...)
	if err != nil {
		return preflight.Finding{}, err
	}
	defer set.Close()
	scratch := make([]byte, set.Size)
	return Diagnose(ctx, r.engine, source, clean, func(i int, dst []float32) error { return set.ReadPixels(i, dst, scratch) })
}

// Diagnose looks for what was forgotten if what a model says of clean images is doubtful; else the finding is of no images. Read writes
// image i to dst, H x W x C values in pixel units.
func Diagnose(ctx context.Context, e *engine.Engine, source engine.Source, clean []tables.CleanImage,
	read func(i int, dst []float32) error) (preflight.Finding, error) {
	model, err := e.Model(source.Dir, source.Model)
	if err != nil {
		return preflight.Finding{}, err
	}
	row := tables.Clean{Classes: int64(model.Classes()), Images: int64(len(clean))}.Row(slices.Values(clean))
	if !tables.Worrying(row) {
		return preflight.Finding{}, nil
	}
	plain, err := preflight.Open(source.Dir, source.Model, model.Head())
	if err != nil {
		return preflight.Finding{}, fmt.Errorf("open the model without scaling: %w", err)
	}
	positions := preflight.Choose(len(clean))
	images := preflight.Images{Read: func(k int, dst []float32) error { return read(positions[k], dst) }}
	for _, i := range positions {
		images.Labels, images.Answers = append(images.Labels, clean[i].Label), append(images.Answers, clean[i].Prediction)
		if clean[i].Saturated() {
			images.Saturated++
		}
	}
	slot, err := e.Slot(ctx)
	if err != nil {
		return preflight.Finding{}, err
	}
	defer e.Free(slot)
	finding, err := preflight.Find(ctx, plain, slot, images)
	if finding.Advice == "" && len(tables.Doubts([]results.Model{row})) == 0 {
		// So many right may be what the network can do.
		return preflight.Finding{}, err
	}
	return finding, err
}

// readClean reads what an artefact of the stage reference says of its images.
func readClean(dir string) ([]tables.CleanImage, error) {
	rows, err := table.ReadAll[imageset.Reference](filepath.Join(dir, imageset.ReferenceFile))
	if err != nil {
		return nil, err
	}
	images := make([]tables.CleanImage, len(rows))
	for i, r := range rows {
		images[i] = tables.CleanImage{Label: r.Label, Prediction: r.Prediction, Probability: r.Probability, Norm: r.Norm}
	}
	return images, nil
}

// readAdvice reads what the diagnoses advise on the models that they have looked at, by the models' names.
func readAdvice(job *pipeline.Job, diagnoses []PlannedDiagnosis) (map[string]string, error) {
	advice := map[string]string{}
	for _, d := range diagnoses {
		from, there := dir(job, &d.Finding)
		if !there {
			continue
		}
		var f preflight.Finding
		if err := readJSON(filepath.Join(from, diagnosisFile), &f); err != nil {
			return nil, err
		}
		if f.Images > 0 {
			advice[d.Model] = f.Says()
		}
	}
	return advice, nil
}
