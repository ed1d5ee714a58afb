package runtime

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"sync/atomic"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"
)

// A Session runs one graph on one device. It is safe for concurrent use.
type Session struct {
	session *tf.Session
	// graph is the caller's, or a copy pinned to a GPU, whose operations have the same names.
	graph  *tf.Graph
	pinned bool
}

// NewSession opens a session for g on d, in float32.
func NewSession(g *tf.Graph, d Device) (*Session, error) { return NewSessionIn(Float32, g, d) }

// NewSessionIn opens a session for g on d that computes in p. Whether that changes anything is up to TensorFlow, which keeps to
// float32 where it finds nothing to rewrite.
func NewSessionIn(p Precision, g *tf.Graph, d Device) (*Session, error) {
	options, err := config(d, len(g.Operations()), p)
	if err != nil {
		return nil, err
	}
	s := &Session{graph: g}
	if d.GPU && d.Index > 0 {
		if s.graph, err = pinned(g, d); err != nil {
			return nil, fmt.Errorf("pin graph to %s: %w", d, err)
		}
		s.pinned = true
	}
	if s.session, err = tf.NewSession(s.graph, &tf.SessionOptions{Config: options}); err != nil {
		return nil, fmt.Errorf("open session on %s: %w", d, err)
	}
	return s, nil
}

// An Initializer sets the variables of a session's graph, by one call of run.
type Initializer func(g *tf.Graph, run func(feeds map[tf.Output]*tf.Tensor, targets []*tf.Operation) error) error

// Initialize hands the session's graph to an initializer. It comes before the first Run.
func (s *Session) Initialize(by Initializer) error {
	return by(s.graph, func(feeds map[tf.Output]*tf.Tensor, targets []*tf.Operation) error {
		_, err := call(s.session, feeds, nil, targets)
		return err
	})
}

// call is the only way into TensorFlow's computations.
func call(s *tf.Session, feeds map[tf.Output]*tf.Tensor, fetches []tf.Output, targets []*tf.Operation) (results []*tf.Tensor, err error) {
	flushing(func() { results, err = s.Run(feeds, fetches, targets) })
	return results, err
}

// own returns the output of the session's graph that stands for the caller's.
func (s *Session) own(o tf.Output) tf.Output {
	if !s.pinned {
		return o
	}
	return s.graph.Operation(o.Op.Name()).Output(o.Index)
}

// A Feed gives a placeholder its value for one call: Floats or Ints, in row-major order, which are copied, or a Buffer.
type Feed struct {
	To     tf.Output
	Floats []float32
	Ints   []int32
	Buffer *Buffer
}

// A Fetch asks for a float32 output of known shape; Run writes its numbers, in row-major order, to Into.
type Fetch struct {
	From tf.Output
	Into []float32
}

// Run feeds, computes and fetches. A placeholder's static shape must be known: TensorFlow aborts the process on a tensor
// of another rank, so a feed or a fetch of another size is an error here.
func (s *Session) Run(feeds []Feed, fetches []Fetch) error {
	var bytes int64
	fed := make(map[tf.Output]*tf.Tensor, len(feeds))
	for _, f := range feeds {
		shape, err := staticShape(f.To)
		if err != nil {
			return err
		}
		t, err := f.tensor(shape)
		if err != nil {
			return fmt.Errorf("feed %s: %w", f.To.Op.Name(), err)
		}
		fed[s.own(f.To)] = t
		if f.Buffer == nil {
			bytes += 4 * tensors.Elements(shape)
		}
	}
	outputs := make([]tf.Output, len(fetches))
	for i, f := range fetches {
		outputs[i] = s.own(f.From)
	}
	results, err := call(s.session, fed, outputs, nil)
	if err != nil {
		return fmt.Errorf("run graph: %w", err)
	}
	for i, t := range results {
		if err := read(t, fetches[i].Into); err != nil {
			return fmt.Errorf("fetch %s: %w", fetches[i].From.Op.Name(), err)
		}
		bytes += 4 * int64(len(fetches[i].Into))
	}
	account(bytes)
	return nil
}

// Close frees the session once the calls under way have returned.
func (s *Session) Close() error {
	if err := s.session.Close(); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

func (f Feed) tensor(shape []int64) (*tf.Tensor, error) {
	var flat any = f.Floats
	have, want := len(f.Floats), tf.Float
	switch {
	case f.Ints != nil:
		flat, have, want = f.Ints, len(f.Ints), tf.Int32
	case f.Buffer != nil:
		have = len(f.Buffer.floats)
	}
	if dtype := f.To.DataType(); dtype != want {
		return nil, fmt.Errorf("data type %v, the placeholder takes %v", want, dtype)
	}
	if int64(have) != tensors.Elements(shape) {
		return nil, fmt.Errorf("%d numbers, the placeholder of shape %v takes %d", have, shape, tensors.Elements(shape))
	}
	if f.Buffer != nil {
		if !slices.Equal(f.Buffer.tensor.Shape(), shape) {
			return nil, fmt.Errorf("a buffer of shape %v, the placeholder has %v", f.Buffer.tensor.Shape(), shape)
		}
		return f.Buffer.tensor, nil
	}
	t, err := tf.NewTensor(flat)
	if err != nil {
		return nil, err
	}
	return t, t.Reshape(shape)
}

// staticShape returns the shape of o. Graft's IsFullySpecified takes a dimension of 1 for an open one.
func staticShape(o tf.Output) ([]int64, error) {
	shape := ops.Dims(o)
	if !ops.Static(shape) {
		return nil, fmt.Errorf("%s has the open shape %v", o.Op.Name(), o.Shape())
	}
	return shape, nil
}

// read copies t's numbers into dst.
func read(t *tf.Tensor, dst []float32) error {
	if t.DataType() != tf.Float || tensors.Elements(t.Shape()) != int64(len(dst)) {
		return fmt.Errorf("tensor of %v %v does not fit %d float32 numbers", t.DataType(), t.Shape(), len(dst))
	}
	if len(dst) == 0 {
		return nil
	}
	w := &window{free: unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst))}
	_, err := t.WriteContentsTo(w)
	// The finalizer frees the tensor's memory: not before the copy is done.
	goruntime.KeepAlive(t)
	return err
}

// A window is the memory of a slice, filled from the front.
type window struct{ free []byte }

func (w *window) Write(p []byte) (int, error) {
	n := copy(w.free, p)
	w.free = w.free[n:]
	if n < len(p) {
		return n, fmt.Errorf("%d bytes too many", len(p)-n)
	}
	return n, nil
}

// collectEvery is how many bytes of tensors may await their finalizers. Go's collector does not see their memory.
const collectEvery = 64 << 20

var uncollected atomic.Int64

func account(bytes int64) {
	if uncollected.Add(bytes) > collectEvery {
		uncollected.Store(0)
		goruntime.GC()
	}
}

// Bytes is the size of the float32 or int32 tensor that o produces, 0 where its shape is open.
func Bytes(o tf.Output) int64 {
	shape, err := staticShape(o)
	if err != nil {
		return 0
	}
	return 4 * tensors.Elements(shape)
}
