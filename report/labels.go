package report

import "strings"

// labels are what people read in place of the names of attacks, models, explanations and metrics.
type labels map[string]string

// of returns the label of a name, the name itself where there is none. The names of several sources, joined by "+", are labelled one by one.
func (l labels) of(name string) string {
	if label, there := l[name]; there {
		return label
	}
	if !strings.Contains(name, "+") {
		return name
	}
	parts := strings.Split(name, "+")
	for i, part := range parts {
		if label, there := l[part]; there {
			parts[i] = label
		}
	}
	return strings.Join(parts, "+")
}

// title labels the names in a list of them, as in "upi_grad, l2 510, mnist_cnn, sg".
func (l labels) title(text string) string {
	parts := strings.Split(text, ", ")
	for i, part := range parts {
		parts[i] = l.of(part)
	}
	return strings.Join(parts, ", ")
}
