package report

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"upi/metric"
	"upi/results"
)

// changedMetric is the share of predictions that changed.
const changedMetric = "prediction_changed"

// A tradeoff is a line of a figure of maps moved against predictions changed.
type tradeoff struct {
	name  string
	style int
	// rows are its points in order, and texts what is written beside each.
	rows  []record
	texts []string
}

// A family is attacks that differ in the weight of keep alone, weights ascending; an attack that keeps nothing has the weight 0.
type family struct {
	name    string
	members []string
	weights []float64
}

// families lists those of the attacks that keep predictions.
func (s *settings) families() []family {
	type key struct {
		base   string
		margin float64
	}
	var keys []key
	of := map[key][]attackSettings{}
	for _, a := range s.Attacks {
		if a.Keep == nil {
			continue
		}
		k := key{a.base(), a.Keep.Margin}
		if of[k] == nil {
			keys = append(keys, k)
		}
		of[k] = append(of[k], a)
	}
	var all []family
	for _, k := range keys {
		members := slices.Clone(of[k])
		slices.SortStableFunc(members, func(a, b attackSettings) int { return cmp.Compare(a.Keep.Weight, b.Keep.Weight) })
		f := family{name: s.Labels.of(members[0].Name)}
		for _, a := range s.Attacks {
			if a.Keep == nil && a.base() == k.base {
				f.name = s.Labels.of(a.Name)
				f.members, f.weights = append(f.members, a.Name), append(f.weights, 0)
				break
			}
		}
		for _, a := range members {
			f.members, f.weights = append(f.members, a.Name), append(f.weights, a.Keep.Weight)
		}
		f.name += ", by weight of keep"
		if k.margin != 0 {
			f.name += fmt.Sprintf(", margin %g", k.margin)
		}
		all = append(all, f)
	}
	return all
}

// tradeoffFigures show how far maps move against how many predictions change, of runs in which some attack is to keep predictions.
func (r *run) tradeoffFigures() ([]figure, error) {
	t, ok := r.records(results.SummaryTable)
	if !ok || r.settings == nil || !slices.Contains(t.Metrics, changedMetric) {
		return nil, nil
	}
	wanted := []string{t.Metrics[0]}
	keeps := false
	for _, a := range r.settings.Attacks {
		keeps = keeps || a.Keep != nil || a.Kind == "upi_plus"
		if name, other := t.own[a.Name]; a.Keep != nil && other && slices.Contains(t.Metrics, name) {
			wanted = append(wanted, name)
		}
	}
	if !keeps {
		return nil, nil
	}
	var names []string
	for _, row := range t.Rows {
		names = append(names, row.curveName(t.Labels))
	}
	var all []figure
	for _, name := range distinct(wanted) {
		if m, err := metric.Lookup(name); err != nil || !m.Maps {
			continue
		}
		for _, rows := range t.byTarget() {
			for _, norm := range normsOf(rows) {
				lines := tradeoffsOf(r.settings, t, rows, norm, rank(names))
				f, drawn, err := tradeoffFigure(t.Labels, lines, name, norm)
				if err != nil {
					return nil, err
				}
				if drawn {
					all = append(all, f)
				}
			}
		}
	}
	return all, nil
}

func normsOf(rows []record) []string {
	var norms []string
	for _, row := range rows {
		norms = append(norms, row.Norm)
	}
	return distinct(norms)
}

// tradeoffsOf has a line for each family and budget, by weights, and one for each other method, by budgets.
func tradeoffsOf(s *settings, t records, rows []record, norm string, styles map[string]int) []tradeoff {
	var lines []tradeoff
	inFamily := map[string]bool{}
	for _, f := range s.families() {
		at := map[string]int{}
		for i, member := range f.members {
			inFamily[member] = true
			for _, row := range rows {
				if row.Method != member || row.Norm != norm {
					continue
				}
				name := fmt.Sprintf("%s, eps %s", f.name, budget(row.Eps))
				if row.Source != row.Target {
					name += " (" + t.Labels.of(row.Source) + ")"
				}
				k, there := at[name]
				if !there {
					k = len(lines)
					at[name] = k
					lines = append(lines, tradeoff{name: name, style: len(styles) + len(lines)})
				}
				lines[k].rows = append(lines[k].rows, row)
				lines[k].texts = append(lines[k].texts, number3(f.weights[i]))
			}
		}
	}
	at := map[string]int{}
	for _, row := range rows {
		if inFamily[row.Method] || row.Norm != norm || row.Role == results.RoleNothing {
			continue
		}
		name := row.curveName(t.Labels)
		k, there := at[name]
		if !there {
			k = len(lines)
			at[name] = k
			lines = append(lines, tradeoff{name: name, style: styles[name]})
		}
		lines[k].rows = append(lines[k].rows, row)
		lines[k].texts = append(lines[k].texts, budget(row.Eps))
	}
	return lines
}

func number3(v float64) string { return fmt.Sprintf("%.3g", v) }

// tradeoffFigure draws the lines of a metric, and tells whether they have a point.
func tradeoffFigure(l labels, lines []tradeoff, metric, norm string) (figure, bool, error) {
	var curves []curve
	var marks plotter.XYLabels
	var bars xBars
	var first record
	low, high := math.Inf(1), math.Inf(-1)
	for _, line := range lines {
		c := curve{name: line.name, style: line.style}
		for i, row := range line.rows {
			y, x := row.Cells[metric], row.Cells[changedMetric]
			if y.Mean == nil || x.Mean == nil || !finite(*y.Mean) || !finite(*x.Mean) {
				continue
			}
			first = row
			at := plotter.XY{X: 100 * *x.Mean, Y: *y.Mean}
			half := normal95 * known(y.StdError)
			c.points, c.bars = append(c.points, at), append(c.bars, half)
			low, high = min(low, at.Y-half), max(high, at.Y+half)
			bars.XYs = append(bars.XYs, at)
			aside := 100 * normal95 * known(x.StdError)
			bars.XErrors = append(bars.XErrors, struct{ Low, High float64 }{min(aside, at.X), min(aside, 100-at.X)})
			marks.XYs, marks.Labels = append(marks.XYs, at), append(marks.Labels, line.texts[i])
		}
		if len(c.points) > 0 {
			curves = append(curves, c)
		}
	}
	if len(curves) == 0 {
		return figure{}, false, nil
	}
	f := figure{
		Name: fileName("tradeoff", first.Target, first.Explanation, norm, metric), Group: tradeoffGroup,
		Caption: fmt.Sprintf("%s against the share of predictions that changed, on %s, %s (%s). Beside a point stands its budget or, on a line by weight "+
			"of keep, that weight (0: predictions are not kept). The axis of shares is that of their roots. Bars: 95 %% intervals, 1.96 standard errors over the images.",
			l.of(metric), l.of(first.Target), l.of(first.Explanation), norm),
	}
	p := newPlot(l.of(first.Target)+", "+l.of(first.Explanation), "predictions changed (%)", l.of(metric))
	if err := annotate(p, marks, bars); err != nil {
		return f, false, err
	}
	p.X.Min, p.X.Max = 0, min(100, 1.15*p.X.Max) // room for the last text
	p.X.Scale, p.X.Tick.Marker = rootScale{}, shareTicks(p.X.Max)
	p.Y.Min, p.Y.Max = low, high
	f, err := curvesFigure(f, p, curves, 0)
	return f, true, err
}

// rootScale sets numbers from 0 up at the place of their square roots: small shares are what matters.
type rootScale struct{}

// Normalize is that of a [plot.Normalizer].
func (rootScale) Normalize(low, high, v float64) float64 {
	low, high = math.Sqrt(max(low, 0)), math.Sqrt(max(high, 0))
	if v < 0 || high <= low {
		return 0
	}
	return (math.Sqrt(v) - low) / (high - low)
}

// shareTicks marks round shares in percent up to the largest.
func shareTicks(largest float64) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, v := range []float64{0, 1, 2, 5, 10, 20, 40, 60, 80, 100} {
		if v <= largest {
			ticks = append(ticks, plot.Tick{Value: v, Label: budget(v)})
		}
	}
	return ticks
}

// xBars are points with what their error bars reach to the left and right.
type xBars struct {
	plotter.XYs
	plotter.XErrors
}

// annotate writes a text beside each point, and draws its horizontal bar.
func annotate(p *plot.Plot, marks plotter.XYLabels, bars xBars) error {
	texts, err := plotter.NewLabels(marks)
	if err != nil {
		return fmt.Errorf("label points: %w", err)
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].Font = fontOf(printable(strings.Join(marks.Labels, " ")), 8)
		texts.TextStyle[i].Color = color.Gray{Y: 80}
	}
	texts.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
	sides, err := plotter.NewXErrorBars(bars)
	if err != nil {
		return fmt.Errorf("draw error bars: %w", err)
	}
	sides.LineStyle = draw.LineStyle{Color: color.Gray{Y: 150}, Width: vg.Points(0.8)}
	p.Add(sides, texts)
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// known is a standard error, 0 where there is none.
func known(stdError *float64) float64 {
	if stdError == nil || !finite(*stdError) {
		return 0
	}
	return *stdError
}
