package attack

import (
	"fmt"

	"upi/projection"
	"upi/random"
	"upi/setting"
)

// None is the baseline without a perturbation: what its rows show is the noise of the evaluation itself.
type None struct {
	Explanations []string `yaml:"explanations,omitempty" json:"explanations,omitempty"`
}

// Common returns a budget of 0.
func (n *None) Common() *Shared {
	return &Shared{Eps: []projection.Eps{0}, Explanations: n.Explanations}
}

// Validate finds nothing impossible.
func (*None) Validate() []error { return nil }

// Needs is one draw, of zeros.
func (*None) Needs() Needs {
	return Needs{Draw: &Draw{1, func(_ projection.Ball, size int, _, _ int64) ([]float32, error) {
		return make([]float32, size), nil
	}}}
}

// Random is the baseline of a perturbation uniform on the sphere of the norm's ball.
type Random struct {
	Shared `yaml:",inline"`
	// Draws is how many perturbations are drawn, 3 by default.
	Draws int `yaml:"draws" json:"draws"`
}

// Validate lists what is impossible in the settings.
func (r *Random) Validate() []error {
	return append(r.Shared.Validate(), setting.Check(r.Draws >= 1 && r.Draws <= 1000, "draws", r.Draws, "want 1 to 1000")...)
}

// Needs is that many draws.
func (r *Random) Needs() Needs { return Needs{Draw: &Draw{r.Draws, onSphere}} }

// onSphere returns a point uniform on the ball's sphere.
func onSphere(ball projection.Ball, size int, seed, draw int64) ([]float32, error) {
	delta := make([]float32, size)
	stream := random.New(seed, "random attack", 0, draw)
	if err := stream.Surface(delta, ball.Norm.P(), ball.Eps); err != nil {
		return nil, fmt.Errorf("draw a perturbation: %w", err)
	}
	return delta, nil
}
