package test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upi/internal/pythontest"
)

// page runs bench/page.py, which makes the page of the benchmark from its samples.
func page(t *testing.T, samples string) string {
	t.Helper()
	cmd := exec.Command(pythontest.Interpreter(t), "bench/page.py", samples)
	cmd.Dir = root
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	return string(out)
}

// TestPageOfSamples compares with medians, ratios and shares that were worked out by hand from bench/testdata/samples.json.
func TestPageOfSamples(t *testing.T) {
	got := page(t, "bench/testdata/samples.json")
	for _, want := range []string{
		"AMX yes, AVX-512 no",
		"| upi | 400 [390, 410] | 3 |  | 1 MiB | cosine of 8 rows 1.000000 (of nine in ten at least 1.00000), values within 0.0e+00 |",
		// The median of four is between the middle two: 315; 400 / 315.
		"| tensorflow | 315 [300, 330] | 4 | 1.27 | 2 MiB | cosine of 8 rows 0.999990 (of nine in ten at least 0.99900), values within 1.0e-04 |",
		// Lanes on two cores are compared with upi's on two: 710 / 355.
		"| tensorflow, 2 threads | 355 [355, 355] | 3 | 2.00 | 2 MiB |  |",
		`| upi bfloat16 | not measured: unknown field \| "Precision" | | | | |`,
		"**lite0**: not measured: the network lite0 is not there",
		// Whole programs: 72 / 30 and 63 / 30.
		"| tensorflow, 2 threads | 72.0 [70.0, 75.0] | 3 | 2.40 | 1,144 MiB | mean scores within 0.005 (random), 0.020 (upi_grad) |",
		"| tensorflow, 2 processes | 63.0 [60.0, 66.0] | 3 | 2.10 | 1,907 MiB |  |",
		"**reading** (`pictures`, measured on 2026-01-01)",
		"| datasets, png | 1,000 | 1 | 1.25 |  |  |",
		"| second order at 32 px, float32: times as fast as the best peer | at least 1.2 | 1.27 | yes | against tensorflow |",
		"| end to end, float32 | at least 2 | 2.10 | yes | against tensorflow, 2 processes |",
		// 710 / 400, and 300 MB of 2,000.
		"| two workers over one, second order at 32 px | at least 1.85 | 1.77 | **no** | two cores share caches and memory bandwidth |",
		"| peak memory over the script's | at most 0.33 | 0.15 | yes | against tensorflow, 2 processes |",
		"| second order at 32 px, bfloat16 | at least 2.5 | not measured | | |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// TestPageIsWrittenByTheBenchmark: docs/performance.md is what its samples say.
func TestPageIsWrittenByTheBenchmark(t *testing.T) {
	written, err := os.ReadFile(filepath.Join(root, "docs", "performance.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no docs/performance.md: make bench writes it")
	} else if err != nil {
		t.Fatal(err)
	}
	if got := page(t, "docs/performance.json"); got != string(written) {
		t.Error("docs/performance.md is not what bench/page.py makes of docs/performance.json: make it anew with\n" +
			"python3 bench/page.py docs/performance.json > docs/performance.md")
	}
}
