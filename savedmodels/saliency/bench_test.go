package saliency

import (
	"fmt"
	"testing"

	"upi/savedmodels"
)

// BenchmarkDissimilarity measures images per second of the second-order gradient on one core, by batch size: read the ratios.
func BenchmarkDissimilarity(b *testing.B) {
	for _, name := range []string{"mnist_cnn", "cifar10_vgg"} {
		for _, batch := range []int{8, 16, 64, 128} {
			benchmark(b, fmt.Sprintf("%s/relu/batch=%d", name, batch), opened(b, name), Settings{Batch: batch})
		}
	}
}

// BenchmarkNetworks does so for the networks at hand, with and without the surrogate where they have rectifiers.
func BenchmarkNetworks(b *testing.B) {
	for _, name := range []string{"mnist_mlp", "mnist_cnn", "cifar10_vgg", "cifar10_resnet20", "cifar10_mobilenetv2", "cifar10_vit"} {
		m := opened(b, name)
		benchmark(b, name+"/as it is/batch=32", m, Settings{Batch: 32})
		if name != "cifar10_vit" {
			benchmark(b, name+"/softplus/batch=32", m, Settings{Batch: 32, Surrogate: &savedmodels.Softplus{Beta: 30}})
		}
	}
}

func opened(b *testing.B, name string) *savedmodels.Model {
	b.Helper()
	m, err := savedmodels.Open("../"+name, savedmodels.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func benchmark(b *testing.B, name string, m *savedmodels.Model, s Settings) {
	b.Run(name, func(b *testing.B) {
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
