package runtime

import (
	"fmt"
	"slices"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/tensors"
)

// A Buffer is a float32 tensor that is filled in place, call after call. A tensor made for one call is a copy in fresh memory,
// which for large feeds takes longer than the call itself, and is free only when Go's collector has seen it.
type Buffer struct {
	tensor *tf.Tensor
	floats []float32
}

// NewBuffer returns a buffer of zeros. It needs at least one dimension, and none below 1.
func NewBuffer(shape ...int64) (*Buffer, error) {
	if len(shape) == 0 || slices.Min(shape) < 1 {
		return nil, fmt.Errorf("make a buffer of shape %v: every dimension must be at least 1", shape)
	}
	var memory borrowed
	t, err := tf.ReadTensor(tf.Float, slices.Clone(shape), &memory)
	if err != nil {
		return nil, fmt.Errorf("make a buffer of shape %v: %w", shape, err)
	}
	floats := unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), tensors.Elements(shape))
	return &Buffer{tensor: t, floats: floats}, nil
}

// Floats are the buffer's numbers, in row-major order. They may be written while no call uses the buffer, and not be
// touched once the buffer itself is out of reach: their memory is TensorFlow's.
func (b *Buffer) Floats() []float32 { return b.floats }

// borrowed is a reader of zeros that keeps the memory it was asked to fill: graft hands out a tensor's memory in no other way.
type borrowed []byte

func (m *borrowed) Read(p []byte) (int, error) {
	clear(p)
	*m = p
	return len(p), nil
}
