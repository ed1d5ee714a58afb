package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"testing"
	"time"

	"upi/data/picture"
	"upi/internal/pythontest"
	"upi/savedmodels/runtime"
)

// BenchmarkRead reads shards of pictures in one thread, and tells how many times as fast that is as pyarrow with Pillow and as
// the datasets library, which read the same file before. Of each the fastest pass counts: others are slowed down by what else
// the machine does.
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
			seconds := math.Inf(1)
			for b.Loop() {
				begin, pictures := time.Now(), 0
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
				seconds = min(seconds, time.Since(begin).Seconds()/float64(pictures))
			}
			b.ReportMetric(1e6*seconds, "µs/picture")
			b.ReportMetric(pillow/seconds, "x-pyarrow+Pillow")
			b.ReportMetric(datasets/seconds, "x-datasets")
		})
	}
}
