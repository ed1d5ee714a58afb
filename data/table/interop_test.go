package table

import (
	"encoding/json"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"upi/internal/pythontest"
)

// TestOthersReadTables asks pandas, polars, DuckDB and pyarrow for what they see in a table.
func TestOthersReadTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "perturbations.parquet")
	w, err := Create[row](path, Options{
		Width: map[string]int{"map": width}, Columns: names, RowGroupBytes: 500, Metadata: map[string]string{"upi.kind": "perturbations"},
	})
	if err != nil {
		t.Fatal(err)
	}
	half := 0.5
	var flattened []float64
	var want []map[string]any
	for i := range 30 {
		r := row{
			ID: int64(i), Count: int32(-i), Score: float64(i) / 4, Eps: float32(i) * 2, Method: "upi_pca", Clip: i%2 == 0,
			Shape: []int32{1, 2, int32(i)}, Images: []int64{int64(i) << 40}, Metrics: []float64{math.NaN(), float64(i)},
		}
		expected := map[string]any{
			"id": float64(i), "count": float64(-i), "score": float64(i) / 4, "eps": float64(i) * 2, "method": "upi_pca", "clip": i%2 == 0,
			"cosine": nil, "shape": []any{1.0, 2.0, float64(i)}, "images": []any{float64(int64(i) << 40)},
			"normalized_l2": nil, "top_k": float64(i),
		}
		if i%3 == 0 {
			r.Cosine, expected["cosine"] = &half, half
		}
		var delta, fixed []any
		for k := range 4 {
			r.Delta = append(r.Delta, float32(i)+float32(k)/4)
			delta = append(delta, float64(i)+float64(k)/4)
			flattened = append(flattened, float64(i)+float64(k)/4)
		}
		for k := range width {
			r.Map = append(r.Map, float32(k*i))
			fixed = append(fixed, float64(k*i))
		}
		expected["delta"], expected["map"] = delta, fixed
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		want = append(want, expected)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Pandas, Polars, DuckDB, Pyarrow []map[string]any
		Flattened                       []float64
		Metadata                        map[string]string
	}
	if err := json.Unmarshal([]byte(pythontest.Run(t, "interop.py", "read-table", path)), &got); err != nil {
		t.Fatal(err)
	}
	for library, rows := range map[string][]map[string]any{"pandas": got.Pandas, "polars": got.Polars, "duckdb": got.DuckDB, "pyarrow": got.Pyarrow} {
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("%s reads %v,\nwanted %v", library, rows, want)
		}
	}
	if !reflect.DeepEqual(got.Flattened, flattened) {
		t.Errorf("the notebooks' way of reading a list column gives %v", got.Flattened)
	}
	if got.Metadata["upi.kind"] != "perturbations" {
		t.Errorf("metadata is %v", got.Metadata)
	}
}
