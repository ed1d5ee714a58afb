package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"upi/attack"
	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/stages/planner"
)

// What is measured on: a few batches of images, and a few steps of an ascent.
const (
	measuredImages = 160
	measuredSteps  = 8
)

// measure runs the configuration on a few images and steps, in a cache of its own, and returns how fast its stages were.
func (j *job) measure(ctx context.Context, path string, flags runFlags) (pipeline.Paces, error) {
	fail := func(err error) (pipeline.Paces, error) {
		return pipeline.Paces{}, fmt.Errorf("measure a few batches: %w", err)
	}
	home, err := os.MkdirTemp("", "upi-measure-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(home)
	sets := append(slices.Clone(flags.sets), j.shortened()...)
	cfg, err := config.Load(path, append(sets, "cache="+quoted(filepath.Join(home, "cache"))), planner.Kinds())
	if err != nil {
		return fail(err)
	}
	cfg.Workers = j.config.Workers
	store, err := cache.Open(cfg.Cache)
	if err != nil {
		return fail(err)
	}
	plan, err := planOf(cfg, j.store.Hasher())
	if err != nil {
		return fail(err)
	}
	var watch pipeline.Stopwatch
	// Of a few images a task may fail that works on many: what the others take is known all the same.
	_, err = (&pipeline.Local{Store: store, Workers: cfg.Workers, KeepGoing: true}).Execute(ctx, plan, &watch)
	paces := watch.Paces(fmt.Sprintf("a run on %d images", measuredImages))
	if ctx.Err() != nil || paces.Empty() {
		return fail(err)
	}
	return paces, nil
}

// shortened are the settings that make a short run of the configuration, of the same programs.
func (j *job) shortened() []string {
	c := j.config
	sets := []string{fmt.Sprintf("seeds=[%d]", c.Seeds[0])}
	limit := func(key string, d config.Data) {
		for name, split := range map[string]config.Split{"fit": d.Fit, "test": d.Test} {
			if split.Path != "" && (split.Limit == 0 || split.Limit > measuredImages) {
				sets = append(sets, fmt.Sprintf("%s.%s.limit=%d", key, name, measuredImages))
			}
		}
	}
	limit("data", c.Data)
	for _, m := range c.Models {
		if m.Data != nil {
			limit("models."+m.Name+".data", *m.Data)
		}
	}
	for _, item := range c.Attacks {
		a, ok := item.Settings.(attack.Attack)
		if !ok {
			continue
		}
		key := "attacks." + item.Name
		if eps := a.Common().Eps; len(eps) > 1 {
			sets = append(sets, fmt.Sprintf("%s.eps=[%g]", key, float64(eps[0])))
		}
		if len(a.Common().Seeds) > 1 {
			sets = append(sets, fmt.Sprintf("%s.seeds=[%d]", key, a.Common().Seeds[0]))
		}
		if ascent := a.Needs().Ascent; ascent != nil && ascent.Settings.Steps > measuredSteps {
			sets = append(sets, fmt.Sprintf("%s.steps=%d", key, measuredSteps))
		}
	}
	return sets
}
