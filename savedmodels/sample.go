package savedmodels

import (
	"fmt"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/runtime"

	tf "github.com/wamuir/graft/tensorflow"
)

// sampled is how many images tell what an output is.
const sampled = 12

// sample runs the network on some images of noise, ramps and plain grey. It returns the rows of its output as it is, and of the logits
// at which cut ends if that is given.
func (m *Model) sample(full, cut *graphdef.Graph) (outputs, logits [][]float32, err error) {
	batch := sampled
	if m.batch > 0 {
		batch = m.batch
	}
	g := tf.NewGraph()
	size := m.shape[0] * m.shape[1] * m.shape[2]
	x, err := m.images(g, batch)
	if err != nil {
		return nil, nil, err
	}
	wanted := make([]tf.Output, 1, 2)
	if wanted[0], err = m.ending(full, true).build(g, "full", x, BuildOptions{}); err != nil {
		return nil, nil, err
	}
	if cut != nil {
		end, err := m.ending(cut, false).build(g, "cut", x, BuildOptions{})
		if err != nil {
			return nil, nil, err
		}
		wanted = append(wanted, end)
	}
	session, err := runtime.NewSession(g, runtime.Device{})
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	if err := session.Initialize(m.Initialize); err != nil {
		return nil, nil, err
	}
	rows := make([][][]float32, 2)
	for done := 0; done < sampled; done += batch {
		fetches := make([]runtime.Fetch, len(wanted))
		for i, w := range wanted {
			fetches[i] = runtime.Fetch{From: w, Into: make([]float32, int64(batch)*w.Shape().Size(1))}
		}
		if err := session.Run([]runtime.Feed{{To: x, Floats: sampleImages(done, batch, size)}}, fetches); err != nil {
			return nil, nil, fmt.Errorf("try the network on some images: %w", err)
		}
		for k := range batch {
			row := func(i int) []float32 {
				width := len(fetches[i].Into) / batch
				return fetches[i].Into[k*width : (k+1)*width]
			}
			if slices.ContainsFunc(row(0), isNaN) {
				continue // as for a plain picture whose contrast is divided by
			}
			for i := range fetches {
				rows[i] = append(rows[i], row(i))
			}
		}
	}
	if len(rows[0]) == 0 {
		return nil, nil, fmt.Errorf("the output is not a number for any of %d images tried: are input.scale and input.offset right?", sampled)
	}
	return rows[0], rows[1], nil
}

// ending is the model with another graph, which ends in logits, or raw in whatever numbers there are for each image.
func (m *Model) ending(graph *graphdef.Graph, raw bool) *Model {
	other := *m
	other.graph, other.raw = graph, raw
	return &other
}

func isNaN(v float32) bool { return v != v }

// sampleImages makes images number first and on: noise of full and of little contrast, ramps, and plain grey.
func sampleImages(first, count, size int) []float32 {
	pixels := make([]float32, count*size)
	state := uint32(2463534242)
	for i := range pixels {
		image, at := first+i/size, i%size
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		noise := float32(state>>8) / (1 << 24)
		switch image % 4 {
		case 0:
			pixels[i] = 255 * noise
		case 1:
			pixels[i] = float32(20*image%200) + 40*noise
		case 2:
			pixels[i] = 255 * float32(at) / float32(size)
		default:
			pixels[i] = float32(60 * image % 256)
		}
	}
	return pixels
}
