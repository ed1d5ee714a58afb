package preflight

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"upi/data"
	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

// TestScalings: the values are those of keras.applications.imagenet_utils.preprocess_input (Keras 3.15.1) for two pixels.
func TestScalings(t *testing.T) {
	want := map[string][]float64{
		"caffe": {-73.93900299072266, -96.77899932861328, -113.68000030517578, -53.939002990722656, -16.77899932861328, 76.31999969482422},
		"tf":    {-0.9215686321258545, -0.843137264251709, -0.7647058963775635, 0.5686274766921997, -0.21568626165390015, -0.6078431606292725},
		"torch": {-1.9466564655303955, -1.6855741739273071, -1.2815686464309692, 1.3070467710494995, -0.28501397371292114, -0.9329847097396851},
	}
	for _, s := range Scalings(3) {
		values, known := want[s.Name]
		if !known {
			continue
		}
		delete(want, s.Name)
		got := make([]float32, 6)
		s.apply(got, []float32{10, 20, 30, 200, 100, 50}, 3)
		for i, v := range got {
			if math.Abs(float64(v)-values[i]) > 1e-5 {
				t.Errorf("%s: value %d is %v, want %v", s.Name, i, v, values[i])
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not among the scalings: %v", want)
	}
	for _, s := range Scalings(1) {
		if len(s.Scale) > 1 || len(s.Offset) > 1 || s.BGR {
			t.Errorf("%s, of one channel", s)
		}
	}
}

func TestScalingText(t *testing.T) {
	for want, s := range map[string]Scaling{
		"scale 0.00392 and offset -0.5; input: {scale: 0.00392156862745098, offset: -0.5}": {Scale: []float64{1. / 255}, Offset: []float64{-0.5}},
		"caffe (scale 1 and offset [-104, -117, -124], channels in the order BGR); input: {preprocess: caffe}": {
			Name: "caffe", Scale: []float64{1}, Offset: []float64{-103.939, -116.779, -123.68}, BGR: true},
		"scale 1 and offset 0, channels in the order BGR; input: {scale: 1, offset: 0, channels: bgr}": {Scale: []float64{1}, Offset: []float64{0}, BGR: true},
	} {
		if got := s.String() + "; " + s.Setting(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// pictures reads the first images of a dataset.
func pictures(t *testing.T, path string, n int64) (pixels [][]float32, labels []int64) {
	t.Helper()
	d, err := data.Open(path, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range d.Shards() {
		reader, err := shard.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for {
			image, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			values := make([]float32, len(image.Pixels))
			for i, v := range image.Pixels {
				values[i] = float32(v)
			}
			pixels, labels = append(pixels, values), append(labels, image.Label)
		}
		reader.Close()
	}
	return pixels, labels
}

// TestFind: the networks take pixels as they are, so images that undo a scaling want just that scaling. That the configuration is wrong
// stands in the answers: all of them class 0.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		what, dir, path string
		// undone is the image whose scaling is the given one.
		undone func(x []float32) []float32
		// number is the label of images that show class k.
		number func(k int64) int64
		want   []string
	}{
		{"0..1 less a half", "mnist_mlp", "mnist/fit-*.parquet", func(x []float32) []float32 {
			return each(x, func(_ int, v float32) float32 { return (v + 0.5) * 255 })
		}, nil, []string{" % as configured, 9", "with scale 0.00392 and offset -0.5 (of 300 images): write input: {scale: 0.00392156862745098, offset: -0.5}"}},
		{"caffe", "cifar10_resnet20", "cifar10/test-*.parquet", func(x []float32) []float32 {
			mean := []float32{123.68, 116.779, 103.939}
			return each(x, func(i int, _ float32) float32 { return x[i-i%3+2-i%3] + mean[i%3] })
		}, nil, []string{"with caffe (scale 1 and offset [-104, -117, -124], channels in the order BGR)", "write input: {preprocess: caffe}"}},
		{"as it is, and the classes are turned round", "mnist_mlp", "mnist/fit-*.parquet", func(x []float32) []float32 { return x },
			func(k int64) int64 { return 9 - k }, []string{"classes are in another order: class 9 for label 0, 8 for 1, 7 for 2", "give the images the numbers"}},
		{"nothing", "mnist_mlp", "mnist/fit-*.parquet", func(x []float32) []float32 { return make([]float32, len(x)) }, nil, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := savedmodels.Options{Scale: savedmodels.PerChannel{3}, Offset: savedmodels.PerChannel{7}}
			if strings.Contains(c.dir, "cifar10") {
				o = savedmodels.Options{Preprocess: "torch"}
			}
			m := open(t, "../"+c.dir, o)
			pixels, labels := pictures(t, "../../data/"+c.path, 300)
			images := Images{Labels: labels, Answers: make([]int64, len(labels)), Read: func(i int, dst []float32) error {
				copy(dst, c.undone(pixels[i]))
				return nil
			}}
			if c.number != nil {
				for i, k := range labels {
					labels[i] = c.number(k)
				}
			}
			f, err := Find(t.Context(), m, cpu(t), images)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == nil && (f.Advice != "" || !strings.Contains(f.Says(), "none of 6 usual scalings")) {
				t.Errorf("%q, %q", f.Advice, f.Says())
			}
			// What to write is at hand where a scaling alone helps.
			_, setting, _ := strings.Cut(f.Advice, ": write ")
			if c.number == nil && f.Setting != setting || c.number != nil && f.Setting != "" {
				t.Errorf("setting %q of the advice %q", f.Setting, f.Advice)
			}
			for _, want := range c.want {
				if !strings.Contains(f.Advice, want) {
					t.Errorf("%q, want %q; trials %v", f.Advice, want, f.Trials)
				}
			}
		})
	}
}

func open(t *testing.T, dir string, o savedmodels.Options) *savedmodels.Model {
	t.Helper()
	configured, err := savedmodels.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir, o, configured.Head())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func each(x []float32, of func(i int, v float32) float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = of(i, v)
	}
	return y
}

func cpu(t *testing.T) runtime.Device {
	t.Helper()
	devices, err := runtime.Select("cpu")
	if err != nil {
		t.Fatal(err)
	}
	return devices[0]
}

// TestFindSaturated: a network of ReLU is as right on pixels that are too large by far, but its probabilities are 0 or 1.
func TestFindSaturated(t *testing.T) {
	m := open(t, "../mnist_mlp", savedmodels.Options{})
	pixels, labels := pictures(t, "../../data/mnist/fit-*.parquet", 100)
	images := Images{Labels: labels, Answers: labels, Saturated: 51, Read: func(i int, dst []float32) error {
		copy(dst, pixels[i])
		return nil
	}}
	for _, c := range []struct {
		saturated int
		want      string
	}{{51, "100 % and 51 probabilities of exactly 0 or 1 as configured, 100 % and 0 with scale 1 and offset 0 (of 100 images)"}, {50, ""}} {
		images.Saturated = c.saturated
		f, err := Find(t.Context(), m, cpu(t), images)
		if err != nil || !strings.HasPrefix(f.Advice, c.want) || c.want == "" && f.Advice != "" {
			t.Errorf("%v, %q; want %q; trials %v", err, f.Advice, c.want, f.Trials)
		}
	}
	if f := (Finding{Images: 100, Configured: 98}); !strings.HasSuffix(f.Says(), "the scaling may well be right") {
		t.Error(f.Says())
	}
}

// TestFindStops when it is told to.
func TestFindStops(t *testing.T) {
	m := open(t, "../mnist_mlp", savedmodels.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, m, cpu(t), Images{Labels: []int64{1}, Answers: []int64{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
