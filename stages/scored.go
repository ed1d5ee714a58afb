package stages

import (
	"path/filepath"
	"slices"

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

// A scoredTarget holds the scores on one model under the chosen sign. Where the test split chooses it, both signs are kept until
// then.
type scoredTarget struct {
	model       string
	images      int64
	plus, minus columns
	chosen      *columns
}

// readScored reads the artefacts of perturbation number i.
func readScored(job *pipeline.Job, i int, p perturbationSpec, metrics []string) (*scored, error) {
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
	ofSources := make([][]string, len(p.Sources))
	for k := range p.Sources {
		ofSources[k] = job.Parents(roleOf(roleSign, i, k))
	}
	if s.signs, err = readSigns(ofSources...); err != nil {
		return nil, err
	}
	if p.Sign == "fit" {
		s.sign = s.signs.better()
	}
	for k, t := range p.Targets {
		target := scoredTarget{model: t.Model, images: t.Images}
		if target.plus, target.minus, err = readScores(job.Parents(roleOf(roleScores, i, k)), metrics); err != nil {
			return nil, err
		}
		s.targets = append(s.targets, target)
	}
	if p.Sign == "test" {
		s.sign = s.betterOnTest(slices.Index(metrics, "normalized_l2"))
	}
	for k := range s.targets {
		t := &s.targets[k]
		if s.sign > 0 {
			t.chosen, t.minus = &t.plus, columns{}
		} else {
			t.chosen, t.plus = &t.minus, columns{}
		}
	}
	return s, nil
}

// betterOnTest returns the sign that does better on the test split of the sources, the paper's rule, by the metric of number m.
func (s *scored) betterOnTest(m int) int {
	var plus, minus float64
	for _, t := range s.targets {
		if s.isSource(t.model) {
			plus += t.plus.total(m)
			minus += t.minus.total(m)
		}
	}
	if minus > plus {
		return -1
	}
	return 1
}

func (s *scored) isSource(model string) bool {
	return slices.Contains(s.spec.Sources, model)
}

// row returns the perturbation as a run's directory holds it.
func (s *scored) row() results.Perturbation {
	p := s.spec
	row := results.Perturbation{
		ID: p.ID, Method: p.Method, Kind: p.Kind, Model: p.Source, Explanation: p.Explanation, Score: p.Score,
		Norm: p.Norm, Eps: p.Eps, Seed: p.Seed, Draw: p.Draw, Sign: int32(s.sign), FitImages: int64(len(s.signs.images)),
		Shape: []int32{int32(p.Shape[0]), int32(p.Shape[1]), int32(p.Shape[2])},
		Delta: s.delta,
	}
	row.SmoothingDraws = int64(p.Noise.Draws)
	switch {
	case p.Noise.Draws == 0:
	case p.Noise.Sigma > 0:
		row.SmoothingSigma = &p.Noise.Sigma
	default:
		row.SmoothingRadius = &p.Noise.Radius
	}
	if len(s.signs.images) > 0 {
		plus, minus := s.signs.means()
		row.FitPlus, row.FitMinus = &plus, &minus
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
