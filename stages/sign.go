package stages

import (
	"context"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/stages/tables"
)

// SignSpec is a task that decides the sign of a perturbation: it scores the perturbation and its negative on images of the fit split
// of each source.
type SignSpec struct {
	// Scoring is without metrics: normalised L2 decides.
	Scoring
	Sources []SignSource `json:"sources"`
}

// A SignSource is a model with the fit images that are looked at.
type SignSource struct {
	Source Source      `json:"source"`
	Shards []SignShard `json:"shards"`
}

// A SignShard is a fit shard as a model sees it, and the positions in it of the images that are looked at; nil means all.
type SignShard struct {
	Shard
	Positions []int `json:"positions,omitempty"`
}

// Files of an artefact of the stage sign.
const (
	signFile     = "sign.json"    // tables.Sign
	signRowsFile = "sign.parquet" // tables.SignRow
)

func (r *runner) runSign(ctx context.Context, job *pipeline.Job, spec SignSpec) error {
	spec.Metrics = []string{"normalized_l2"}
	var rows []tables.SignRow
	var leftOut int64
	for number, source := range spec.Sources {
		own, looked, err := r.signRows(ctx, job, spec.Scoring, source)
		if err != nil {
			return err
		}
		for _, row := range own {
			row.Source = int64(number)
			rows = append(rows, row)
		}
		leftOut += int64(looked - len(own))
		job.Progress(int64(number+1), int64(len(spec.Sources)))
	}
	job.Count(pipeline.CountImages, int64(len(rows)))
	if err := writeTable(filepath.Join(job.Out, signRowsFile), table.Options{}, rows); err != nil {
		return err
	}
	return writeJSON(filepath.Join(job.Out, signFile), tables.Decide(rows, leftOut))
}

// signRows scores both signs on the images of one source, and tells how many were looked at.
func (r *runner) signRows(ctx context.Context, job *pipeline.Job, spec Scoring, source SignSource) (rows []tables.SignRow, looked int, err error) {
	shards := make([]Shard, len(source.Shards))
	for k, s := range source.Shards {
		shards[k] = s.Shard
	}
	e, err := r.open(job, source.Source, shards...)
	if err != nil {
		return nil, 0, err
	}
	defer e.set.Close()
	c, err := newScorer(job, e, spec)
	if err != nil {
		return nil, 0, err
	}
	defer c.deltas.Close()
	var positions []int
	for k, s := range source.Shards {
		first, end := e.set.Bounds(k)
		if s.Positions == nil {
			positions = append(positions, between(first, end)...)
		}
		for _, i := range s.Positions {
			positions = append(positions, first+i)
		}
	}
	err = c.scores(ctx, r.engine, c.withMap(job, c.eligible(job, positions)), []int{1, -1}, func(s []score) error {
		image := e.set.Images[s[0].position]
		if !s[0].hasMap || !s[1].hasMap {
			warnNoMap(job, image)
			return nil
		}
		rows = append(rows, tables.SignRow{ID: image.ID, Plus: s[0].values[0], Minus: s[1].values[0]})
		return nil
	})
	return rows, len(positions), err
}

// readSign reads the record of an artefact of the stage sign.
func readSign(dir string) (*tables.Sign, error) {
	var s tables.Sign
	if err := readJSON(filepath.Join(dir, signFile), &s); err != nil {
		return nil, err
	}
	return &s, nil
}
