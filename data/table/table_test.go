package table

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type method string

type row struct {
	ID      int64     `parquet:"id"`
	Count   int32     `parquet:"count"`
	Score   float64   `parquet:"score"`
	Eps     float32   `parquet:"eps"`
	Method  method    `parquet:"method"`
	Clip    bool      `parquet:"clip"`
	Cosine  *float64  `parquet:"cosine"`
	Shape   []int32   `parquet:"shape"`
	Images  []int64   `parquet:"images"`
	Delta   []float32 `parquet:"delta"`
	Map     []float32 `parquet:"map,fixed"`
	Metrics []float64 `parquet:",columns"`
	Private string
}

const width = 5

var names = []string{"normalized_l2", "top_k"}

func drawRow(t *rapid.T) row {
	r := row{
		ID: rapid.Int64().Draw(t, "id"), Count: rapid.Int32().Draw(t, "count"), Score: rapid.Float64().Draw(t, "score"),
		Eps: rapid.Float32().Draw(t, "eps"), Method: method(rapid.String().Draw(t, "method")), Clip: rapid.Bool().Draw(t, "clip"),
		Shape: rapid.SliceOfN(rapid.Int32(), 0, 3).Draw(t, "shape"), Images: rapid.SliceOfN(rapid.Int64(), 0, 4).Draw(t, "images"),
		Delta: rapid.SliceOfN(rapid.Float32(), 0, 40).Draw(t, "delta"), Map: rapid.SliceOfN(rapid.Float32(), width, width).Draw(t, "map"),
		Metrics: make([]float64, len(names)),
	}
	if rapid.Bool().Draw(t, "cosine is set") {
		v := rapid.Float64().Draw(t, "cosine")
		r.Cosine = &v
	}
	for i, name := range names {
		r.Metrics[i] = math.NaN()
		if rapid.Bool().Draw(t, name+" is set") {
			r.Metrics[i] = rapid.Float64().Draw(t, name)
		}
	}
	return r
}

func TestReadsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "t.parquet")
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 60).Draw(t, "rows")
		group := rapid.SampledFrom([]int{1, 300, 5000, 0}).Draw(t, "row group bytes")
		w, err := Create[row](path, Options{
			Width: map[string]int{"map": width}, Columns: names, RowGroupBytes: group, Metadata: map[string]string{"upi.kind": "test", "a": "ä"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for rest := rows; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "rows at once")
			if err := w.Write(rest[:n]...); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := ReadAll[row](path)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(rows) {
			t.Fatalf("%d rows came back, %d were written", len(got), len(rows))
		}
		for i := range rows {
			if !reflect.DeepEqual(bits(got[i]), bits(rows[i])) {
				t.Fatalf("row %d came back as %+v, was %+v", i, got[i], rows[i])
			}
		}
	})
}

// bits makes rows comparable: NaN equals itself, an empty list equals nil.
func bits(r row) string {
	s := fmt.Sprintf("%d %d %x %x %q %t %v %v ", r.ID, r.Count, math.Float64bits(r.Score), math.Float32bits(r.Eps), r.Method, r.Clip, r.Shape, r.Images)
	if r.Cosine != nil {
		s += fmt.Sprintf("cosine %x ", math.Float64bits(*r.Cosine))
	}
	for _, v := range append(slices.Clone(r.Delta), r.Map...) {
		s += fmt.Sprintf("%x,", math.Float32bits(v))
	}
	for i, v := range r.Metrics {
		if !math.IsNaN(v) {
			s += fmt.Sprintf("%s %x ", names[i], math.Float64bits(v))
		}
	}
	return s + fmt.Sprint(len(r.Metrics))
}

func TestMetadataAndShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.parquet")
	w, err := Create[row](path, Options{Width: map[string]int{"map": width}, Columns: names, Metadata: map[string]string{"upi.kind": "scores"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(row{Map: make([]float32, width), Metrics: make([]float64, len(names))}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("the file has its name before Close: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open[row](path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if kind, ok := r.Metadata("upi.kind"); kind != "scores" || !ok {
		t.Errorf("metadata upi.kind is %q, %t", kind, ok)
	}
	if _, ok := r.Metadata("upi.none"); ok {
		t.Error("metadata upi.none is there")
	}
	if !slices.Equal(r.Columns(), names) {
		t.Errorf("columns %v", r.Columns())
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := Create[small](filepath.Join(dir, "t.parquet"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(small{ID: 1}); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

type small struct {
	ID int64 `parquet:"id"`
}

func writeSmall(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "small.parquet")
	w, err := Create[small](path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(small{1}, small{2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	path := writeSmall(t)
	open := func(read func(string) error) func() error { return func() error { return read(path) } }
	cases := []struct {
		name string
		run  func() error
		want []string
	}{
		{"missing column", open(func(p string) error {
			_, err := Open[struct {
				Label int64 `parquet:"label"`
			}](p)
			return err
		}), []string{"small.parquet", `"label"`, `"id"`}},
		{"other type", open(func(p string) error {
			_, err := Open[struct {
				ID float64 `parquet:"id"`
			}](p)
			return err
		}), []string{"small.parquet", `"id"`, "INT64", "DOUBLE"}},
		{"no list", open(func(p string) error {
			_, err := ReadAll[struct {
				ID []int64 `parquet:"id"`
			}](p)
			return err
		}), []string{"small.parquet", `"id"`, "list"}},
		{"no file", func() error { _, err := Open[small](path + ".none"); return err }, []string{"small.parquet.none"}},
		{"type that cannot be stored", func() error {
			_, err := Create[struct {
				X []string `parquet:"x"`
			}](path, Options{})
			return err
		}, []string{"[]string", "X"}},
		{"width not said", func() error {
			_, err := Create[row](path, Options{Columns: names})
			return err
		}, []string{`"map"`, "Width"}},
		{"columns not said", func() error {
			_, err := Create[row](path, Options{Width: map[string]int{"map": 1}})
			return err
		}, []string{"Options.Columns"}},
		{"name twice", func() error {
			_, err := Create[row](path, Options{Width: map[string]int{"map": 1}, Columns: []string{"id"}})
			return err
		}, []string{`"id"`, "twice"}},
		{"row of another width", func() error {
			w, err := Create[row](path, Options{Width: map[string]int{"map": 3}, Columns: names})
			if err != nil {
				return err
			}
			defer w.Abort()
			return w.Write(row{Map: make([]float32, 2), Metrics: make([]float64, len(names))})
		}, []string{"row 0", `"map"`, "2", "3"}},
		{"number without a column", func() error {
			w, err := Create[row](path, Options{Width: map[string]int{"map": 0 + 1}, Columns: names})
			if err != nil {
				return err
			}
			defer w.Abort()
			return w.Write(row{Map: make([]float32, 1), Metrics: make([]float64, 3)})
		}, []string{"row 0", "3 numbers", "2 columns", "top_k"}},
		{"no folder", func() error { _, err := Create[small](filepath.Join(path, "t.parquet"), Options{}); return err }, []string{"t.parquet"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.run()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
	if rows, err := ReadAll[small](path); err != nil || len(rows) != 2 {
		t.Errorf("the failures above changed the file: %v, %v", rows, err)
	}
}

// TestOptionalColumns: a column that a file lacks is an error, but for one that is optional.
func TestOptionalColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.parquet")
	type old struct {
		ID int64 `parquet:"id"`
	}
	type now struct {
		ID     int64    `parquet:"id"`
		Source string   `parquet:"source,optional"`
		Share  *float64 `parquet:"share,optional"`
	}
	w, err := Create[old](path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(old{7}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := ReadAll[now](path)
	if err != nil || len(rows) != 1 || rows[0] != (now{ID: 7}) {
		t.Errorf("%+v, %v", rows, err)
	}
	type required struct {
		Source string `parquet:"source"`
	}
	if _, err := ReadAll[required](path); err == nil || !strings.Contains(err.Error(), "source") {
		t.Errorf("the error is %v, want one that names the column", err)
	}
	n, err := Create[now](path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Abort()
	share := 0.5
	if err := n.Write(now{8, "a", &share}); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if rows, err = ReadAll[now](path); err != nil || rows[0].Source != "a" || *rows[0].Share != 0.5 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestSmallTablesTakeLittle: a table of a few numbers takes memory by what it holds, not by the pages of its columns: with an encoder
// for each page it was 60 MB on two cores.
func TestSmallTablesTakeLittle(t *testing.T) {
	var columns []string
	for i := range 20 {
		columns = append(columns, fmt.Sprint("metric_", i))
	}
	type small struct {
		ID     int64     `parquet:"id"`
		Values []float64 `parquet:",columns"`
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w, err := Create[small](filepath.Join(t.TempDir(), "t.parquet"), Options{Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(small{1, make([]float64, len(columns))}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 5<<20 {
		t.Errorf("%d KiB were allocated", taken>>10)
	}
}
