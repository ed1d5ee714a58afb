package stages

import (
	"fmt"
	"path/filepath"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/results"
	"upi/stages/tables"
)

// A found is a perturbation with all that its tasks have found out.
type found struct {
	*tables.Scored
	spec  perturbationSpec
	delta []float32 // nil where there is none of its own, or its task has failed
	fit   fitRecord
}

func isPerImage(a attack.Attack) bool {
	_, ok := a.(attack.PerImage)
	return ok
}

// readFound reads the artefacts of perturbation number i.
func readFound(job *pipeline.Job, i int, p perturbationSpec, metrics []string) (*found, error) {
	f := &found{spec: p, Scored: &tables.Scored{Perturbation: p.Perturbation}}
	for _, dir := range job.Parents(roleOf(roleDelta, i)) {
		var err error
		if f.delta, err = readDelta(dir, p.Shape[0]*p.Shape[1]*p.Shape[2]); err != nil {
			return nil, err
		}
		if err := readJSON(filepath.Join(dir, fitFile), &f.fit); err != nil {
			return nil, err
		}
	}
	if err := f.readSign(job, i); err != nil {
		return nil, err
	}
	plus, minus := make([]tables.Scores, len(p.Targets)), make([]tables.Scores, len(p.Targets))
	for k := range p.Targets {
		var err error
		if plus[k], minus[k], err = readScores(job.Parents(roleOf(roleScores, i, k)), metrics); err != nil {
			return nil, err
		}
	}
	f.Sign = p.ChooseSign(f.Fit, plus, minus, slices.Index(metrics, "normalized_l2"))
	var other []tables.Scores
	if f.Scores, other = plus, minus; f.Sign < 0 {
		f.Scores, other = minus, plus
	}
	for k, t := range p.Targets {
		if len(f.Scores[k].IDs) == 0 && len(other[k].IDs) > 0 {
			return nil, fmt.Errorf("perturbation %s has the sign %+d, but its scores on %s are those of the other", p.ID, f.Sign, t.Model)
		}
	}
	return f, nil
}

// readSign reads the record of the sign and its rows; there is none where the rule asks for none, or where its tasks have failed.
func (f *found) readSign(job *pipeline.Job, i int) error {
	ofSources := make([][]string, len(f.Sources))
	some := false
	for k := range f.Sources {
		ofSources[k] = job.Parents(roleOf(roleSign, i, k))
		some = some || len(ofSources[k]) > 0
	}
	if !some {
		return nil
	}
	var err error
	if f.FitRows, err = readSigns(ofSources...); err != nil {
		return err
	}
	record := tables.Decide(f.FitRows, f.SignImages-int64(len(f.FitRows)))
	f.Fit = &record
	return nil
}

// row returns the perturbation as a run's directory holds it.
func (f *found) row() results.Perturbation {
	p, noise := f.Perturbation, f.spec.Noise
	row := results.Perturbation{
		ID: p.ID, Method: p.Method, Kind: p.Kind, Role: p.Role, Model: p.Source, Explanation: p.Explanation, Score: p.Score,
		Norm: p.Norm, Eps: p.Eps, Seed: p.Seed, Draw: p.Draw, Sign: int32(f.Sign), SmoothingDraws: int64(noise.Draws),
		Shape: []int32{int32(p.Shape[0]), int32(p.Shape[1]), int32(p.Shape[2])},
		Delta: f.delta,
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
