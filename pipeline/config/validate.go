package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// device is the form of Config.Device.
var device = regexp.MustCompile(`^(auto|cpu|gpu|gpu:[0-9]{1,3})$`)

// fileName is the form of a name: names become parts of paths, and the first
// character keeps them from being hidden files or options.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+=-]{0,99}$`)

func (l *loader) validate(cfg *Config) {
	l.name("name", cfg.Name)
	l.filled("output", cfg.Output)
	l.filled("cache", cfg.Cache)
	l.validateSeeds(cfg)
	l.need(device.MatchString(cfg.Device), "device", cfg.Device, "want auto, cpu, gpu or gpu:N")
	l.need(cfg.Memory >= 64<<20, "memory", cfg.Memory, "want at least 64MiB")
	l.need(cfg.Workers >= 0 && cfg.Workers <= 4096, "workers", cfg.Workers, "want 0 (one per core) to 4096")
	l.oneOf("precision", cfg.Precision, "float32", "bfloat16")
	needsData := slices.ContainsFunc(cfg.Models, func(m Model) bool { return m.Data == nil }) || len(cfg.Models) == 0
	l.data("data", cfg.Data, needsData)
	l.models(cfg.Models)
	l.goal("goal", cfg.Goal)
	l.validateItems("explanations", cfg.Explanations)
	l.validateItems("attacks", cfg.Attacks)
	l.evaluation(cfg.Evaluation)
	l.expectations(cfg)
}

// need reports the value at key unless it is good or was reported already.
func (l *loader) need(good bool, key string, value any, want string) {
	if !good && l.sound(key) {
		l.report(key, value, "%s", want)
	}
}

func (l *loader) filled(key, value string) {
	l.need(value != "", key, value, "must not be empty")
	l.need(!strings.ContainsRune(value, 0), key, value, "must not hold a NUL character")
}

func (l *loader) oneOf(key, value string, allowed ...string) {
	l.need(slices.Contains(allowed, value), key, value, "want one of "+strings.Join(allowed, ", "))
}

func (l *loader) name(key, value string) {
	if value == "" {
		l.need(false, key, nil, "a name is missing")
		return
	}
	l.need(fileName.MatchString(value) && !strings.Contains(value, ".."), key, value,
		"a name becomes part of a path: want letters, digits and . _ + = - (no /, no .., at most 100)")
}

func (l *loader) validateSeeds(cfg *Config) {
	if cfg.Seed != nil {
		l.need(false, "seed", *cfg.Seed, "give seed or seeds, not both")
	}
	l.need(len(cfg.Seeds) > 0, "seeds", nil, "want at least one")
	for i, seed := range cfg.Seeds {
		l.need(slices.Index(cfg.Seeds, seed) == i, fmt.Sprintf("seeds[%d]", i), seed, "given twice")
		l.need(seed <= math.MaxInt64, fmt.Sprintf("seeds[%d]", i), seed, "want at most 9223372036854775807")
	}
}

func (l *loader) data(key string, d Data, required bool) {
	for _, s := range []struct {
		key   string
		split Split
	}{{key + ".fit", d.Fit}, {key + ".test", d.Test}} {
		if required || l.tree.value(s.key) != nil {
			l.required(s.key+".path", s.split.Path, "the path of image shards, such as data/mnist/fit-*.parquet")
		}
		l.need(s.split.Limit >= 0, s.key+".limit", s.split.Limit, "want 0 (all) or more")
	}
}

// required reports a text that is empty or not there.
func (l *loader) required(key, value, want string) {
	if value == "" && l.tree.value(key) == nil {
		l.missing(key, want)
		return
	}
	l.filled(key, value)
}

// missing reports a list or text that is empty or not there; what is not there
// at all is reported where it would belong.
func (l *loader) missing(key, want string) {
	if !l.sound(key) {
		return
	}
	message := "want " + want
	if l.tree.value(key) == nil {
		message = "missing: " + message
	}
	p := l.tree.problem(key, nil, message)
	if p.Source == "" {
		p.Source = l.path
	}
	l.problems = append(l.problems, p)
}

func (l *loader) models(models []Model) {
	if len(models) == 0 {
		l.missing("models", "at least one, such as [{name: a, path: savedmodels/a}]")
	}
	names := map[string]int{}
	for i, m := range models {
		at := fmt.Sprintf("models[%d]", i)
		l.name(at+".name", m.Name)
		l.need(!strings.Contains(m.Name, "+"), at+".name", m.Name, "a + joins the names of several sources: want a name without it")
		l.unique(names, at, m.Name, i)
		l.required(at+".path", m.Path, "the directory of a SavedModel")
		l.filled(at+".signature", m.Signature)
		if m.Data != nil {
			l.data(at+".data", *m.Data, true)
		}
		if m.Goal != nil {
			l.goal(at+".goal", *m.Goal)
			l.need(*m.Goal != Goal{}, at+".goal", nil, "want region or target")
		}
		l.input(at+".input", m.Input)
		l.oneOf(at+".custom_gradients", m.CustomGradients, "refuse", "ignore")
		l.oneOf(at+".output.head", m.Output.Head, "auto", "logits", "softmax", "log_softmax", "sigmoid", "binary")
	}
}

func (l *loader) goal(at string, g Goal) {
	if r := g.Region; r != nil {
		l.need(r.Top >= 0 && r.Left >= 0 && r.Height >= 1 && r.Width >= 1, at+".region", *r,
			"want {top, left, height, width} in pixels of the map: top and left from 0 up, height and width from 1 up")
	}
	if l.tree.value(at+".target") != nil {
		l.filled(at+".target", g.Target)
	}
}

func (l *loader) input(at string, in ModelInput) {
	l.need(len(in.Scale) > 0 && !slices.Contains(in.Scale, 0), at+".scale", in.Scale,
		"want a number other than 0, or a list of one per channel")
	l.need(len(in.Offset) > 0, at+".offset", in.Offset, "want a number, or a list of one per channel")
	l.oneOf(at+".layout", in.Layout, "NHWC", "NCHW")
	l.need(len(in.Shape) == 0 || len(in.Shape) == 3 && slices.Min(in.Shape) > 0, at+".shape", in.Shape,
		"want height, width and channels, each above 0")
	if in.Channels != "" {
		l.oneOf(at+".channels", in.Channels, "rgb", "bgr")
	}
	if in.Preprocess != "" {
		l.oneOf(at+".preprocess", in.Preprocess, "caffe", "tf", "torch")
		alone := in.Channels == "" && slices.Equal(in.Scale, PerChannel{1}) && slices.Equal(in.Offset, PerChannel{0})
		l.need(alone, at+".preprocess", in.Preprocess, "says scale, offset and channels: leave these three out, or say them without it")
	}
	channels := 0
	if len(in.Shape) == 3 {
		channels = in.Shape[2]
	}
	for _, list := range []struct {
		key    string
		values PerChannel
	}{{"scale", in.Scale}, {"offset", in.Offset}} {
		n := len(list.values)
		l.need(n < 2 || channels == 0 || n == channels, at+"."+list.key, list.values,
			fmt.Sprintf("want one number, or one per channel: shape has %d", channels))
	}
}

func (l *loader) unique(seen map[string]int, at, name string, i int) {
	// The case of letters does not matter: the file systems of some machines fold it.
	folded := strings.ToLower(name)
	if first, twice := seen[folded]; twice && name != "" {
		list := at[:strings.IndexByte(at, '[')]
		l.need(false, at+".name", name, fmt.Sprintf("the name of %s[%d] too", list, first))
		return
	}
	seen[folded] = i
}

func (l *loader) validateItems(key string, items []Item) {
	if len(items) == 0 {
		l.missing(key, "at least one")
	}
	names := map[string]int{}
	for i, it := range items {
		at := fmt.Sprintf("%s[%d]", key, i)
		l.name(at+".name", it.Name)
		l.unique(names, at, it.Name, i)
		if it.Settings == nil {
			continue
		}
		for _, err := range it.Settings.Validate() {
			before := len(l.problems)
			l.add(at, err)
			if !l.sound(l.problems[before].Key) {
				l.problems = l.problems[:before]
			}
		}
	}
}

func (l *loader) evaluation(e Evaluation) {
	l.oneOf("evaluation.sign", e.Sign, "fit", "test", "plus")
	l.oneOf("evaluation.clip", e.Clip, "none", "pixels")
	l.oneOf("evaluation.filter", e.Filter, "correct", "all")
	l.need(len(e.Metrics) > 0, "evaluation.metrics", e.Metrics, "want at least one metric")
	for i, m := range e.Metrics {
		at := fmt.Sprintf("evaluation.metrics[%d]", i)
		l.need(slices.Index(e.Metrics, m) == i, at, m, "given twice")
		if l.kinds.Metrics != nil {
			l.need(slices.Contains(l.kinds.Metrics, m), at, m, "unknown metric; "+unknown(m, l.kinds.Metrics))
		}
	}
	l.need(e.TopK > 0 && e.TopK <= 1, "evaluation.top_k", e.TopK, "want a fraction of the pixels, above 0 and at most 1")
	l.need(e.Bootstrap >= 1 && e.Bootstrap <= 1_000_000, "evaluation.bootstrap", e.Bootstrap, "want 1 to 1000000 resamples")
}
