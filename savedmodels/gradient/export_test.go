package gradient

import "sort"

// HasRule reports whether operations of the type can be on a path that is
// differentiated, or end it. Single operations may still be refused: see
// MissingRuleError.
func HasRule(opType string) bool {
	_, ok := table[opType]
	return ok
}

// Rules returns the types of operation that have a rule, sorted.
func Rules() []string {
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
