package saliency

import (
	"errors"
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/gradient"
	"upi/savedmodels/runtime"
)

// A Batch holds the images of one call, image after image, in row-major order.
type Batch struct {
	// Pixels are n images of H x W x C values in pixel units, perturbed and smoothed as the caller wants them.
	Pixels []float32
	// Classes are the n classes to explain.
	Classes []int32
	// Noise is added to copies of the images by explanations that take noise: samples x n x H x W x C.
	Noise []float32
	// Baselines are those of explanations that take some, draws x n x H x W x C in pixel units, and Along, draws x n numbers in 0..1,
	// how far from each of them, on the way to the image, the score is differentiated.
	Baselines, Along []float32
	// Reference are the n maps R, H x W each, of an Objective's Function.
	Reference []float32
	// Beta is that of a surrogate whose beta is fed.
	Beta float32
	// Keep says which predictions an Objective is to keep, if it was built for that.
	Keep *Keep
}

// Keep takes Weight * max(0, Margin - m) off an Objective's value, where m = z_c - max over j != c of z_j is the margin, in logits,
// of the class c of each image. It is the network's own margin where a surrogate stands in for ReLU in the map.
type Keep struct {
	// Classes are the n classes c.
	Classes []int32
	// Weight is in units of the objective per logit, Margin in logits.
	Weight, Margin float32
}

// Settings say which graph a program builds and where it runs.
type Settings struct {
	// Batch is how many images one call to TensorFlow takes; a last smaller batch is padded.
	Batch int
	// Device is where the graph runs.
	Device runtime.Device
	// Surrogate, if any, replaces ReLU in what is differentiated.
	Surrogate *savedmodels.Softplus
	// Precision is that of an Objective's gradients. Its values and whatever a Mapper computes are float32 always.
	Precision runtime.Precision
}

// A program is one graph with its session and the buffers' sizes.
type program struct {
	network *network
	session *runtime.Session
	samples int // of noise
	draws   int // of baselines
}

// check lists what does not fit in a batch before TensorFlow sees it, and returns its number of images.
func (p *program) check(b Batch) (int, error) {
	n, size := len(b.Classes), p.network.shape.Size()
	switch {
	case n == 0 || n > p.network.batch:
		return 0, fmt.Errorf("%d images, a batch takes 1 to %d", n, p.network.batch)
	case len(b.Pixels) != n*size:
		return 0, fmt.Errorf("%d pixel values for %d images of %d", len(b.Pixels), n, size)
	case len(b.Noise) != p.samples*n*size:
		return 0, fmt.Errorf("%d values of noise for %d images, %d samples of %d", len(b.Noise), n, p.samples, size)
	case len(b.Baselines) != p.draws*n*size || len(b.Along) != p.draws*n:
		return 0, fmt.Errorf("%d values of baselines and %d places for %d images, %d draws of %d", len(b.Baselines), len(b.Along), n, p.draws, size)
	}
	for i, c := range b.Classes {
		if c < 0 || int(c) >= p.network.model.Classes() {
			return 0, fmt.Errorf("image %d of the batch: class %d, the model has %d classes", i, c, p.network.model.Classes())
		}
	}
	return n, nil
}

// feeds pads a batch of n images with zeros to the size that the graph was built for.
func (p *program) feeds(b Batch, n int) []runtime.Feed {
	size, batch := p.network.shape.Size(), p.network.batch
	feeds := []runtime.Feed{
		{To: p.network.pixels, Floats: padded(b.Pixels, batch*size)},
		{To: p.network.class, Ints: padded(b.Classes, batch)},
	}
	if p.samples > 0 {
		feeds = append(feeds, runtime.Feed{To: p.network.noise, Floats: paddedEach(b.Noise, p.samples, n, batch)})
	}
	if p.draws > 0 {
		feeds = append(feeds, runtime.Feed{To: p.network.baselines, Floats: paddedEach(b.Baselines, p.draws, n, batch)},
			runtime.Feed{To: p.network.along, Floats: paddedEach(b.Along, p.draws, n, batch)})
	}
	if beta := p.network.options.Beta; beta.Op != nil {
		feeds = append(feeds, runtime.Feed{To: beta, Floats: []float32{b.Beta}})
	}
	return feeds
}

// paddedEach pads each of several runs of values of n images to those of a batch.
func paddedEach(values []float32, runs, n, batch int) []float32 {
	if n == batch {
		return values
	}
	each := len(values) / runs // of n images
	padded := make([]float32, runs*(each/n)*batch)
	for r := range runs {
		copy(padded[r*(each/n)*batch:], values[r*each:(r+1)*each])
	}
	return padded
}

// A result is an output of a fixed number of values per image.
type result struct {
	from  tf.Output
	width int
}

// run computes results for a batch of n images in the program's session.
func (p *program) run(feeds []runtime.Feed, n int, results ...result) ([][]float32, error) {
	return p.runIn(p.session, feeds, n, results...)
}

// runIn computes results for a batch of n images in a session of the program's graph; what belongs to the padding is dropped.
func (p *program) runIn(s *runtime.Session, feeds []runtime.Feed, n int, results ...result) ([][]float32, error) {
	fetches := make([]runtime.Fetch, len(results))
	for i, r := range results {
		fetches[i] = runtime.Fetch{From: r.from, Into: make([]float32, p.network.batch*r.width)}
	}
	if err := s.Run(feeds, fetches); err != nil {
		return nil, err
	}
	values := make([][]float32, len(results))
	for i, r := range results {
		values[i] = fetches[i].Into[:n*r.width]
	}
	return values, nil
}

// Close frees the program's session.
func (p *program) Close() error { return p.session.Close() }

func open(n *network, e Explanation, d runtime.Device) (program, error) {
	if err := n.Err(); err != nil {
		return program{}, fmt.Errorf("build graph: %w", err)
	}
	session, err := n.open(runtime.Float32, d)
	if err != nil {
		return program{}, err
	}
	p := program{network: n, session: session}
	if e != nil {
		p.samples, _ = e.Noise()
		p.draws, _ = e.Baselines()
	}
	return p, nil
}

// open opens a session of the network's graph, and sets its variables.
func (n *network) open(p runtime.Precision, d runtime.Device) (*runtime.Session, error) {
	session, err := runtime.NewSessionIn(p, n.Graph(), d)
	if err != nil {
		return nil, err
	}
	if err := session.Initialize(n.model.Initialize); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return session, nil
}

func padded[T any](values []T, length int) []T {
	if len(values) == length {
		return values
	}
	longer := make([]T, length)
	copy(longer, values)
	return longer
}

// ErrNoSecondOrder is returned for an explanation whose gradient does not depend on the image, up to jumps, as its ops alone tell:
// that of a network of ReLU and max-pooling at its logit, at the probability of one of two classes, or at that of an independent one.
var ErrNoSecondOrder = errors.New("the second-order gradient is zero everywhere")

// secondOrder says of a derivative without a path which map has it, and the cures.
func (n *network) secondOrder(err error, score Score) error {
	if !errors.Is(err, gradient.ErrNoPath) {
		return err
	}
	const smooth = "differentiate a smooth network (surrogate: {relu: softplus, beta: 30})"
	head := n.model.Head()
	switch {
	case head.Independent():
		return fmt.Errorf("%w: the map of a network of ReLU and max-pooling whose classes are independent sigmoids is that of a logit, "+
			"and piecewise constant; %s", ErrNoSecondOrder, smooth)
	case head.Columns == 2:
		return fmt.Errorf("%w: the map of a network of ReLU and max-pooling with two classes is that of the difference of two logits, "+
			"and piecewise constant; %s", ErrNoSecondOrder, smooth)
	case score == Probability:
		return fmt.Errorf("%w: the map of this network is piecewise constant; %s", ErrNoSecondOrder, smooth)
	}
	return fmt.Errorf("%w: the map of a network of ReLU and max-pooling at its logit is piecewise constant; explain the probability "+
		"(score: probability), or %s", ErrNoSecondOrder, smooth)
}
