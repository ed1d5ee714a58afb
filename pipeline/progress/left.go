package progress

import "time"

// A meter estimates how long a run still takes. The pace of a stage is the time that it took for what its tasks have computed so far,
// parts of running tasks included. A stage that has not begun is taken to go at the pace that it had in an earlier run, else at that of
// all stages together: work is counted in the same unit everywhere.
type meter struct {
	begun   time.Time
	order   []string
	stages  map[string]*pace
	running map[Task]*running
}

// A pace is what is known of one stage. Where its tasks have no work, each counts as one unit of its own kind.
type pace struct {
	Stage
	ended float64       // work of the tasks that have ended
	ran   float64       // and of those that did not find their artefact there
	busy  time.Duration // of these
}

// A running task, since when, and the share of it that is done.
type running struct {
	since time.Time
	share float64
}

func newMeter(stages []Stage, now time.Time) *meter {
	m := &meter{begun: now, stages: map[string]*pace{}, running: map[Task]*running{}}
	for _, s := range stages {
		m.order = append(m.order, s.Name)
		m.stages[s.Name] = &pace{Stage: s}
	}
	return m
}

// work is that of a task in the unit of its stage.
func (p *pace) work(t Task) float64 {
	if p.Work > 0 {
		return t.Work
	}
	return 1
}

// total is the work of the whole stage.
func (p *pace) total() float64 {
	if p.Work > 0 {
		return p.Work
	}
	return float64(p.Tasks)
}

func (m *meter) start(t Task, now time.Time) { m.running[t] = &running{since: now} }

func (m *meter) advance(t Task, share float64) {
	if r := m.running[t]; r != nil {
		r.share = share
	}
}

func (m *meter) finish(t Task, o Outcome) {
	delete(m.running, t)
	p := m.stages[t.Stage]
	p.ended += p.work(t)
	if o.Status == Done || o.Status == Failed {
		p.ran += p.work(t)
		p.busy += o.Elapsed
	}
}

// left estimates the time to the end; known is false while nothing is known of some stage that is still to come.
func (m *meter) left(now time.Time) (left time.Duration, known bool) {
	seconds, computed, remaining := map[string]float64{}, map[string]float64{}, map[string]float64{}
	spent, allSeconds, allComputed := 0.0, 0.0, 0.0
	for name, p := range m.stages {
		seconds[name], computed[name], remaining[name] = p.busy.Seconds(), p.ran, p.total()-p.ended
		spent += p.busy.Seconds()
	}
	for t, r := range m.running {
		p, elapsed := m.stages[t.Stage], now.Sub(r.since).Seconds()
		spent += elapsed
		if r.share > 0 {
			seconds[t.Stage] += elapsed
			computed[t.Stage] += r.share * p.work(t)
			remaining[t.Stage] -= r.share * p.work(t)
		}
	}
	for name, p := range m.stages {
		if p.Work > 0 {
			allSeconds, allComputed = allSeconds+seconds[name], allComputed+computed[name]
		}
	}
	known = true
	work := 0.0
	for name, p := range m.stages {
		switch {
		case remaining[name] <= 0:
		case computed[name] > 0:
			work += remaining[name] * seconds[name] / computed[name]
		case p.Pace > 0:
			work += remaining[name] * p.Pace
		case p.Work == 0: // next to nothing beside the others
		case allComputed > 0:
			work += remaining[name] * allSeconds / allComputed
		default:
			known = false
		}
	}
	atOnce := 1.0
	if wall := now.Sub(m.begun).Seconds(); wall > 0 {
		atOnce = max(1, spent/wall)
	}
	return time.Duration(work / atOnce * float64(time.Second)), known
}

// share is how much of the run is done, by time.
func (m *meter) share(now time.Time) float64 {
	left, known := m.left(now)
	wall := now.Sub(m.begun)
	if !known || wall+left <= 0 {
		return 0
	}
	return float64(wall) / float64(wall+left)
}

// about rounds a time as people say it.
func about(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Minute:
		return d.Round(time.Minute)
	case d >= time.Minute:
		return d.Round(10 * time.Second)
	}
	return d.Round(time.Second)
}
