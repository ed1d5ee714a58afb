package stages

import (
	"context"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/pipeline"
	"upi/stages/tables"
)

// evaluateSpec is a task that scores one perturbation on one target model and test shard.
type evaluateSpec struct {
	Scoring scoringSpec `json:"scoring"`
	// Sign is fit (the sign that does better on the fit split), test (both are scored) or plus.
	Sign string `json:"sign"`
}

const scoresFile = "scores.parquet"

// A scoreRow is one image's metrics under one sign of one perturbation.
type scoreRow struct {
	ID    int64 `parquet:"image_id"`
	Label int64 `parquet:"label"`
	Sign  int32 `parquet:"sign"`
	// Metrics are in the order of the spec; NaN, NULL in the file, where a metric is not defined on the image.
	Metrics []float64 `parquet:",columns"`
}

func (e *engine) runEvaluate(ctx context.Context, job *pipeline.Job) error {
	var spec evaluateSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	c, from, err := e.newScorer(job, spec.Scoring)
	if err != nil {
		return err
	}
	defer c.view.split.Close()
	try := []int{1}
	switch spec.Sign {
	case "test":
		try = []int{1, -1}
	case "fit":
		rows, err := readSigns(job.Parents(roleSign))
		if err != nil {
			return err
		}
		try = []int{tables.Decide(rows, 0).Sign}
	}
	out, err := table.Create[scoreRow](filepath.Join(job.Dir, scoresFile), table.Options{Columns: spec.Scoring.Metrics})
	if err != nil {
		return err
	}
	defer out.Abort()
	done := int64(0)
	err = c.scores(ctx, e, from, try, func(scores []score) error {
		done++
		job.Progress(done, int64(len(c.positions)))
		image := c.view.split.images[scores[0].position]
		if slices.ContainsFunc(scores, func(s score) bool { return !s.hasMap }) {
			warnNoMap(job, image.ID)
			return nil
		}
		for k, s := range scores {
			if err := out.Write(scoreRow{image.ID, image.Label, int32(try[k]), s.values}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, done)
	return out.Close()
}
