package savedmodels

import (
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestLayer: the layer of the last convolution is that of its bias, normalisation, activation, gate and sum, before it is pooled; a name
// finds a node, or the last node of a part. The networks are those of python/make_inside_testdata.py and of this repository.
func TestLayer(t *testing.T) {
	for _, test := range []struct{ dir, name, want string }{
		{"saliency/testdata/inside/overlapping", "", "second/activation [B,6,5,8]"},
		{"saliency/testdata/inside/overlapping", "second/normed", "second/normed [B,6,5,8]"},
		{"saliency/testdata/inside/overlapping", "first", "first/activation [B,12,10,6]"},
		{"saliency/testdata/inside/channels_first", "", "second/activation [B,8,6,5]"},
		{"saliency/testdata/inside/channels_first", "first/bias", "first/bias [B,6,12,10]"},
		{"saliency/testdata/inside/concatenated", "", "block/activation [B,6,5,10]"},
		{"saliency/testdata/inside/gated", "", "block/activation [B,6,5,6]"},
		{"saliency/testdata/inside/gated", "second", "second/activation [B,6,5,6]"},
		{"saliency/testdata/inside/leaky", "", "first/activation [B,6,5,5]"},
		{"saliency/testdata/inside/smooth", "", "first/activation [B,6,5,5]"},
		{"cifar10_resnet20", "", "[B,8,8,64]"},
	} {
		m, err := Open(test.dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := m.AsSaved()
		if err != nil {
			t.Fatal(err)
		}
		l, err := plain.Layer(test.name)
		if err != nil {
			t.Errorf("%s, %q: %v", test.dir, test.name, err)
		} else if got := l.String(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s, %q: %s, want %s", test.dir, test.name, got, test.want)
		}
	}
}

// TestLayerOfCalls: where the signature fixes the batch, the layer of several batches side by side is found, and is what an open batch
// gives, as is the derivative with respect to it.
func TestLayerOfCalls(t *testing.T) {
	for _, dir := range []string{"overlapping", "concatenated", "gated", "leaky", "../../../cifar10_resnet20"} {
		m, err := Open("saliency/testdata/inside/"+dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := m.AsSaved()
		if err != nil {
			t.Fatal(err)
		}
		var want [][]float64
		for _, unit := range []int{0, 1, 2} {
			plain.unit = unit
			l, err := plain.Layer("")
			if err != nil {
				t.Fatal(err)
			}
			g := tf.NewGraph()
			dims := []int64{4, int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])}
			x, err := placeholder(g, "images", tf.Float, dims...)
			if err != nil {
				t.Fatal(err)
			}
			logits, err := plain.Build(g, "network", x, BuildOptions{Surrogate: &Softplus{Beta: 30}})
			if err != nil {
				t.Fatal(err)
			}
			a, err := l.Find(g, "network", 4)
			if err != nil {
				t.Errorf("%s, %d images per call: %v", dir, unit, err)
				continue
			}
			got := runAll(t, plain, g, x, pixels(dims...), a, gradientOf(t, g, column(t, g, logits, 1), a))
			if unit == 0 {
				want = got
			}
			for i := range want {
				if d := apart(got[i], want[i]); !(d < 1e-5) {
					t.Errorf("%s, %d images per call: %s: relative difference %.2g", dir, unit, []string{"activations", "gradient"}[i], d)
				}
			}
		}
	}
}
