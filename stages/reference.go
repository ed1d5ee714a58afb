package stages

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/savedmodels/saliency"
)

// runReference computes what a model says of the clean images of one shard, once: predictions and maps. Its spec is a
// sourceSpec.
func (e *engine) runReference(ctx context.Context, job *pipeline.Job) error {
	var spec sourceSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	from := spec.at(job.File(roleModel))
	o, err := e.open(from)
	if err != nil {
		return err
	}
	shape := o.model.ImageShape()
	places := shape[0] * shape[1]
	s, err := openSplit([]string{job.Parent(roleImages)}, nil, places*shape[2], places)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := checkLabels(s, job.Task.Shard, o.model.Classes()); err != nil {
		return err
	}

	file, err := createRecords(job, mapsFile)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := table.Create[referenceRow](filepath.Join(job.Dir, referenceFile), table.Options{})
	if err != nil {
		return err
	}
	defer rows.Abort()
	err = each(ctx, e, mapper, from, s.Len(),
		func(m *saliency.Mapper, lo, hi int) (references, error) { return refer(m, s, o.explanation, lo, hi) },
		func(_, hi int, r references) error {
			for _, row := range r.rows {
				row.warn(job)
			}
			job.Progress(int64(hi), int64(s.Len()))
			if _, err := file.Write(bytesOf(r.maps)); err != nil {
				return fmt.Errorf("write maps: %w", err)
			}
			return rows.Write(r.rows...)
		})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, int64(s.Len()))
	return errors.Join(file.Close(), rows.Close())
}

// references are what a model says of one batch.
type references struct {
	rows []referenceRow
	maps []float32
}

// hasMap says whether the image has a map.
func (row referenceRow) hasMap() bool { return row.Norm > 0 && finite(row.Norm) }

// warn counts an image without a map.
func (row referenceRow) warn(job *pipeline.Job) {
	switch {
	case !finite(row.Norm):
		job.Warn("clean map is not finite", 1, fmt.Sprintf("image %d", row.ID))
	case row.Norm == 0:
		job.Warn("clean map has a norm of zero", 1, fmt.Sprintf("image %d", row.ID))
	}
}

// refer computes the maps and predictions of images lo to hi.
func refer(m *saliency.Mapper, s *split, e saliency.Explanation, lo, hi int) (references, error) {
	n := hi - lo
	positions := make([]int, n)
	b := saliency.Batch{Pixels: make([]float32, n*s.size), Classes: make([]int32, n)}
	bytes := make([]byte, s.size)
	for k := range positions {
		positions[k] = lo + k
		if err := s.Pixels(lo+k, b.Pixels[k*s.size:(k+1)*s.size], bytes); err != nil {
			return references{}, err
		}
		b.Classes[k] = int32(s.images[lo+k].Label)
	}
	b.Noise = explanationNoise(e, s, positions)
	maps, err := m.Run(b)
	if err != nil {
		return references{}, err
	}
	classes := len(maps.Logits) / n
	if e.Explains().Class == saliency.Predicted {
		for k := range n {
			b.Classes[k] = int32(argmax(maps.Logits[k*classes : (k+1)*classes]))
		}
		if maps, err = m.Run(b); err != nil {
			return references{}, err
		}
	}
	r := references{rows: make([]referenceRow, n), maps: maps.Map}
	for k := range n {
		logits := maps.Logits[k*classes : (k+1)*classes]
		r.rows[k] = referenceRow{
			ID:          s.images[lo+k].ID,
			Class:       int64(b.Classes[k]),
			Prediction:  int64(argmax(logits)),
			Probability: probability(logits, int(b.Classes[k])),
			Norm:        float64(maps.Norm[k]),
		}
	}
	return r, nil
}

// checkLabels looks through the images of one shard. A shard is read from its first row on.
func checkLabels(s *split, shard string, classes int) error {
	for row, image := range s.images {
		if image.Label < 0 || image.Label >= int64(classes) {
			return fmt.Errorf("row %d of %s (image %d): label %d, the model has the classes 0 to %d; drop the row, or take the model of these images",
				row, shard, image.ID, image.Label, classes-1)
		}
	}
	return nil
}

// argmax returns the first of the largest values.
func argmax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// probability returns the softmax probability of class c.
func probability(logits []float32, c int) float64 {
	largest := float64(logits[argmax(logits)])
	total := 0.0
	for _, z := range logits {
		total += math.Exp(float64(z) - largest)
	}
	return math.Exp(float64(logits[c])-largest) / total
}

// writeTable writes all rows of a table at once.
func writeTable[T any](path string, o table.Options, rows []T) error {
	w, err := table.Create[T](path, o)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(rows...); err != nil {
		return err
	}
	return w.Close()
}
