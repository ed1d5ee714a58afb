package report

import (
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"upi/results"
)

// Sizes of plots in pixels.
const (
	plotWidth  = 840
	plotHeight = 680
)

// A curve is a line through points that are finite, with what the error bars reach to either side.
type curve struct {
	name   string
	style  int // number among the curves
	points plotter.XYs
	bars   []float64 // nil without bars
}

var glyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}, draw.TriangleGlyph{}}

var dashes = [][]vg.Length{nil, {vg.Points(5), vg.Points(2)}, {vg.Points(1.5), vg.Points(1.5)}, {vg.Points(6), vg.Points(2), vg.Points(1.5), vg.Points(2)}}

// newPlot makes an empty plot. Its texts are large enough to be read where the figure is as wide as a phone.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = printable(title), printable(x), printable(y)
	p.Title.TextStyle.Font = fontOf(p.Title.Text, 12)
	p.Title.Padding = vg.Points(6)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = fontOf(axis.Label.Text, 12), fontOf("", 11)
	}
	p.Legend.TextStyle.Font = fontOf("", 11)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(2)
	p.BackgroundColor = color.White
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 225}, color.Gray{Y: 225}
	p.Add(grid)
	return p
}

// addCurve draws a curve with a colour, a mark and a dash of its own.
func addCurve(p *plot.Plot, c curve) error {
	if len(c.points) == 0 {
		return nil
	}
	lines, marks, err := plotter.NewLinePoints(c.points)
	if err != nil {
		return fmt.Errorf("draw curve %s: %w", c.name, err)
	}
	colour := lineColours[c.style%len(lineColours)]
	lines.LineStyle = draw.LineStyle{Color: colour, Width: vg.Points(1.3), Dashes: dashes[c.style/len(lineColours)%len(dashes)]}
	marks.GlyphStyle = draw.GlyphStyle{Color: colour, Radius: vg.Points(2.6), Shape: glyphs[c.style%len(glyphs)]}
	p.Add(lines)
	if len(c.points) <= 40 {
		p.Add(marks)
		p.Legend.Add(printable(c.name), lines, marks)
	} else {
		p.Legend.Add(printable(c.name), lines)
	}
	if c.bars == nil {
		return nil
	}
	bars := make(plotter.YErrors, len(c.bars))
	for i, half := range c.bars {
		bars[i].Low, bars[i].High = half, half
	}
	errorBars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{c.points, bars})
	if err != nil {
		return fmt.Errorf("draw error bars of %s: %w", c.name, err)
	}
	errorBars.LineStyle = draw.LineStyle{Color: colour, Width: vg.Points(1)}
	p.Add(errorBars)
	return nil
}

// curvesFigure draws curves, with room for a legend of so many lines at least above them.
func curvesFigure(f figure, p *plot.Plot, curves []curve, legend int) (figure, error) {
	rows := 0
	var names []string
	for _, c := range curves {
		names = append(names, c.name)
	}
	p.Legend.TextStyle.Font = fontOf(printable(strings.Join(names, " ")), 11)
	for _, c := range curves {
		if err := addCurve(p, c); err != nil {
			return f, err
		}
		if len(c.points) > 0 {
			rows++
		}
	}
	low, high := p.Y.Min, p.Y.Max // of the data and of what the caller asks for
	if !(high > low) {
		p.Y.Min, p.Y.Max = low-0.5, high+0.5
	}
	// The legend stands above the data: the axis is stretched by the share of the height that it takes.
	if height := p.Y.Max - p.Y.Min; height > 0 {
		p.Y.Max += height * min(1, float64(max(rows, legend))*0.07)
	}
	if width := p.X.Max - p.X.Min; width > 0 {
		p.X.Max += 0.04 * width
	}
	return finishPlot(f, p, plotWidth, plotHeight)
}

// normal95 times the standard error is half of a 95 % interval.
const normal95 = 1.96

// A panel is the rows of one figure of scores.
type panel struct {
	target, explanation, norm string
	rows                      []record
}

// scoreFigures show each metric against eps, for each target, explanation and norm. Those of one metric share their axes, so that they can be
// compared.
func (r *run) scoreFigures() ([]figure, error) {
	t, ok := r.records(results.SummaryTable)
	if !ok {
		return nil, nil
	}
	var panels []panel
	var names []string
	for _, row := range t.Rows {
		i := slices.IndexFunc(panels, func(p panel) bool {
			return p.target == row.Target && p.explanation == row.Explanation && p.norm == row.Norm
		})
		if i < 0 {
			i = len(panels)
			panels = append(panels, panel{target: row.Target, explanation: row.Explanation, norm: row.Norm})
		}
		panels[i].rows = append(panels[i].rows, row)
		names = append(names, row.curveName(t.Labels))
	}
	styles := rank(names) // a method looks the same in all figures
	var all []figure
	for _, metric := range t.Metrics {
		figures, err := metricFigures(t.Labels, panels, metric, styles)
		if err != nil {
			return nil, err
		}
		for i := range figures {
			figures[i].More = metric != t.Metrics[0] && !slices.Contains(slices.Collect(maps.Values(t.own)), metric)
		}
		all = append(all, figures...)
	}
	return all, nil
}

// metricFigures show one metric.
func metricFigures(l labels, panels []panel, metric string, styles map[string]int) ([]figure, error) {
	curvesOf, missingOf := make([][]curve, len(panels)), make([][]string, len(panels))
	low, high := math.Inf(1), math.Inf(-1)
	widest, legend := map[string]float64{}, 0
	for i, p := range panels {
		curvesOf[i], missingOf[i] = scoreCurves(l, p.rows, metric, styles)
		legend = max(legend, len(curvesOf[i]))
		for _, c := range curvesOf[i] {
			for k, point := range c.points {
				low, high = min(low, point.Y-c.bars[k]), max(high, point.Y+c.bars[k])
				widest[p.norm] = max(widest[p.norm], point.X)
			}
		}
	}
	var all []figure
	for i, s := range panels {
		curves := curvesOf[i]
		if !slices.ContainsFunc(curves, func(c curve) bool { return c.points[len(c.points)-1].X > 0 }) {
			continue // an explanation of which all that is known is the row without a perturbation
		}
		f := figure{
			Name: fileName("score", s.target, s.explanation, s.norm, metric), Group: scoresGroup,
			Caption: fmt.Sprintf("%s on %s, %s, against the budget (%s, pixel units). Bars: 95 %% intervals, 1.96 standard errors over the images. The "+
				"figures of a metric share their axes.", l.of(metric), l.of(s.target), l.of(s.explanation), s.norm),
		}
		if len(missingOf[i]) > 0 {
			f.Caption += " Missing: " + strings.Join(missingOf[i], "; ")
		}
		p := newPlot(l.of(s.target)+", "+l.of(s.explanation), "eps ("+s.norm+", pixel units)", l.of(metric))
		ticks := budgetTicks(s.rows)
		p.X.Tick.Marker = ticks
		p.X.Min, p.X.Max = min(p.X.Min, 0), widest[s.norm]
		if len(ticks) == 1 {
			p.X.Min, p.X.Max = ticks[0].Value*(1-oneBudget), ticks[0].Value*(1+oneBudget)
		}
		p.Y.Min, p.Y.Max = low, high
		f, err := curvesFigure(f, p, curves, legend)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// oneBudget is the share of a single budget that the axis shows to either side of it.
const oneBudget = 0.2

// budgetTicks marks the budgets.
func budgetTicks(rows []record) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, row := range rows {
		tick := plot.Tick{Value: row.Eps, Label: budget(row.Eps)}
		if !slices.Contains(ticks, tick) {
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// curveName is the method, with the models that it was fitted on where these are not just the target.
func (r record) curveName(l labels) string {
	if r.Source == r.Target {
		return l.of(r.Method)
	}
	return l.of(r.Method) + " (" + l.of(r.Source) + ")"
}

// scoreCurves has a curve for each method and source; missing names the points that no curve can have.
func scoreCurves(l labels, rows []record, metric string, styles map[string]int) (curves []curve, missing []string) {
	// Curves that meet at a budget are set beside each other, so that their bars can be seen.
	widest, methods := 0.0, map[string]bool{}
	for _, row := range rows {
		widest = max(widest, row.Eps)
		methods[row.curveName(l)] = true
	}
	first, step := 0.0, 0.004*widest
	if len(budgetTicks(rows)) == 1 {
		step = oneBudget * widest / float64(len(methods))
		first = -step * float64(len(methods)-1) / 2
	}
	for _, row := range rows {
		name := row.curveName(l)
		c, known := row.Cells[metric]
		if !known || c.Mean == nil || math.IsNaN(*c.Mean) || math.IsInf(*c.Mean, 0) {
			missing = append(missing, name+" "+budget(row.Eps))
			continue
		}
		i := slices.IndexFunc(curves, func(c curve) bool { return c.name == name })
		if i < 0 {
			i = len(curves)
			curves = append(curves, curve{name: name, style: styles[name]})
		}
		aside := first + step*float64(i)
		if row.Eps == 0 {
			aside = 0
		}
		half := 0.0
		if c.StdError != nil && !math.IsNaN(*c.StdError) && !math.IsInf(*c.StdError, 0) {
			half = normal95 * *c.StdError
		}
		curves[i].points = append(curves[i].points, plotter.XY{X: row.Eps + aside, Y: *c.Mean})
		curves[i].bars = append(curves[i].bars, half)
	}
	return curves, missing
}
