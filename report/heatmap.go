package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/text"

	"upi/results"
)

// transferFigures show each metric of the transfer table, one figure for each explanation, norm and eps. All of a metric are on one scale.
func (r *run) transferFigures() ([]figure, error) {
	t, ok := r.records(results.TransferTable)
	if !ok {
		return nil, nil
	}
	var all []figure
	matrices := newMatrices(t)
	for _, m := range matrices {
		if m.Eps == 0 || len(m.Targets) < 2 {
			continue
		}
		low, high := scaleOf(matrices, m.Metric)
		f, err := m.figure(low, high)
		if err != nil {
			return nil, fmt.Errorf("draw transfer %s: %w", m.title(), err)
		}
		f.More = m.Metric != t.Metrics[0]
		all = append(all, f)
	}
	return all, nil
}

// scaleOf is from 0, or from the least value below it, to the largest of a metric.
func scaleOf(matrices []matrix, metric string) (low, high float64) {
	for _, m := range matrices {
		for _, row := range m.Rows {
			for _, v := range row.Values {
				if m.Metric == metric && v.Known && !math.IsNaN(*v.Cell.Mean) {
					low, high = min(low, *v.Cell.Mean), max(high, *v.Cell.Mean)
				}
			}
		}
	}
	return low, high
}

// figure draws one block of rows for each method, on a scale of colours from low to high.
func (m matrix) figure(low, high float64) (figure, error) {
	side, cell := 0, 0
	for _, row := range m.Rows {
		side = max(side, min(360, textWidth(printable(m.Labels.of(row.Source)))+gap))
	}
	for _, target := range m.Targets {
		cell = max(cell, min(260, textWidth(printable(m.Labels.of(target)))+gap), 110)
	}
	const height = 54
	s := newSheet(3*gap+side+cell*len(m.Targets)+scaleWidth+scaleText, 2*gap+2*line+len(m.Rows)*height+m.blocks()*line)
	s.label(gap, gap, side+cell*len(m.Targets)+scaleWidth+scaleText, text.XLeft, color.Black, m.title())
	y := gap + line
	for i, target := range m.Targets {
		s.label(gap+side+i*cell, y, cell, text.XCenter, color.Black, m.Labels.of(target))
	}
	y += line / 2
	for i, row := range m.Rows {
		if i == 0 || row.Method != m.Rows[i-1].Method {
			s.label(gap, y+line/2, side+cell*len(m.Targets), text.XLeft, color.Gray{Y: 80}, m.Labels.of(row.Method))
			y += line
		}
		s.label(gap, y+height/2, side-gap/2, text.XRight, color.Black, m.Labels.of(row.Source))
		for j, v := range row.Values {
			x := gap + side + j*cell
			var ground color.Color = color.Gray{Y: 235}
			shown := noText
			switch {
			case v.Known:
				ground, shown = heatColour(*v.Cell.Mean-low, high-low), number(*v.Cell.Mean)
			case v.Owed:
				shown = missingText
			}
			s.fill(x+1, y+1, cell-2, height-2, ground)
			s.label(x, y+height/2, cell, text.XCenter, inked(ground), shown)
			if v.Diagonal {
				s.frame(x, y, cell, height, 5, lineColours[1])
			}
		}
		y += height
	}
	s.scale(2*gap+side+cell*len(m.Targets), gap+line+line/2, min(y-gap-line-line/2, 220), low, high)
	return s.finish(figure{
		Name: fileName("transfer", m.Explanation, m.Norm, budget(m.Eps), m.Targets[0], m.Metric), Group: transferGroup,
		Caption: fmt.Sprintf("%s, fitted on the model of the row and scored on that of the column; colours from %s to %s, the same in all figures of the metric. "+
			"A blue frame marks the diagonal: fitted on the model that it is scored on.", m.title(), number(low), number(high)),
	})
}

// blocks is the number of methods.
func (m matrix) blocks() int {
	n := 0
	for i, row := range m.Rows {
		if i == 0 || row.Method != m.Rows[i-1].Method {
			n++
		}
	}
	return n
}
