package pipeline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"upi/pipeline/manifest"
)

// asked is how many runs beside one are asked for their paces: a manifest takes some milliseconds to read.
const asked = 50

// Paces say how fast stages were in an earlier run.
type Paces struct {
	// Run is the name of the run; empty where none is known.
	Run string
	// Foreign says that the run reads none of the models and shards whose time is asked for.
	Foreign bool
	// stages are the seconds for each unit of work or, where the tasks have no work, for each task.
	stages map[string]float64
	// all is the seconds for each unit of work of all stages together; 0 if there is no such work.
	all float64
}

// PacesOf are those of the run in a directory or, if that has no results, of a run beside it: the one that reads most of the plan's
// models and shards, and the newest of those.
func (p *Plan) PacesOf(runDir string) Paces {
	if m, err := ReadManifest(runDir); err == nil {
		if paces := pacesOf(m); !paces.Empty() {
			return paces
		}
	}
	read := map[string]bool{}
	for _, in := range p.inputs {
		read[in.file.Hash] = true
	}
	var best Paces
	most := -1
	for _, dir := range newest(filepath.Dir(filepath.Clean(runDir)), asked) {
		m, err := ReadManifest(dir)
		if err != nil {
			continue
		}
		shared := 0
		for _, in := range m.Inputs {
			if read[in.SHA256] {
				shared++
			}
		}
		if shared <= most {
			continue
		}
		if paces := pacesOf(m); !paces.Empty() {
			best, most = paces, shared
			best.Foreign = shared == 0
		}
	}
	return best
}

// newest are the directories of the runs that ended last, of those in a directory: as many as n, the latest first.
func newest(parent string, n int) []string {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil
	}
	ended := map[string]time.Time{}
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if info, err := os.Stat(filepath.Join(dir, manifest.Name)); err == nil {
			ended[dir] = info.ModTime()
		}
	}
	dirs := slices.SortedFunc(maps.Keys(ended), func(a, b string) int { return ended[b].Compare(ended[a]) })
	return dirs[:min(n, len(dirs))]
}

// pacesOf looks at all tasks of a run, also at those that were in the cache: what they took stands there.
func pacesOf(m *Manifest) Paces {
	sum := map[string]*measured{}
	for _, t := range m.Tasks {
		if t.Seconds == 0 {
			continue
		}
		of := sum[t.Stage]
		if of == nil {
			of = &measured{}
			sum[t.Stage] = of
		}
		of.seconds, of.units, of.work = of.seconds+t.Seconds, of.units+1, of.work+t.Work
	}
	return newPaces(m.Run, sum)
}

func newPaces(run string, sum map[string]*measured) Paces {
	p := Paces{Run: run, stages: map[string]float64{}}
	all := measured{}
	for stage, of := range sum {
		if of.work > 0 {
			p.stages[stage] = of.seconds / of.work
			all.seconds, all.work = all.seconds+of.seconds, all.work+of.work
		} else {
			p.stages[stage] = of.seconds / of.units
		}
	}
	if all.work > 0 {
		p.all = all.seconds / all.work
	}
	return p
}

// Remember lets the plan's progress be estimated by the paces of an earlier run until its own are known.
func (p *Plan) Remember(paces Paces) { p.paces = paces }

// Time estimates the seconds of work of the tasks that are to run, and counts those of which nothing is known.
func (p Paces) Time(all []Forecast) (seconds float64, unknown int) {
	for _, f := range all {
		if f.Hit {
			continue
		}
		pace, known := p.stages[f.Task.Stage]
		units := f.Task.Estimate.Work
		switch {
		case known && units == 0:
			seconds += pace
		case known:
			seconds += pace * units
		case units > 0 && p.all > 0:
			seconds += p.all * units
		case units > 0:
			unknown++
		}
	}
	return seconds, unknown
}

// Empty says that nothing is known.
func (p Paces) Empty() bool { return len(p.stages) == 0 }
