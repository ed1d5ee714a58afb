package attack

// SGDUAP is the baseline of a universal perturbation of the prediction: the same ascent on the cross-entropy, which is
// clamped so that images that are already misclassified by far stop to pull (Shafahi et al. 2020).
type SGDUAP struct {
	UPIGrad `yaml:",inline"`
}

// ClampAt is the cross-entropy, in nats, above which an image's gradient no longer counts.
const ClampAt = 9

// Climbs is the cross-entropy.
func (*SGDUAP) Climbs() Target { return CrossEntropy }
