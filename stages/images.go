package stages

import (
	"context"
	"errors"
	"fmt"
	"io"

	"upi/data"
	"upi/data/picture"
	"upi/pipeline"
	"upi/savedmodels/runtime"
	"upi/stages/imageset"
)

// ImagesSpec is a task that decodes the images of one shard.
type ImagesSpec struct {
	Shard pipeline.Input `json:"shard"`
	// FirstRow is the position of the shard's first image in its dataset: its id where the shard has none.
	FirstRow int64 `json:"first_row"`
	// Rows is how many images are read, from the first.
	Rows int64 `json:"rows"`
	// Shape is height, width, channels.
	Shape [3]int `json:"shape"`
	// Pictures says which pixels a picture stands for.
	Pictures picture.Options `json:"pictures,omitzero"`
	// Columns are those that are not called as usual.
	Columns data.Columns `json:"columns,omitzero"`
	// Classes number the labels where those are texts.
	Classes []string `json:"classes,omitempty"`
}

// runImages writes the pixels of a shard's images side by side.
func runImages(ctx context.Context, job *pipeline.Job, spec ImagesSpec) error {
	shard := data.Shard{Path: spec.Shard.Path(), FirstRow: spec.FirstRow, Rows: spec.Rows, Shape: spec.Shape, Pictures: spec.Pictures,
		Columns: spec.Columns, ClassNames: spec.Classes}
	shard.Pictures.JPEG = runtime.DecodeJPEG
	reader, err := shard.Read(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	out, err := imageset.NewImageWriter(job.Out)
	if err != nil {
		return err
	}
	defer out.Abort()
	for done := int64(0); ; done++ {
		image, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read images: %w", err)
		}
		if err := out.Write(imageset.Image{ID: image.ID, Name: image.Name, Label: image.Label}, image.Pixels); err != nil {
			return err
		}
		job.Progress(done+1, spec.Rows)
	}
	job.Count(pipeline.CountImages, spec.Rows)
	return out.Close()
}
