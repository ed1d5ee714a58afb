package report

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math"
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

// exampleFigure shows image, map, perturbed image, perturbed map and the change of the map side by side, all three maps on one scale.
func exampleFigure(e results.Example, number int, l labels) (figure, error) {
	h, w := int(e.Shape[0]), int(e.Shape[1])
	enlarge := enlargement(h, w, pictureSide)
	width, height := max(w*enlarge, pictureSide), h*enlarge
	change := make([]float32, len(e.CleanMap))
	for i, v := range e.CleanMap {
		change[i] = float32(math.Abs(float64(v) - float64(e.PerturbedMap[i])))
	}
	top := max(largest(e.CleanMap), largest(e.PerturbedMap))
	title := l.title(e.Title)
	s := newSheet(5*width+7*gap+scaleWidth+scaleText, height+3*line+2*gap)
	s.label(gap, gap, 5*width+4*gap, text.XLeft, color.Black, fmt.Sprintf("image %s, %s", e.ImageID(), title))
	panels := []struct {
		title, below string
		picture      image.Image
	}{
		{"image, label " + drawnClass(e.Label, e.LabelName), "predicted " + drawnClass(e.CleanPrediction, e.CleanName), pixelsOf(e.Image, e.Shape, 0, 1)},
		{"map", "", mapPicture(e.CleanMap, h, w, top)},
		{"perturbed image", "predicted " + drawnClass(e.PerturbedPrediction, e.PerturbedName), pixelsOf(e.Perturbed, e.Shape, 0, 1)},
		{"perturbed map", "", mapPicture(e.PerturbedMap, h, w, top)},
		{"|map - perturbed map|", "", mapPicture(change, h, w, top)},
	}
	for i, p := range panels {
		x := gap + i*(width+gap)
		s.label(x, gap+line, width, text.XLeft, color.Black, p.title)
		s.picture(x, gap+line+line/2, enlarge, p.picture)
		s.label(x, gap+2*line+height, width, text.XLeft, color.Black, p.below)
	}
	s.scale(2*gap+5*(width+gap), gap+line+line/2, height, 0, top)
	caption := fmt.Sprintf("Image %s, %s: image, map, perturbed image, perturbed map and the size of their difference; the three maps on one scale, from 0 to %.3g.",
		e.ImageID(), title, top)
	if share := outside(e.Perturbed); share > 0 {
		caption += fmt.Sprintf(" %.1f %% of the perturbed pixels lie outside 0..255 and are shown cut.", 100*share)
	}
	caption += unlettered(e)
	return s.finish(figure{Name: fileName("example", fmt.Sprint(number), e.ImageID()), Group: examplesGroup, Caption: caption})
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
