package pipeline

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// A Family is a metric of metrics.prom with its values.
type Family struct {
	Name, Help string
	Samples    []Sample
}

// A Sample is a value with the names and values of its labels, in turn.
type Sample struct {
	Value  float64
	Labels []string
}

// writeMetrics writes the manifest, and the numbers of the results that are there, as Prometheus text, for the textfile collector of a
// node exporter.
func writeMetrics(m *Manifest, numbers []Family, w io.Writer) error {
	p := prometheus{w: w, run: m.Run}
	success := 0.0
	if m.Status == RunDone {
		success = 1
	}
	p.family("upi_run_success", "1 if the last run finished with every task done.")
	p.sample("upi_run_success", success)
	p.family("upi_run_finish_time_seconds", "When the last run ended, well or not, in seconds since 1970.")
	p.sample("upi_run_finish_time_seconds", float64(m.Finished.UnixMilli())/1000)
	if !m.LastSuccess.IsZero() {
		p.family("upi_run_last_success_time_seconds", "When a run last finished with every task done, in seconds since 1970.")
		p.sample("upi_run_last_success_time_seconds", float64(m.LastSuccess.UnixMilli())/1000)
	}
	p.family("upi_run_duration_seconds", "How long the last run took.")
	p.sample("upi_run_duration_seconds", m.Seconds)
	failed := 0
	for _, s := range m.Stages {
		failed += s.Failed
	}
	p.family("upi_tasks_failed", "Number of tasks of the last run that failed.")
	p.sample("upi_tasks_failed", float64(failed))
	p.stages(m)
	p.family("upi_warnings", "Number of cases of each warning.")
	for _, x := range m.Warnings {
		p.sample("upi_warnings", float64(x.Count), "code", x.Code)
	}
	for _, f := range numbers {
		p.family(f.Name, f.Help)
		for _, s := range f.Samples {
			p.sample(f.Name, s.Value, s.Labels...)
		}
	}
	return p.err
}

func (p *prometheus) stages(m *Manifest) {
	perStage := []struct {
		name, help string
		value      func(manifest.StageSummary) float64
	}{
		{"upi_stage_seconds", "Time of the tasks that the last run ran, added up over workers.",
			func(s manifest.StageSummary) float64 { return s.Seconds }},
		{"upi_stage_images", "Number of images that the results of the stage come from.",
			func(s manifest.StageSummary) float64 { return float64(s.Counts[CountImages]) }},
		{"upi_images_left_out", "Number of images that the stage had to leave out.",
			func(s manifest.StageSummary) float64 { return float64(s.Counts[CountLeftOut]) }},
		{"upi_stage_images_per_second", "Throughput of the tasks that the last run ran.",
			func(s manifest.StageSummary) float64 { return s.Throughput }},
		{"upi_stage_peak_memory_bytes", "Most memory that the process held while the stage ran.",
			func(s manifest.StageSummary) float64 { return float64(s.PeakMemory) }},
	}
	for _, f := range perStage {
		p.family(f.name, f.help)
		for _, s := range m.Stages {
			p.sample(f.name, f.value(s), "stage", s.Stage)
		}
	}
	p.family("upi_stage_tasks", "Number of tasks of the last run by how they ended.")
	for _, s := range m.Stages {
		for _, x := range []struct {
			status progress.Status
			n      int
		}{{progress.Done, s.Done}, {progress.Hit, s.Hit}, {progress.Failed, s.Failed}, {progress.Skipped, s.Skipped}} {
			p.sample("upi_stage_tasks", float64(x.n), "stage", s.Stage, "status", string(x.status))
		}
	}
}

// prometheus writes the text exposition format, version 0.0.4, gauges only.
type prometheus struct {
	w   io.Writer
	run string
	err error
}

func (p *prometheus) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *prometheus) family(name, help string) {
	p.printf("# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func (p *prometheus) sample(name string, value float64, labels ...string) {
	p.printf(`%s{run="%s"`, name, escape.Replace(p.run))
	for i := 0; i+1 < len(labels); i += 2 {
		p.printf(`,%s="%s"`, labels[i], escape.Replace(labels[i+1]))
	}
	p.printf("} %s\n", strconv.FormatFloat(value, 'f', -1, 64))
}
