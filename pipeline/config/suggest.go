package config

import (
	"encoding"
	"reflect"
	"sort"
	"strings"
)

// fieldsOf maps the keys of a struct type to the types of their fields.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fields := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return fields
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for k, v := range fieldsOf(f.Type) {
				fields[k] = v
			}
		case name == "-" || !f.IsExported():
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

// plainKeys returns the paths of values that are neither mappings nor lists of
// mappings.
func plainKeys(path string, t reflect.Type) []string {
	var keys []string
	for name, field := range fieldsOf(t) {
		at := join(path, name)
		elem := field
		for elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Slice {
			elem = elem.Elem()
		}
		switch {
		case elem.Kind() != reflect.Struct || reflect.PointerTo(field).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
			keys = append(keys, at)
		case field.Kind() == reflect.Struct:
			keys = append(keys, plainKeys(at, field)...)
		}
	}
	sort.Strings(keys)
	return keys
}

// unknown says what a key that is not among known could have been.
func unknown(key string, known []string) string {
	if near := nearest(key, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "known: " + orNone(known)
}

// nearest returns the candidate that is meant by word, or "": a typing mistake,
// or a longer name for the same thing (epsilon for eps).
func nearest(word string, candidates []string) string {
	most := 2
	if len(word) < 5 {
		most = 1
	}
	if c := typo(word, candidates, most); c != "" {
		return c
	}
	for _, c := range candidates {
		if len(c) >= 3 && len(word) >= 3 && (strings.HasPrefix(word, c) || strings.HasPrefix(c, word)) {
			return c
		}
	}
	return ""
}

// typo returns the candidate nearest to word if at most so many edits away, or "".
func typo(word string, candidates []string, most int) string {
	best, distance := "", most+1
	for _, c := range candidates {
		if len(c)-len(word) > most || len(word)-len(c) > most {
			continue
		}
		if d := editDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
