package table

import (
	"io"
	"path/filepath"
	"testing"
)

type bulk struct {
	ID       int64     `parquet:"id"`
	Gradient []float32 `parquet:"gradient,fixed"`
}

// ImageNet's image size, the widest rows that are planned for.
const pixels = 224 * 224 * 3

func writeBulk(tb testing.TB, path string, rows int) {
	w, err := Create[bulk](path, Options{Width: map[string]int{"gradient": pixels}})
	if err != nil {
		tb.Fatal(err)
	}
	g := make([]float32, pixels)
	for i := range rows {
		for j := range g {
			g[j] = float32(i*pixels+j) * 1e-6
		}
		if err := w.Write(bulk{int64(i), g}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkWriteBulk(b *testing.B) {
	path := filepath.Join(b.TempDir(), "g.parquet")
	w, err := Create[bulk](path, Options{Width: map[string]int{"gradient": pixels}})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	g := make([]float32, pixels)
	b.SetBytes(4 * pixels)
	for i := range b.N {
		if err := w.Write(bulk{int64(i), g}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadBulk(b *testing.B) {
	path := filepath.Join(b.TempDir(), "g.parquet")
	const rows = 512
	writeBulk(b, path, rows)
	b.SetBytes(4 * pixels)
	b.ResetTimer()
	var row bulk
	for done := 0; done < b.N; {
		r, err := Open[bulk](path)
		if err != nil {
			b.Fatal(err)
		}
		for ; done < b.N; done++ {
			if err := r.Next(&row); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
	}
}
