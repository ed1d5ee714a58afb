package command

import (
	"encoding/json"
	"testing"

	"upi/pipeline"
	"upi/pipeline/progress"
)

// TestSaving counts by hand: of 100 s of work, 60 are gradients in float32.
func TestSaving(t *testing.T) {
	const ascent, reduced, draw = `{"sources": [{}]}`, `{"sources": [{}], "precision": "bfloat16"}`, `{"draw": 3}`
	const lessRows = `{"precision": "bfloat16"}`
	done := func(stage, spec string, seconds float64) pipeline.TaskRecord {
		return pipeline.TaskRecord{Stage: stage, Spec: json.RawMessage(spec), Status: progress.Done, Seconds: seconds}
	}
	task := func(stage, spec string, hit bool) pipeline.Forecast {
		return pipeline.Forecast{Task: &pipeline.Task{Stage: stage, Spec: json.RawMessage(spec)}, Hit: hit}
	}
	before := []pipeline.TaskRecord{
		done("fit", ascent, 40), done("fit", ascent, 20), done("fit", draw, 0), done("gradients", `{}`, 30), done("evaluate", `{}`, 40),
	}
	toRun := []pipeline.Forecast{
		task("fit", ascent, false), task("fit", draw, false), task("fit", ascent, true), task("gradients", `{}`, false), task("evaluate", `{}`, false),
	}
	for _, c := range []struct {
		name   string
		before []pipeline.TaskRecord
		toRun  []pipeline.Forecast
		want   string
	}{
		{"halved where it was not measured", before, toRun,
			"precision: bfloat16 would save about 30 % of this work; 60 % of it are gradients in float32, about 2 times as fast in it in networks of " +
				"dense convolutions, where others gain less or nothing (docs/precision.md)"},
		{"as the run before has measured it", append(before, done("fit", reduced, 10), done("gradients", lessRows, 25)), toRun, // 20 and 5 s
			"precision: bfloat16 would save about 25 % of this work; 60 % of it are gradients in float32"},
		{"slower, as the run before has measured it", append(before, done("fit", reduced, 40), done("gradients", lessRows, 25)), toRun, // -10 and 5 s
			"precision: bfloat16 would save nothing: the run before took no less time for such gradients in it"},
		{"no run before", nil, toRun, "precision: bfloat16 would make the gradients of 2 tasks about 2 times as fast in networks of dense convolutions; " +
			"others gain less or nothing (docs/precision.md)"},
		{"nothing in float32", before, []pipeline.Forecast{task("fit", reduced, false), task("evaluate", `{}`, false)}, ""},
		{"all in the cache", before, []pipeline.Forecast{task("fit", ascent, true)}, ""},
	} {
		if got := saving(c.toRun, &pipeline.Manifest{Tasks: c.before}); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
}
