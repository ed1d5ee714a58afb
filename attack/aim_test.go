package attack

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"upi/projection"
	"upi/setting"
)

// TestAims: what settings of an objective and of keep have ascents climb; the default is the dissimilarity, and its settings are in JSON
// what they were before there was a choice.
func TestAims(t *testing.T) {
	k := 0.25
	for _, c := range []struct {
		aimed    Aimed
		want     Objective
		directed bool
	}{
		{Aimed{}, Objective{Of: Dissimilarity}, false},
		{Aimed{Objective: &ObjectiveSettings{Kind: "dissimilarity"}}, Objective{Of: Dissimilarity}, false},
		{Aimed{Objective: &ObjectiveSettings{Kind: "top_k"}}, Objective{Of: TopK, Share: 0.1}, true},
		{Aimed{Objective: &ObjectiveSettings{Kind: "top_k", K: &k}}, Objective{Of: TopK, Share: 0.25}, true},
		{Aimed{Objective: &ObjectiveSettings{Kind: "region"}}, Objective{Of: Region}, true},
		{Aimed{Keep: &Keep{Weight: 2, Margin: 1}}, Objective{Of: Dissimilarity, Keep: Keep{2, 1}}, true},
	} {
		grad, each := newUPIGrad(), newPerImage()
		grad.Aimed, each.Aimed = c.aimed, c.aimed
		for _, a := range []Attack{grad, each} {
			got := a.Needs().Ascent.Objective
			if got != c.want || got.Directed() != c.directed || got.Keeps() != (c.want.Keep.Weight > 0) {
				t.Errorf("%+v climbs %+v (directed: %v), want %+v", c.aimed, got, got.Directed(), c.want)
			}
		}
	}
	for name, kind := range Kinds {
		text, err := json.Marshal(kind.New())
		if err != nil || strings.Contains(string(text), "objective") || strings.Contains(string(text), "keep") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// TestAimsAreChecked: settings that are impossible, and the attacks that have none of them say why.
func TestAimsAreChecked(t *testing.T) {
	k, large := 0.1, 1.5
	top := func(k *float64) *ObjectiveSettings { return &ObjectiveSettings{Kind: "top_k", K: k} }
	for _, c := range []struct {
		kind  string
		aimed Aimed
		key   string
		says  string
	}{
		{"upi_grad", Aimed{Objective: &ObjectiveSettings{Kind: "middle"}}, "objective.kind", "want one of dissimilarity, mass_center, region, target, top_k"},
		{"upi_grad", Aimed{Objective: &ObjectiveSettings{Kind: "region", K: &k}}, "objective.k", "only top_k"},
		{"per_image", Aimed{Objective: top(&large)}, "objective.k", "at most 1"},
		{"per_image", Aimed{Keep: &Keep{}}, "keep.weight", "want a positive number"},
		{"upi_grad", Aimed{Keep: &Keep{Weight: 1, Margin: -1}}, "keep.margin", "from 0 up"},
		{"upi_grad", Aimed{Objective: top(&k), Keep: &Keep{Weight: 1}}, "", ""},
		{"upi_pca", Aimed{Objective: top(nil)}, "objective", "has no sign"},
		{"upi_plus", Aimed{Keep: &Keep{Weight: 1}}, "keep", "has no sign"},
		{"sgd_uap", Aimed{Objective: top(nil)}, "objective", "climbs the cross-entropy"},
		{"sgd_uap", Aimed{Keep: &Keep{Weight: 1}}, "keep", "climbs the cross-entropy"},
	} {
		a := Kinds[c.kind].New()
		a.Common().Eps = []projection.Eps{1}
		switch a := a.(type) {
		case *UPIGrad:
			a.Aimed = c.aimed
		case *PerImage:
			a.Aimed = c.aimed
		case *UPIPCA:
			a.Aimed = c.aimed
		case *UPIPlus:
			a.Aimed = c.aimed
		case *SGDUAP:
			a.Aimed = c.aimed
		}
		problems := a.Validate()
		if c.key == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v", c.kind, problems)
			}
			continue
		}
		var e *setting.Error
		if len(problems) != 1 || !errors.As(problems[0], &e) || e.Key != c.key || !strings.Contains(e.Want, c.says) {
			t.Errorf("%s with %+v: %v, want %s: ... %s", c.kind, c.aimed, problems, c.key, c.says)
		}
	}
}
