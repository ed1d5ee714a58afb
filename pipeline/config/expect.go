package config

import (
	"fmt"
	"slices"
	"strings"

	"upi/projection"
)

// Expectation is a condition on cells of a run's tables, checked when the run has ended.
type Expectation struct {
	// Method, Source, Target, Explanation, Norm and Eps say which rows are looked at: those that agree with all that is given. Method is
	// the name of an attack, Source that of the model that it was fitted on, Target that of the one that is scored on.
	Method      string         `yaml:"method,omitempty"`
	Source      string         `yaml:"source,omitempty"`
	Target      string         `yaml:"target,omitempty"`
	Explanation string         `yaml:"explanation,omitempty"`
	Norm        string         `yaml:"norm,omitempty"`
	Eps         projection.Eps `yaml:"eps,omitempty"`
	Metric      string         `yaml:"metric"`
	// Value is what of a cell is tested: mean, low or high, the ends of the mean's 95 % interval; or difference, difference_low or
	// difference_high, the same of the difference to random.
	Value string `yaml:"value"`
	// Above and Below are what it has to lie above and below; one at least is given.
	Above *float64 `yaml:"above,omitempty"`
	Below *float64 `yaml:"below,omitempty"`
}

// SetDefaults implements [Defaulter].
func (e *Expectation) SetDefaults() { e.Value = "mean" }

// String says the condition in one line.
func (e Expectation) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"", e.Method}, {"source ", e.Source}, {"target ", e.Target}, {"explanation ", e.Explanation}, {"", e.Norm}} {
		if p.value != "" {
			parts = append(parts, p.name+p.value)
		}
	}
	if e.Eps > 0 {
		parts = append(parts, fmt.Sprintf("eps %g", float64(e.Eps)))
	}
	what := e.Metric
	if e.Value != "mean" {
		what += " " + e.Value
	}
	if e.Above != nil {
		what += fmt.Sprintf(" above %g", *e.Above)
	}
	if e.Above != nil && e.Below != nil {
		what += " and"
	}
	if e.Below != nil {
		what += fmt.Sprintf(" below %g", *e.Below)
	}
	return strings.Join(append(parts, what), ", ")
}

// expectations checks that each can be met by some cell: a name that nothing has would never be looked at.
func (l *loader) expectations(cfg *Config) {
	var methods, models, explanations []string
	for _, a := range cfg.Attacks {
		methods = append(methods, a.Name)
	}
	for _, m := range cfg.Models {
		models = append(models, m.Name)
	}
	for _, e := range cfg.Explanations {
		explanations = append(explanations, e.Name)
	}
	for i, e := range cfg.Expect {
		at := fmt.Sprintf("expect[%d].", i)
		for _, name := range []struct {
			key, value string
			known      []string
		}{{"method", e.Method, methods}, {"target", e.Target, models}, {"explanation", e.Explanation, explanations}, {"norm", e.Norm, []string{"l2", "linf"}}} {
			l.need(name.value == "" || slices.Contains(name.known, name.value), at+name.key, name.value, "want one of "+orNone(name.known))
		}
		for _, source := range strings.Split(e.Source, "+") {
			l.need(e.Source == "" || slices.Contains(models, source), at+"source", e.Source, "want one of "+orNone(models)+", several joined by +")
		}
		l.need(slices.Contains(cfg.Evaluation.Metrics, e.Metric), at+"metric", e.Metric, "want one of evaluation.metrics: "+orNone(cfg.Evaluation.Metrics))
		l.oneOf(at+"value", e.Value, "mean", "low", "high", "difference", "difference_low", "difference_high")
		l.need(e.Above != nil || e.Below != nil, strings.TrimSuffix(at, "."), nil, "want above, below or both")
		l.need(e.Above == nil || e.Below == nil || *e.Above < *e.Below, at+"above", e.Above, "want less than below: no number is both")
	}
}
