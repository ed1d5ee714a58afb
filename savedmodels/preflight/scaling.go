// Package preflight looks for what was forgotten where a network answers hardly better than chance: it tries the usual ways to scale
// pixels, and looks for another order of the classes.
package preflight

import (
	"fmt"
	"strconv"
	"strings"
)

// A Scaling makes of an image in pixel units, RGB, what a network takes: Scale * x + Offset, in that order of channels.
type Scaling struct {
	// Name is a convention's, empty where Scale and Offset say all.
	Name string
	// Scale and Offset are one number, or one per channel in the network's order.
	Scale, Offset []float64
	BGR           bool
}

// Scalings are the usual ones for images of so many channels, the commonest first. Those named caffe, tf and torch are the three
// conventions of keras.applications.imagenet_utils.preprocess_input; the others of odd numbers have the mean and the standard deviation
// of the training images of MNIST and of CIFAR-10 in 0..1.
func Scalings(channels int) []Scaling {
	all := []Scaling{
		{Scale: []float64{1}, Offset: []float64{0}},
		{Scale: []float64{1. / 255}, Offset: []float64{0}},
		{Name: "tf", Scale: []float64{1 / 127.5}, Offset: []float64{-1}},
		{Scale: []float64{1. / 255}, Offset: []float64{-0.5}},
		{Scale: []float64{-1. / 255}, Offset: []float64{1}},
	}
	if channels == 1 {
		return append(all, standardised("", []float64{0.1307}, []float64{0.3081}))
	}
	if channels != 3 {
		return all
	}
	return append(all,
		Scaling{Name: "caffe", Scale: []float64{1}, Offset: []float64{-103.939, -116.779, -123.68}, BGR: true},
		standardised("torch", []float64{0.485, 0.456, 0.406}, []float64{0.229, 0.224, 0.225}),
		standardised("", []float64{0.4914, 0.4822, 0.4465}, []float64{0.2470, 0.2435, 0.2616}),
		Scaling{Scale: []float64{1}, Offset: []float64{0}, BGR: true},
		Scaling{Scale: []float64{1. / 255}, Offset: []float64{0}, BGR: true},
	)
}

// standardised takes a mean off images in 0..1 and divides them by a deviation, both per channel.
func standardised(name string, mean, deviation []float64) Scaling {
	s := Scaling{Name: name}
	for c := range mean {
		s.Scale, s.Offset = append(s.Scale, 1/(255*deviation[c])), append(s.Offset, -mean[c]/deviation[c])
	}
	return s
}

// apply scales an image of interleaved channels.
func (s Scaling) apply(dst, image []float32, channels int) {
	for i := range image {
		c := i % channels
		from := i
		if s.BGR {
			from = i - c + channels - 1 - c
		}
		dst[i] = float32(of(s.Scale, c)*float64(image[from]) + of(s.Offset, c))
	}
}

func of(values []float64, channel int) float64 {
	if len(values) == 1 {
		return values[0]
	}
	return values[channel]
}

// String reads "scale 0.00392 and offset -0.5".
func (s Scaling) String() string {
	text := fmt.Sprintf("scale %s and offset %s", short(s.Scale), short(s.Offset))
	if s.BGR {
		text += ", channels in the order BGR"
	}
	if s.Name != "" {
		text = s.Name + " (" + text + ")"
	}
	return text
}

// Setting is what a configuration says of it, with all digits.
func (s Scaling) Setting() string {
	if s.Name != "" {
		return fmt.Sprintf("input: {preprocess: %s}", s.Name)
	}
	text := fmt.Sprintf("input: {scale: %s, offset: %s", full(s.Scale), full(s.Offset))
	if s.BGR {
		text += ", channels: bgr"
	}
	return text + "}"
}

func short(values []float64) string { return list(values, 3) }

func full(values []float64) string { return list(values, -1) }

func list(values []float64, digits int) string {
	var all []string
	for _, v := range values {
		all = append(all, strconv.FormatFloat(v, 'g', digits, 64))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "[" + strings.Join(all, ", ") + "]"
}
