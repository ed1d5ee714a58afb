// Package report turns the Parquet files of a finished run into what people read: tables as Markdown, LaTeX and CSV, figures,
// and one self-contained page. It computes no number of its own: whatever it shows stands in the run's tables, perturbations
// and examples.
package report
