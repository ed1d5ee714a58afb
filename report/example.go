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
	return checkGoal(e)
}

// checkGoal says whether the goal that is shown lies in the maps.
func checkGoal(e results.Example) error {
	h, w := e.Shape[0], e.Shape[1]
	if n := len(e.Target); n > 0 && n != len(e.CleanMap) {
		return fmt.Errorf("a target of %d values beside maps of %d", n, len(e.CleanMap))
	}
	r := e.Region
	if len(r) == 0 {
		return nil
	}
	if len(r) != 4 || r[0] < 0 || r[1] < 0 || r[2] < 1 || r[3] < 1 || r[2] > h-r[0] || r[3] > w-r[1] {
		return fmt.Errorf("the box %v (top, left, height, width) does not lie in maps of %d x %d", r, h, w)
	}
	return nil
}

// boxColour can be told from all colours of a heat map.
var boxColour = lineColours[5]

// Sizes of figures made of pictures, in pixels.
const (
	pictureSide = 224
	gap         = 16
	line        = 26
)

// exampleFigure shows image, map, perturbed image, perturbed map and the change of the map and, if there is one, the map
// that it is to become side by side, all maps on one scale.
func exampleFigure(e results.Example, number int, l labels) (figure, error) {
	h, w := int(e.Shape[0]), int(e.Shape[1])
	enlarge := enlargement(h, w, pictureSide)
	width, height := max(w*enlarge, pictureSide), h*enlarge
	change := make([]float32, len(e.CleanMap))
	for i, v := range e.CleanMap {
		change[i] = float32(math.Abs(float64(v) - float64(e.PerturbedMap[i])))
	}
	top := max(largest(e.CleanMap), largest(e.PerturbedMap), largest(e.Target))
	title := l.title(e.Title)
	type panel struct {
		title, below string
		picture      image.Image
		boxed        bool // shows the goal's box
	}
	panels := []panel{
		{"image, label " + drawnClass(e.Label, e.LabelName), "predicted " + drawnClass(e.CleanPrediction, e.CleanName), pixelsOf(e.Image, e.Shape, 0, 1), false},
		{"map", "", mapPicture(e.CleanMap, h, w, top), true},
		{"perturbed image", "predicted " + drawnClass(e.PerturbedPrediction, e.PerturbedName), pixelsOf(e.Perturbed, e.Shape, 0, 1), false},
		{"perturbed map", "", mapPicture(e.PerturbedMap, h, w, top), true},
		{"|map - perturbed map|", "", mapPicture(change, h, w, top), false},
	}
	if len(e.Target) > 0 {
		panels = append(panels, panel{"target map", "", mapPicture(e.Target, h, w, top), false})
	}
	n := len(panels)
	s := newSheet(n*width+(n+2)*gap+scaleWidth+scaleText, height+3*line+2*gap)
	s.label(gap, gap, n*width+(n-1)*gap, text.XLeft, color.Black, fmt.Sprintf("image %s, %s", e.ImageID(), title))
	for i, p := range panels {
		x, y := gap+i*(width+gap), gap+line+line/2
		s.label(x, gap+line, width, text.XLeft, color.Black, p.title)
		s.picture(x, y, enlarge, p.picture)
		if p.boxed && len(e.Region) > 0 {
			s.frame(x+int(e.Region[1])*enlarge, y+int(e.Region[0])*enlarge, int(e.Region[3])*enlarge, int(e.Region[2])*enlarge, 3, boxColour)
		}
		s.label(x, gap+2*line+height, width, text.XLeft, color.Black, p.below)
	}
	s.scale(2*gap+n*(width+gap), gap+line+line/2, height, 0, top)
	caption := fmt.Sprintf("Image %s, %s: image, map, perturbed image, perturbed map and the size of their difference; all maps on one scale, from 0 to %.3g.",
		e.ImageID(), title, top)
	if len(e.Region) > 0 {
		caption += " The frame is the box that the maps are to move to."
	}
	if len(e.Target) > 0 {
		caption += " Last the map that all maps are to become."
	}
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
