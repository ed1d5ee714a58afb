package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"

	"upi/metric"
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
	Findings []finding
	Sure     string
	Models   *grid
	Facts    []fact
	Maps     []fact
	Methods  []fact
	Main     grid
	Groups   []figureGroup
	More     []shownFigure // of other metrics than the first
	Transfer transferPart
	Others   []grid
	Notes    []string
	Config   string
	Versions []fact
	Inputs   section
	Stages   section
	Metrics  section
	Notation string
	// Omitted are the names of figures that lie beside the page alone, and Weight says how large those in it are.
	Omitted []string
	Weight  string
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
	p := page{
		Name: printable(r.name()), Facts: r.facts(), Findings: r.findings(), Sure: sureLegend, Maps: r.mapTexts(), Methods: r.attackFacts(),
		Metrics: metricsSection(r.metrics()), Notation: metric.Notation,
	}
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
	weight := 0
	// Where not all have room, those of the first metric go first.
	ordered := slices.Clone(figures)
	slices.SortStableFunc(ordered, func(a, b figure) int { return cmp.Compare(btoi(a.More), btoi(b.More)) })
	lights, err := lighten(ordered)
	if err != nil {
		return err
	}
	for i, f := range ordered {
		small := lights[i]
		if weight+len(small.content) > maxWeight {
			p.Omitted = append(p.Omitted, results.FiguresDir+"/"+f.Name)
			continue
		}
		weight += len(small.content)
		shown := small.shown(f)
		if f.More {
			p.More = append(p.More, shown)
			continue
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
	p.Weight = fmt.Sprintf("%.1f MB", float64(weight)/1e6)
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// metricsSection is how to read the metrics.
func metricsSection(metrics []metric.Metric) section {
	s := section{Columns: []column{{Name: "metric"}, {Name: "meaning"}, {Name: "formula"}, {Name: "stronger"}, {Name: "source"}}}
	for _, m := range metrics {
		s.Rows = append(s.Rows, []entry{newEntry(m.Name), newEntry(m.Doc), newEntry(m.Formula), newEntry(m.Stronger()), newEntry(m.Origin)})
	}
	return s
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
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
