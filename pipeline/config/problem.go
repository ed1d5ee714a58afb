package config

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Source is the file of the extends chain, "--set", or "environment NAME".
	Source string
	// Line is the line in Source, or 0.
	Line int
	// Key is the path of the value, such as attacks[1].eps[0].
	Key string
	// Name is the name of the list item that Key lies in, if any.
	Name string
	// Value is the value as written, shortened; empty for an unknown key.
	Value string
	// Message says what is allowed.
	Message string
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Key)
	if p.Name != "" {
		fmt.Fprintf(&b, " (%s)", p.Name)
	}
	if p.Value != "" {
		b.WriteString(" = " + p.Value)
	}
	if p.Key != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error holds every problem of a configuration, in the order of the sources.
type Error struct {
	Problems []Problem
}

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("%d problems in the configuration:", len(e.Problems)))
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// show writes a value as YAML's flow style would, shortened to one line.
func show(value any) string {
	s := ""
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		s = fmt.Sprintf("%q", v)
	case fmt.Stringer:
		s = v.String()
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for i, k := range keys {
			keys[i] = k + ": " + show(v[k])
		}
		s = "{" + strings.Join(keys, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		s = "[" + strings.Join(parts, ", ") + "]"
	default:
		s = fmt.Sprint(v)
	}
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return s
}
