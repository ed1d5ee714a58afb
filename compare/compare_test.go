package compare_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/compare"
	"upi/data/table"
	"upi/pipeline/config"
	"upi/results"
)

// A fixture is a run's directory in the making.
type fixture struct {
	t   *testing.T
	dir string
}

func newFixture(t *testing.T) fixture {
	f := fixture{t, t.TempDir()}
	for _, dir := range []string{results.ScoresDir, results.TablesDir} {
		if err := os.Mkdir(filepath.Join(f.dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func write[T any](t *testing.T, path string, o table.Options, rows []T) {
	t.Helper()
	w, err := table.Create[T](path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func cell(method string, mean, stdError *float64, images int64) results.Cell {
	return results.Cell{Method: method, Source: "net", Target: "net", Explanation: "sg", Norm: "l2", Eps: 510, Metric: "cosine",
		Images: images, Mean: mean, StdError: stdError}
}

func (f fixture) tables(cells ...results.Cell) fixture {
	write(f.t, filepath.Join(f.dir, results.TablesDir, "summary.parquet"), table.Options{}, cells)
	return f
}

// scores writes the cosines of method "moved": of each image a value for each draw.
func scores[ID int64 | string](f fixture, values map[ID][]float64) fixture {
	var rows []results.ScoreOf[ID]
	for id, draws := range values {
		for draw, value := range draws {
			rows = append(rows, results.ScoreOf[ID]{Method: "moved", Source: "net", Model: "net", Explanation: "sg", Norm: "l2", Eps: 510,
				ImageID: id, Draw: int64(draw), Metrics: []float64{7, value}})
		}
	}
	write(f.t, filepath.Join(f.dir, results.ScoresDir, "net.sg.parquet"), table.Options{Columns: []string{"ssim", "cosine"}}, rows)
	return f
}

func number(x float64) *float64 { return &x }

// TestRunsArePaired: the difference is that of the images that both runs have scored, averaged over draws first; its interval knows
// that images differ more from one another than from themselves.
func TestRunsArePaired(t *testing.T) {
	before, after := map[int64][]float64{}, map[int64][]float64{}
	for i := range int64(40) {
		x := float64(i) / 40
		before[i] = []float64{x - 0.01, x + 0.01, math.NaN()} // mean x: NaN is no value
		after[i+1] = []float64{x + 1./40 + 0.1 + 0.01*float64(i%2)}
	}
	a := scores(newFixture(t).tables(cell("moved", number(0.4875), number(0.046), 40), cell("gone", number(1), nil, 1)), before)
	b := scores(newFixture(t).tables(cell("moved", number(0.6175), number(0.046), 40), cell("new", nil, nil, 0)), after)
	cells, err := compare.Runs(a.dir, b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 3 || cells[0].Method != "moved" || cells[1].Before != nil || cells[2].After != nil {
		t.Fatalf("got %+v", cells)
	}
	// Images 1 to 39 are in both; the differences are 0.1 (20 times) and 0.11 (19 times).
	c := cells[0]
	if want := (20*0.1 + 19*0.11) / 39; c.Images != 39 || math.Abs(*c.Difference-want) > 1e-9 {
		t.Errorf("difference %v of %d images, want %v of 39", *c.Difference, c.Images, want)
	}
	// Their standard deviation is 0.005, so 1.96 standard errors are 0.0016: numpy.percentile of 100000 resampled means gives
	// 0.1033 and 0.1064.
	if math.Abs(*c.Low-0.1033) > 3e-4 || math.Abs(*c.High-0.1064) > 3e-4 {
		t.Errorf("interval %v to %v, want 0.1033 to 0.1064", *c.Low, *c.High)
	}
}

// TestRunsOfTextIDs: images whose ids are texts are paired by them.
func TestRunsOfTextIDs(t *testing.T) {
	a := scores(newFixture(t).tables(cell("moved", number(0.5), nil, 2)), map[string][]float64{"a.png": {0.25}, "b.png": {0.75}})
	b := scores(newFixture(t).tables(cell("moved", number(0.5), nil, 1)), map[string][]float64{"b.png": {0.5}})
	cells, err := compare.Runs(a.dir, b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if c := cells[0]; c.Images != 1 || *c.Difference != -0.25 || c.Low != nil || !c.Differs() {
		t.Errorf("got %+v", c)
	}
}

func TestConditions(t *testing.T) {
	row := compare.Row{Method: "upi_grad", Source: "net", Target: "net", Explanation: "sg", Norm: "linf", Eps: 8}
	cells := []compare.Cell{
		{Row: row, Metric: "cosine", Difference: number(-0.05), Low: number(-0.08), High: number(-0.02)},
		{Row: compare.Row{Method: "lost"}, Metric: "ssim"},
	}
	for text, want := range map[string]int{
		"cosine < -0.02": 1, "cosine < -0.05": 0, "cosine.high<-0.01": 1, "cosine.high < -0.03": 0, "cosine.low < -0.07": 1, "cosine > -0.1": 1,
		"upi_grad cosine < 0": 1, "method=upi_grad target=net source=net explanation=sg norm=linf eps=8/255 cosine < 0": 1,
		"ssim < -1": 1, // nobody can say
	} {
		c, err := compare.ParseCondition(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if met, err := c.Met(cells); err != nil || len(met) != want {
			t.Errorf("%s: %d cells, %v, want %d", text, len(met), err, want)
		}
	}
	for text, want := range map[string]string{"cosine": "want [METHOD] METRIC", "cosines < 1": "unknown", "cosine < much": "not a number",
		"cosine < nan": "want a finite number", "cosine > inf": "want a finite number",
		"cosine.mean < 1": "want .low or .high", "colour=red cosine < 1": "want method, source", "a b cosine < 1": "two words say the method"} {
		if _, err := compare.ParseCondition(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	c, err := compare.ParseCondition("nobody cosine < 0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Met(cells); err == nil {
		t.Error("a condition about no cell is met by none without a word")
	}
}

func TestExpect(t *testing.T) {
	with := cell("grad", number(0.5), number(0.1), 10)
	with.Difference, with.Low, with.High = number(0.3), number(0.1), number(0.4)
	run := newFixture(t).tables(with, cell("lost", nil, nil, 0))
	for _, x := range []struct {
		config.Expectation
		holds bool
		found string
	}{
		{config.Expectation{Method: "grad", Value: "mean", Above: number(0.4)}, true, ""},
		{config.Expectation{Method: "grad", Value: "mean", Above: number(0.5)}, false, "net sg grad l2 510 has 0.5"},
		{config.Expectation{Method: "grad", Value: "low", Above: number(0.305)}, false, "has 0.304"}, // 0.5 - 1.96 * 0.1
		{config.Expectation{Method: "grad", Value: "high", Below: number(0.7), Above: number(0.6)}, true, ""},
		{config.Expectation{Method: "grad", Value: "difference", Above: number(0.29), Target: "net", Norm: "l2", Eps: 510}, true, ""},
		{config.Expectation{Method: "grad", Value: "difference_low", Above: number(0.2)}, false, "has 0.1"},
		{config.Expectation{Method: "grad", Value: "difference_high", Below: number(0.3)}, false, "has 0.4"},
		{config.Expectation{Value: "mean", Above: number(0)}, false, "net sg lost l2 510 has none"},
		{config.Expectation{Method: "grad", Eps: 5, Value: "mean", Above: number(0)}, false, "no such cell"},
	} {
		x.Metric = "cosine"
		got, err := compare.Expect(run.dir, []config.Expectation{x.Expectation})
		if err != nil {
			t.Fatal(err)
		}
		if g := got[0]; g.Holds != x.holds || !strings.Contains(strings.Join(g.Found, "; "), x.found) {
			t.Errorf("%s: %+v", g.Condition, g)
		}
	}
}
