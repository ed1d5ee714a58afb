package report

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/plotter"
)

// spectrumFigures show the singular values that UPI-PCA leaves, relative to the first.
func spectrumFigures(patterns []pattern) ([]figure, error) {
	var curves []curve
	for _, p := range patterns {
		if len(p.Singular) == 0 || !(p.Singular[0] > 0) {
			continue
		}
		c := curve{name: p.name(), style: len(curves)}
		if p.ExplainedShare != nil {
			c.name += fmt.Sprintf(": first direction %.1f %%", 100**p.ExplainedShare)
		}
		for k, v := range p.Singular {
			c.points = appendFinite(c.points, float64(k+1), float64(v/p.Singular[0]))
		}
		curves = append(curves, c)
	}
	if len(curves) == 0 {
		return nil, nil
	}
	subject := patterns[0].subject()
	plot := newPlot(subject, "k", "k-th singular value / first")
	plot.Y.Min = 0
	f, err := curvesFigure(figure{
		Name: fileName("spectrum", patterns[0].Model, patterns[0].Explanation), Group: spectrumGroup,
		Caption: fmt.Sprintf("Leading singular values of the per-image gradients on %s (of all that were taken, where the direction was refined), "+
			"relative to the first, with the first direction's share of the spectrum.", subject),
	}, plot, curves, 0)
	return []figure{f}, err
}

// traceFigures show the objective on held-back fit images, one figure per method: objectives of different attacks are not on
// one scale. Of directions that were refined they show what each time came to.
func traceFigures(patterns []pattern) ([]figure, error) {
	var methods []string
	of, spectral := map[string][]curve{}, map[string]bool{}
	for _, p := range patterns {
		spectral[p.Method] = len(p.Singular) > 0
		n := min(len(p.TraceStep), len(p.TraceValue))
		if n == 0 {
			continue
		}
		c := curve{name: p.Norm + " " + budget(p.Eps), style: len(of[p.Method])}
		for k := range n {
			c.points = appendFinite(c.points, float64(p.TraceStep[k]), float64(p.TraceValue[k]))
		}
		methods = append(methods, p.Method)
		of[p.Method] = append(of[p.Method], c)
	}
	var all []figure
	for _, method := range distinct(methods) {
		caption, x, y := "The objective of %s on held-back fit images of %s at each step that was looked at.", "step", "objective"
		if spectral[method] {
			caption, x, y = "How far %s moves the maps of fit images of %s, each time that its direction was refined.", "times refined", "normalized_l2"
		}
		f, err := curvesFigure(figure{
			Name: fileName("trace", patterns[0].Model, patterns[0].Explanation, method), Group: traceGroup,
			Caption: fmt.Sprintf(caption, patterns[0].labels.of(method), patterns[0].subject()),
		}, newPlot(patterns[0].labels.of(method)+": "+patterns[0].subject(), x, y), of[method], 0)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func appendFinite(points plotter.XYs, x, y float64) plotter.XYs {
	if math.IsNaN(y) || math.IsInf(y, 0) {
		return points
	}
	return append(points, plotter.XY{X: x, Y: y})
}
