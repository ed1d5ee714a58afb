package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"io"
	"maps"
	"slices"
	"strconv"

	"upi/pipeline/manifest"
	"upi/results"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A page is what page.html shows, in its order.
type page struct {
	Name     string
	Status   string
	Models   *grid
	Facts    []fact
	Main     grid
	Groups   []figureGroup
	Transfer transferPart
	Others   []grid
	Notes    []string
	Config   string
	Versions []fact
	Inputs   section
	Stages   section
}

type fact struct{ Name, Value string }

type figureGroup struct {
	Title   string
	Figures []shownFigure
}

type shownFigure struct {
	Source        template.URL
	Width, Height int
	Caption       string
}

type transferPart struct {
	Figures []shownFigure
	Grid    *grid
}

// writePage writes report.html: no script, and nothing that a browser would fetch.
func (r *run) writePage(w io.Writer, figures []figure) error {
	p := page{Name: printable(r.name()), Facts: r.facts()}
	for _, note := range notesOf(r.manifest) {
		p.Notes = append(p.Notes, printable(note))
	}
	for _, t := range r.tables {
		g := newGrid(t, nil)
		switch t.Table {
		case results.SummaryTable:
			p.Main = g
		case results.TransferTable:
			p.Transfer.Grid = &g
		default:
			p.Others = append(p.Others, g)
		}
	}
	if r.models != nil {
		g := r.models.grid()
		p.Models = &g
	}
	groups := map[string]int{}
	for _, f := range figures {
		shown, err := f.shown()
		if err != nil {
			return err
		}
		if f.Group == transferGroup {
			p.Transfer.Figures = append(p.Transfer.Figures, shown)
			continue
		}
		i, there := groups[f.Group]
		if !there {
			i = len(p.Groups)
			groups[f.Group] = i
			p.Groups = append(p.Groups, figureGroup{Title: f.Group})
		}
		p.Groups[i].Figures = append(p.Groups[i].Figures, shown)
	}
	if r.settings != nil {
		p.Config = r.settings.text
	}
	if m := r.manifest; m != nil {
		p.Status = string(m.Status)
		for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
			p.Versions = append(p.Versions, fact{name, m.Versions[name]})
		}
		p.Inputs, p.Stages = inputsOf(m), stagesOf(m)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func (f figure) shown() (shownFigure, error) {
	c, err := png.DecodeConfig(bytes.NewReader(f.PNG))
	if err != nil {
		return shownFigure{}, fmt.Errorf("show figure %s: %w", f.Name, err)
	}
	source := template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(f.PNG))
	return shownFigure{source, c.Width, c.Height, printable(f.Caption)}, nil
}

func inputsOf(m *manifest.Manifest) section {
	s := section{Columns: []column{{Name: "role"}, {Name: "path"}, {Name: "bytes", Right: true}, {Name: "SHA-256"}}}
	for _, in := range m.Inputs {
		s.Rows = append(s.Rows, []entry{newEntry(in.Role), newEntry(in.Path), {Text: strconv.FormatInt(in.Size, 10)}, newEntry(in.SHA256)})
	}
	return s
}

func stagesOf(m *manifest.Manifest) section {
	s := section{Columns: []column{{Name: "stage"}, {Name: "tasks", Right: true}, {Name: "from cache", Right: true}, {Name: "failed", Right: true},
		{Name: "skipped", Right: true}, {Name: "seconds", Right: true}, {Name: "images/s", Right: true}, {Name: "peak MiB", Right: true}}}
	for _, stage := range m.Stages {
		row := []entry{newEntry(stage.Stage)}
		for _, v := range []struct {
			number   float64
			decimals int
		}{{float64(stage.Tasks), 0}, {float64(stage.Hit), 0}, {float64(stage.Failed), 0}, {float64(stage.Skipped), 0},
			{stage.Seconds, 1}, {stage.Throughput, 1}, {float64(stage.PeakMemory) / (1 << 20), 0}} {
			row = append(row, entry{Text: strconv.FormatFloat(v.number, 'f', v.decimals, 64)})
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}
