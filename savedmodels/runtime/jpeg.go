package runtime

import (
	"fmt"
	goruntime "runtime"
	"sync"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"
)

// A jpegGraph decodes one JPEG per call.
type jpegGraph struct {
	session      *tf.Session
	file, pixels tf.Output
}

// newJPEGGraph decodes as Pillow does, to the bit: with libjpeg's exact integer transform and its smooth upsampling of chroma.
// TensorFlow's default transform is another one.
var newJPEGGraph = sync.OnceValues(func() (*jpegGraph, error) {
	s := ops.NewScope(tf.NewGraph(), "jpeg")
	g := &jpegGraph{file: s.Placeholder(tf.String)}
	g.pixels = s.One("DecodeJpeg", ops.Attrs{"dct_method": "INTEGER_ACCURATE", "fancy_upscaling": true}, g.file)
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("build the decoder of JPEGs: %w", err)
	}
	options, err := config(Device{}, 0, Float32)
	if err != nil {
		return nil, err
	}
	if g.session, err = tf.NewSession(s.Graph(), &tf.SessionOptions{Config: options}); err != nil {
		return nil, fmt.Errorf("open the decoder of JPEGs: %w", err)
	}
	return g, nil
})

// DecodeJPEG returns a JPEG's pixels, height x width x channels values row-major, as they lie in the file: 1 channel where it is
// grey, else 3 (RGB). Files that are damaged are errors. It is safe for concurrent use and works in its caller's thread. Memory
// is taken for whatever size the file claims, up to 512 MiB: who does not trust it reads its head first.
func DecodeJPEG(file []byte) (pixels []byte, shape [3]int, err error) {
	g, err := newJPEGGraph()
	if err != nil {
		return nil, shape, err
	}
	// The tensor is a copy, which need not be one of a copy.
	input, err := tf.NewTensor(unsafe.String(unsafe.SliceData(file), len(file)))
	if err != nil {
		return nil, shape, fmt.Errorf("hand over a JPEG: %w", err)
	}
	output, err := call(g.session, map[tf.Output]*tf.Tensor{g.file: input}, []tf.Output{g.pixels}, nil)
	if err != nil {
		return nil, shape, fmt.Errorf("run graph: %w", err)
	}
	t := output[0]
	dims := t.Shape()
	if t.DataType() != tf.Uint8 || len(dims) != 3 {
		return nil, shape, fmt.Errorf("the decoder of JPEGs returned a tensor of %v %v", t.DataType(), dims)
	}
	shape = [3]int{int(dims[0]), int(dims[1]), int(dims[2])}
	var copied appended
	_, err = t.WriteContentsTo(&copied)
	// The finalizer frees the tensor's memory: not before the copy is done.
	goruntime.KeepAlive(t)
	account(int64(len(file) + len(copied)))
	if err == nil && int64(len(copied)) != tensors.Elements(dims) {
		err = fmt.Errorf("the decoder of JPEGs returned %d bytes for %v", len(copied), dims)
	}
	return copied, shape, err
}

// appended is what was written. Memory that is filled at once, as here, need not be cleared before.
type appended []byte

func (a *appended) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
