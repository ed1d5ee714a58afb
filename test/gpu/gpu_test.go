// Package gpu compares a device with the CPU and measures it. scripts/gpu-check.sh runs it.
package gpu

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"upi/data"
	"upi/savedmodels"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
)

// device is the one that UPI_GPU_CHECK names; without it these tests are skipped.
func device(t *testing.T) runtime.Device {
	t.Helper()
	name := os.Getenv("UPI_GPU_CHECK")
	if name == "" {
		t.Skip("UPI_GPU_CHECK names no device")
	}
	devices, err := runtime.Select(name)
	if err != nil {
		t.Fatal(err)
	}
	return devices[0]
}

// images are the first n of the test images that go with a network, with the network's own answers as classes.
func images(t *testing.T, network string, n int) (pixels []float32, labels []int32) {
	t.Helper()
	set := "cifar10"
	if network[:5] == "mnist" {
		set = "mnist"
	}
	d, err := data.Open("../../data/"+set+"/test-*.parquet", int64(n))
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range d.Shards() {
		r, err := shard.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range shard.Rows {
			image, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range image.Pixels {
				pixels = append(pixels, float32(v))
			}
			labels = append(labels, int32(image.Label))
		}
		r.Close()
	}
	return pixels, labels
}

func open(t *testing.T, network string) *savedmodels.Model {
	t.Helper()
	m, err := savedmodels.Open("../../savedmodels/"+network, savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// batch is one of images that are moved a little, against a flat map: the distance of the two has a gradient everywhere.
func batch(t *testing.T, network string, n int) saliency.Batch {
	t.Helper()
	b := saliency.Batch{}
	b.Pixels, b.Classes = images(t, network, min(n, 512))
	for len(b.Classes) < n {
		b.Pixels, b.Classes = append(b.Pixels, b.Pixels...), append(b.Classes, b.Classes...)
	}
	size := len(b.Pixels) / len(b.Classes)
	b.Pixels, b.Classes = b.Pixels[:n*size], b.Classes[:n]
	m := open(t, network)
	pixels := m.ImageShape()[0] * m.ImageShape()[1]
	b.Reference = slices.Repeat([]float32{1 / float32(pixels)}, n*pixels)
	return b
}

// TestParity compares maps (first order) and gradients of their distance (second order) of the networks on the device with the CPU's.
// Networks of ReLU and max-pooling have kinks, at which rounding decides: a few images may differ.
func TestParity(t *testing.T) {
	d := device(t)
	const n = 32
	networks, err := filepath.Glob("../../savedmodels/*/saved_model.pb")
	if err != nil || len(networks) == 0 {
		t.Fatal("no network", err)
	}
	fmt.Printf("\nparity on %s with the CPU, cosines of %d images\n%-22s %-8s %10s %10s\n", d, n, "network", "order", "median", "smallest")
	for _, path := range networks {
		name := filepath.Base(filepath.Dir(path))
		m, b := open(t, name), batch(t, name, n)
		for _, order := range []int{1, 2} {
			want, got := computed(t, m, b, order, runtime.Device{}), computed(t, m, b, order, d)
			cosines := make([]float64, n)
			for i := range cosines {
				k := len(want) / n
				cosines[i] = cosine(want[i*k:(i+1)*k], got[i*k:(i+1)*k])
			}
			slices.Sort(cosines)
			fmt.Printf("%-22s %-8d %10.7f %10.7f\n", name, order, cosines[n/2], cosines[0])
			if !(cosines[n/2] > 0.9999) || !(cosines[n/10] > 0.99) {
				t.Errorf("%s, order %d: cosines to the CPU from %.5f, a tenth below %.5f, median %.5f: want above 0.99 and 0.9999",
					name, order, cosines[0], cosines[n/10], cosines[n/2])
			}
		}
	}
}

// computed are the maps (order 1) or the gradients of their distances (order 2) of a batch.
func computed(t *testing.T, m *savedmodels.Model, b saliency.Batch, order int, d runtime.Device) []float32 {
	t.Helper()
	call, done, err := caller(m, order, saliency.Settings{Batch: len(b.Classes), Device: d})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	values, err := call(b)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// caller builds a program of an order.
func caller(m *savedmodels.Model, order int, s saliency.Settings) (call func(saliency.Batch) ([]float32, error), done func() error, err error) {
	if order == 1 {
		p, err := saliency.NewMapper(m, &saliency.SimpleGradient{}, s)
		if err != nil {
			return nil, nil, err
		}
		return func(b saliency.Batch) ([]float32, error) {
			maps, err := p.Run(saliency.Batch{Pixels: b.Pixels, Classes: b.Classes})
			return maps.Map, err
		}, p.Close, nil
	}
	p, err := saliency.NewDissimilarity(m, &saliency.SimpleGradient{}, s)
	if err != nil {
		return nil, nil, err
	}
	return func(b saliency.Batch) ([]float32, error) {
		g, err := p.Run(b)
		return g.Rows, err
	}, p.Close, nil
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// TestSpeed prints images per second by order, precision, size of batch and number of calls at once. UPI_GPU_SECONDS is how long each
// is measured; "0s" measures one call.
func TestSpeed(t *testing.T) {
	d := device(t)
	each, err := time.ParseDuration(os.Getenv("UPI_GPU_SECONDS"))
	if err != nil {
		t.Fatal(err)
	}
	batches := []int{32, 128, 512}
	fmt.Printf("\nimages per second on %s\n%-14s %-6s %-9s", d, "network", "order", "precision")
	for _, n := range batches {
		fmt.Printf(" %16s", fmt.Sprintf("batch %d: 1, 2 calls", n))
	}
	fmt.Println()
	for _, name := range []string{"mnist_cnn", "cifar10_vgg"} {
		m := open(t, name)
		for _, order := range []int{1, 2} {
			for _, p := range []runtime.Precision{runtime.Float32, runtime.Bfloat16} {
				if p == runtime.Bfloat16 && order == 1 {
					continue
				}
				row := fmt.Sprintf("%-14s %-6d %-9s", name, order, p)
				if _, err := runtime.Bfloat16Units(d); p == runtime.Bfloat16 && err != nil {
					fmt.Printf("%s refused: %v\n", row, err)
					continue
				}
				for _, n := range batches {
					b := batch(t, name, n)
					call, done, err := caller(m, order, saliency.Settings{Batch: n, Device: d, Precision: p})
					if err != nil {
						t.Fatal(err)
					}
					one, err1 := speed(call, b, 1, each)
					two, err2 := speed(call, b, 2, each)
					if err := errors.Join(err1, err2, done()); err != nil {
						t.Fatal(err)
					}
					row += fmt.Sprintf(" %10.0f, %8.0f", one, two)
				}
				fmt.Println(row)
			}
		}
	}
}

// speed is the number of images per second of so many calls at once, after a first call.
func speed(call func(saliency.Batch) ([]float32, error), b saliency.Batch, calls int, each time.Duration) (float64, error) {
	if _, err := call(b); err != nil {
		return 0, err
	}
	var running sync.WaitGroup
	done, failed := make([]int, calls), make([]error, calls)
	begin := time.Now()
	for k := range calls {
		running.Go(func() {
			for done[k] == 0 || time.Since(begin) < each {
				if _, failed[k] = call(b); failed[k] != nil {
					return
				}
				done[k]++
			}
		})
	}
	running.Wait()
	total := 0
	for _, n := range done {
		total += n * len(b.Classes)
	}
	return float64(total) / time.Since(begin).Seconds(), errors.Join(failed...)
}
