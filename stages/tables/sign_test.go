package tables

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"upi/results"
)

func rowsOf(plus, minus []float64) []SignRow {
	var rows []SignRow
	for i := range plus {
		rows = append(rows, SignRow{ID: int64(i), Plus: plus[i], Minus: minus[i]})
	}
	return rows
}

// TestDecide: means and the standard error of the paired differences are numpy 2's, the latter std(ddof=1)/sqrt(n).
func TestDecide(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		what                           string
		rows                           []SignRow
		sign                           int
		plus, minus, difference, error float64
	}{
		{"minus", rowsOf([]float64{0.5, 0.75, 0.25, 1}, []float64{0.25, 1, 0.5, 1.75}), -1, 0.625, 0.875, -0.25, 0.2041241452319315},
		{"plus", rowsOf([]float64{1, 2}, []float64{0.5, 1}), 1, 1.5, 0.75, 0.75, 0.25},
		{"both as well", rowsOf([]float64{1, 2}, []float64{2, 1}), 1, 1.5, 1.5, 0, 1},
		{"one image", rowsOf([]float64{1}, []float64{2}), -1, 1, 2, -1, nan},
		{"no image", nil, 1, nan, nan, nan, nan},
	} {
		s := Decide(c.rows, 3)
		got := []float64{valueOf(s.Plus), valueOf(s.Minus), valueOf(s.Difference), valueOf(s.StdError)}
		if s.Sign != c.sign || s.Images != int64(len(c.rows)) || s.LeftOut != 3 ||
			!slices.EqualFunc(got, []float64{c.plus, c.minus, c.difference, c.error}, func(a, b float64) bool {
				return same(a, b) || math.Abs(a-b) < 1e-15
			}) {
			t.Errorf("%s: %+v %v", c.what, s, got)
		}
	}
}

// TestSignRecord: a record without images can be written and read again, and says so.
func TestSignRecord(t *testing.T) {
	for want, s := range map[string]Sign{
		`{"sign":1,"plus":null,"minus":null,"difference":null,"std_error":null,"images":0,"left_out":4}`: Decide(nil, 4),
		`{"sign":-1,"plus":1,"minus":2,"difference":-1,"std_error":null,"images":1,"left_out":0}`:        Decide(rowsOf([]float64{1}, []float64{2}), 0),
	} {
		text, err := json.Marshal(s)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		var back Sign
		if err := json.Unmarshal(text, &back); err != nil || back.Sign != s.Sign || back.Images != s.Images || (back.Plus == nil) != (s.Plus == nil) {
			t.Errorf("%+v, %v, was %+v", back, err, s)
		}
	}
}

func TestChooseSign(t *testing.T) {
	scores := func(values ...float64) Scores {
		s := Scores{Values: [][]float64{make([]float64, len(values)), values}}
		for i := range values {
			s.IDs = append(s.IDs, int64(i))
		}
		return s
	}
	plus, minus := []Scores{scores(1, math.NaN(), 2), scores(1)}, []Scores{scores(1, 3, 1), scores(9)}
	for _, c := range []struct {
		what    string
		rule    SignRule
		record  *Sign
		sources []string
		want    int
	}{
		{"the record", SignFit, &Sign{Sign: -1}, []string{"a"}, -1},
		{"no record, since its task has failed", SignFit, nil, []string{"a"}, 0},
		{"nothing to choose", SignPlus, &Sign{Sign: -1}, []string{"a"}, 1},
		{"the test split, whatever the record, by the images that both have", SignTest, &Sign{Sign: -1}, []string{"a"}, 1},
		{"the test split of all sources", SignTest, nil, []string{"a", "b"}, -1},
		{"the test split of a source alone", SignTest, nil, []string{"c"}, 1},
	} {
		p := Perturbation{Rule: c.rule, Sources: c.sources, Targets: []Target{{Model: "a", Images: 3}, {Model: "b", Images: 1}}}
		if got := p.ChooseSign(c.record, plus, minus, 1); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	failed := Perturbation{Rule: SignTest, Sources: []string{"a"}, Targets: []Target{{Model: "a", Images: 3}}}
	if got := failed.ChooseSign(nil, make([]Scores, 1), make([]Scores, 1), 1); got != 1 {
		t.Errorf("without scores: %d, want 1", got)
	}
}

// TestSignCells: one row for each perturbation, over the images of all its sources.
func TestSignCells(t *testing.T) {
	alone, none := scoredOf(results.RoleMethod, "grad", 4, 0, []string{"b"}, []string{"a", "b"}), planned(results.RoleNothing, "none", 0, []string{"a"}, []string{"a"})
	none.Rule = SignPlus
	// One seed lacks an image.
	second := scoredOf(results.RoleMethod, "grad", 6, 1, []string{"b"}, []string{"a", "b"})
	second.FitRows = second.FitRows[1:]
	joint := scoredOf(results.RoleMethod, "joint", 2, 0, []string{"a", "b"}, []string{"a", "b"})
	type row struct {
		method, target, metric  string
		mean                    float64
		images, left, perturbed int64
	}
	var rows []row
	for _, c := range signCells(groupsOf([]*Scored{none, alone, second, joint})) {
		rows = append(rows, row{c.Method, c.Target, c.Metric, valueOf(c.Mean), c.Images, c.LeftOut, c.Perturbations})
		if !c.Diagonal || c.Source != c.Target || c.StdError == nil || c.Role != results.RoleMethod {
			t.Errorf("%+v", c)
		}
	}
	// Image 0 has 4 of the first seed, the others (4 + 6) / 2; three images have 2 and three 3.
	want := []row{
		{"grad", "b", "fit_plus", 14. / 3, 3, 1, 2}, {"grad", "b", "fit_minus", 7. / 3, 3, 1, 2}, {"grad", "b", "fit_difference", 7. / 3, 3, 1, 2},
		{"joint", "a+b", "fit_plus", 2.5, 6, 2, 1}, {"joint", "a+b", "fit_minus", 1.25, 6, 2, 1}, {"joint", "a+b", "fit_difference", 1.25, 6, 2, 1},
	}
	if !slices.EqualFunc(rows, want, func(a, b row) bool {
		near := math.Abs(a.mean-b.mean) < 1e-12
		a.mean, b.mean = 0, 0
		return near && a == b
	}) {
		t.Errorf("got %v, want %v", rows, want)
	}
}

// TestSignsOnDifferentImages: the seeds of a perturbation may have drawn different images.
func TestSignsOnDifferentImages(t *testing.T) {
	var all []*Scored
	for seed, ids := range [][]int64{{1, 2, 3}, {3, 4}} {
		s := planned(results.RoleMethod, "grad", int64(seed), []string{"a"}, []string{"a"})
		for _, id := range ids {
			s.FitRows = append(s.FitRows, SignRow{ID: id, Plus: float64(id), Minus: 1})
		}
		all = append(all, s)
	}
	// Each was to look at 3 of 9 images: the second left one out.
	all[0].SignImages, all[1].SignImages = 3, 3
	c := find(t, signCells(groupsOf(all)), "grad", "a", "a", "fit_plus")
	if c.Images != 4 || c.LeftOut != 1 || c.Perturbations != 2 || *c.Mean != 2.5 {
		t.Errorf("%+v, mean %v", c, *c.Mean)
	}
}

func TestWarnings(t *testing.T) {
	signed := func(id string, rule SignRule, images int64) *Scored {
		return &Scored{Perturbation: Perturbation{ID: id, Rule: rule}, Fit: &Sign{Sign: 1, Images: images}}
	}
	enough := []*Scored{signed("enough", SignFit, 30), signed("by the test split", SignTest, 5), {Perturbation: Perturbation{ID: "failed", Rule: SignFit}},
		{Perturbation: Perturbation{ID: "none", Rule: SignPlus}}}
	if got := Warnings(settings, enough); len(got) != 0 {
		t.Errorf("warnings %q", got)
	}
	got := Warnings(settings, append(enough, signed("few", SignFit, 29), signed("nobody", SignFit, 0)))[results.SignTable]
	if len(got) != 1 || !strings.Contains(got[0], "fewer than 30 fit images: few (29), nobody (0);") {
		t.Errorf("warnings %q", got)
	}
	var many []*Scored
	for i := range 25 {
		many = append(many, signed(fmt.Sprint("p", i), SignFit, 7))
	}
	if got := Warnings(settings, many)[results.SummaryTable]; len(got) != 1 || !strings.Contains(got[0], "p19 (7) and 5 more") || strings.Contains(got[0], "p20") {
		t.Errorf("warnings %q", got)
	}
}

// TestWarningsOfMeans: a metric that is defined on few images, or on under half of those that count, is named where it stands.
func TestWarningsOfMeans(t *testing.T) {
	both := Settings{Metrics: []string{"normalized_l2", "prediction_changed"}}
	with := func(defined, images int) *Scored {
		s := planned(results.RoleMethod, "grad", 0, []string{"a"}, []string{"a", "b"})
		for k := range s.Targets {
			scores := Scores{Values: make([][]float64, 2)}
			for i := range images {
				value := 0.5
				if k == 0 && i >= defined {
					value = math.NaN()
				}
				scores.IDs, scores.Labels = append(scores.IDs, int64(i)), append(scores.Labels, 0)
				scores.Values[0], scores.Values[1] = append(scores.Values[0], value), append(scores.Values[1], 0)
			}
			s.Scores[k] = scores
		}
		return s
	}
	for _, c := range []struct {
		defined, images int
		says            string
	}{
		{100, 100, ""}, {50, 100, ""}, {30, 60, ""}, {0, 0, ""},
		{49, 100, "normalized_l2 of grad, l2 510, fitted on a, on a by sg rests on 49 of the 100 images that count"},
		{29, 40, "rests on 29 of the 40"},
		{0, 60, "rests on 0 of the 60"},
		{12, 20, "only 20 images count on a by sg; every number there rests on as few"},
	} {
		got := Warnings(both, []*Scored{with(c.defined, c.images)})
		of := got[results.SummaryTable]
		if c.says == "" {
			if len(got) != 0 {
				t.Errorf("%d of %d: %q", c.defined, c.images, got)
			}
			continue
		}
		other := 1 // the transfer table has the other target's too, of which all 20 count
		if c.images < few {
			other = 2
		}
		if len(of) != 1 || !strings.Contains(of[0], c.says) || len(got[results.TransferTable]) != other {
			t.Errorf("%d of %d: %q", c.defined, c.images, got)
		}
	}
}

// TestWarningsOfFailedTasks: where some of what a number should rest on was lost, it says so; where all was, it is NULL.
func TestWarningsOfFailedTasks(t *testing.T) {
	whole := scoredOf(results.RoleBaseline, "uap", 2, 0, []string{"a"}, []string{"a", "b"})
	part := scoredOf(results.RoleMethod, "grad", 5, 0, []string{"a"}, []string{"a", "b"})
	lost := planned(results.RoleMethod, "grad", 1, []string{"a"}, []string{"a", "b"})
	whole.Lost, part.Lost, lost.Lost = []int{0, 0}, []int{1, 0}, []int{4, 4}
	none := Settings{} // of no metrics, so that nothing else is worth a warning
	got := Warnings(none, []*Scored{whole, part, lost})
	const of = "Warning: grad, l2 510, fitted on a, on a by sg rests on a part of what was asked for: 5 tasks that score it have failed, of 2 of its 2 perturbations."
	for name, want := range map[string]int{results.SummaryTable: 2, results.TransferTable: 3, results.AgainstTable + "uap": 1} {
		if len(got[name]) != want || !slices.Contains(got[name], of) {
			t.Errorf("%s: %q, want %d with %q", name, got[name], want, of)
		}
	}
	if got := Warnings(none, []*Scored{whole, lost}); len(got[results.SummaryTable]) != 1 || len(got[results.AgainstTable+"uap"]) != 0 {
		t.Errorf("all is lost: %q", got)
	}
}
