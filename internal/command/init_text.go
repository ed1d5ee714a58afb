package command

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// greyLevels is the root mean square, over the values of an image, of the smaller of the two budgets: that of the paper's budgets for
// CIFAR-10, an L2 norm of 510 over 3,072 values.
const greyLevels = 9.2

// budget is an L2 norm for images of so many values, rounded to two digits.
func budget(values int) float64 {
	eps := greyLevels * math.Sqrt(float64(values))
	unit := math.Pow(10, math.Floor(math.Log10(eps))-1)
	return math.Round(eps/unit) * unit
}

var plainYAML = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./*-]*$`)

// yamlText writes a text as YAML, in quotes where it needs them.
func yamlText(text string) string {
	if plainYAML.MatchString(text) {
		return text
	}
	return quoted(text)
}

// small is the number of values of an image up to which a few thousand images are a matter of minutes.
const small = 64 * 64 * 3

// text writes the configuration.
func (s *start) text() string {
	values := s.shape[0] * s.shape[1] * s.shape[2]
	limit, steps, batch := 1000, 100, 64
	if values > small {
		limit, steps, batch = 200, 30, 16
	}
	eps := budget(values)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# How far does one pattern, added to every image, move the maps of %s? What each key means, and all others:", s.name)
	line("# docs/configuration.md. Lengths are in grey levels, 0..255.")
	line("name: %s", s.name)
	line("seed: 0   # seeds: [0, 1, 2] makes seeds an axis of the tables")
	line("data:")
	line("  # %d images of %d x %d x %d to fit on, %d to score on. limit takes the first so many, 0 all: more images, surer numbers.", s.images[0],
		s.shape[0], s.shape[1], s.shape[2], s.images[1])
	line("  fit: {path: %s, limit: %d}", yamlText(s.fit), limitOf(limit, s.images[0]))
	line("  test: {path: %s, limit: %d}", yamlText(s.test), limitOf(limit, s.images[1]))
	if s.resize.Size > 0 {
		line("  # The pictures are brought to the size that the network takes; it should be done as in its training: docs/pictures.md.")
		line("  resize: {mode: %s, size: %d}", s.resize.Mode, s.resize.Size)
	}
	line("models:")
	line("  # %d classes, the output is %s. %s", s.head.Classes, s.head.Kind, s.accuracy())
	if s.advice != "" {
		for _, part := range wrapped(s.advice, 120) {
			line("  # %s", part)
		}
	}
	line("  - name: %s", s.name)
	line("    path: %s", yamlText(s.model))
	if s.setting != "" {
		line("    %s   # what the network sees is scale * pixels + offset", s.setting)
	}
	line("explanations:")
	line("  - {name: sg, kind: simple_gradient}")
	line("  # - {name: ig, kind: integrated_gradients, steps: 10}")
	line("  # - {name: smooth, kind: smooth_gradient, samples: 10, sigma: 25.5}")
	line("attacks:")
	line("  # eps bounds the L2 norm of the pattern. %g is %g grey levels a value, as a root mean square, the other twice that. norm: linf", eps,
		greyLevels)
	line("  # bounds each value instead, as in {norm: linf, eps: [8/255]}.")
	line("  - {name: random, kind: random, eps: [%g, %g]}   # what the others are compared to", eps, 2*eps)
	surrogate := ""
	if s.surrogate {
		line("  # The map of this network is piecewise constant in the image, as with two classes behind ReLU, and has no gradient to climb: the")
		line("  # attacks look at a smooth surrogate, softplus in place of ReLU. What is scored is the network as it is.")
		surrogate = fmt.Sprintf(", surrogate: {relu: softplus, beta: %d}", surrogateBeta)
	}
	line("  - {name: upi_pca, kind: upi_pca, eps: [%g, %g]%s}", eps, 2*eps, surrogate)
	line("  - {name: upi_grad, kind: upi_grad, eps: [%g, %g], steps: %d, batch: %d%s}", eps, 2*eps, steps, batch, surrogate)
	line("evaluation:")
	line("  filter: correct   # score the images that the network classifies right; all scores all")
	line("  metrics: [normalized_l2, cosine, top_k, prediction_changed]")
	return b.String()
}

// limitOf is the limit of a split of so many images; 0 where that takes all.
func limitOf(limit int, images int64) int {
	if images <= int64(limit) {
		return 0
	}
	return limit
}

// accuracy says how right the model is.
func (s *start) accuracy() string {
	if s.answers.Accuracy == nil {
		return ""
	}
	text := fmt.Sprintf("It is right on %s of the first %d images", accuracy(s.answers), s.answers.Images)
	if s.setting != "" && s.configured.Accuracy != nil {
		text += fmt.Sprintf(" (without the input below on %s)", accuracy(s.configured))
	}
	return text + "."
}

// wrapped breaks a text into lines of at most so many characters, between words.
func wrapped(text string, width int) []string {
	var lines []string
	now := ""
	for _, word := range strings.Fields(text) {
		if now != "" && len(now)+1+len(word) > width {
			lines, now = append(lines, now), ""
		}
		now = strings.TrimPrefix(now+" "+word, " ")
	}
	return append(lines, now)
}
