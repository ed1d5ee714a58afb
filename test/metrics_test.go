package test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"upi/internal/pythontest"
	"upi/pipeline"
)

// A family is what Prometheus's own parser reads of one metric.
type family struct {
	Help, Type string
	Samples    []struct {
		Labels map[string]string
		Value  float64
	}
}

// TestMetrics has prometheus_client, the parser of the project Prometheus itself, read the metrics of a run, and those that the
// tests of pipeline hold in a file for a run that failed.
func TestMetrics(t *testing.T) {
	r := newRun(t, "base.yaml").done(t)
	m, err := pipeline.ReadManifest(r.dir())
	if err != nil {
		t.Fatal(err)
	}
	done, failed := filepath.Join(r.dir(), "metrics.prom"), filepath.Join("pipeline", "testdata", "metrics.prom")
	cmd := exec.Command(pythontest.Interpreter(t), "python/read_metrics.py", done, failed)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]map[string]family
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	seconds, images, rate, left := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, s := range m.Stages {
		seconds[s.Stage], images[s.Stage], rate[s.Stage] = s.Seconds, float64(s.Counts[pipeline.CountImages]), s.Throughput
		left[s.Stage] = float64(s.Counts[pipeline.CountLeftOut])
	}
	if images["evaluate"] == 0 || left["evaluate"] == 0 {
		t.Errorf("the run scores %v images and leaves out %v: the test does not test", images["evaluate"], left["evaluate"])
	}
	// A value for the run stands under the stage "".
	for _, c := range []struct {
		path, name string
		want       map[string]float64
	}{
		{done, "upi_run_success", map[string]float64{"": 1}},
		{done, "upi_run_finish_time_seconds", map[string]float64{"": float64(m.Finished.UnixMilli()) / 1000}},
		{done, "upi_run_last_success_time_seconds", map[string]float64{"": float64(m.Finished.UnixMilli()) / 1000}},
		{done, "upi_run_duration_seconds", map[string]float64{"": m.Seconds}},
		{done, "upi_tasks_failed", map[string]float64{"": 0}},
		{done, "upi_stage_seconds", seconds},
		{done, "upi_stage_images", images},
		{done, "upi_stage_images_per_second", rate},
		{done, "upi_images_left_out", left},
		{failed, "upi_run_success", map[string]float64{"": 0}},
		{failed, "upi_run_last_success_time_seconds", map[string]float64{"": 1600000000}},
		{failed, "upi_tasks_failed", map[string]float64{"": 1}},
		{failed, "upi_stage_seconds", map[string]float64{"fit": 10}},
		{failed, "upi_images_left_out", map[string]float64{"fit": 3}},
	} {
		f, got := read[c.path][c.name], map[string]float64{}
		for _, s := range f.Samples {
			got[s.Labels["stage"]] = s.Value
			if want := map[string]string{done: "run", failed: `a"b`}[c.path]; s.Labels["run"] != want {
				t.Errorf("%s: the run is %q, want %q", c.name, s.Labels["run"], want)
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s is %v, want %v", c.name, got, c.want)
		}
	}
	for path, families := range read {
		if len(families) < 11 {
			t.Errorf("%s has only %q", path, slices.Sorted(maps.Keys(families)))
		}
		for name, f := range families {
			if f.Type != "gauge" || len(f.Help) < 20 || len(f.Samples) == 0 && name != "upi_warnings" {
				t.Errorf("%s of %s: type %q, help %q, %d samples", name, path, f.Type, f.Help, len(f.Samples))
			}
		}
	}
}
