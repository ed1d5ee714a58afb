package stages

import (
	"math"
	"slices"
	"testing"

	"upi/results"
)

// scoredOf is a perturbation fitted on sources, whose score on image i of target number t is level + i + 10 t. Its signs are
// level on the first source's images and level + 1 on the second's, and half of that for its negative.
func scoredOf(kind, method string, level float64, seed int64, sources, targets []string) *scored {
	s := &scored{spec: perturbationSpec{
		ID: method, Method: method, Kind: kind, Sources: sources, Source: sources[0], Explanation: "sg", Norm: "l2", Eps: 510, Seed: seed,
		FitImages: int64(4 * len(sources)),
	}, sign: 1}
	for k, source := range sources {
		if k > 0 {
			s.spec.Source += "+" + source
		}
		for id := range int64(3) {
			s.signs.images = append(s.signs.images, fitImage{k, id})
			s.signs.plus = append(s.signs.plus, level+float64(k))
			s.signs.minus = append(s.signs.minus, (level+float64(k))/2)
		}
	}
	for k, target := range targets {
		c := &columns{values: [][]float64{nil}}
		for i := range 3 {
			c.ids = append(c.ids, int64(i))
			c.values[0] = append(c.values[0], level+float64(i)+10*float64(k))
		}
		s.targets = append(s.targets, scoredTarget{model: target, images: 5, chosen: c})
	}
	return s
}

// TestCells holds what is compared with what, where that is not obvious.
func TestCells(t *testing.T) {
	spec := tablesSpec{Metrics: []string{"normalized_l2"}, Resamples: 50}
	both := []string{"a", "b"}
	all := []*scored{
		scoredOf("random", "random", 1, 0, []string{"a"}, both),
		scoredOf("random", "random", 1, 0, []string{"b"}, both),
		scoredOf("random", "other", 3, 0, []string{"a"}, both),
		scoredOf("sgd_uap", "uap", 2, 0, []string{"a"}, both),
		scoredOf("upi_grad", "grad", 5, 0, []string{"a"}, both),
		scoredOf("upi_grad", "grad", 6, 1, []string{"a"}, both),
		scoredOf("upi_grad", "joint", 7, 0, both, both),
	}
	summary, transfer, err := cells(spec, all)
	if err != nil {
		t.Fatal(err)
	}
	compared, err := against(spec, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what                   string
		cells                  []results.Cell
		method, source, target string
		difference             float64 // NaN for none
	}{
		{"the mean of the seeds, less the first random attack", summary, "grad", "a", "a", 4.5},
		{"on another target", transfer, "grad", "a", "b", 4.5},
		{"random is compared with no other", summary, "other", "a", "a", math.NaN()},
		{"several sources, with the target's own random", summary, "joint", "a+b", "b", 6},
		{"against sgd_uap", compared["against_uap"], "grad", "a", "a", 3.5},
		{"random against sgd_uap", compared["against_uap"], "random", "a", "a", -1},
		{"several sources against that of the target", compared["against_uap"], "joint", "a+b", "a", 5},
	} {
		i := slices.IndexFunc(c.cells, func(cell results.Cell) bool {
			return cell.Method == c.method && cell.Source == c.source && cell.Target == c.target
		})
		if i < 0 {
			t.Errorf("%s: no cell", c.what)
			continue
		}
		got := math.NaN()
		if c.cells[i].Difference != nil {
			got = *c.cells[i].Difference
		}
		if got != c.difference && !(math.IsNaN(got) && math.IsNaN(c.difference)) {
			t.Errorf("%s: difference %v, want %v", c.what, got, c.difference)
		}
	}
	if cells := compared["against_uap"]; len(compared) != 1 || slices.ContainsFunc(cells, func(c results.Cell) bool {
		return c.Method == "uap" || !c.Diagonal || c.Mean != nil || c.Images != 3 || c.LeftOut != 2
	}) {
		t.Errorf("tables %v", compared)
	}
}

// TestSignCells: one row for each perturbation, over the images of all its sources.
func TestSignCells(t *testing.T) {
	alone, none := scoredOf("upi_grad", "grad", 4, 0, []string{"b"}, []string{"a", "b"}), scoredOf("none", "none", 0, 0, []string{"a"}, []string{"a"})
	none.signs = signs{}
	// One seed lacks an image.
	second := scoredOf("upi_grad", "grad", 6, 1, []string{"b"}, []string{"a", "b"})
	second.signs.images, second.signs.plus, second.signs.minus = second.signs.images[1:], second.signs.plus[1:], second.signs.minus[1:]
	joint := scoredOf("upi_grad", "joint", 2, 0, []string{"a", "b"}, []string{"a", "b"})
	got := signCells([]*scored{none, alone, second, joint})
	type row struct {
		method, target, metric  string
		mean                    float64
		images, left, perturbed int64
	}
	var rows []row
	for _, c := range got {
		rows = append(rows, row{c.Method, c.Target, c.Metric, *c.Mean, c.Images, c.LeftOut, c.Perturbations})
		if !c.Diagonal || c.Source != c.Target || c.StdError == nil {
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
