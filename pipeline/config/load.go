package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"upi/setting"
)

// Load reads the configuration in the file path, under the parents that it
// extends, over which the environment and then the --set expressions in sets
// are laid. The error is an [*Error] that lists all problems.
func Load(path string, sets []string, kinds Kinds) (*Config, error) {
	layers, problems, whole := readChain(path)
	t := newTree()
	var sources []string
	for _, layer := range layers {
		t.merge(layer)
	}
	for i := len(layers) - 1; i >= 0; i-- {
		for _, p := range layers[i].positions {
			sources = append(sources, p.source)
			break
		}
	}
	fromEnv, found := fromEnvironment(t)
	sources, problems = append(sources, fromEnv...), append(problems, found...)
	for _, expression := range sets {
		sources = append(sources, "--set "+expression)
		if p := t.set(expression); p != nil {
			problems = append(problems, *p)
		}
	}
	l := loader{tree: t, kinds: kinds, path: path}
	cfg := l.decode()
	if whole { // else what is missing may stand in the file that could not be read
		l.validate(cfg)
	}
	problems = append(problems, l.problems...)
	if len(problems) == 0 && kinds.Check != nil {
		l.problems = nil
		for _, err := range kinds.Check(cfg) {
			l.add("", err)
		}
		problems = l.problems
	}
	if len(problems) > 0 {
		t.sortProblems(problems, sources)
		return nil, &Error{Problems: slices.Compact(problems)}
	}
	return cfg, nil
}

type loader struct {
	tree     *tree
	kinds    Kinds
	path     string
	problems []Problem
	// bad holds the paths that could not be decoded.
	bad []string
}

func (l *loader) report(key string, value any, format string, args ...any) {
	l.problems = append(l.problems, l.tree.problem(key, value, fmt.Sprintf(format, args...)))
}

// add reports an error of a Validate or Check method under prefix.
func (l *loader) add(prefix string, err error) {
	var e *setting.Error
	if !errors.As(err, &e) {
		l.report(prefix, nil, "%s", err)
		return
	}
	l.report(join(prefix, e.Key), e.Value, "%s", e.Want)
}

func (l *loader) take(prefix string, problems []problemAt) {
	for _, p := range problems {
		key := join(prefix, p.key)
		l.bad = append(l.bad, key)
		l.report(key, p.value, "%s", p.message)
	}
}

// sound reports whether the value at key was decoded without a problem, and so
// whether it is worth a look at its meaning.
func (l *loader) sound(key string) bool {
	return !slices.ContainsFunc(l.bad, func(bad string) bool { return within(bad, key) || within(key, bad) })
}

func (l *loader) decode() *Config {
	cfg := Default()
	cfg.Name = strings.TrimSuffix(filepath.Base(l.path), filepath.Ext(l.path))
	plain := map[string]any{}
	for key, value := range l.tree.root {
		plain[key] = value
	}
	delete(plain, "explanations")
	delete(plain, "attacks")
	delete(plain, "labels")

	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	err := v.MergeConfigMap(plain)
	if err == nil {
		err = v.Unmarshal(cfg, strictly)
	}
	l.take("", decodeProblems(err))
	l.take("", unknownKeys("", plain, reflect.TypeFor[Config]()))
	cfg.Explanations = l.items("explanations", l.kinds.Explanations)
	cfg.Attacks = l.items("attacks", l.kinds.Attacks)
	cfg.Labels = l.labels(cfg)
	if cfg.Seed == nil && len(cfg.Seeds) == 0 && l.tree.root["seeds"] == nil {
		cfg.Seeds = []uint64{0}
	}
	if cfg.Seed != nil && l.tree.root["seeds"] == nil {
		cfg.Seed, cfg.Seeds = nil, []uint64{*cfg.Seed}
	}
	cfg.Data.inherit()
	for _, m := range cfg.Models {
		if m.Data != nil {
			m.Data.inherit()
		}
	}
	return cfg
}

// items decodes a list of explanations or attacks, whose keys beside name and
// kind depend on the kind.
func (l *loader) items(key string, kinds map[string]func() Settings) []Item {
	raw, given := l.tree.root[key]
	if !given {
		return nil
	}
	list, ok := raw.([]any)
	if !ok {
		l.take("", []problemAt{{key, raw, "want a list of mappings, such as [{name: a, kind: b}]"}})
		return nil
	}
	items := make([]Item, len(list))
	for i, entry := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		m, ok := entry.(map[string]any)
		switch {
		case entry == nil:
			l.take("", []problemAt{{at, nil, noValue}})
			continue
		case !ok:
			l.take("", []problemAt{{at, entry, "want a mapping with name and kind"}})
			continue
		}
		items[i] = l.item(at, m, kinds)
	}
	return items
}

func (l *loader) item(at string, m map[string]any, kinds map[string]func() Settings) Item {
	var head struct {
		Name string `yaml:"name"`
		Kind string `yaml:"kind"`
	}
	rest := map[string]any{}
	names := map[string]any{}
	for key, value := range m {
		if key == "name" || key == "kind" {
			names[key] = value
		} else {
			rest[key] = value
		}
	}
	l.take(at, decodeStruct(names, &head))
	it := Item{Name: head.Name, Kind: head.Kind}
	known := sortedKeys(kinds)
	construct, ok := kinds[head.Kind]
	switch {
	case !l.sound(at + ".kind"):
		return it
	case head.Kind == "":
		l.take(at, []problemAt{{"", nil, "kind is missing; known: " + orNone(known)}})
		return it
	case !ok:
		l.take(at, []problemAt{{"kind", head.Kind, "unknown kind; " + unknown(head.Kind, known)}})
		return it
	}
	it.Settings = construct()
	l.take(at, decodeStruct(rest, it.Settings))
	return it
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
