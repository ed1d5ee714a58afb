package stages

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"upi/stages/imageset"
	"upi/stages/tables"
)

// An absence counts why images of a model are left out of what looks at maps.
type absence struct {
	// Images are all that were looked at.
	Images int64 `json:"images"`
	// Zero and NotFinite are clean maps that are not there; Saturated are probabilities of exactly 0 or 1 in float32.
	Zero      int64 `json:"zero"`
	NotFinite int64 `json:"not_finite"`
	Saturated int64 `json:"saturated"`
	// Gradients are images that have a map, and whose gradient is infinite or not a number.
	Gradients int64 `json:"gradients"`
}

// absenceOf counts the clean maps of a set.
func absenceOf(set *imageset.Set) absence {
	a := absence{Images: int64(set.Len())}
	for _, r := range set.References {
		switch {
		case !finite(r.Norm):
			a.NotFinite++
		case r.Norm == 0:
			a.Zero++
		}
		if (tables.CleanImage{Probability: r.Probability}).Saturated() {
			a.Saturated++
		}
	}
	return a
}

func (a absence) plus(b absence) absence {
	return absence{a.Images + b.Images, a.Zero + b.Zero, a.NotFinite + b.NotFinite, a.Saturated + b.Saturated, a.Gradients + b.Gradients}
}

// String reads "178 of 180 clean maps are zero, 2 infinite or not a number, 180 probabilities exactly 0 or 1".
func (a absence) String() string {
	text := fmt.Sprintf("%d of %d clean maps are zero", a.Zero, a.Images)
	for _, part := range []struct {
		n    int64
		what string
	}{
		{a.NotFinite, "clean maps infinite or not a number"},
		{a.Gradients, "gradients infinite or not a number"},
		{a.Saturated, "probabilities exactly 0 or 1"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// errNoImage says why no image of the fit split can be looked at, source by source.
func errNoImage(what string, sources []absence) error {
	var parts []string
	for k, a := range sources {
		text := a.String()
		if len(sources) > 1 {
			text = fmt.Sprintf("source %d: %s", k+1, text)
		}
		parts = append(parts, text)
	}
	who := ""
	if len(sources) > 1 {
		who = " in all sources"
	}
	return errors.New("no image of the fit split has " + what + who + ": " + strings.Join(parts, "; ") +
		"; upi inspect MODEL --data SHARDS tells whether the scaling is wrong, and the logit (score: logit) has a map where the probability is 0 or 1")
}

// readAbsences adds up what artefacts of the stage gradients left out, of each source over the shards: of each shard one for each source.
func readAbsences(shards [][]string) ([]absence, error) {
	var sources []absence
	for _, dirs := range shards {
		for k, dir := range dirs {
			var a absence
			if err := readJSON(filepath.Join(dir, absenceFile), &a); err != nil {
				return nil, err
			}
			if k == len(sources) {
				sources = append(sources, absence{})
			}
			sources[k] = sources[k].plus(a)
		}
	}
	return sources, nil
}
