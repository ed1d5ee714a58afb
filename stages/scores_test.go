package stages

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data/table"
)

// scored writes an artefact of the stage evaluate: of each image the score is its id, and its negative's a tenth of that.
func scored(t *testing.T, ids ...int64) string {
	t.Helper()
	dir := t.TempDir()
	var rows []scoreRow
	for _, id := range ids {
		rows = append(rows, scoreRow{ID: id, Label: id % 10, Sign: 1, Metrics: []float64{float64(id)}},
			scoreRow{ID: id, Label: id % 10, Sign: -1, Metrics: []float64{float64(id) / 10}})
	}
	if err := writeTable(filepath.Join(dir, scoresFile), table.Options{Columns: []string{"cosine"}}, rows); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestScoresByName: of the metrics of an artefact those that are asked for are read, in the order in which they are.
func TestScoresByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), scoresFile)
	row := scoreRow{ID: 7, Label: 7, Sign: 1, Metrics: []float64{1, 2, 3}}
	if err := writeTable(path, table.Options{Columns: []string{"cosine", "kendall", "ssim"}}, []scoreRow{row}); err != nil {
		t.Fatal(err)
	}
	plus, _, err := newScoreReader([]string{"ssim", "cosine"}).read("a", []string{filepath.Dir(path)})
	if err != nil || !slices.Equal(plus.Values[0], []float64{3}) || !slices.Equal(plus.Values[1], []float64{1}) {
		t.Errorf("got %+v, %v", plus, err)
	}
	if _, _, err := newScoreReader([]string{"top_k"}).read("a", []string{filepath.Dir(path)}); err == nil || !strings.Contains(err.Error(), "top_k") {
		t.Errorf("a metric that is not there: %v", err)
	}
}

// TestScoresShareImages: perturbations that are scored on the same images of a target hold one list of them, and others their own.
func TestScoresShareImages(t *testing.T) {
	r := newScoreReader([]string{"cosine"})
	first, minus, err := r.read("a", []string{scored(t, 3, 14), scored(t, 25)})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.IDs, []int64{3, 14, 25}) || !slices.Equal(first.Labels, []int64{3, 4, 5}) || !slices.Equal(first.Values[0], []float64{3, 14, 25}) ||
		!slices.Equal(minus.Values[0], []float64{0.3, 1.4, 2.5}) {
		t.Errorf("got %+v and %+v", first, minus)
	}
	again, _, err := r.read("a", []string{scored(t, 3, 14, 25)})
	if err != nil {
		t.Fatal(err)
	}
	fewer, _, err := r.read("a", []string{scored(t, 3, 14)})
	if err != nil {
		t.Fatal(err)
	}
	if &minus.IDs[0] != &first.IDs[0] || &again.IDs[0] != &first.IDs[0] || &again.Labels[0] != &first.Labels[0] || &again.Values[0][0] == &first.Values[0][0] {
		t.Error("the same images are held twice")
	}
	if !slices.Equal(fewer.IDs, []int64{3, 14}) || !slices.Equal(fewer.Labels, []int64{3, 4}) {
		t.Errorf("got %+v", fewer)
	}
}
