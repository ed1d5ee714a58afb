package data

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"upi/data/picture"
	"upi/internal/pythontest"
	"upi/savedmodels/runtime"
)

// BenchmarkRead reads shards of pictures in one thread, and tells how many times as fast that is as pyarrow with Pillow and as the
// datasets library, which read the same file before.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	pythontest.Run(b, "bench_pictures.py", "write", dir)
	for _, name := range []string{"jpeg-224", "jpeg-500x375", "png-224"} {
		path := filepath.Join(dir, name+".parquet")
		var pillow, datasets float64
		if _, err := fmt.Sscan(pythontest.Run(b, "bench_pictures.py", "read", path), &pillow, &datasets); err != nil {
			b.Fatal(err)
		}
		d, err := OpenWith(path, Options{Pictures: picture.Options{JPEG: runtime.DecodeJPEG}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			pictures := 0
			for b.Loop() {
				r, err := d.Shards()[0].Read(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for {
					if _, err := r.Next(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					pictures++
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(pictures)
			b.ReportMetric(1e6*seconds, "µs/picture")
			b.ReportMetric(pillow/seconds, "x-pyarrow+Pillow")
			b.ReportMetric(datasets/seconds, "x-datasets")
		})
	}
}
