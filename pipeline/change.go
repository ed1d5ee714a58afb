package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is a value that differs between two runs.
type Change struct {
	// Path leads to the value, such as attacks.upi_pca.eps.
	Path string `json:"path"`
	// Old and New are the values as JSON; empty where there is none.
	Old string `json:"old"`
	New string `json:"new"`
}

// longest is how much of a value is shown, such as of a list of hundreds of numbers.
const longest = 80

func (c Change) String() string {
	show := func(s string) string {
		if s == "" {
			return "(none)"
		}
		s = strings.Trim(s, `"`)
		if runes := []rune(s); len(runes) > longest {
			s = string(runes[:longest]) + "..."
		}
		return s
	}
	return fmt.Sprintf("%s %s -> %s", c.Path, show(c.Old), show(c.New))
}

// changes compares two flat values, in order of the paths.
func changes(before, now map[string]string) []Change {
	var all []Change
	paths := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(now)))
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if before[path] != now[path] {
			all = append(all, Change{path, before[path], now[path]})
		}
	}
	return all
}

// flatten maps the path of each scalar, and of each list of scalars, to its
// JSON. A list of things with names is entered by name, another by index.
func flatten(text json.RawMessage) map[string]string {
	flat := map[string]string{}
	var value any
	if len(text) > 0 && json.Unmarshal(text, &value) == nil {
		flattenInto(flat, "", value)
	}
	return flat
}

func flattenInto(flat map[string]string, path string, value any) {
	below := func(step string) string { return strings.TrimPrefix(path+"."+step, ".") }
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			flattenInto(flat, below(key), x)
		}
		return
	case []any:
		nested := slices.ContainsFunc(v, func(x any) bool {
			_, isMap := x.(map[string]any)
			_, isList := x.([]any)
			return isMap || isList
		})
		for i, x := range v {
			if !nested {
				break
			}
			step := fmt.Sprint(i)
			if m, ok := x.(map[string]any); ok {
				if name, ok := m["name"].(string); ok && name != "" {
					step = name
				}
			}
			flattenInto(flat, below(step), x)
		}
		if nested {
			return
		}
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // people read it: & and < stand for themselves
	if err := e.Encode(value); err != nil {
		flat[path] = fmt.Sprintf("%q", err)
		return
	}
	flat[path] = strings.TrimSuffix(text.String(), "\n")
}
