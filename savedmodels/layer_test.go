package savedmodels

import (
	"strings"
	"testing"
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
