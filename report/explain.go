package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// An explanationSettings is an explanation of the configuration, with the settings of its kind.
type explanationSettings struct {
	Name     string         `yaml:"name"`
	Kind     string         `yaml:"kind"`
	Settings map[string]any `yaml:",inline"`
}

// A kindText says what a kind of explanation is: a word for its maps, and how the explanation E of an image x is computed from the score S.
type kindText struct {
	adjective string
	formula   func(settings map[string]any) string
}

var explanationTexts = map[string]kindText{
	"simple_gradient":  {"simple-gradient", func(map[string]any) string { return "E = ∂S/∂x, the gradient of the score" }},
	"input_x_gradient": {"input-times-gradient", func(map[string]any) string { return "E = x · ∂S/∂x, the gradient of the score times the image" }},
	"integrated_gradients": {"integrated-gradients", func(s map[string]any) string {
		text := fmt.Sprintf("E = the mean gradient of the score at %v evenly spaced points on the line from the baseline b = %v (pixel units) to x, ends included",
			s["steps"], s["baseline"])
		if s["multiply_by_inputs"] == true {
			text += ", times x − b"
		}
		return text
	}},
	"smooth_gradient": {"SmoothGrad", func(s map[string]any) string {
		return fmt.Sprintf("E = the mean gradient of the score at %v noisy copies of x, the noise normal with standard deviation %v (pixel units) and "+
			"the same for the clean and the perturbed image", s["samples"], s["sigma"])
	}},
	"grad_cam": {"Grad-CAM", func(s map[string]any) string {
		layer := "the layer of the last convolution"
		if name, ok := s["layer"].(string); ok && name != "" {
			layer = "the layer " + name
		}
		return "E = the channels A of " + layer + ", each times the mean of ∂S/∂A over its places, summed up, of which what is positive is enlarged to the " +
			"image's size (bilinear)"
	}},
	"guided_backprop": {"guided-backpropagation", func(map[string]any) string {
		return "E = the gradient of the score by a backward pass in which rectifiers pass on only what is positive (guided backpropagation)"
	}},
	"expected_gradients": {"expected-gradients", func(s map[string]any) string {
		factor := ""
		if s["multiply_by_inputs"] == true {
			factor = " times x − b"
		}
		return fmt.Sprintf("E = the mean, over %v draws, of the gradient of the score at a point drawn by chance between x and a baseline b%s; baselines are "+
			"drawn from %v fit images, the same for the clean and the perturbed image", s["samples"], factor, s["baseline_images"])
	}},
}

// ExplanationKinds lists the kinds of explanations that reports can put into words.
func ExplanationKinds() []string { return slices.Sorted(maps.Keys(explanationTexts)) }

// AttackKinds lists the kinds of attacks that reports can put into words.
func AttackKinds() []string { return slices.Sorted(maps.Keys(attackTexts)) }

// attackTexts say what the kinds of attacks do.
var attackTexts = map[string]string{
	"none":      "no perturbation: the value of every metric where nothing changes",
	"random":    "a pattern drawn by chance with the norm of the budget, several times: what noise of that size does",
	"upi_pca":   "UPI-PCA: the direction that most of the images' gradients of the change of the maps share (their first principal component), as long as the budget allows",
	"upi_plus":  "UPI-plus: as UPI-PCA, but turned away from the directions that change the predictions",
	"upi_grad":  "UPI-Grad: gradient ascent on the mean change of the maps, kept within the budget",
	"sgd_uap":   "a universal perturbation against the predictions: the same ascent on the cross-entropy, for comparison",
	"per_image": "the same ascent on each test image alone: an upper reference, which no single pattern for all images is bound to reach",
}

// adjective is a word for the maps of an explanation: its label, or that of its kind with its name where several are of one kind.
func (r *run) adjective(name string) string {
	if label := r.labels().of(name); label != name {
		return label
	}
	if r.settings == nil {
		return name
	}
	of := map[string]int{}
	kind := ""
	for _, e := range r.settings.Explanations {
		of[e.Kind]++
		if e.Name == name {
			kind = e.Kind
		}
	}
	text, known := explanationTexts[kind]
	switch {
	case !known:
		return name
	case of[kind] > 1:
		return text.adjective + " (" + name + ")"
	}
	return text.adjective
}

// mapTexts say how a map is made, explanation by explanation.
func (r *run) mapTexts() []fact {
	if r.settings == nil {
		return nil
	}
	var all []fact
	var layers string // of models, for explanations that name none
	for _, m := range r.settings.Models {
		if m.Layer != "" {
			layers += fmt.Sprintf(" On %s the layer is %s.", r.labels().of(m.Name), m.Layer)
		}
	}
	for _, e := range r.settings.Explanations {
		text, known := explanationTexts[e.Kind]
		if !known {
			continue
		}
		class := "of the image's label"
		if e.Settings["class"] == "predicted" {
			class = "that the model answers on the clean image"
		}
		score := "probability"
		if e.Settings["score"] == "logit" {
			score = "logit"
		}
		ofModels := ""
		if e.Kind == "grad_cam" && e.Settings["layer"] == "" {
			ofModels = printable(layers)
		}
		all = append(all, fact{printable(r.labels().of(e.Name)),
			fmt.Sprintf("%s, where S is the %s of the class %s.%s The map is the sum of |E| over the channels of each pixel, divided by its sum over the pixels (its L1 norm).",
				text.formula(e.Settings), score, class, ofModels)})
	}
	return all
}

// attackFacts say what each attack of the configuration does.
func (r *run) attackFacts() []fact {
	if r.settings == nil {
		return nil
	}
	var all []fact
	for _, a := range r.settings.Attacks {
		text, known := attackTexts[a.Kind]
		if !known {
			text = a.Kind
		}
		all = append(all, fact{printable(r.labels().of(a.Name)), text + a.aimText() + "."})
	}
	return all
}

func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }
