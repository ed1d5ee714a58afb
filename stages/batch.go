package stages

import (
	"upi/attack"
	"upi/random"
	"upi/savedmodels/saliency"
)

// A view says how the images of a split are put into batches: perturbed, smoothed, clipped.
type view struct {
	split *split
	// explanation is nil where what is computed explains nothing, as the cross-entropy.
	explanation saliency.Explanation
	clip        bool
	noise       attack.Noise
	seed        int64
}

// A variant says what one batch adds to its images: delta(i) to the i-th, and the draw-th smoothing noise if Noise names one.
type variant struct {
	delta   func(i int) []float32
	purpose string
	draw    int64
}

// batch returns the images of the given positions under a variant, with their reference maps. Kept, if not nil, is set to 0
// where clipping cut a value off, and to 1 elsewhere: the derivative of the clipping.
func (v view) batch(positions []int, how variant, kept []float32) (saliency.Batch, error) {
	size, places := v.split.size, v.split.places
	b := saliency.Batch{
		Pixels:    make([]float32, len(positions)*size),
		Classes:   make([]int32, len(positions)),
		Reference: make([]float32, len(positions)*places),
	}
	bytes, z := make([]byte, size), make([]float32, size)
	for k, i := range positions {
		x := b.Pixels[k*size : (k+1)*size]
		if err := v.split.Pixels(i, x, bytes); err != nil {
			return b, err
		}
		b.Classes[k] = int32(v.split.references[i].Class)
		if err := v.split.Map(i, b.Reference[k*places:(k+1)*places]); err != nil {
			return b, err
		}
		if how.delta != nil {
			add(x, how.delta(k))
		}
		if how.purpose != "" {
			v.noise.Fill(z, how.purpose, v.seed, v.split.images[i].ID, how.draw)
			add(x, z)
		}
		if v.clip {
			clip(x, kept, k*size)
		}
	}
	if v.explanation != nil {
		b.Noise = explanationNoise(v.explanation, v.split, positions)
	}
	return b, nil
}

// explanationNoise returns the noise that an explanation adds to copies of its images, samples x n x size, or nil. It belongs to
// the image: every seed, attack and model sees the same.
func explanationNoise(e saliency.Explanation, s *split, positions []int) []float32 {
	samples, sigma := e.Noise()
	if samples == 0 {
		return nil
	}
	noise := make([]float32, samples*len(positions)*s.size)
	for draw := range samples {
		for k, i := range positions {
			at := (draw*len(positions) + k) * s.size
			stream := random.New(0, "explanation", s.images[i].ID, int64(draw))
			stream.Normal(noise[at:at+s.size], sigma)
		}
	}
	return noise
}

func add(x, y []float32) {
	for j, v := range y {
		x[j] += v
	}
}

func clip(x, kept []float32, at int) {
	for j, v := range x {
		inside := min(max(v, 0), 255)
		x[j] = inside
		if kept == nil {
			continue
		}
		kept[at+j] = 1
		if inside != v {
			kept[at+j] = 0
		}
	}
}
