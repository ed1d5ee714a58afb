package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"upi/metric"
	"upi/results"
)

// writeReadme writes what someone needs who gets the folder alone: what came out, how a map is made, every metric and every column.
func (r *run) writeReadme(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s\n\nThe results of a run of `upi`: one perturbation added to all images, and what it does to the saliency maps and the answers of networks. "+
		"`report.html` shows them; this file says what lies where.\n", markdownText(r.name()))
	if findings := r.findings(); len(findings) > 0 {
		b.WriteString("\n## What came out\n")
		for _, f := range findings {
			fmt.Fprintf(b, "\n%s:\n\n", markdownText(f.Subject))
			for _, s := range f.Sentences {
				fmt.Fprintf(b, "- %s\n", markdownText(s))
			}
		}
		b.WriteString("\n" + sureLegend + "\n")
	}
	writeFacts(b, "How a map is made", r.mapTexts())
	writeFacts(b, "What the methods are", r.attackFacts())
	b.WriteString("\n## Metrics\n\n" + metric.Notation + "\n\n| metric | meaning | formula | stronger | source |\n|---|---|---|---|---|\n")
	for _, m := range r.metrics() {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, markdownText(m.Doc), markdownText(m.Formula), m.Stronger(), markdownText(m.Origin))
	}
	b.WriteString("\n## Files\n\n")
	for _, line := range []string{
		"`config.yaml`: the configuration as resolved, with every default",
		"`manifest.json`: versions, hashes of inputs and models, device, seeds, the tasks, warnings",
		"`tables/*.md`, `*.tex`, `*.csv`: the tables for people; `tables/*.parquet` for programs",
		"`figures/`: every figure",
		"`metrics.prom`: the main numbers for Prometheus",
	} {
		b.WriteString("- " + line + "\n")
	}
	for _, f := range results.Dictionary {
		fmt.Fprintf(b, "\n### `%s`\n\nA row is %s.\n\n| column | meaning |\n|---|---|\n", f.Path, f.Row)
		for _, c := range f.Columns {
			fmt.Fprintf(b, "| `%s` | %s |\n", c.Name, markdownText(c.Doc))
		}
		if strings.HasPrefix(f.Path, results.ScoresDir) {
			b.WriteString("| each metric | its value on the image; NULL where it is not defined there |\n")
		}
	}
	return b.Flush()
}

func writeFacts(b *bufio.Writer, title string, facts []fact) {
	if len(facts) == 0 {
		return
	}
	b.WriteString("\n## " + title + "\n\n")
	for _, f := range facts {
		fmt.Fprintf(b, "- **%s**: %s\n", markdownText(f.Name), markdownText(f.Value))
	}
}

// metrics are those of the summary that are known, all if there is none.
func (r *run) metrics() []metric.Metric {
	var of []metric.Metric
	if t, there := r.records(results.SummaryTable); there {
		for _, name := range t.Metrics {
			if m, err := metric.Lookup(name); err == nil {
				of = append(of, m)
			}
		}
	}
	if len(of) == 0 {
		return metric.All()
	}
	return of
}
