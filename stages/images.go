package stages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"upi/data"
	"upi/data/table"
	"upi/pipeline"
)

// imagesSpec is a task that decodes the images of one shard.
type imagesSpec struct {
	// FirstRow is the position of the shard's first image in its dataset: its id where the shard has none.
	FirstRow int64  `json:"first_row"`
	Rows     int64  `json:"rows"`
	Shape    [3]int `json:"shape"`
}

// runImages writes the pixels of a shard's images side by side.
func runImages(ctx context.Context, job *pipeline.Job) error {
	var spec imagesSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	shard := data.Shard{Path: job.File(roleShard), FirstRow: spec.FirstRow, Rows: spec.Rows, Shape: spec.Shape}
	reader, err := shard.Read(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	pixels, err := createRecords(job, pixelsFile)
	if err != nil {
		return err
	}
	defer pixels.Close()
	rows, err := table.Create[imageRow](filepath.Join(job.Dir, imagesFile), table.Options{})
	if err != nil {
		return err
	}
	defer rows.Abort()
	for done := int64(0); ; done++ {
		image, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read images: %w", err)
		}
		if _, err := pixels.Write(image.Pixels); err != nil {
			return fmt.Errorf("write pixels: %w", err)
		}
		if err := rows.Write(imageRow{image.ID, image.Label}); err != nil {
			return err
		}
		job.Progress(done+1, spec.Rows)
	}
	job.Count(pipeline.CountImages, spec.Rows)
	return errors.Join(rows.Close(), pixels.Close())
}

// records is a file of records under construction.
type records struct {
	*bufio.Writer
	file *os.File
}

func createRecords(job *pipeline.Job, name string) (*records, error) {
	f, err := os.Create(filepath.Join(job.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("create records: %w", err)
	}
	return &records{bufio.NewWriterSize(f, 1<<20), f}, nil
}

// Close writes what is buffered. Closing again does nothing.
func (r *records) Close() error {
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.Flush(), r.file.Close())
	r.file = nil
	return err
}
