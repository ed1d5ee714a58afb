package stages

import (
	"context"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
)

const signFile = "sign.parquet"

// A signRow is how far the map of one fit image moves under +delta and under -delta, in normalised L2.
type signRow struct {
	ID    int64   `parquet:"id"`
	Plus  float64 `parquet:"plus"`
	Minus float64 `parquet:"minus"`
}

// runSign scores a perturbation and its negative on one fit shard. Its spec is a scoringSpec.
func (e *engine) runSign(ctx context.Context, job *pipeline.Job) error {
	var spec scoringSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	spec.Metrics = []string{"normalized_l2"}
	c, from, err := e.newScorer(job, spec)
	if err != nil {
		return err
	}
	defer c.view.split.Close()
	out, err := table.Create[signRow](filepath.Join(job.Dir, signFile), table.Options{})
	if err != nil {
		return err
	}
	defer out.Abort()
	done := int64(0)
	err = c.scores(ctx, e, from, []int{1, -1}, func(s []score) error {
		done++
		job.Progress(done, int64(len(c.positions)))
		id := c.view.split.images[s[0].position].ID
		if !s[0].hasMap || !s[1].hasMap {
			warnNoMap(job, id)
			return nil
		}
		return out.Write(signRow{id, s[0].values[0], s[1].values[0]})
	})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, done)
	return out.Close()
}
