package report

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot/text"

	"upi/data/table"
	"upi/results"
)

// A pattern is what the figures need of a perturbation: one for each method, model, explanation, norm and eps.
type pattern struct {
	results.Perturbation // without Delta
	picture              image.Image
	enlarge              int
	largest              float64 // magnitude
	labels               labels
}

// name reads "upi_grad, l2 510".
func (p pattern) name() string {
	return fmt.Sprintf("%s, %s %s", p.labels.of(p.Method), p.Norm, budget(p.Eps))
}

// subject reads "mnist_cnn, sg".
func (p pattern) subject() string { return p.labels.of(p.Model) + ", " + p.labels.of(p.Explanation) }

// readPatterns reads the perturbations of the first seed and draw one by one, keeping their pictures only.
func readPatterns(dir string, l labels) ([]pattern, error) {
	path := filepath.Join(dir, results.PerturbationsFile)
	rows, err := table.Open[results.Perturbation](path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []pattern
	var methods []string
	seen := map[rowKey]bool{}
	for n := 0; ; n++ {
		var p results.Perturbation
		if err := rows.Next(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		key := rowKey{Source: p.Model, Explanation: p.Explanation, Method: p.Method, Norm: p.Norm, Eps: p.Eps}
		if seen[key] {
			continue
		}
		seen[key] = true
		methods = append(methods, p.Method)
		drawn, err := newPattern(p)
		if err != nil {
			return nil, fmt.Errorf("row %d of %s: %w", n, path, err)
		}
		drawn.labels = l
		all = append(all, drawn)
	}
	method := rank(methods)
	slices.SortStableFunc(all, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(roleRank(a.Role), roleRank(b.Role)), cmp.Compare(method[a.Method], method[b.Method]),
			cmp.Compare(a.Norm, b.Norm), cmp.Compare(a.Eps, b.Eps))
	})
	return all, nil
}

// newPattern pictures Sign * Delta, its largest magnitude as black or white and 0 as grey. There is no picture of an attack
// that has no delta of its own, such as one per image, nor of one that is zero by definition or whose sign is not decided.
func newPattern(p results.Perturbation) (pattern, error) {
	drawn := pattern{Perturbation: p, largest: largest(p.Delta)}
	drawn.Delta = nil
	if len(p.Delta) == 0 || p.Eps == 0 {
		return drawn, nil
	}
	if err := checkShape(p.Shape, len(p.Delta)); err != nil {
		return drawn, fmt.Errorf("perturbation %s: %w", p.ID, err)
	}
	if p.Sign == 0 {
		return drawn, nil
	}
	scale := 0.0
	if drawn.largest > 0 {
		scale = 127 / drawn.largest
	}
	if p.Sign < 0 {
		scale = -scale
	}
	drawn.picture = pixelsOf(p.Delta, p.Shape, 128, scale)
	drawn.enlarge = enlargement(int(p.Shape[0]), int(p.Shape[1]), pictureSide)
	return drawn, nil
}

// perturbationFigures are contact sheets, spectra and traces, for each model and explanation.
func (r *run) perturbationFigures() ([]figure, error) {
	patterns, err := readPatterns(r.dir, r.labels())
	if err != nil {
		return nil, err
	}
	var subjects []string
	of := map[string][]pattern{}
	for _, p := range patterns {
		subjects = append(subjects, p.subject())
		of[p.subject()] = append(of[p.subject()], p)
	}
	var all []figure
	for _, draw := range []func([]pattern) ([]figure, error){contactSheet, spectrumFigures, traceFigures} {
		for _, subject := range distinct(subjects) {
			figures, err := draw(of[subject])
			if err != nil {
				return nil, fmt.Errorf("draw perturbations of %s: %w", subject, err)
			}
			all = append(all, figures...)
		}
	}
	return all, nil
}

// contactSheet shows the perturbations of one model and explanation, one method in a row.
func contactSheet(patterns []pattern) ([]figure, error) {
	type tile struct {
		pattern
		x, y int
	}
	var tiles []tile
	var x, y, width, height, bottom int
	last := ""
	for _, p := range patterns {
		if p.picture == nil {
			continue
		}
		w, h := max(pictureSide, p.picture.Bounds().Dx()*p.enlarge), p.picture.Bounds().Dy()*p.enlarge+2*line+gap
		if p.Method+p.Norm != last || x+w > 5*pictureSide {
			x, y = gap, bottom
		}
		last = p.Method + p.Norm
		tiles = append(tiles, tile{p, x, y})
		x += w + gap
		width, height = max(width, x), max(height, y+h)
		bottom = height
	}
	if len(tiles) == 0 {
		return nil, nil
	}
	s := newSheet(width, height+line)
	s.label(gap, gap, width-2*gap, text.XLeft, color.Black, patterns[0].subject())
	for _, t := range tiles {
		w := max(pictureSide, t.picture.Bounds().Dx()*t.enlarge)
		y := line + t.y
		s.label(t.x, y+line/2, w, text.XLeft, color.Black, t.name())
		s.picture(t.x, y+line, t.enlarge, t.picture)
		s.label(t.x, y+line+t.picture.Bounds().Dy()*t.enlarge+line/2, w, text.XLeft, color.Gray{Y: 80},
			fmt.Sprintf("grey 0, white +%.3g, black -%.3g", t.largest, t.largest))
	}
	f, err := s.finish(figure{
		Name: fileName("perturbations", patterns[0].Model, patterns[0].Explanation), Group: perturbationsGroup,
		Caption: fmt.Sprintf("Perturbations fitted on %s, first seed, in the sign that is scored. Grey is 0; white and black are the largest "+
			"magnitude of each, in pixel units, written below it.", patterns[0].subject()),
	})
	return []figure{f}, err
}
