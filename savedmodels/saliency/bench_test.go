package saliency

import (
	"fmt"
	"testing"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

// BenchmarkDissimilarity measures images per second of the second-order gradient on one core, by batch size: read the ratios.
func BenchmarkDissimilarity(b *testing.B) {
	for _, name := range []string{"mnist_cnn", "cifar10_vgg"} {
		for _, batch := range []int{8, 16, 32, 64, 128} {
			benchmark(b, fmt.Sprintf("%s/batch=%d", name, batch), name, Settings{Batch: batch})
		}
	}
}

// BenchmarkNetworks measures the same of all networks at hand in both precisions, with and without the surrogate where they have
// rectifiers.
func BenchmarkNetworks(b *testing.B) {
	for _, p := range []runtime.Precision{runtime.Float32, runtime.Bfloat16} {
		for _, name := range []string{"mnist_mlp", "mnist_cnn", "cifar10_vgg", "cifar10_resnet20", "cifar10_mobilenetv2", "cifar10_vit"} {
			benchmark(b, fmt.Sprintf("%s/%s", name, p), name, Settings{Batch: 32, Precision: p})
			if name != "cifar10_vit" {
				benchmark(b, fmt.Sprintf("%s/softplus/%s", name, p), name, Settings{Batch: 32, Precision: p, Surrogate: &savedmodels.Softplus{Beta: 30}})
			}
		}
	}
}

func benchmark(b *testing.B, title, name string, s Settings) {
	b.Run(title, func(b *testing.B) {
		m, err := savedmodels.Open("../"+name, savedmodels.Options{})
		if err != nil {
			b.Fatal(err)
		}
		o, err := NewDissimilarity(m, &SimpleGradient{}, s)
		if err != nil {
			b.Fatal(err)
		}
		defer o.Close()
		shape := m.ImageShape()
		images := Batch{
			Pixels:    make([]float32, s.Batch*shape[0]*shape[1]*shape[2]),
			Classes:   make([]int32, s.Batch),
			Reference: make([]float32, s.Batch*shape[0]*shape[1]),
		}
		for i := range images.Pixels {
			images.Pixels[i] = float32(i * 7919 % 256)
		}
		for b.Loop() {
			if _, err := o.Run(images); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(s.Batch*b.N)/b.Elapsed().Seconds(), "images/s")
	})
}
