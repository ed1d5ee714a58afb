package stages

import (
	"fmt"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
	"upi/stages/tables"
)

// A found is a perturbation with all that its tasks have found out.
type found struct {
	*tables.Scored
	planned  PlannedPerturbation
	delta    []float32 // nil where there is none of its own, or its task has failed
	fit      fitRecord
	examples []results.Example
	// evaluated says for each target whether any of its tasks has come to its end.
	evaluated []bool
}

// dir is the directory of an artefact, and whether there is one.
func dir(job *pipeline.Job, o *pipeline.Optional) (string, bool) {
	if o == nil {
		return "", false
	}
	a, there := o.Get()
	if !there {
		return "", false
	}
	return job.Dir(a), true
}

// readFound reads the artefacts of a perturbation.
func readFound(job *pipeline.Job, p PlannedPerturbation, scores scoreReader) (*found, error) {
	f := &found{planned: p, Scored: &tables.Scored{Perturbation: p.Perturbation}, evaluated: make([]bool, len(p.Targets))}
	var err error
	if from, there := dir(job, p.Delta); there {
		if f.delta, err = readDelta(from, p.Shape[0]*p.Shape[1]*p.Shape[2]); err != nil {
			return nil, err
		}
		if err := readJSON(filepath.Join(from, fitFile), &f.fit); err != nil {
			return nil, err
		}
	}
	if from, there := dir(job, p.Sign); there {
		if f.Fit, err = readSign(from); err != nil {
			return nil, err
		}
		if f.FitRows, err = table.ReadAll[tables.SignRow](filepath.Join(from, signRowsFile)); err != nil {
			return nil, err
		}
	}
	if from, there := dir(job, p.Examples); there {
		if f.examples, err = table.ReadAll[results.Example](filepath.Join(from, examplesFile)); err != nil {
			return nil, err
		}
	}
	return f, f.readScores(job, scores)
}

// readScores reads the scores on all targets, and keeps those under the chosen sign.
func (f *found) readScores(job *pipeline.Job, from scoreReader) error {
	plus, minus := make([]tables.Scores, len(f.Targets)), make([]tables.Scores, len(f.Targets))
	for k := range f.Targets {
		var dirs []string
		for _, o := range f.planned.Scores[k] {
			if d, there := dir(job, &o); there {
				dirs = append(dirs, d)
			}
		}
		f.evaluated[k] = len(dirs) > 0
		f.Lost = append(f.Lost, len(f.planned.Scores[k])-len(dirs))
		var err error
		if plus[k], minus[k], err = from.read(f.Targets[k].Model, dirs); err != nil {
			return err
		}
	}
	f.Sign = f.ChooseSign(f.Fit, plus, minus, slices.Index(from.metrics, "normalized_l2"))
	var other []tables.Scores
	if f.Scores, other = plus, minus; f.Sign < 0 {
		f.Scores, other = minus, plus
	}
	for k, t := range f.Targets {
		if f.Rule != tables.SignTest && len(f.Scores[k].IDs) == 0 && len(other[k].IDs) > 0 {
			return fmt.Errorf("perturbation %s has the sign %+d, but its scores on %s are those of the other", f.ID, f.Sign, t.Model)
		}
	}
	return nil
}

// row returns the perturbation as a run's directory holds it.
func (f *found) row() results.Perturbation {
	p, noise := f.Perturbation, f.planned.Noise
	row := results.Perturbation{
		ID: p.ID, Method: p.Method, Kind: p.Kind, Role: p.Role, Model: p.Source, Source: p.Source, Explanation: p.Explanation, Score: p.Score,
		Norm: p.Norm, Eps: p.Eps, Seed: p.Seed, Draw: p.Draw, Sign: int32(f.Sign), SmoothingDraws: int64(noise.Draws),
		Precision: f.planned.Precision.String(),
		Shape:     []int32{int32(p.Shape[0]), int32(p.Shape[1]), int32(p.Shape[2])},
		Delta:     f.delta,
	}
	switch {
	case noise.Draws == 0:
	case noise.Sigma > 0:
		row.SmoothingSigma = &noise.Sigma
	default:
		row.SmoothingRadius = &noise.Radius
	}
	if f.Fit != nil {
		row.FitPlus, row.FitMinus, row.FitImages = f.Fit.Plus, f.Fit.Minus, f.Fit.Images
	}
	if spectrum := f.fit.Spectrum; spectrum != nil {
		row.ExplainedShare, row.SingularRatio = &spectrum.Terms[0].Share, &spectrum.Ratio
		for _, v := range spectrum.Singular {
			row.Singular = append(row.Singular, float32(v))
		}
	}
	for _, point := range f.fit.Trace {
		row.TraceStep = append(row.TraceStep, int32(point.Step))
		row.TraceValue = append(row.TraceValue, float32(point.Value))
	}
	return row
}
