package report

import (
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/text"

	"upi/data/table"
	"upi/results"
)

// readExamples returns nil where the run has none.
func readExamples(dir string) ([]results.Example, error) {
	path := filepath.Join(dir, results.FiguresDir, results.ExamplesFile)
	examples, err := table.ReadAll[results.Example](path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, e := range examples {
		if err := checkExample(e); err != nil {
			return nil, fmt.Errorf("read %s: example %d, image %s: %w", path, i, e.ImageID(), err)
		}
	}
	return examples, nil
}

func checkExample(e results.Example) error {
	for _, values := range [][]float32{e.Image, e.Perturbed} {
		if err := checkShape(e.Shape, len(values)); err != nil {
			return err
		}
	}
	for _, values := range [][]float32{e.CleanMap, e.PerturbedMap} {
		if want := int(e.Shape[0]) * int(e.Shape[1]); len(values) != want {
			return fmt.Errorf("a map of %d values beside an image of shape %v, want %d", len(values), e.Shape, want)
		}
	}
	return nil
}

// Sizes of figures made of pictures, in pixels.
const (
	pictureSide = 224
	gap         = 16
	line        = 26
)

// exampleFigure shows image, map, perturbed image and perturbed map side by side, both maps on one scale.
func exampleFigure(e results.Example, number int) (figure, error) {
	h, w := int(e.Shape[0]), int(e.Shape[1])
	enlarge := enlargement(h, w, pictureSide)
	width, height := max(w*enlarge, pictureSide), h*enlarge
	top := max(largest(e.CleanMap), largest(e.PerturbedMap))
	s := newSheet(4*width+5*gap, height+3*line+2*gap)
	s.label(gap, gap, 4*width+3*gap, text.XLeft, color.Black, fmt.Sprintf("image %s, %s", e.ImageID(), e.Title))
	panels := []struct {
		title, below string
		draw         func(x, y int)
	}{
		{"image, label " + drawnClass(e.Label, e.LabelName), "predicted " + drawnClass(e.CleanPrediction, e.CleanName),
			func(x, y int) { s.picture(x, y, enlarge, pixelsOf(e.Image, e.Shape, 0, 1)) }},
		{"map", fmt.Sprintf("0 (black) to %.3g (white)", top),
			func(x, y int) { s.picture(x, y, enlarge, mapPicture(e.CleanMap, h, w, top)) }},
		{"perturbed image", "predicted " + drawnClass(e.PerturbedPrediction, e.PerturbedName),
			func(x, y int) { s.picture(x, y, enlarge, pixelsOf(e.Perturbed, e.Shape, 0, 1)) }},
		{"perturbed map", "same scale",
			func(x, y int) { s.picture(x, y, enlarge, mapPicture(e.PerturbedMap, h, w, top)) }},
	}
	for i, p := range panels {
		x := gap + i*(width+gap)
		s.label(x, gap+line, width, text.XLeft, color.Black, p.title)
		p.draw(x, gap+line+line/2)
		s.label(x, gap+2*line+height, width, text.XLeft, color.Black, p.below)
	}
	caption := fmt.Sprintf("Image %s, %s: image, map, perturbed image, perturbed map; both maps on the scale from 0 (black) to %.3g (white).", e.ImageID(), e.Title, top)
	if share := outside(e.Perturbed); share > 0 {
		caption += fmt.Sprintf(" %.1f %% of the perturbed pixels lie outside 0..255 and are shown cut.", 100*share)
	}
	caption += unlettered(e)
	png, err := s.encode()
	return figure{Name: fileName("example", fmt.Sprint(number), e.ImageID()), Group: examplesGroup, Caption: caption, PNG: png}, err
}

// class reads "7" or "7 (seven)".
func class(number int64, name string) string {
	if name == "" || name == fmt.Sprint(number) {
		return fmt.Sprint(number)
	}
	return fmt.Sprintf("%d (%s)", number, name)
}

// drawnClass is the class as a figure can show it: by its number alone where no font has the letters of its name.
func drawnClass(number int64, name string) string {
	if !legible(printable(name)) {
		name = ""
	}
	return class(number, name)
}

// unlettered are sentences that tell the names of classes which a figure shows by their numbers; empty where there are none.
func unlettered(e results.Example) string {
	var names []string
	for _, c := range []struct {
		number int64
		name   string
	}{{e.Label, e.LabelName}, {e.CleanPrediction, e.CleanName}, {e.PerturbedPrediction, e.PerturbedName}} {
		if !legible(printable(c.name)) {
			names = append(names, class(c.number, c.name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " Classes whose names no font of this machine has letters for are shown by their numbers: " + strings.Join(distinct(names), ", ") + "."
}
