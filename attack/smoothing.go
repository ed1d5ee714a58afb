package attack

import (
	"upi/random"
	"upi/setting"
)

// Smoothing is the noise Z of the objective F(delta) = E d(I(x), I(x + delta + Z)): normal with standard deviation Sigma, or
// a uniform direction of L2 norm Radius. Without either, Radius is half of eps.
type Smoothing struct {
	Sigma  *float64 `yaml:"sigma,omitempty" json:"sigma,omitempty"`
	Radius *float64 `yaml:"radius,omitempty" json:"radius,omitempty"`
	// RadiusShare gives the radius as a share of eps.
	RadiusShare *float64 `yaml:"radius_share,omitempty" json:"radius_share,omitempty"`
	// Draws of Z per image and gradient, 1 by default.
	Draws int `yaml:"draws" json:"draws"`
}

// Validate lists what is impossible in the settings.
func (s Smoothing) Validate() []error {
	problems := setting.Check(s.Draws >= 1 && s.Draws <= 1000, "smoothing.draws", s.Draws, "want 1 to 1000")
	given := 0
	for _, v := range []struct {
		name  string
		value *float64
	}{{"sigma", s.Sigma}, {"radius", s.Radius}, {"radius_share", s.RadiusShare}} {
		if v.value == nil {
			continue
		}
		given++
		ok := *v.value >= 0 && *v.value < 1e9
		problems = append(problems, setting.Check(ok, "smoothing."+v.name, *v.value, "want a number from 0 up")...)
	}
	return append(problems, setting.Check(given <= 1, "smoothing", given, "give one of sigma, radius, radius_share")...)
}

// A Noise is a Smoothing for one eps. It is a plain value.
type Noise struct {
	// Sigma is the standard deviation of each value, in pixel units; 0 where Radius says the noise.
	Sigma float64 `json:"sigma"`
	// Radius is the noise's L2 norm in pixel units.
	Radius float64 `json:"radius"`
	// Draws per image and gradient.
	Draws int `json:"draws"`
}

// For returns the noise for a budget whose L2 norm is eps. An L-infinity budget of size numbers has the L2 norm of its
// corners, eps times the root of size.
func (s Smoothing) For(eps float64) Noise {
	switch {
	case s.Sigma != nil:
		return Noise{Sigma: *s.Sigma, Draws: s.Draws}
	case s.Radius != nil:
		return Noise{Radius: *s.Radius, Draws: s.Draws}
	case s.RadiusShare != nil:
		return Noise{Radius: *s.RadiusShare * eps, Draws: s.Draws}
	}
	return Noise{Radius: eps / 2, Draws: s.Draws}
}

// Fill writes one draw for the image id to z.
func (n Noise) Fill(z []float32, purpose string, seed, id, draw int64) {
	stream := random.New(seed, purpose, id, draw)
	if n.Sigma > 0 {
		stream.Normal(z, n.Sigma)
		return
	}
	stream.Sphere(z, n.Radius)
}
