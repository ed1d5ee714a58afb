package table

import (
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"upi/internal/pythontest"
)

// agree compares float16 columns with numpy's rounding of the float32 that they were made of.
const agree = `
import sys
import numpy as np, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
for want, got in zip(t["want"].to_pylist(), t["half"].to_pylist()):
    with np.errstate(over="ignore"):
        want = np.array(want, "<f4").astype("<f2")
    got = np.frombuffer(got, "<f2")
    assert want.tobytes() == got.tobytes(), (want, got)
`

// TestHalvesAreNumpys holds rounding, ties, numbers below the smallest normal one and those that are too large to numpy's.
func TestHalvesAreNumpys(t *testing.T) {
	interpreter := pythontest.Interpreter(t)
	type row struct {
		Want []float32 `parquet:"want"`
		Half []float32 `parquet:"half,half"`
	}
	var values []float32
	for exponent := -30; exponent <= 18; exponent++ {
		for k := range 40 {
			v := float32(math.Ldexp(1+float64(k*k*k%4099)/4096, exponent))
			values = append(values, v, -v, math.Nextafter32(v, 0), math.Nextafter32(v, 1e9))
		}
	}
	values = append(values, 0, 65504, 65519.99, 65520, float32(math.Inf(1)), 0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x3p-25)
	path := filepath.Join(t.TempDir(), "half.parquet")
	w, err := Create[row](path, Options{Width: map[string]int{"half": len(values)}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(row{values, values}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(interpreter, "-c", agree, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows, err := ReadAll[row](path)
	if err != nil || len(rows[0].Half) != len(values) || rows[0].Half[len(values)-9] != 65504 {
		t.Errorf("%v: read back %d values", err, len(rows[0].Half))
	}
}
