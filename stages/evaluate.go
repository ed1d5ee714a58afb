package stages

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/pipeline"
	"upi/stages/tables"
)

// EvaluateSpec is a task that scores one perturbation on one target model and test shard.
type EvaluateSpec struct {
	Scoring
	Source Source `json:"source"`
	Shard  Shard  `json:"shard"`
	Signed
}

// Signed says under which sign a perturbation is scored.
type Signed struct {
	Rule tables.SignRule `json:"rule"`
	// Sign is the record of the fit split, if the rule asks for it.
	Sign *pipeline.Artefact `json:"sign,omitempty"`
}

// signs lists the signs to score.
func (s Signed) signs(job *pipeline.Job) ([]int, error) {
	switch {
	case s.Sign != nil:
		record, err := readSign(job.Dir(*s.Sign))
		if err != nil {
			return nil, err
		}
		return []int{record.Sign}, nil
	case s.Rule == tables.SignTest:
		return []int{1, -1}, nil
	}
	return []int{1}, nil
}

const scoresFile = "scores.parquet" // scoreRow

// A scoreRow is one image's metrics under one sign of one perturbation. A metric that is not defined on an image, as those of maps are
// not where one is missing, is NaN, in the file NULL.
type scoreRow struct {
	ID    int64  `parquet:"image_id"`
	Name  string `parquet:"name"`
	Label int64  `parquet:"label"`
	Sign  int32  `parquet:"sign"`
	// The classes are what the model answers; the probabilities are those of the class that the map explains.
	CleanClass           int32     `parquet:"clean_class"`
	PerturbedClass       int32     `parquet:"perturbed_class"`
	CleanProbability     float64   `parquet:"clean_probability"`
	PerturbedProbability float64   `parquet:"perturbed_probability"`
	Metrics              []float64 `parquet:",columns"`
}

func (r *runner) runEvaluate(ctx context.Context, job *pipeline.Job, spec EvaluateSpec) error {
	signs, err := spec.signs(job)
	if err != nil {
		return err
	}
	e, err := r.open(job, spec.Source, spec.Shard)
	if err != nil {
		return err
	}
	defer e.set.Close()
	c, err := newScorer(job, e, spec.Scoring)
	if err != nil {
		return err
	}
	defer c.deltas.Close()
	out, err := table.Create[scoreRow](filepath.Join(job.Out, scoresFile), table.Options{Columns: spec.Metrics})
	if err != nil {
		return err
	}
	defer out.Abort()
	maps, err := newKeeper(job, spec.Scoring, e.set.Pixels)
	if err != nil {
		return err
	}
	defer maps.abort()
	positions, done := c.eligible(job, between(0, e.set.Len())), int64(0)
	err = c.scores(ctx, r.engine, positions, signs, func(scores []score) error {
		done++
		job.Progress(done, int64(len(positions)))
		image, clean := e.set.Images[scores[0].position], e.set.References[scores[0].position]
		switch {
		case !e.set.HasMap(scores[0].position):
			job.Count(pipeline.CountLeftOut, 1) // the stage reference has warned of it
		case slices.ContainsFunc(scores, func(s score) bool { return !s.hasMap }):
			warnNoMap(job, image)
		}
		for k, s := range scores {
			row := scoreRow{
				ID: image.ID, Name: image.Name, Label: image.Label, Sign: int32(signs[k]), CleanClass: int32(clean.Prediction),
				PerturbedClass: int32(s.prediction), CleanProbability: clean.Probability, PerturbedProbability: s.probability, Metrics: s.values,
			}
			if err := errors.Join(out.Write(row), maps.keep(row, s)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, done)
	return errors.Join(out.Close(), maps.close())
}
