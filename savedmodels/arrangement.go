package savedmodels

import (
	"errors"
	"fmt"
)

// ErrOpenSize says that the signature leaves the images' size open and that the options do not say it. The images themselves can.
var ErrOpenSize = errors.New("declare the images' height, width and channels (input.shape: [H, W, C]; upi inspect --shape H,W,C)")

// An arrangement says where the network's input holds an image's height, width and channels.
type arrangement struct {
	// axes are those of height, width and channels; -1 for the channels of grey images without such an axis. All are -1 where the
	// values of an image stand in one row.
	axes [3]int
	// single is an input of one image without an axis for the batch.
	single bool
}

var row = [3]int{-1, -1, -1}

// arrange finds out how an input of the given shape holds images. declared is what the options say of their shape.
func arrange(dims []int64, layout string, declared [3]int) (arrangement, bool) {
	axes := [3]int{1, 2, 3}
	if layout == NCHW {
		axes = [3]int{2, 3, 1}
	}
	switch len(dims) {
	case 4:
		return arrangement{axes: axes}, true
	case 3:
		for i := range axes {
			axes[i]--
		}
		if oneImage(dims, axes, declared) {
			return arrangement{axes: axes, single: true}, true
		}
		return arrangement{axes: [3]int{1, 2, -1}}, true
	case 2:
		return arrangement{axes: row}, true
	}
	return arrangement{}, false
}

// mostChannels is the number of channels above which a last axis is taken for a width.
const mostChannels = 5

// oneImage tells [H, W, C] from [B, H, W]: by the declared shape, else by the number of channels that it would have.
func oneImage(dims []int64, axes, declared [3]int) bool {
	if declared[2] > 0 {
		for i, d := range axes {
			if dims[d] > 0 && int64(declared[i]) != dims[d] {
				return false
			}
		}
		return declared[2] > 1 || dims[axes[2]] == 1
	}
	c := dims[axes[2]]
	return c > 0 && c <= mostChannels && (dims[axes[0]] > mostChannels || dims[axes[0]] <= 0 && dims[axes[1]] <= 0)
}

// arrangeInput finds the shape of an image in the signature's input, filled in from the options, and the batch that it fixes.
func (m *Model) arrangeInput() error {
	dims, declared := m.input.Shape, m.options.Shape
	if dims == nil {
		dims = []int64{-1, -1, -1, -1}
	}
	a, ok := arrange(dims, m.options.Layout, declared)
	if !ok {
		return fmt.Errorf("input %v is not a batch of images: rank %d instead of 4 [B,H,W,C], 3 [B,H,W] or 2 [B,H*W*C]",
			m.input, len(dims))
	}
	m.arrangement = a
	shape, open := declared, false
	for i, axis := range a.axes {
		size := int64(-1)
		switch {
		case axis >= 0:
			size = dims[axis]
		case i == 2 && a.axes != row:
			size = 1
		}
		switch {
		case size <= 0:
			open = open || shape[i] <= 0
		case shape[i] > 0 && int64(shape[i]) != size:
			return fmt.Errorf("input %v does not take images of the declared shape %v", m.input, declared)
		default:
			shape[i] = int(size)
		}
	}
	if open {
		return fmt.Errorf("input %v leaves the image's size open: %w", m.input, ErrOpenSize)
	}
	if values := shape[0] * shape[1] * shape[2]; a.axes == row && dims[1] > 0 && int64(values) != dims[1] {
		return fmt.Errorf("input %v takes %d values, an image of the declared shape %v has %d", m.input, dims[1], declared, values)
	}
	m.shape, m.batch = shape, -1
	if a.single {
		m.batch = 1
	} else if dims[0] > 0 {
		m.batch = int(dims[0])
	}
	return m.options.fits(shape[2])
}

// inputShape is the shape of the network's input for a batch of images: one of them alone if it takes no more.
func (m *Model) inputShape(batch int64) []int64 {
	dims := m.input.Shape
	h, w, c := int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])
	switch {
	case m.arrangement.axes == row:
		return []int64{batch, h * w * c}
	case m.arrangement.single:
		shape := make([]int64, len(dims))
		for i, axis := range m.arrangement.axes {
			shape[axis] = int64(m.shape[i])
		}
		if batch > 1 {
			return append([]int64{batch}, shape...)
		}
		return shape
	case m.arrangement.axes[2] < 0:
		return []int64{batch, h, w}
	case m.options.Layout == NCHW:
		return []int64{batch, c, h, w}
	}
	return []int64{batch, h, w, c}
}
