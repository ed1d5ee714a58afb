package report_test

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"upi/report"
	"upi/results"
)

// waves is a picture of side x side x channels values between low and high.
func waves(side, channels int, low, high float64) []float32 {
	values := make([]float32, side*side*channels)
	for i := range values {
		x, y := float64(i/channels%side), float64(i/channels/side)
		values[i] = float32(low + (high-low)*(0.5+0.5*math.Sin(x/3+float64(i%channels))*math.Cos(y/4)))
	}
	return values
}

// fullRun is a run with all that a report draws.
func fullRun(t *testing.T) string {
	t.Helper()
	dir := smallRun(t)
	share := 0.31
	var perturbations []results.Perturbation
	for _, model := range []string{"a", "b"} {
		for _, method := range []string{"none", "random", "upi_pca", "upi_grad", "per_image"} {
			for _, eps := range []float64{255, 510} {
				for seed := range int64(2) {
					p := results.Perturbation{ID: fmt.Sprintf("%s-%s-%g-%d", method, model, eps, seed), Method: method, Kind: method, Role: roleOf[method], Model: model,
						Explanation: "sg", Norm: "l2", Eps: eps, Seed: seed, Sign: 1, Shape: []int32{28, 28, 1}, Delta: waves(28, 1, -eps/10, eps/10)}
					switch method {
					case "none":
						p.Eps, p.Delta = 0, make([]float32, 28*28)
					case "upi_pca":
						p.Sign, p.ExplainedShare, p.Singular = -1, &share, []float32{9, 5, 4, 3.5, 3, 2.5, 2}
					case "upi_grad":
						p.TraceStep, p.TraceValue = []int32{0, 10, 20, 30}, []float32{0.1, 0.15, float32(math.NaN()), 0.18}
					case "per_image":
						p.Delta = nil
					}
					perturbations = append(perturbations, p)
				}
			}
		}
	}
	writeRows(t, filepath.Join(dir, results.PerturbationsFile), perturbations)
	writeRows(t, filepath.Join(dir, results.FiguresDir, results.ExamplesFile), examples())
	return dir
}

func examples() []results.Example {
	return []results.Example{
		{ID: 17, Title: "upi_grad, l2 510, a, sg", Label: 7, LabelName: "seven", CleanPrediction: 7, CleanName: "seven", PerturbedPrediction: 2,
			PerturbedName: "two", Shape: []int32{28, 28, 1}, Image: waves(28, 1, 0, 255), Perturbed: waves(28, 1, -40, 290),
			CleanMap: waves(28, 1, 0, 0.01), PerturbedMap: waves(28, 1, 0, 0.02)},
		{ID: -3, Title: "upi_grad, linf 8, a, sg", Shape: []int32{32, 32, 3}, Image: waves(32, 3, 0, 255), Perturbed: waves(32, 3, 10, 245),
			CleanMap: waves(32, 1, 0, 0.01), PerturbedMap: waves(32, 1, 0, 0)},
	}
}

// figureSizes are width and height in pixels, as the layout in the code gives them: an example is 5 pictures of 28 * 8 or
// 32 * 7 pixels, 7 gaps of 16, a scale of 18 + 76, 3 lines of 26.
var figureSizes = map[string][2]int{
	"example-1-17.png":                       {5*224 + 7*16 + 18 + 76, 224 + 3*26 + 2*16},
	"example-2-_3.png":                       {5*224 + 7*16 + 18 + 76, 224 + 3*26 + 2*16},
	"perturbations-a-sg.png":                 {2*(224+16) + 16, 3*(224+2*26+16) + 26},
	"perturbations-b-sg.png":                 {2*(224+16) + 16, 3*(224+2*26+16) + 26},
	"score-a-sg-l2-normalized_l2.png":        {840, 680},
	"score-b-sg-l2-normalized_l2.png":        {840, 680},
	"score-a-sg-l2-cosine.png":               {840, 680},
	"spectrum-a-sg.png":                      {840, 680},
	"spectrum-b-sg.png":                      {840, 680},
	"trace-a-sg-upi_grad.png":                {840, 680},
	"trace-b-sg-upi_grad.png":                {840, 680},
	"transfer-sg-l2-255-a-normalized_l2.png": {0, 0},
	"transfer-sg-l2-510-a-normalized_l2.png": {0, 0},
	"transfer-sg-l2-255-a-cosine.png":        {0, 0},
	"transfer-sg-l2-510-a-cosine.png":        {0, 0},
}

func TestFigures(t *testing.T) {
	dir := fullRun(t)
	stale, kept := filepath.Join(dir, results.FiguresDir, "score-gone.png"), filepath.Join(dir, results.FiguresDir, "mine.png")
	writeText(t, stale, "")
	writeText(t, kept, "")
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a figure of an earlier report is still there")
	}
	if err := os.Remove(kept); err != nil {
		t.Errorf("a file of the user's: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, results.FiguresDir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(figureSizes) {
		t.Errorf("%d figures, want %d: %v", len(files), len(figureSizes), files)
	}
	for name, size := range figureSizes {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, results.FiguresDir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			picture, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			box := picture.Bounds()
			if got := [2]int{box.Dx(), box.Dy()}; size[0] > 0 && got != size {
				t.Errorf("%v pixels, want %v", got, size)
			}
			colours := map[any]bool{}
			for y := range box.Dy() {
				for x := range box.Dx() {
					colours[picture.At(x, y)] = true
				}
			}
			if len(colours) < 10 && !strings.HasSuffix(name, "cosine.png") {
				t.Errorf("%d colours", len(colours))
			}
			// The same figure as SVG and as PDF, as large in points at 144 pixels an inch, without letters that need a font.
			stem := strings.TrimSuffix(filepath.Join(dir, results.FiguresDir, name), ".png")
			svg, err := os.ReadFile(stem + ".svg")
			if err != nil || !bytes.Contains(svg, fmt.Appendf(nil, `width="%gpt" height="%gpt"`, float64(box.Dx())/2, float64(box.Dy())/2)) ||
				bytes.Contains(svg, []byte("<text")) {
				t.Errorf("%v: the SVG begins with %.300s", err, svg)
			}
			pdf, err := os.ReadFile(stem + ".pdf")
			if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, fmt.Appendf(nil, "/MediaBox [0 0 %.2f %.2f]", float64(box.Dx())/2,
				float64(box.Dy())/2)) || bytes.Contains(pdf, []byte("/Font <<\n/F")) {
				t.Errorf("%v: the PDF is not of this size, or has a font", err)
			}
		})
	}
}

// The first panel shows the image itself, each pixel 8 x 8 times.
func TestExampleShowsItsPixels(t *testing.T) {
	dir := fullRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, results.FiguresDir, "example-1-17.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	const left, top, enlarge = 16, 16 + 26 + 13, 8
	e := examples()[0]
	for i, want := range e.Image {
		x, y := left+i%28*enlarge, top+i/28*enlarge
		for _, corner := range [][2]int{{x, y}, {x + enlarge - 1, y + enlarge - 1}} {
			r, g, b, _ := picture.At(corner[0], corner[1]).RGBA()
			if level := math.Round(float64(want)); float64(r>>8) != level || r != g || g != b {
				t.Fatalf("pixel %d is %d %d %d, want %g", i, r>>8, g>>8, b>>8, level)
			}
		}
	}
}

func TestDamagedExamples(t *testing.T) {
	dir := fullRun(t)
	bad := examples()
	bad[1].PerturbedMap = bad[1].PerturbedMap[1:]
	path := filepath.Join(dir, results.FiguresDir, results.ExamplesFile)
	writeRows(t, path, bad)
	err := report.Build(dir)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "image -3: a map of 1023 values") {
		t.Errorf("the error is %v, want one that names %s and image -3", err, path)
	}
}

// Reports of damaged or unusual runs are errors or pages, never panics.
func TestUnusualPerturbations(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		p       results.Perturbation
		problem string
	}{
		"wrong length":   {results.Perturbation{Eps: 1, Shape: []int32{2, 2, 1}, Delta: []float32{1}}, "1 values are not an image of shape [2 2 1]"},
		"huge shape":     {results.Perturbation{Eps: 1, Shape: []int32{1 << 30, 1 << 30, 3}, Delta: []float32{1}}, "cannot be shown"},
		"no shape":       {results.Perturbation{Eps: 1, Delta: []float32{1}}, "not height, width, channels"},
		"zero":           {results.Perturbation{Eps: 1, Sign: 1, Shape: []int32{1, 2, 1}, Delta: []float32{0, 0}}, ""},
		"not a number":   {results.Perturbation{Eps: 1, Sign: 1, Shape: []int32{1, 2, 1}, Delta: []float32{nan, 1}}, ""},
		"no sign":        {results.Perturbation{Eps: 1, Shape: []int32{1, 2, 1}, Delta: []float32{1, 2}}, ""},
		"flat spectrum":  {results.Perturbation{Eps: 1, Singular: []float32{0, 0}}, ""},
		"NaN spectrum":   {results.Perturbation{Eps: 1, Singular: []float32{1, nan}}, ""},
		"NaN trace":      {results.Perturbation{Eps: 1, TraceStep: []int32{1}, TraceValue: []float32{nan}}, ""},
		"constant trace": {results.Perturbation{Eps: 1, TraceStep: []int32{1, 2}, TraceValue: []float32{3, 3}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := smallRun(t)
			writeRows(t, filepath.Join(dir, results.PerturbationsFile), []results.Perturbation{c.p})
			err := report.Build(dir)
			if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("the error is %v, want %q", err, c.problem)
			}
		})
	}
}

// references are attributes and style rules by which a page fetches something.
var references = regexp.MustCompile(`(?i)(src|href|srcset|action|data|poster)\s*=\s*["']?([^"'\s>]*)|url\(|@import|<script|<link|<iframe|<object|<embed`)

func TestPageIsSelfContained(t *testing.T) {
	for name, dir := range map[string]string{"full": fullRun(t), "hostile": hostileRun(t)} {
		t.Run(name, func(t *testing.T) {
			if err := report.Build(dir); err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(filepath.Join(dir, results.ReportFile))
			if err != nil {
				t.Fatal(err)
			}
			images := 0
			for _, m := range references.FindAllSubmatch(page, -1) {
				switch target := string(m[2]); {
				case strings.HasPrefix(target, "data:image/png;base64,"), strings.HasPrefix(target, "data:image/jpeg;base64,"):
					images++
				case strings.HasPrefix(target, "#"):
				default:
					t.Errorf("the page refers to something outside: %.80s", m[0])
				}
			}
			files, _ := filepath.Glob(filepath.Join(dir, results.FiguresDir, "*.png"))
			if images != len(files) {
				t.Errorf("%d images, want all %d figures", images, len(files))
			}
			if bytes.ContainsAny(page, "\x1b\u202e") {
				t.Error("the page holds a letter that changes how others are shown")
			}
			if bytes.Contains(page, []byte("ZgotmplZ")) {
				t.Error("the template has refused a value")
			}
		})
	}
}

func TestPageTellsAll(t *testing.T) {
	dir := fullRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, results.ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`name="viewport"`, "prefers-color-scheme: dark", "2026-11-22 10:00 UTC, took 1m1.5s", "its status is partial",
		"clean map has a norm of zero: 2 (image 17; image 3)", "every gradient is zero", `gap">missing</td>`,
		"<strong>0.800 ± 0.008</strong>", "+0.270 [+0.260, +0.280]", "tensorflow</dt><dd>2.18.1", "filter: correct", "00ff",
		"<p>Warning: the sign of a.sg.upi_grad.l2-255.s0 rests on 7 images.</p>",
		"Missing: none 0; upi_grad 255; upi_grad 510; per_image 510",
	} {
		if !strings.Contains(strings.ReplaceAll(string(page), "&#43;", "+"), want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}

// A second build of the same run gives the same bytes.
func TestBuildIsRepeatable(t *testing.T) {
	dir := fullRun(t)
	read := func() (all []string) {
		if err := report.Build(dir); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			all = append(all, path+string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if first := read(); !slices.Equal(first, read()) {
		t.Error("the second report differs from the first")
	}
}
