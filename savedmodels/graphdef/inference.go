package graphdef

// Inference tells what follows from constants and from the image's shape alone in a flat graph that is being made.
type Inference interface {
	// Shape is a tensor's static shape, nil where a dimension is open.
	Shape(t Tensor) []int64
	// Ints is the value of a small tensor of booleans or integers, in row-major order. known is false if it depends on pixels or
	// is too large.
	Ints(t Tensor) (values []int64, known bool)
}

// folder evaluates small tensors: conditions, counters, sizes.
type folder struct {
	values    map[*Node][]float64 // nil: not known
	inference Inference           // nil: constants alone
	asked     int                 // how many values the inference gave
}

// shape is a tensor's static shape, nil if it is not known.
func (f *folder) shape(t Tensor) []int64 {
	if f.inference == nil || t.Node.refused != nil {
		return nil
	}
	shape := f.inference.Shape(t)
	if shape != nil {
		f.asked++
	}
	return shape
}

func (f *folder) ask(t Tensor) ([]float64, bool) {
	if f.inference == nil || t.Node.refused != nil {
		return nil, false
	}
	ints, known := f.inference.Ints(t)
	if !known {
		return nil, false
	}
	f.asked++
	values := make([]float64, len(ints))
	for i, v := range ints {
		values[i] = float64(v)
	}
	return values, true
}

// int is the value of a scalar, such as a position in a list.
func (f *folder) int(t Tensor) (int, bool) {
	v, known := f.fold(t)
	if !known || len(v) != 1 {
		return 0, false
	}
	return int(v[0]), true
}
