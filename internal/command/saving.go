package command

import (
	"fmt"

	"upi/pipeline"
	"upi/pipeline/progress"
	"upi/savedmodels/runtime"
	"upi/stages"
)

// usualSpeedup is how many times as fast as in float32 gradients of second order are computed in bfloat16 in networks of dense convolutions.
// Other networks gain less or nothing (docs/precision.md).
const usualSpeedup = 2.0

// A meanTime is the mean of the times of some tasks, in seconds.
type meanTime struct {
	sum   float64
	tasks int
}

func (m meanTime) mean() float64 { return m.sum / float64(max(m.tasks, 1)) }

// saving says what precision: bfloat16 would save of the tasks to run, by what tasks of their stage took in the run before; it is
// empty where none of them computes gradients in float32.
func saving(explained []pipeline.Forecast, previous *pipeline.Manifest) string {
	type kind struct {
		stage     string
		precision runtime.Precision
		gradients bool
	}
	took := map[kind]meanTime{}
	if previous != nil {
		for _, t := range previous.Tasks {
			if t.Status != progress.Done {
				continue
			}
			k := kind{stage: t.Stage}
			k.gradients, k.precision = stages.Gradients(t.Stage, t.Spec)
			of := took[k]
			took[k] = meanTime{of.sum + t.Seconds, of.tasks + 1}
		}
	}
	var tasks int
	measured := true
	var total, reducible, saved float64
	for _, e := range explained {
		if e.Hit {
			continue
		}
		k := kind{stage: e.Task.Stage}
		k.gradients, k.precision = stages.Gradients(e.Task.Stage, e.Task.Spec)
		seconds := took[k].mean()
		total += seconds
		if !k.gradients || k.precision != runtime.Float32 {
			continue
		}
		tasks++
		reducible += seconds
		k.precision = runtime.Bfloat16
		if less := took[k]; less.tasks > 0 {
			saved += seconds - less.mean()
		} else {
			measured = false
			saved += seconds * (1 - 1/usualSpeedup)
		}
	}
	switch {
	case tasks == 0:
		return ""
	case reducible == 0:
		return fmt.Sprintf("precision: bfloat16 would make the gradients of %d tasks about %g times as fast in networks of dense convolutions; "+
			"others gain less or nothing (docs/precision.md)", tasks, usualSpeedup)
	case saved <= 0:
		return "precision: bfloat16 would save nothing: the run before took no less time for such gradients in it"
	}
	text := fmt.Sprintf("precision: bfloat16 would save about %.0f %% of this work; %.0f %% of it are gradients in float32", 100*saved/total, 100*reducible/total)
	if !measured {
		text += fmt.Sprintf(", about %g times as fast in it in networks of dense convolutions, where others gain less or nothing (docs/precision.md)", usualSpeedup)
	}
	return text
}
