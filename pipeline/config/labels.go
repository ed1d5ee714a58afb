package config

import (
	"cmp"
	"slices"
	"strings"
)

// maxLabel bounds a label, in characters: it stands in the head of a column.
const maxLabel = 60

// labels decodes the labels. Their keys are names, which the tree holds in lower case: they are written as what they name is. A label of
// something that is not in the configuration is a problem, since it would be lost without a word.
func (l *loader) labels(cfg *Config) map[string]string {
	raw, given := l.tree.root["labels"]
	if !given {
		return nil
	}
	texts, ok := raw.(map[string]any)
	if !ok {
		l.take("", []problemAt{{"labels", raw, "want a mapping of names to labels, such as {upi_grad: UPI-Grad}"}})
		return nil
	}
	names := cfg.labelled(l.kinds.Metrics)
	labels := map[string]string{}
	for _, key := range sortedKeys(texts) {
		at := "labels." + key
		label, isText := texts[key].(string)
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, key) })
		switch {
		case !isText || strings.TrimSpace(label) == "" || len([]rune(label)) > maxLabel:
			l.take("", []problemAt{{at, texts[key], "want a text of 1 to 60 characters"}})
		case i < 0:
			l.take("", []problemAt{{at, nil, "no attack, model, explanation or metric has this name; " + unknown(key, names)}})
		case slices.ContainsFunc(names, func(name string) bool { return name != names[i] && cmp.Or(labels[name], name) == label }):
			l.take("", []problemAt{{at, label, "two things would have this name"}})
		default:
			labels[names[i]] = label
		}
	}
	return labels
}

// labelled are the names that may have a label.
func (c *Config) labelled(metrics []string) []string {
	var names []string
	for _, items := range [][]Item{c.Attacks, c.Explanations} {
		for _, it := range items {
			names = append(names, it.Name)
		}
	}
	for _, m := range c.Models {
		names = append(names, m.Name)
	}
	return append(append(names, c.Evaluation.Metrics...), metrics...)
}
