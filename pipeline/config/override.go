package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// prefix begins the environment variables that set a plain key: UPI_SEED,
// UPI_DATA_FIT_PATH.
const prefix = "UPI_"

// fromEnvironment lays the environment over t. Variables that set no key are
// left alone, except those a letter away from one that does.
func fromEnvironment(t *tree) ([]string, []Problem) {
	var (
		sources  []string
		problems []Problem
		names    []string
	)
	keys := plainKeys("", reflect.TypeFor[Config]())
	known := map[string]bool{}
	for _, key := range keys {
		name := prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		known[name] = true
		names = append(names, name)
		text, ok := os.LookupEnv(name)
		if !ok {
			continue
		}
		source := "environment " + name
		sources = append(sources, source)
		value, err := parseValue(text)
		if err != nil {
			problems = append(problems, Problem{Source: source, Key: key, Value: show(text), Message: err.Error()})
			continue
		}
		t.merge(layerOf(strings.Split(key, "."), value, position{source: source}))
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || known[name] {
			continue
		}
		if near := typo(name, names, 1); near != "" {
			problems = append(problems, Problem{Source: "environment " + name,
				Message: "sets no key; did you mean " + near + "?"})
		}
	}
	return sources, problems
}

// parseValue reads a value as YAML, keys of mappings in lower case.
func parseValue(text string) (any, error) {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, notYAML(err)
	}
	value = lower(value)
	if holdsNull(value) {
		return nil, errors.New("no value")
	}
	return value, nil
}

func holdsNull(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsNull)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsNull)
	}
	return false
}

func lower(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[strings.ToLower(k)] = lower(x)
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[strings.ToLower(fmt.Sprint(k))] = lower(x)
		}
		return m
	case []any:
		for i := range v {
			v[i] = lower(v[i])
		}
	}
	return value
}

func layerOf(keys []string, value any, where position) *tree {
	layer := newTree()
	at := layer.root
	for i, key := range keys[:len(keys)-1] {
		next := map[string]any{}
		at[key] = next
		at = next
		layer.positions[strings.Join(keys[:i+1], ".")] = where
	}
	at[keys[len(keys)-1]] = value
	layer.positions[strings.Join(keys, ".")] = where
	return layer
}

// set applies one --set expression, KEY=VALUE. A list is entered by the name of
// one of its items, which may itself hold dots.
func (t *tree) set(expression string) *Problem {
	fail := func(key, format string, args ...any) *Problem {
		return &Problem{Source: "--set " + expression, Key: key, Message: fmt.Sprintf(format, args...)}
	}
	key, text, ok := strings.Cut(expression, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" {
		return fail("", "want KEY=VALUE, such as attacks.upi_pca.eps=[510]")
	}
	value, err := parseValue(text)
	if err != nil {
		return fail(key, "%s", err)
	}
	where := position{source: "--set " + expression}
	first, _, _ := strings.Cut(key, ".")
	for _, r := range rivals {
		if strings.EqualFold(first, r[0]) {
			delete(t.root, r[1])
			t.forget(r[1])
		}
	}
	var at any = t.root
	path, rest := "", key
	for {
		step, after := "", ""
		switch v := at.(type) {
		case map[string]any:
			step, after, _ = strings.Cut(rest, ".")
			step = strings.ToLower(step)
			if step == "" {
				return fail(key, "the key has an empty part")
			}
			path = join(path, step)
			if after == "" {
				v[step] = value
				t.forget(path)
				t.positions[path] = where
				return nil
			}
			if v[step] == nil {
				v[step] = map[string]any{}
			}
			at = v[step]
		case []any:
			i, remaining, found := findItem(v, rest)
			if !found {
				return fail(key, "%s has no item of that name; it has %s", path, orNone(itemNames(v)))
			}
			path, after = fmt.Sprintf("%s[%d]", path, i), remaining
			if after == "" {
				v[i] = value
				t.forget(path)
				t.positions[path] = where
				return nil
			}
			at = v[i]
		default:
			return fail(key, "%s is %s, which has no keys below it", path, show(v))
		}
		rest = after
	}
}

// findItem finds the item whose name begins path, the longest name first.
func findItem(list []any, path string) (index int, rest string, found bool) {
	best := -1
	for i, entry := range list {
		m, _ := entry.(map[string]any)
		name, _ := m["name"].(string)
		after, ok := strings.CutPrefix(path, name)
		if !ok || len(name) <= best || name == "" || (after != "" && after[0] != '.') {
			continue
		}
		best, index, rest, found = len(name), i, strings.TrimPrefix(after, "."), true
	}
	return index, rest, found
}

func itemNames(list []any) []string {
	var names []string
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		if name, ok := m["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
