package preflight

import (
	"context"
	"fmt"
	"math"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
	"upi/stats"
)

// Most is how many images trials look at.
const Most = 300

// Images are those that are tried.
type Images struct {
	// Labels and Answers, those of the network as it is configured, have an element for each.
	Labels, Answers []int64
	// Saturated is how many of them have a probability of exactly 0 or 1 in float32 as it is configured.
	Saturated int
	// Read writes image i to dst, H x W x C values in pixel units.
	Read func(i int, dst []float32) error
}

// A Finding is what was tried, and what it says.
type Finding struct {
	// Images is how many were tried, and Configured how many of them are right as configured.
	Images     int `json:"images"`
	Configured int `json:"configured"`
	// Saturated is how many have a probability of exactly 0 or 1 as configured.
	Saturated int `json:"saturated"`
	// Trials are how many are right with each scaling.
	Trials []Trial `json:"trials"`
	// Advice says what is better; empty if nothing is.
	Advice string `json:"advice"`
	// Setting is what a model's settings should say of its input, if a scaling alone makes clearly more images right; else empty.
	Setting string `json:"-"`
}

// A Trial is a scaling with how many images are right by it.
type Trial struct {
	Scaling string `json:"scaling"`
	Right   int    `json:"right"`
	// Saturated is how many labels have a probability of exactly 0 or 1 in float32, and CrossEntropy the mean of -log p.
	Saturated    int     `json:"saturated"`
	CrossEntropy float64 `json:"cross_entropy"`
}

// Says is the advice, or that nothing better was found.
func (f Finding) Says() string {
	if f.Advice != "" {
		return f.Advice
	}
	text := fmt.Sprintf("%s of %d images are right as configured, and none of %d usual scalings nor another order of the classes is clearly better: ",
		share(f.Configured, f.Images), f.Images, len(f.Trials))
	if 2*f.Configured > f.Images {
		return text + "the scaling may well be right"
	}
	return text + "see that the images are what the network was trained on"
}

// Open opens a network as Find wants it: its pixels as they are, whatever the options say of scale, offset and channels. Its output is what it is of the
// network as configured, also where that cannot be told from pixels as they are.
func Open(dir string, o savedmodels.Options, configured savedmodels.Head) (*savedmodels.Model, error) {
	o.Scale, o.Offset, o.Channels, o.Preprocess = nil, nil, "", ""
	m, err := savedmodels.Open(dir, o)
	if err == nil && m.Head() == configured {
		return m, nil
	}
	o.Head = configured.Kind
	return savedmodels.Open(dir, o)
}

// Choose lists the positions of up to Most of n images, evenly spread.
func Choose(n int) []int {
	positions := make([]int, min(n, Most))
	for k := range positions {
		positions[k] = k * n / len(positions)
	}
	return positions
}

// Find tries the usual scalings of a network that Open has opened, in a session on a device, and looks for another order of the
// classes.
func Find(ctx context.Context, m *savedmodels.Model, d runtime.Device, images Images) (f Finding, err error) {
	p, err := newForward(m, d)
	if err != nil {
		return f, err
	}
	defer func() {
		if closing := p.session.Close(); err == nil {
			err = closing
		}
	}()
	f.Images, f.Configured, f.Saturated = len(images.Labels), count(images.Labels, images.Answers), images.Saturated
	best, ordered := candidate{}, candidate{}
	ordered.consider(Scaling{}, images.Labels, images.Answers, m.Classes())
	for _, s := range Scalings(m.ImageShape()[2]) {
		t, answers, err := p.try(ctx, images, s)
		if err != nil {
			return f, fmt.Errorf("try %s: %w", s, err)
		}
		f.Trials = append(f.Trials, t)
		clearly := (better(images, answers) || f.calmer(t)) && !stats.NearChance(t.Right, f.Images, chanceOf(images.Labels, m.Classes()))
		if clearly && (best.right == 0 || t.over(best.trial, f.Images)) {
			best = candidate{scaling: s, trial: t, right: t.Right}
		}
		ordered.consider(s, images.Labels, answers, m.Classes())
	}
	f.Advice = f.advise(best, ordered)
	if best.right > f.Configured && 2*best.right > ordered.right {
		f.Setting = best.scaling.Setting()
	}
	return f, nil
}

// calmer says whether a trial leaves hardly fewer images right, and most probabilities off 0 and 1, where most are 0 or 1 as configured.
func (f Finding) calmer(t Trial) bool {
	return 2*f.Saturated > f.Images && 2*t.Saturated <= f.Images && 100*(f.Configured-t.Right) <= f.Images
}

// over says whether a trial is to be preferred to another. Networks of ReLU may be as right on pixels that are too large, where most of
// their probabilities are 0 or 1: where hardly more images are right, that decides.
func (t Trial) over(other Trial, images int) bool {
	difference := t.Right - other.Right
	mostly, others := 2*t.Saturated > images, 2*other.Saturated > images
	switch {
	case mostly != others && 100*max(difference, -difference) <= images:
		return others
	case difference != 0:
		return difference > 0
	}
	return t.CrossEntropy < other.CrossEntropy
}

// advise says what is better: a scaling or, if that leaves half of what another order would explain, the order of the classes.
func (f Finding) advise(best, ordered candidate) string {
	configured := share(f.Configured, f.Images)
	switch {
	case best.right > 0 && 2*best.right > ordered.right:
		if f.calmer(best.trial) && 20*(best.right-f.Configured) <= f.Images {
			return fmt.Sprintf("%s and %d probabilities of exactly 0 or 1 as configured, %s and %d with %s (of %d images): both fit, and if the network "+
				"was trained on the latter, write %s", configured, f.Saturated, share(best.right, f.Images), best.trial.Saturated, best.scaling, f.Images,
				best.scaling.Setting())
		}
		return fmt.Sprintf("%s as configured, %s with %s (of %d images): write %s",
			configured, share(best.right, f.Images), best.scaling, f.Images, best.scaling.Setting())
	case ordered.right > 0:
		text := fmt.Sprintf("%s as configured, %s if the classes are in another order: %s (of %d images)",
			configured, share(ordered.right, f.Images), ordered.order, f.Images)
		if ordered.scaling.Scale != nil {
			text += fmt.Sprintf(", with %s: write %s, and", ordered.scaling, ordered.scaling.Setting())
		} else {
			text += ":"
		}
		return text + " give the images the numbers that the network's classes have"
	}
	return ""
}

// A candidate is what may be better than the configuration.
type candidate struct {
	scaling Scaling
	trial   Trial
	order   Order
	right   int
}

// consider takes another order of the classes that explains the answers better by a twentieth of them than the one so far: first comes
// what changes nothing else.
func (c *candidate) consider(s Scaling, labels, answers []int64, classes int) {
	if o, found := FindOrder(labels, answers, classes); found && 20*(o.Right-c.right) > len(labels) {
		*c = candidate{scaling: s, order: o, right: o.Right}
	}
}

// better says whether more images are right by the answers than as configured, by more than 3 standard errors of the difference:
// McNemar's test of the images on which only one of the two is right.
func better(images Images, answers []int64) bool {
	gained, lost := 0, 0
	for i, label := range images.Labels {
		was, is := images.Answers[i] == label, answers[i] == label
		if is && !was {
			gained++
		}
		if was && !is {
			lost++
		}
	}
	return float64(gained-lost) > 3*math.Sqrt(float64(gained+lost))
}

func count(labels, answers []int64) int {
	right := 0
	for i, label := range labels {
		if answers[i] == label {
			right++
		}
	}
	return right
}

// chanceOf is the share of the commonest label or, where there is but one, 1 / classes.
func chanceOf(labels []int64, classes int) float64 {
	counts, most := map[int64]int{}, 0
	for _, label := range labels {
		counts[label]++
		most = max(most, counts[label])
	}
	if len(counts) < 2 {
		return 1 / float64(classes)
	}
	return float64(most) / float64(len(labels))
}

func share(right, n int) string { return fmt.Sprintf("%.3g %%", 100*float64(right)/float64(max(n, 1))) }
