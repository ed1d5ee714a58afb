package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/stages/imageset"
)

// BaselinesSpec is a task that draws the images of a fit split that explanations take baselines from.
type BaselinesSpec struct {
	// Images are artefacts of the stage images: all shards of the split.
	Images []pipeline.Artefact `json:"images"`
	// Shape is the images' height, width and channels.
	Shape [3]int `json:"shape"`
	// Keep is how many are drawn; of a split of fewer images, all are.
	Keep int `json:"keep"`
}

// runBaselines writes an artefact like that of the stage images.
func runBaselines(_ context.Context, job *pipeline.Job, spec BaselinesSpec) error {
	parts := make([]imageset.Part, len(spec.Images))
	for i, images := range spec.Images {
		parts[i] = imageset.Part{Images: job.Dir(images)}
	}
	set, err := imageset.Open(spec.Shape, parts...)
	if err != nil {
		return err
	}
	defer set.Close()
	pixels, err := imageset.Create(filepath.Join(job.Out, imageset.PixelsFile))
	if err != nil {
		return err
	}
	defer pixels.Close()
	rows, err := table.Create[imageset.Image](filepath.Join(job.Out, imageset.ImagesFile), table.Options{})
	if err != nil {
		return err
	}
	defer rows.Abort()
	chosen := imageset.DrawBaselines(set.Len(), spec.Keep)
	x := make([]byte, set.Size)
	for _, i := range chosen {
		if err := set.ReadBytes(i, x); err != nil {
			return err
		}
		if _, err := pixels.Write(x); err != nil {
			return fmt.Errorf("write baselines: %w", err)
		}
		if err := rows.Write(set.Images[i]); err != nil {
			return err
		}
	}
	job.Count(pipeline.CountImages, int64(len(chosen)))
	return errors.Join(rows.Close(), pixels.Close())
}

// baselines opens the images that a source's explanation draws baselines from, nil if it takes none.
func (s Source) baselines(job *pipeline.Job, shape [3]int) (imageset.Baselines, error) {
	if s.Baselines == nil {
		return nil, nil
	}
	images, err := imageset.ReadBaselines(shape, imageset.Part{Images: job.Dir(*s.Baselines)})
	if err != nil {
		return nil, fmt.Errorf("read baselines: %w", err)
	}
	return images, nil
}
