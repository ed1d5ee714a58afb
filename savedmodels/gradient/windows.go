package gradient

import (
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// windows is a pooling whose windows do not overlap.
type windows struct {
	a       attrs
	average string  // the op that averages over the windows
	size    float64 // elements of a window
	counts  []int64 // elements of each window within the input, in shape; nil where all are whole
	shape   []int64
}

// separate describes the pooling of x with attributes a if its windows do not overlap: no stride is shorter than the window. Only
// windows over space are covered, and sizes must be known where padding may cut windows.
func separate(kind string, a attrs, x tf.Output) (windows, bool) {
	size, _ := a["ksize"].([]int64)
	stride, _ := a["strides"].([]int64)
	format, _ := a["data_format"].(string)
	w := windows{a: a, average: "AvgPool", size: 1}
	if strings.Contains(kind, "3D") {
		w.average = "AvgPool3D"
	}
	if len(size) != len(format) || len(stride) != len(format) {
		return w, false // NCHW_VECT_C
	}
	for i, axis := range format {
		if stride[i] < size[i] || size[i] > 1 && (axis == 'N' || axis == 'C') {
			return w, false
		}
		w.size *= float64(size[i])
	}
	switch a["padding"] {
	case "VALID":
		return w, true
	case "SAME":
		d := ops.Dims(x)
		if len(d) != len(size) {
			return w, false
		}
		return w, w.count(d, size, stride)
	}
	return w, false
}

// count finds out how many elements of each window SAME leaves within an input of shape d. It is false if that is not known.
func (w *windows) count(d, size, stride []int64) bool {
	whole := true
	w.counts, w.shape = []int64{1}, make([]int64, len(d))
	for i := range d {
		w.shape[i] = 1
		if size[i] == 1 {
			continue
		}
		if d[i] < 0 {
			return false
		}
		w.shape[i] = (d[i] + stride[i] - 1) / stride[i]
		before := max(0, (w.shape[i]-1)*stride[i]+size[i]-d[i]) / 2
		var product []int64
		for _, c := range w.counts {
			for j := range w.shape[i] {
				from := j*stride[i] - before
				n := min(from+size[i], d[i]) - max(from, 0)
				whole = whole && n == size[i]
				product = append(product, c*n)
			}
		}
		w.counts = product
	}
	if whole {
		w.counts = nil
	}
	return true
}

// sum adds up x over each window.
func (w windows) sum(s *scope, x tf.Output) tf.Output {
	mean := s.One(w.average, w.a, x)
	if w.counts == nil {
		return s.Scale(w.size, mean)
	}
	return s.Mul(mean, s.Cast(s.Reshape(s.Constant(slices.Clone(w.counts)), w.shape...), x.DataType()))
}

// chosenSum is the derivative of max pooling y = pool(x) along up: of each window the element of up at the place of the largest of x,
// found by the mask that the pooling's gradient makes of ones. TensorFlow's MaxPoolGradGrad takes several times as long.
func (s *scope) chosenSum(grad string, w windows, x, y, up tf.Output) tf.Output {
	mask := s.One(grad, w.a, x, y, s.Fill(y, 1))
	return w.sum(s, s.Mul(up, mask))
}
