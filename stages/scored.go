package stages

import (
	"path/filepath"

	"upi/attack"
	"upi/data/table"
	"upi/pipeline"
	"upi/results"
)

// A scored is a perturbation with its scores on every target.
type scored struct {
	spec    perturbationSpec
	delta   []float32
	fit     fitRecord
	signs   signs
	sign    int
	targets []scoredTarget
}

// A scoredTarget holds the scores under the chosen sign.
type scoredTarget struct {
	model  string
	images int64
	rows   []scoreRow
}

func isPerImage(a attack.Attack) bool {
	_, ok := a.(attack.PerImage)
	return ok
}

// readScored reads the artefacts of perturbation number i.
func readScored(job *pipeline.Job, i int, p perturbationSpec) (*scored, error) {
	s := &scored{spec: p, sign: 1}
	for _, dir := range job.Parents(roleOf(roleDelta, i)) {
		var err error
		if s.delta, err = readDelta(dir, p.Shape[0]*p.Shape[1]*p.Shape[2]); err != nil {
			return nil, err
		}
		if err := readJSON(filepath.Join(dir, fitFile), &s.fit); err != nil {
			return nil, err
		}
	}
	var err error
	if s.signs, err = readSigns(job.Parents(roleOf(roleSign, i))); err != nil {
		return nil, err
	}
	if p.Sign == "fit" {
		s.sign = s.signs.better()
	}
	for k, t := range p.Targets {
		target := scoredTarget{model: t.Model, images: t.Images}
		for _, dir := range job.Parents(roleOf(roleScores, i, k)) {
			rows, err := table.ReadAll[scoreRow](filepath.Join(dir, scoresFile))
			if err != nil {
				return nil, err
			}
			target.rows = append(target.rows, rows...)
		}
		s.targets = append(s.targets, target)
	}
	if p.Sign == "test" {
		s.chooseOnTest()
	}
	return s, nil
}

// chooseOnTest keeps the rows of the sign that does better on the test split of the sources: the paper's rule.
func (s *scored) chooseOnTest() {
	var plus, minus float64
	for _, t := range s.targets {
		if !s.isSource(t.model) {
			continue
		}
		for _, r := range t.rows {
			if r.Sign > 0 {
				plus += r.Metrics["normalized_l2"]
			} else {
				minus += r.Metrics["normalized_l2"]
			}
		}
	}
	if minus > plus {
		s.sign = -1
	}
	for k, t := range s.targets {
		var kept []scoreRow
		for _, r := range t.rows {
			if int(r.Sign) == s.sign {
				kept = append(kept, r)
			}
		}
		s.targets[k].rows = kept
	}
}

func (s *scored) isSource(model string) bool {
	for _, name := range s.spec.Sources {
		if name == model {
			return true
		}
	}
	return false
}

// row returns the perturbation as a run's directory holds it.
func (s *scored) row() results.Perturbation {
	p := s.spec
	row := results.Perturbation{
		ID: p.ID, Method: p.Method, Kind: p.Kind, Model: p.Source, Explanation: p.Explanation, Score: p.Score,
		Norm: p.Norm, Eps: p.Eps, Seed: p.Seed, Draw: p.Draw, Sign: int32(s.sign), FitImages: int64(s.signs.Images),
		Shape: []int32{int32(p.Shape[0]), int32(p.Shape[1]), int32(p.Shape[2])},
		Delta: s.delta,
	}
	if s.signs.Images > 0 {
		row.FitPlus, row.FitMinus = &s.signs.Plus, &s.signs.Minus
	}
	if spectrum := s.fit.Spectrum; spectrum != nil {
		row.ExplainedShare, row.SingularRatio = &spectrum.Terms[0].Share, &spectrum.Ratio
		for _, v := range spectrum.Singular {
			row.Singular = append(row.Singular, float32(v))
		}
	}
	for _, point := range s.fit.Trace {
		row.TraceStep = append(row.TraceStep, int32(point.Step))
		row.TraceValue = append(row.TraceValue, float32(point.Value))
	}
	return row
}
