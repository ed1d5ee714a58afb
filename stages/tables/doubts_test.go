package tables

import (
	"slices"
	"strings"
	"testing"

	"upi/results"
)

// cleanRow has so many images, labels spread evenly over the classes, of which the first right are answered right.
func cleanRow(right, images, classes int) results.Model {
	all := make([]CleanImage, images)
	for i := range all {
		all[i] = CleanImage{Label: int64(i % classes), Prediction: int64(i % classes), Probability: 0.9, Norm: 1}
		if i >= right {
			all[i].Prediction = int64((i + 1) % classes)
		}
	}
	c := Clean{Model: "m", Split: results.TestSplit, Explanation: "sg", Classes: int64(classes), Images: int64(images)}
	return c.Row(slices.Values(all))
}

func TestIsNearChance(t *testing.T) {
	for _, c := range []struct {
		what                   string
		right, images, classes int
		want                   bool
	}{
		{"as chance", 30, 300, 10, true},
		{"above by 2 standard errors", 45, 300, 10, true}, // 15 % +- 2.1
		{"three times chance", 90, 300, 10, false},        // 30 % +- 2.6
		{"far above by its error, under twice chance", 1800, 10000, 10, true},
		{"two classes, 51 %", 153, 300, 2, true},
		{"two classes, 65 %", 195, 300, 2, false}, // +- 2.8
		{"a hundred classes, 5 %", 500, 10000, 100, false},
		{"a hundred classes, 1.9 %", 190, 10000, 100, true},
		{"none right", 0, 300, 10, true},
		{"all right", 20, 20, 10, false},
		{"too few to tell", 1, 9, 10, false},
		{"no image", 0, 0, 10, false},
		{"one label, nearly all right", 9, 10, 1, false},
	} {
		row := cleanRow(c.right, c.images, c.classes)
		if c.classes == 1 {
			row.Classes, row.Uniform, row.Images = 1000, 0.001, 10
		}
		if got := IsNearChance(row); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
	// A constant answer on images of which nine in ten have its label.
	share := 0.9
	if !IsNearChance(results.Model{Images: 300, Right: 270, Commonest: &share, Uniform: 0.5}) {
		t.Error("a constant answer is not near chance")
	}
}

func TestDoubts(t *testing.T) {
	if got := Doubts([]results.Model{cleanRow(290, 300, 10)}); got != nil {
		t.Errorf("a good model: %q", got)
	}
	bad := cleanRow(30, 300, 10)
	bad.Saturated, bad.NoMap, bad.NotFinite = 151, 140, 11
	other := bad
	other.Explanation, other.Saturated, other.NoMap = "ig", 150, 139
	want := []string{
		"Warning: m is near chance: it answers 30 of the 300 images of the test split right, 10.0 %, where the same answer to all is right on 10.0 %.",
		"0 or 1 in float32 on 151 of the 300 images of the test split",
		"Warning: 151 of the 300 images of the test split have no map by sg on m (140 explanations are zero, 11 infinite or not a number).",
	}
	got := Doubts([]results.Model{bad, other})
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i, d := range got {
		if !strings.Contains(d.Text, want[i]) || d.Model != "m" || d.Code != []string{NearChance, Saturated, WithoutMap}[i] {
			t.Errorf("%+v, want %q", d, want[i])
		}
	}
}
