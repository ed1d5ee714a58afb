package attack

import "upi/projection"

// Needs says what an attack has to be handed. Exactly one of Draw, Rows and Ascent is set.
type Needs struct {
	// Draw is set where the attack looks at no image.
	Draw *Draw
	// Rows is set where it takes a direction out of the gradients of single images.
	Rows *Rows
	// Ascent is set where it climbs step by step.
	Ascent *Ascent
	// Smoothed says how what is differentiated is smoothed; it is zero where nothing is.
	Smoothed Smoothed
}

// PerImage reports whether each image gets a perturbation of its own.
func (n Needs) PerImage() bool { return n.Ascent != nil && n.Ascent.PerImage }

// Perturbations is how many different ones the attack finds for one budget and seed.
func (n Needs) Perturbations() int {
	if n.Draw != nil {
		return n.Draw.Perturbations
	}
	return 1
}

// Draw is an attack that looks at no image.
type Draw struct {
	// Perturbations is how many different ones there are.
	Perturbations int
	// Sample returns the one of number draw, of size values, in the ball. It is a function of its arguments alone.
	Sample func(ball projection.Ball, size int, seed, draw int64) ([]float32, error)
}

// Rows is an attack whose direction is the top eigenvector of a symmetric matrix, the sum of Weight * G'G / ||G||_F^2 over
// all terms, where the rows of G are per-image gradients at delta = 0, and also at the perturbations found on the way if the direction is refined.
type Rows struct {
	Terms    []Term
	Spectrum Spectrum
}

// A Term is one matrix G of per-image gradients: which function's, and its weight. A single term of weight 1 gives the top
// right singular vector of G.
type Term struct {
	Function Function `json:"function"`
	Weight   float64  `json:"weight"`
}

// Ascent is an attack that climbs an objective step by step: on the mean over all images, or on each image alone.
type Ascent struct {
	Objective Objective
	Settings  AscentSettings
	// PerImage gives each image a perturbation of its own.
	PerImage bool
}

// A Function of an image and a perturbation is what an attack asks gradients of.
type Function string

const (
	// Dissimilarity is d(I(x), I(x + delta + Z)), the distance of the saliency maps.
	Dissimilarity Function = "dissimilarity"
	// TopK is 1 less the sum of the perturbed map over the most salient pixels of the clean one (Ghorbani, Abid and Zou 2019).
	TopK Function = "top_k"
	// MassCenter is the distance of the centres of mass of the two maps, in pixels (Ghorbani, Abid and Zou 2019).
	MassCenter Function = "mass_center"
	// Region is the sum of the perturbed map over the pixels of a box.
	Region Function = "region"
	// Target is less the L2 distance of the perturbed map from a given one (Dombrowski et al. 2019).
	Target Function = "target"
	// CrossEntropy is -log p_c(x + delta + Z), in nats.
	CrossEntropy Function = "cross_entropy"
)

// OfMaps says whether the function looks at saliency maps.
func (f Function) OfMaps() bool { return f != CrossEntropy }

// An Objective is what an ascent climbs: a function of an image, up to a largest value.
type Objective struct {
	Of Function
	// Clamp is the largest value that an image can give; 0 means no bound.
	Clamp float64
	// Share is that of the pixels which are the most salient ones, for TopK.
	Share float64
	// Keep is the term that keeps predictions; of weight 0 where there is none.
	Keep Keep
}

// Keeps says whether there is a term that keeps predictions.
func (o Objective) Keeps() bool { return o.Keep.Weight > 0 }

// Directed says whether +delta and -delta are not alike to what is climbed: maps are to go somewhere, or predictions to stay.
// The sign is then part of what was climbed, and is not chosen afterwards.
func (o Objective) Directed() bool {
	return o.Keeps() || o.Of != Dissimilarity && o.Of != CrossEntropy
}

// Clamped returns the objective of an image for which the function is value, and whether the image's gradient counts: above
// the clamp the objective is constant.
func (o Objective) Clamped(value float64) (clamped float64, climbs bool) {
	if o.Clamp > 0 && value > o.Clamp {
		return o.Clamp, false
	}
	return value, true
}
