package test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"upi/data"
	"upi/results"
)

// TestIteratesAreComparedAsTheyAreScored: with one of two images held back, the value by which an ascent chose its result is the score of the
// result on that image, whatever the surrogate was.
func TestIteratesAreComparedAsTheyAreScored(t *testing.T) {
	r := newRun(t, "ascent.yaml").done(t)
	scored := map[string][]float64{}
	for _, s := range r.scores(t) {
		scored[s.Perturbation] = append(scored[s.Perturbation], s.Metrics[0])
	}
	steps := map[string]int32{"constant": 4, "course": 4, "again": 6, "relative": 4}
	for _, p := range r.perturbations(t) {
		best := float64(slices.Max(p.TraceValue))
		if !slices.ContainsFunc(scored[p.ID], func(score float64) bool { return math.Abs(score-best) < 1e-4 }) {
			t.Errorf("%s was chosen for %v, and is scored as %v", p.ID, p.TraceValue, scored[p.ID])
		}
		if last := p.TraceStep[len(p.TraceStep)-1]; last != steps[p.Method] {
			t.Errorf("%s: the last comparison is after step %d", p.ID, last)
		}
	}
}

// TestRowsOfAnAscent: a step from 0 goes along the sum of the gradients of two images (the third is held back) as rows says. Ascents on one
// image alone give the direction of each gradient, and the maps that a run keeps the norm of each clean map.
func TestRowsOfAnAscent(t *testing.T) {
	images, d := firstImages(t, 3)
	dir := t.TempDir()
	write := func(name string, images []data.Image) string {
		path := filepath.Join(dir, name+".parquet")
		w, err := data.Create(path, data.Schema{Shape: d.Shape(), ClassNames: d.ClassNames()})
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range images {
			err = errors.Join(err, w.Write(image))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	models := ""
	for i, part := range [][]data.Image{images, images[:1], images[1:2], images[2:]} {
		path := write(fmt.Sprint(i), part)
		models += fmt.Sprintf("{name: m%d, path: savedmodels/mnist_cnn, data: {fit: {path: %s}, test: {path: %s}}}, ", i, path, path)
	}
	attacks := ""
	for _, rows := range []string{"raw", "unit", "relative"} {
		attacks += fmt.Sprintf("{name: %s, kind: upi_grad, eps: [510], steps: 1, step_size: 1, rows: %s}, ", rows, rows)
	}
	r := newRun(t, "ascent.yaml", "--set", "models=["+models+"]", "--set", "attacks=["+attacks+"]", "--set", "evaluation.maps=true").done(t)

	deltas := map[string][]float32{}
	for _, p := range r.perturbations(t) {
		deltas[p.Method+" "+p.Model] = p.Delta
	}
	var norms []float64
	for _, m := range read[results.MapsOf[int64]](t, filepath.Join(r.dir(), results.MapsDir, "m0.sg.raw.l2-510.s0.m0.parquet")) {
		sum := 0.0
		for _, v := range m.Clean {
			sum += math.Pow(float64(v)*m.CleanScale, 2)
		}
		norms = append(norms, math.Sqrt(sum))
	}
	if len(norms) != 3 {
		t.Fatalf("%d clean maps", len(norms))
	}
	// The pair of images is that in whose plane the step of raw rows lies.
	var pair [2]int
	least := math.Inf(1)
	for _, p := range [][2]int{{1, 2}, {1, 3}, {2, 3}} {
		a, b := deltas[fmt.Sprintf("raw m%d", p[0])], deltas[fmt.Sprintf("raw m%d", p[1])]
		if _, _, outside := within(deltas["raw m0"], a, b); outside < least {
			least, pair = outside, p
		}
	}
	a, b := deltas[fmt.Sprintf("raw m%d", pair[0])], deltas[fmt.Sprintf("raw m%d", pair[1])]
	ratio := map[string]float64{}
	for _, rows := range []string{"raw", "unit", "relative"} {
		x, y, outside := within(deltas[rows+" m0"], a, b)
		if outside > 1e-3 || x <= 0 || y <= 0 {
			t.Errorf("%s: the step is %.4f and %.4f of the gradients of images %v, and %.1g of something else", rows, x, y, pair, outside)
		}
		ratio[rows] = x / y
	}
	// What raw rows weigh is the gradients' norms; unit rows divide by these, relative ones by the clean maps' norms.
	if math.Abs(ratio["unit"]-1) > 1e-3 {
		t.Errorf("unit rows weigh as %.4f", ratio["unit"])
	}
	if want := ratio["raw"] * norms[pair[1]-1] / norms[pair[0]-1]; math.Abs(ratio["relative"]/want-1) > 1e-2 {
		t.Errorf("relative rows weigh as %.4f, want %.4f", ratio["relative"], want)
	}
	if math.Abs(ratio["raw"]-1) < 0.02 || math.Abs(ratio["relative"]/ratio["raw"]-1) < 0.02 {
		t.Errorf("the images are too much alike for the test to test: %v", ratio)
	}
}

// within returns the coefficients of v in the plane of a and b, and how much of it lies outside, relative to its norm.
func within(v, a, b []float32) (x, y, outside float64) {
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	aa, ab, bb, va, vb := dot(a, a), dot(a, b), dot(b, b), dot(v, a), dot(v, b)
	determinant := aa*bb - ab*ab
	x, y = (va*bb-vb*ab)/determinant, (vb*aa-va*ab)/determinant
	for i := range v {
		outside += math.Pow(float64(v[i])-x*float64(a[i])-y*float64(b[i]), 2)
	}
	return x, y, math.Sqrt(outside / dot(v, v))
}

// firstImages are the first fit images of MNIST.
func firstImages(t *testing.T, n int64) ([]data.Image, *data.Dataset) {
	t.Helper()
	d, err := data.Open(filepath.Join(root, "data", "mnist", "fit-*.parquet"), n)
	if err != nil {
		t.Fatal(err)
	}
	return chunks(t, d, int(n))[0], d
}
