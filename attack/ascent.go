package attack

import (
	"slices"

	"upi/projection"
	"upi/setting"
)

// AscentSettings are those of stochastic projected gradient ascent: steps of an optimizer along gradients, each followed by
// the projection to the ball. The iterate with the best objective is returned; a universal ascent compares its iterates on
// images of the fit split that are held back for this.
type AscentSettings struct {
	// Steps is how many gradients are taken, 100 by default.
	Steps int `yaml:"steps" json:"steps"`
	// Batch is how many images a step of a universal ascent looks at, 64 by default.
	Batch int `yaml:"batch" json:"batch"`
	// StepSize is the first step's length relative to eps, 0.2 by default.
	StepSize float64 `yaml:"step_size" json:"step_size"`
	// Schedule is the step size's course: cosine by default.
	Schedule projection.Schedule `yaml:"schedule" json:"schedule"`
	// Optimizer names a line of Optimizers: plain by default.
	Optimizer string `yaml:"optimizer" json:"optimizer"`
	// Momentum is the decay, 0 to 1, of the optimizer's running sum or mean of gradients; by default its own.
	Momentum *float64 `yaml:"momentum,omitempty" json:"momentum,omitempty"`
	// Restarts is how many ascents there are, each of Steps steps and, but for the first, from a start of its own on the ball's
	// sphere; 0, the default, and 1 are one. The best iterate of all is returned.
	Restarts int `yaml:"restarts,omitempty" json:"restarts,omitempty"`
	// Rows says how each image's gradient counts in a step of a universal ascent: raw if it is empty.
	Rows RowScale `yaml:"rows,omitempty" json:"rows,omitempty"`
	// HeldBack is the share of the fit images that are kept to compare iterates on, 0.1 by default.
	HeldBack float64 `yaml:"held_back" json:"held_back"`
	// HeldBackMost is the largest number of them, 256 by default.
	HeldBackMost int `yaml:"held_back_most" json:"held_back_most"`
	// CheckEvery is how many steps lie between two comparisons, 10 by default.
	CheckEvery int `yaml:"check_every" json:"check_every"`
}

func defaultAscent() AscentSettings {
	return AscentSettings{
		Steps: 100, Batch: 64, StepSize: 0.2, Schedule: "cosine", Optimizer: "plain",
		HeldBack: 0.1, HeldBackMost: 256, CheckEvery: 10,
	}
}

// Validate lists what is impossible in the settings.
func (a AscentSettings) Validate() []error {
	return slices.Concat(
		setting.Check(a.Steps >= 1 && a.Steps <= 1e6, "steps", a.Steps, "want 1 to 1000000"),
		setting.Check(a.Batch >= 1 && a.Batch <= 1e6, "batch", a.Batch, "want 1 to 1000000"),
		setting.Check(a.StepSize > 0 && a.StepSize <= 10, "step_size", a.StepSize, "want a positive share of eps, at most 10"),
		a.validateOptimizer(),
		setting.Check(a.Restarts >= 0 && a.Restarts <= 1000, "restarts", a.Restarts, "want 1 to 1000"),
		setting.Check(slices.Contains([]RowScale{"", Raw, Unit, Relative}, a.Rows), "rows", a.Rows, "want raw, unit or relative"),
		setting.Check(a.HeldBack > 0 && a.HeldBack <= 0.5, "held_back", a.HeldBack, "want a share of the fit images, at most 0.5"),
		setting.Check(a.HeldBackMost >= 1, "held_back_most", a.HeldBackMost, "want at least 1"),
		setting.Check(a.CheckEvery >= 1, "check_every", a.CheckEvery, "want at least 1"),
	)
}

// Total is the number of steps of all ascents, one after the other. Steps are counted through all of them.
func (a AscentSettings) Total() int { return a.Steps * max(a.Restarts, 1) }

// size is the length of a step, counted from 0, in pixel units.
func (a AscentSettings) size(ball projection.Ball, step int) float64 {
	return a.StepSize * ball.Eps * a.Schedule.Factor(step%a.Steps, a.Steps)
}

// done is the share of its ascent's other steps that lie behind a step, 0 to 1.
func (a AscentSettings) done(step int) float64 {
	return float64(step%a.Steps) / float64(max(a.Steps-1, 1))
}

// compares reports whether the iterates are compared after that many steps.
func (a AscentSettings) compares(steps int) bool {
	within := steps % a.Steps
	return within == 0 || within%a.CheckEvery == 0
}
