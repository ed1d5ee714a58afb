package main

import (
	"strconv"
	"strings"
	"testing"
)

// TestAgreement: without noise two draws are the same point, and so are their gradients; nearer points have gradients that agree more.
// A surrogate of a large beta has nearly the network's maps, one of a small beta has not.
func TestAgreement(t *testing.T) {
	var out strings.Builder
	err := run([]string{
		"-model", "../../savedmodels/mnist_cnn", "-images", "../../data/mnist/fit-*.parquet", "-count", "8", "-eps", "510",
		"-betas", "0,300,3", "-radii", "0",
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[2], "| none | 0 eps | – |") {
		t.Fatalf("got\n%s", out.String())
	}
	var rows [][]float64
	for _, line := range lines[3:] {
		var row []float64
		for _, cell := range strings.Split(strings.Trim(line, "| "), " | ")[2:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	hard, soft := rows[0], rows[1]
	if !(hard[0] < 0.4 && soft[0] > 0.6) {
		t.Errorf("the surrogates' maps are %v and %v away", hard[0], soft[0])
	}
	if soft[4] != 1 || !(soft[1] > soft[2] && soft[2] > soft[3]) || soft[1] < 0.99 {
		t.Errorf("cosines of beta 3: %v", soft[1:5])
	}
	if !(soft[6] > soft[7] && soft[7] > soft[8]) {
		t.Errorf("gains of own, others' and random steps: %v", soft[6:])
	}
}

func TestAgreementRefuses(t *testing.T) {
	for says, args := range map[string][]string{
		"-eps above 0":               {"-model", "m", "-images", "i"},
		`"x" is no number from 0 up`: {"-model", "../../savedmodels/mnist_cnn", "-images", "../../data/mnist/fit-*.parquet", "-count", "2", "-eps", "510", "-betas", "x"},
	} {
		if err := run(args, new(strings.Builder)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
