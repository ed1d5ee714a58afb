package config

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// position is where a value was written.
type position struct {
	source string
	line   int
}

// tree is a configuration before it is decoded: nested map[string]any, []any and
// scalars with lower-case keys, and the position of every value by its path.
//
// Layers are merged here and not by viper, whose merge keeps the parent's value
// without a word where the two differ in type (memory: 4GiB and memory: 4096).
type tree struct {
	root      map[string]any
	positions map[string]position
}

func newTree() *tree {
	return &tree{root: map[string]any{}, positions: map[string]position{}}
}

// rivals are keys of which a layer that gives one withdraws the other.
var rivals = [][2]string{{"seed", "seeds"}, {"seeds", "seed"}}

// merge lays over t: mappings are merged, everything else is replaced.
func (t *tree) merge(over *tree) {
	for _, r := range rivals {
		_, has := over.root[r[0]]
		_, both := over.root[r[1]]
		if has && !both {
			delete(t.root, r[1])
			t.forget(r[1])
		}
	}
	t.mergeMap("", t.root, over.root, over.positions)
}

func (t *tree) mergeMap(path string, into, over map[string]any, positions map[string]position) {
	for key, value := range over {
		at := join(path, key)
		from, isMap := value.(map[string]any)
		to, wasMap := into[key].(map[string]any)
		if isMap && wasMap {
			t.mergeMap(at, to, from, positions)
			continue
		}
		into[key] = value
		t.forget(at)
		for p, where := range positions {
			if within(p, at) {
				t.positions[p] = where
			}
		}
	}
}

func (t *tree) forget(path string) {
	for p := range t.positions {
		if within(p, path) {
			delete(t.positions, p)
		}
	}
}

// position finds where the value at path, or else what holds it, was written.
func (t *tree) position(path string) position {
	for path != "" {
		if p, ok := t.positions[path]; ok {
			return p
		}
		path = parent(path)
	}
	return position{}
}

// value returns what stands at path, or nil.
func (t *tree) value(path string) any {
	var at any = t.root
	for _, step := range steps(path) {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i := 0
			if _, err := fmt.Sscanf(step, "[%d]", &i); err != nil || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// problem completes a message with the position, the value and the item's name.
func (t *tree) problem(key string, value any, message string) Problem {
	where := t.position(key)
	return Problem{Source: where.source, Line: where.line, Key: key, Name: t.itemName(key),
		Value: show(value), Message: message}
}

var item = regexp.MustCompile(`^[a-z_]+\[\d+\]`)

// itemName is the name of the list item that key lies in, if it has one that
// helps to find it.
func (t *tree) itemName(key string) string {
	at := item.FindString(key)
	m, _ := t.value(at).(map[string]any)
	name, _ := m["name"].(string)
	if at == "" || key == at+".name" || !fileName.MatchString(name) {
		return ""
	}
	return name
}

// sortProblems orders problems by source as they were read, then by line and key.
func (t *tree) sortProblems(problems []Problem, sources []string) {
	rank := map[string]int{"": len(sources)}
	for i, s := range sources {
		rank[s] = i
	}
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i], problems[j]
		switch {
		case rank[a.Source] != rank[b.Source]:
			return rank[a.Source] < rank[b.Source]
		case a.Line != b.Line:
			return a.Line < b.Line
		default:
			return a.Key < b.Key
		}
	})
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "" || strings.HasPrefix(key, "["):
		return path + key
	default:
		return path + "." + key
	}
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

func within(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// steps splits attacks[1].eps into attacks, [1], eps.
func steps(path string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(path, "[", ".["), func(r rune) bool { return r == '.' })
}
