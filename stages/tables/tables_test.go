package tables

import (
	"math"
	"slices"
	"testing"

	"upi/results"
)

var settings = Settings{Metrics: []string{"normalized_l2"}, Resamples: 50}

// scoredOf is a perturbation fitted on sources, whose score on image i of target number t is level + i + 10 t. Its signs are
// level on the first source's images and level + 1 on the second's, and half of that for its negative.
func scoredOf(role results.Role, method string, level float64, seed int64, sources, targets []string) *Scored {
	s := planned(role, method, seed, sources, targets)
	for k := range sources {
		for id := range int64(3) {
			s.FitRows = append(s.FitRows, SignRow{int64(k), id, level + float64(k), (level + float64(k)) / 2})
		}
	}
	record := Decide(s.FitRows, s.SignImages-int64(len(s.FitRows)))
	s.Fit = &record
	for k := range targets {
		scores := Scores{Values: [][]float64{nil}}
		for i := range 3 {
			scores.IDs, scores.Labels = append(scores.IDs, int64(i)), append(scores.Labels, 0)
			scores.Values[0] = append(scores.Values[0], level+float64(i)+10*float64(k))
		}
		s.Scores[k] = scores
	}
	return s
}

// planned is a perturbation of which every task has failed.
func planned(role results.Role, method string, seed int64, sources, targets []string) *Scored {
	s := &Scored{Sign: 1, Scores: make([]Scores, len(targets)), Perturbation: Perturbation{
		ID: method, Method: method, Kind: method, Role: role, Sources: sources, Source: sources[0], Explanation: "sg", Norm: "l2", Eps: 510,
		Seed: seed, Rule: SignFit, SignImages: int64(4 * len(sources)),
	}}
	for _, source := range sources[1:] {
		s.Source += "+" + source
	}
	for _, target := range targets {
		s.Targets = append(s.Targets, Target{Model: target, Images: 5})
	}
	return s
}

func find(t *testing.T, cells []results.Cell, method, source, target, metric string) results.Cell {
	t.Helper()
	i := slices.IndexFunc(cells, func(c results.Cell) bool {
		return c.Method == method && c.Source == source && c.Target == target && c.Metric == metric
	})
	if i < 0 {
		t.Fatalf("no cell %s %s %s %s", method, source, target, metric)
	}
	return cells[i]
}

// valueOf is NaN for nil.
func valueOf(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// TestCompared holds what is compared with what, where that is not obvious.
func TestCompared(t *testing.T) {
	both := []string{"a", "b"}
	tables, err := Cells(settings, []*Scored{
		scoredOf(results.RoleRandom, "random", 1, 0, []string{"a"}, both),
		scoredOf(results.RoleRandom, "random", 1, 0, []string{"b"}, both),
		scoredOf(results.RoleRandom, "other", 3, 0, []string{"a"}, both),
		scoredOf(results.RoleBaseline, "uap", 2, 0, []string{"a"}, both),
		scoredOf(results.RoleUpper, "single", 9, 0, []string{"b"}, []string{"b"}),
		scoredOf(results.RoleMethod, "grad", 5, 0, []string{"a"}, both),
		scoredOf(results.RoleMethod, "grad", 6, 1, []string{"a"}, both),
		scoredOf(results.RoleMethod, "joint", 7, 0, both, both),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what                          string
		table, method, source, target string
		difference                    float64 // NaN for none
	}{
		{"the mean of the seeds, less the first random attack", "summary", "grad", "a", "a", 4.5},
		{"on another target", "transfer", "grad", "a", "b", 4.5},
		{"random is compared with no other", "summary", "other", "a", "a", math.NaN()},
		{"several sources, with the target's own random", "summary", "joint", "a+b", "b", 7 + 10 - 1 - 10},
		{"against a baseline", "against_uap", "grad", "a", "a", 3.5},
		{"random against a baseline", "against_uap", "random", "a", "a", -1},
		{"several sources against that of the target", "against_uap", "joint", "a+b", "a", 5},
		{"against the upper reference", "against_single", "joint", "a+b", "b", 7 + 10 - 9},
	} {
		cell := find(t, tables[c.table], c.method, c.source, c.target, "normalized_l2")
		if got := valueOf(cell.Difference); !same(got, c.difference) {
			t.Errorf("%s: difference %v, want %v", c.what, got, c.difference)
		}
	}
	for _, name := range []string{"against_uap", "against_single"} {
		if cells := tables[name]; slices.ContainsFunc(cells, func(c results.Cell) bool {
			return results.AgainstTable+c.Method == name || !c.Diagonal || c.Mean != nil || c.Images != 3 || c.LeftOut != 2
		}) {
			t.Errorf("%s: %v", name, cells)
		}
	}
	if len(tables) != 5 {
		t.Errorf("%d tables, want summary, transfer, sign and two against", len(tables))
	}
}

// TestTransferTable: there is none where every perturbation is scored on its own sources alone.
func TestTransferTable(t *testing.T) {
	tables, err := Cells(settings, []*Scored{scoredOf(results.RoleRandom, "random", 1, 0, []string{"a"}, []string{"a"})})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := tables[results.TransferTable]; there || len(tables[results.SummaryTable]) != 1 {
		t.Errorf("tables %v", tables)
	}
}

// TestMeans: an image's value is averaged over the perturbations first. Numbers are numpy 2's: of the images' means
// [2.5, 1, 4] mean and std(ddof=1)/sqrt(3), of the perturbations' means [2.5, 1.75] std(ddof=1).
func TestMeans(t *testing.T) {
	nan := math.NaN()
	first, second := planned(results.RoleMethod, "grad", 0, []string{"a"}, []string{"a"}), planned(results.RoleMethod, "grad", 1, []string{"a"}, []string{"a"})
	first.Scores[0] = Scores{IDs: []int64{1, 2, 7, 8}, Values: [][]float64{{2, 1.5, 4, nan}}}
	second.Scores[0] = Scores{IDs: []int64{2, 1}, Values: [][]float64{{0.5, 3}}}
	tables, err := Cells(settings, []*Scored{first, second})
	if err != nil {
		t.Fatal(err)
	}
	c := find(t, tables[results.SummaryTable], "grad", "a", "a", "normalized_l2")
	if c.Images != 3 || c.LeftOut != 2 || c.Perturbations != 2 || c.Role != results.RoleMethod || !c.Diagonal {
		t.Errorf("%+v", c)
	}
	for _, x := range []struct {
		name      string
		got, want float64
	}{{"mean", valueOf(c.Mean), 2.5}, {"standard error", valueOf(c.StdError), 0.8660254037844387}, {"deviation over seeds", valueOf(c.SeedStdDev), 0.5303300858899106}} {
		if math.Abs(x.got-x.want) > 1e-12 {
			t.Errorf("%s %v, want %v", x.name, x.got, x.want)
		}
	}
}

// TestFailedIsThere: what failed is a cell of no images in every table, and a perturbation of several seeds is what its other seeds are.
func TestFailedIsThere(t *testing.T) {
	a := []string{"a"}
	none := planned(results.RoleNothing, "none", 0, a, a)
	none.Rule = SignPlus
	tables, err := Cells(settings, []*Scored{
		none,
		scoredOf(results.RoleRandom, "random", 1, 0, a, a),
		planned(results.RoleBaseline, "uap", 0, a, a),
		planned(results.RoleMethod, "pca", 0, a, a),
		scoredOf(results.RoleMethod, "grad", 5, 0, a, a),
		planned(results.RoleMethod, "grad", 1, a, a),
	})
	if err != nil {
		t.Fatal(err)
	}
	for table, methods := range map[string][]string{
		"summary": {"none", "uap", "pca"}, "against_uap": {"none", "random", "pca", "grad"}, "sign": {"uap", "pca"},
	} {
		for _, method := range methods {
			metrics, leftOut := []string{"normalized_l2"}, int64(5)
			if table == "sign" {
				metrics, leftOut = []string{"fit_plus", "fit_minus", "fit_difference"}, 4
			}
			for _, metric := range metrics {
				c := find(t, tables[table], method, "a", "a", metric)
				for _, x := range []*float64{c.Mean, c.StdError, c.SeedStdDev, c.Difference, c.Low, c.High} {
					if x != nil {
						t.Errorf("%s: %s has a number: %+v", table, method, c)
					}
				}
				if c.Images != 0 || c.LeftOut != leftOut {
					t.Errorf("%s: %s: %d images, %d left out", table, method, c.Images, c.LeftOut)
				}
			}
		}
	}
	for table, metric := range map[string]string{"summary": "normalized_l2", "sign": "fit_plus"} {
		if c := find(t, tables[table], "grad", "a", "a", metric); c.Perturbations != 1 || c.Images != 3 || c.Mean == nil {
			t.Errorf("%s: one seed of grad is there: %+v", table, c)
		}
	}
	if slices.ContainsFunc(tables["sign"], func(c results.Cell) bool { return c.Method == "none" }) {
		t.Error("a perturbation whose sign is not chosen is in the table of signs")
	}
}
