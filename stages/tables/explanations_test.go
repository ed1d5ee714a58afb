package tables

import (
	"math"
	"testing"

	"upi/results"
)

// TestExplanations: a perturbation scored through another explanation is in the cross table alone, compared with random through that; two
// explanations are compared on the images that both have. The numbers are worked out by hand.
func TestExplanations(t *testing.T) {
	a, nan := []string{"a"}, math.NaN()
	of := func(role results.Role, method, explanation string, values ...float64) *Scored {
		s := planned(role, method, 0, a, a)
		s.Explanation = explanation
		s.Scores[0] = Scores{IDs: []int64{1, 2, 3}, Values: [][]float64{values}}
		return s
	}
	through := func(s *Scored, explanation string, values ...float64) *Scored {
		s.Targets = append(s.Targets, Target{Model: "a", Explanation: explanation, Images: 5})
		s.Scores = append(s.Scores, Scores{IDs: []int64{1, 2, 3}, Values: [][]float64{values}})
		return s
	}
	tables, err := Cells(settings, []*Scored{
		of(results.RoleRandom, "random", "sg", 1, 2, 3), of(results.RoleRandom, "random", "ig", 2, 2, 2),
		through(of(results.RoleMethod, "grad", "sg", 5, 6, 7), "ig", 4, 5, nan),
		through(of(results.RoleMethod, "grad", "ig", 8, nan, 6), "sg", 3, 3, 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fittedFor, explanation string
		mean, difference       float64
	}{
		{"sg", "sg", 6, 4}, {"sg", "ig", 4.5, 2.5}, {"ig", "ig", 7, 5}, {"ig", "sg", 3, 1},
	} {
		found := false
		for _, cell := range tables[results.CrossTable] {
			if cell.FittedFor == c.fittedFor && cell.Explanation == c.explanation {
				found = true
				if valueOf(cell.Mean) != c.mean || valueOf(cell.Difference) != c.difference {
					t.Errorf("fitted for %s, through %s: mean %g, difference %g, want %g, %g", c.fittedFor, c.explanation, valueOf(cell.Mean), valueOf(cell.Difference), c.mean, c.difference)
				}
			}
		}
		if !found {
			t.Errorf("no cell fitted for %s, through %s: %v", c.fittedFor, c.explanation, tables[results.CrossTable])
		}
	}
	if n := len(tables[results.CrossTable]); n != 4 {
		t.Errorf("%d cells in the cross table, want 4", n)
	}
	for _, cell := range tables[results.SummaryTable] {
		if cell.FittedFor != cell.Explanation {
			t.Errorf("the summary has a cell through another explanation: %+v", cell)
		}
	}
	differences := map[string]float64{}
	for _, cell := range tables[results.ExplanationsTable] {
		differences[cell.Method] = valueOf(cell.Difference)
		if cell.Explanation != "sg" || cell.Other != "ig" || cell.Mean != nil {
			t.Errorf("%+v", cell)
		}
		if want := map[string]int64{"random": 3, "grad": 2}[cell.Method]; cell.Images != want || cell.LeftOut != 5-want {
			t.Errorf("%s: %d images, %d left out", cell.Method, cell.Images, cell.LeftOut)
		}
	}
	if len(differences) != 2 || differences["random"] != 0 || differences["grad"] != -1 {
		t.Errorf("differences %v, want random 0 and grad ((5 - 8) + (7 - 6)) / 2", differences)
	}
}
