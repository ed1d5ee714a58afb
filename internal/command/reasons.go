package command

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"text/tabwriter"
)

// A planned task is one that would run, and why.
type planned struct {
	stage, label string
	reasons      []string
}

// A reasonLine is a reason for which tasks of a stage would run. A task that has several reasons is counted at each.
type reasonLine struct {
	stage  string
	reason string
	tasks  int
}

// kinds are the reasons that name one artefact, shard or file of many, and what they have in common.
var kinds = []struct {
	reason *regexp.Regexp
	kind   string
}{
	{regexp.MustCompile(`^reads another (\w+) .*$`), "reads other artefacts of the stage $1"},
	{regexp.MustCompile(`^reads \d+ artefacts fewer$`), "reads fewer artefacts"},
	{regexp.MustCompile(`^look up in cache: .*$`), "its artefact in the cache cannot be read"},
	{regexp.MustCompile(`^(\w+) \S*[/.]\S* has changed$`), "another $1: its content has changed"},
	{regexp.MustCompile(`^(\w+) \S*[/.]\S* is new$`), "another $1: it is new"},
	{regexp.MustCompile(`^(\w+) \S*/\S* -> \S*/\S*$`), "another $1: it has another path"},
}

// kindOf returns what a reason has in common with those of its kind; most have nothing but themselves.
func kindOf(reason string) string {
	for _, k := range kinds {
		if k.reason.MatchString(reason) {
			return k.reason.ReplaceAllString(reason, k.kind)
		}
	}
	return reason
}

// groupReasons makes a line of each stage and reason, in the order of the stages' first tasks, the reason of most tasks first. Reasons of
// one kind are one line: the reason itself if all tasks have the same, else what they have in common.
func groupReasons(tasks []planned) []reasonLine {
	type group struct{ stage, kind string }
	lines := map[group]*reasonLine{}
	order := map[string]int{}
	for _, t := range tasks {
		if _, ok := order[t.stage]; !ok {
			order[t.stage] = len(order)
		}
		counted := map[group]bool{}
		for _, reason := range t.reasons {
			g := group{t.stage, kindOf(reason)}
			line := lines[g]
			switch {
			case line == nil:
				line = &reasonLine{stage: t.stage, reason: reason}
				lines[g] = line
			case line.reason != reason:
				line.reason = g.kind
			}
			if !counted[g] {
				line.tasks++
			}
			counted[g] = true
		}
	}
	all := make([]reasonLine, 0, len(lines))
	for _, line := range lines {
		all = append(all, *line)
	}
	slices.SortFunc(all, func(a, b reasonLine) int {
		return cmp.Or(cmp.Compare(order[a.stage], order[b.stage]), cmp.Compare(b.tasks, a.tasks), cmp.Compare(a.reason, b.reason))
	})
	return all
}

// reasonsShown is how many reasons are shown of one stage, or of one task: the first tell the story.
const reasonsShown = 8

// showReasons writes a line for each stage and reason.
func showReasons(w io.Writer, tasks []planned) error {
	lines := groupReasons(tasks)
	if len(lines) == 0 {
		return nil
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\nto run\ttasks\tbecause")
	for i := 0; i < len(lines); {
		end := i
		for ; end < len(lines) && lines[end].stage == lines[i].stage; end++ {
			if end-i < reasonsShown {
				fmt.Fprintf(out, "%s\t%d\t%s\n", lines[end].stage, lines[end].tasks, lines[end].reason)
			}
		}
		if more := end - i - reasonsShown; more > 0 {
			fmt.Fprintf(out, "%s\t\tand %d more reasons (--tasks lists them)\n", lines[i].stage, more)
		}
		i = end
	}
	return out.Flush()
}

// showTasks writes every task, with its reasons.
func showTasks(w io.Writer, tasks []planned) {
	for _, t := range tasks {
		fmt.Fprintf(w, "run %s %s\n", t.stage, t.label)
		for i, why := range t.reasons {
			if i == reasonsShown {
				fmt.Fprintf(w, "    and %d more\n", len(t.reasons)-i)
				break
			}
			fmt.Fprintf(w, "    %s\n", why)
		}
	}
}
