package stages

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/stages/tables"
)

// A scoreReader reads the scores of all perturbations.
type scoreReader struct {
	metrics []string
	// images are those that a perturbation was scored on, by the target: most others were scored on the same, and share the lists.
	images map[string]tables.Scores
}

func newScoreReader(metrics []string) scoreReader {
	return scoreReader{metrics: metrics, images: map[string]tables.Scores{}}
}

// read reads artefacts of the stage evaluate on one target, and parts the signs.
func (r scoreReader) read(target string, dirs []string) (plus, minus tables.Scores, err error) {
	plus.Values, minus.Values = make([][]float64, len(r.metrics)), make([][]float64, len(r.metrics))
	for _, dir := range dirs {
		if err := readScoreRows(filepath.Join(dir, scoresFile), r.metrics, &plus, &minus); err != nil {
			return plus, minus, err
		}
	}
	return r.shared(target, plus), r.shared(target, minus), nil
}

// shared returns the scores with the lists of images of others, if those are equal, and without room to grow.
func (r scoreReader) shared(target string, s tables.Scores) tables.Scores {
	if len(s.IDs) == 0 {
		return s
	}
	for m := range s.Values {
		s.Values[m] = slices.Clone(s.Values[m])
	}
	known := r.images[target]
	if !slices.Equal(known.IDs, s.IDs) || !slices.Equal(known.Labels, s.Labels) || !slices.Equal(known.Names, s.Names) {
		s.IDs, s.Labels, s.Names = slices.Clone(s.IDs), slices.Clone(s.Labels), slices.Clone(s.Names)
		r.images[target] = tables.Scores{IDs: s.IDs, Labels: s.Labels, Names: s.Names}
		return s
	}
	s.IDs, s.Labels, s.Names = known.IDs, known.Labels, known.Names
	return s
}

// readScoreRows appends the scores of a file, of its metrics those of these names.
func readScoreRows(path string, metrics []string, plus, minus *tables.Scores) (err error) {
	r, err := table.Open[scoreRow](path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	columns := make([]int, len(metrics))
	for m, name := range metrics {
		if columns[m] = slices.Index(r.Columns(), name); columns[m] < 0 {
			return fmt.Errorf("read scores %s: its metrics are %q, want %q among them", path, r.Columns(), name)
		}
	}
	return r.Each(func(row *scoreRow) error {
		to := plus
		if row.Sign < 0 {
			to = minus
		}
		to.IDs, to.Labels = append(to.IDs, row.ID), append(to.Labels, row.Label)
		to.Answers = append(to.Answers, tables.Answer{
			CleanClass: row.CleanClass, PerturbedClass: row.PerturbedClass, CleanProbability: row.CleanProbability, PerturbedProbability: row.PerturbedProbability,
		})
		if row.Name != "" {
			to.Names = append(to.Names, row.Name)
		}
		for m, column := range columns {
			to.Values[m] = append(to.Values[m], row.Metrics[column])
		}
		return nil
	})
}
