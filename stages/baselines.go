package stages

import (
	"context"
	"fmt"

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
	out, err := imageset.NewImageWriter(job.Out)
	if err != nil {
		return err
	}
	defer out.Abort()
	chosen := imageset.DrawBaselines(set.Len(), spec.Keep)
	x := make([]byte, set.Size)
	for _, i := range chosen {
		if err := set.ReadBytes(i, x); err != nil {
			return err
		}
		if err := out.Write(set.Images[i], x); err != nil {
			return err
		}
	}
	job.Count(pipeline.CountImages, int64(len(chosen)))
	return out.Close()
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
