package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/pipeline/atomicfile"
	"upi/results"
)

// Groups of figures, in the order of the page.
const (
	scoresGroup        = "Score against eps"
	tradeoffGroup      = "Maps moved against predictions changed"
	perturbationsGroup = "Perturbations"
	examplesGroup      = "Images and their maps"
	transferGroup      = "Transfer"
	spectrumGroup      = "Singular values"
	traceGroup         = "The objective while an attack climbs"
)

// A figure is a PNG file, and the same as SVG and PDF.
type figure struct {
	Name          string // of the PNG file
	Group         string
	Caption       string
	More          bool // of another metric than the first
	PNG, SVG, PDF []byte
}

// files are the names of a figure's files with their contents.
func (f figure) files() map[string][]byte {
	stem := strings.TrimSuffix(f.Name, ".png")
	return map[string][]byte{f.Name: f.PNG, stem + ".svg": f.SVG, stem + ".pdf": f.PDF}
}

// figurePrefixes begin the names of the files that a report makes, and may remove.
var figurePrefixes = []string{"perturbations", "example", "score", "tradeoff", "transfer", "spectrum", "trace"}

// fileName joins words to the name of a PNG file that is safe whatever the words hold.
func fileName(words ...string) string {
	for i, word := range words {
		words[i] = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.+", r) {
				return r
			}
			return '_'
		}, word)
	}
	name := strings.Join(words, "-")
	return name[:min(len(name), 120)] + ".png"
}

// figures draws all that the run has data for.
func (r *run) figures() ([]figure, error) {
	var all []figure
	for _, draw := range []func() ([]figure, error){r.scoreFigures, r.tradeoffFigures, r.perturbationFigures, r.exampleFigures, r.transferFigures} {
		figures, err := draw()
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	taken := map[string]bool{}
	for i := range all {
		for n := 2; taken[all[i].Name]; n++ {
			if name := strings.TrimSuffix(all[i].Name, ".png"); !taken[fmt.Sprintf("%s-%d.png", name, n)] {
				all[i].Name = fmt.Sprintf("%s-%d.png", name, n)
			}
		}
		taken[all[i].Name] = true
	}
	return all, nil
}

func (r *run) exampleFigures() ([]figure, error) {
	var all []figure
	for i, e := range r.examples {
		f, err := exampleFigure(e, i+1, r.labels())
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// writeFigures writes the figures and removes those of an earlier report that are no longer drawn.
func (r *run) writeFigures(figures []figure) error {
	dir := filepath.Join(r.dir, results.FiguresDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of figures: %w", err)
	}
	var names []string
	for _, f := range figures {
		for name, content := range f.files() {
			if err := atomicfile.WriteFile(filepath.Join(dir, name), content); err != nil {
				return err
			}
			names = append(names, name)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list figures: %w", err)
	}
	for _, file := range files {
		prefix, _, _ := strings.Cut(file.Name(), "-")
		stale := file.Type().IsRegular() && slices.Contains([]string{".png", ".svg", ".pdf"}, filepath.Ext(file.Name())) && slices.Contains(figurePrefixes, prefix)
		if !stale || slices.Contains(names, file.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove stale figure: %w", err)
		}
	}
	return nil
}
