package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/stages/imageset"
)

// ReferenceSpec is a task that computes what a model says of the clean images of one shard, once: predictions and maps.
type ReferenceSpec struct {
	Source Source            `json:"source"`
	Images pipeline.Artefact `json:"images"`
}

func (r *runner) runReference(ctx context.Context, job *pipeline.Job, spec ReferenceSpec) error {
	source := spec.Source.engine(runtime.Float32)
	model, explanation, err := r.engine.Open(source)
	if err != nil {
		return err
	}
	set, err := imageset.Open(model.ImageShape(), imageset.Part{Images: job.Dir(spec.Images)})
	if err != nil {
		return err
	}
	defer set.Close()
	baselines, err := spec.Source.baselines(job, model.ImageShape())
	if err != nil {
		return err
	}
	if err := checkLabels(set, job.Task.Shard, model.Classes()); err != nil {
		return err
	}
	file, err := imageset.Create(filepath.Join(job.Out, imageset.MapsFile))
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := table.Create[imageset.Reference](filepath.Join(job.Out, imageset.ReferenceFile), table.Options{})
	if err != nil {
		return err
	}
	defer rows.Abort()
	batcher := imageset.Batcher{Set: set, Explanation: explanation, Baselines: baselines}
	err = engine.Each(ctx, r.engine, engine.Mapper, source, set.Len(),
		func(m *saliency.Mapper, lo, hi int) (references, error) { return refer(m, batcher, between(lo, hi)) },
		func(_, hi int, r references) error {
			for k, row := range r.rows {
				warnNoCleanMap(job, row, set.Images[hi-len(r.rows)+k])
			}
			job.Progress(int64(hi), int64(set.Len()))
			if _, err := file.Write(imageset.BytesOf(r.maps)); err != nil {
				return fmt.Errorf("write maps: %w", err)
			}
			return rows.Write(r.rows...)
		})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, int64(set.Len()))
	return errors.Join(file.Close(), rows.Close())
}

// references are what a model says of one batch.
type references struct {
	rows []imageset.Reference
	maps []float32
}

// warnNoCleanMap counts an image without a map.
func warnNoCleanMap(job *pipeline.Job, row imageset.Reference, image imageset.Image) {
	switch {
	case !finite(row.Norm):
		job.Warn("clean map is not finite", 1, "image "+image.String())
	case row.Norm == 0:
		job.Warn("clean map has a norm of zero", 1, "image "+image.String())
	}
}

// refer computes the maps and predictions of the images at the positions.
func refer(m *saliency.Mapper, batcher imageset.Batcher, positions []int) (references, error) {
	batch, err := batcher.Batch(positions, imageset.Perturbed{}, nil)
	if err != nil {
		return references{}, err
	}
	maps, err := m.Run(batch)
	if err != nil {
		return references{}, err
	}
	if batcher.Explanation.Explains().Class == saliency.Predicted {
		for k := range positions {
			batch.Classes[k] = int32(maps.Prediction[k])
		}
		if maps, err = m.Run(batch); err != nil {
			return references{}, err
		}
	}
	r := references{rows: make([]imageset.Reference, len(positions)), maps: maps.Map}
	for k, i := range positions {
		r.rows[k] = imageset.Reference{
			ID:          batcher.Set.Images[i].ID,
			Label:       batcher.Set.Images[i].Label,
			Class:       int64(batch.Classes[k]),
			Prediction:  int64(maps.Prediction[k]),
			Probability: maps.Probability[k],
			Norm:        float64(maps.Norm[k]),
		}
	}
	return r, nil
}

// checkLabels looks through the images of one shard. A shard is read from its first row on.
func checkLabels(set *imageset.Set, shard string, classes int) error {
	for row, image := range set.Images {
		if image.Label < 0 || image.Label >= int64(classes) {
			return fmt.Errorf("row %d of %s (image %s): label %d, the model has the classes 0 to %d; drop the row, or take the model of these images",
				row, shard, image, image.Label, classes-1)
		}
	}
	return nil
}

// between lists the positions from lo to hi.
func between(lo, hi int) []int {
	positions := make([]int, hi-lo)
	for k := range positions {
		positions[k] = lo + k
	}
	return positions
}
