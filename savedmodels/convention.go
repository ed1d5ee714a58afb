package savedmodels

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Orders of the channels that the network takes. Images are RGB everywhere else.
const (
	RGB = "rgb"
	BGR = "bgr"
)

// A convention is a usual way to prepare images in pixel units for a network.
type convention struct {
	channels      string
	scale, offset PerChannel
}

// conventions are those of keras.applications.imagenet_utils.preprocess_input, by the name of its mode. The mean and the
// deviation of torch are those of ImageNet's training images in 0..1, as torchvision gives them; the mean of caffe is in pixel
// units, BGR.
var conventions = map[string]convention{
	"tf":    {RGB, PerChannel{1 / 127.5}, PerChannel{-1}},
	"caffe": {BGR, PerChannel{1}, PerChannel{-103.939, -116.779, -123.68}},
	"torch": {
		RGB,
		PerChannel{1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)},
		PerChannel{-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225},
	},
}

// Conventions are the names that Options.Preprocess takes, sorted.
func Conventions() []string { return slices.Sorted(maps.Keys(conventions)) }

// setInput fills in the defaults of what becomes of the pixels, and the convention's numbers.
func (o *Options) setInput() error {
	if o.Preprocess != "" {
		c, ok := conventions[o.Preprocess]
		switch {
		case !ok:
			return fmt.Errorf("preprocess %q: must be one of %s", o.Preprocess, strings.Join(Conventions(), ", "))
		case !o.Scale.unless0(1).all(1) || !o.Offset.unless0(0).all(0) || o.Channels != "" && o.Channels != c.channels:
			return fmt.Errorf("preprocess %s says the scale, the offset and the order of the channels: "+
				"leave these out, or say them without it", o.Preprocess)
		}
		o.Channels, o.Scale, o.Offset = c.channels, c.scale, c.offset
	}
	if o.Channels == "" {
		o.Channels = RGB
	}
	if o.Channels != RGB && o.Channels != BGR {
		return fmt.Errorf("channels %q: must be %s or %s", o.Channels, RGB, BGR)
	}
	o.Scale, o.Offset = o.Scale.unless0(1), o.Offset.unless0(0)
	if slices.Contains(o.Scale, 0) {
		return fmt.Errorf("scale %v: a channel that is multiplied by 0 tells nothing", []float64(o.Scale))
	}
	return nil
}

// fits is an error if the options say something of channels that the images do not have.
func (o *Options) fits(channels int) error {
	if o.Channels == BGR && channels != 3 {
		return fmt.Errorf("channels bgr needs images of 3 channels, not %d", channels)
	}
	if err := o.Scale.fits("scale", channels); err != nil {
		return err
	}
	return o.Offset.fits("offset", channels)
}
