package projection

import (
	"fmt"
	"math"
	"strings"
)

// Schedule names how the size of a step shrinks over an ascent. The zero Schedule is constant.
type Schedule string

// The schedules: the factor of step t, 0 <= t < T, of an ascent of T steps.
var schedules = []struct {
	name   Schedule
	factor func(t, T float64) float64
}{
	{"constant", func(t, T float64) float64 { return 1 }},
	{"linear", func(t, T float64) float64 { return 1 - t/T }},
	{"cosine", func(t, T float64) float64 { return (1 + math.Cos(math.Pi*t/T)) / 2 }},
	{"sqrt", func(t, T float64) float64 { return 1 / math.Sqrt(1+t) }},
}

// Schedules returns the names of all schedules.
func Schedules() []string {
	names := make([]string, len(schedules))
	for i, s := range schedules {
		names[i] = string(s.name)
	}
	return names
}

// Factor returns what the first step's size is multiplied by at the given step, counted from 0, of an ascent of that many
// steps: 1 at step 0 and never negative. Steps outside the ascent count as its nearest one. It is NaN for a name that
// does not exist; [Schedule.UnmarshalText] lets none in.
func (s Schedule) Factor(step, steps int) float64 {
	i := s.index()
	if i < 0 {
		return math.NaN()
	}
	steps = max(steps, 1)
	return schedules[i].factor(float64(min(max(step, 0), steps-1)), float64(steps))
}

// UnmarshalText takes the name of a schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	if Schedule(text).index() < 0 {
		return fmt.Errorf("step-size schedule %q is unknown: take one of %s", text, strings.Join(Schedules(), ", "))
	}
	*s = Schedule(text)
	return nil
}

func (s Schedule) index() int {
	if s == "" {
		return 0
	}
	for i := range schedules {
		if schedules[i].name == s {
			return i
		}
	}
	return -1
}
