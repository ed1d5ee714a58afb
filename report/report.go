// Package report turns the Parquet files of a finished run into what people read: tables as Markdown, LaTeX and CSV, figures,
// and one self-contained page. It computes no number of its own: whatever it shows stands in the run's tables, perturbations
// and examples.
package report

import (
	"bytes"
	"fmt"
	"path/filepath"

	"upi/pipeline/atomicfile"
	"upi/results"
)

// Build writes the tables as Markdown, LaTeX and CSV, the figures the page report.html and the README.md of the run in dir. Each file is replaced
// as a whole; figures of an earlier report that are no longer drawn are removed. The error wraps fs.ErrNotExist if the run has no
// tables.
func Build(dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	if r.examples, err = readExamples(dir); err != nil {
		return fmt.Errorf("build report: %w", err)
	}
	figures, err := r.figures()
	if err != nil {
		return fmt.Errorf("build report: %w", err)
	}
	var page bytes.Buffer
	if err := r.writePage(&page, figures); err != nil {
		return fmt.Errorf("build report: %w", err)
	}
	var readme bytes.Buffer
	if err := r.writeReadme(&readme); err != nil {
		return fmt.Errorf("build report: %w", err)
	}
	if err := r.writeTables(); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, results.ReadmeFile), readme.Bytes()); err != nil {
		return err
	}
	if err := r.writeFigures(figures); err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, results.ReportFile), page.Bytes())
}
