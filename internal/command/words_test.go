package command

import (
	"maps"
	"slices"
	"testing"

	"upi/attack"
	"upi/report"
	"upi/savedmodels/saliency"
)

// TestReportsHaveWords: reports say of every kind of attack, objective and explanation what it is.
func TestReportsHaveWords(t *testing.T) {
	if got, want := report.AttackKinds(), slices.Sorted(maps.Keys(attack.Kinds)); !slices.Equal(got, want) {
		t.Errorf("reports have words for the attacks %v, there are %v", got, want)
	}
	if got, want := report.ObjectiveKinds(), slices.Sorted(maps.Keys(attack.Objectives)); !slices.Equal(got, want) {
		t.Errorf("reports have words for the objectives %v, there are %v", got, want)
	}
	if got, want := report.ExplanationKinds(), slices.Sorted(maps.Keys(saliency.Kinds)); !slices.Equal(got, want) {
		t.Errorf("reports have words for the explanations %v, there are %v", got, want)
	}
}
