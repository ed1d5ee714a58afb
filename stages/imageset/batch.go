package imageset

import (
	"upi/attack"
	"upi/random"
	"upi/savedmodels/saliency"
)

// A Batcher puts images of a set into batches: perturbed, smoothed, clipped.
type Batcher struct {
	Set *Set
	// Explanation is nil where what is computed explains nothing, as the cross-entropy.
	Explanation saliency.Explanation
	// Baselines are the images that baselines are drawn from, for an explanation that takes some.
	Baselines Baselines
	// Reference has batches carry the clean maps, which a dissimilarity measures the distance from. Aim, if set, makes of each of
	// them, in place, what another function of maps wants; it is called by several goroutines at once.
	Reference bool
	Aim       func(reference []float32)
	// Keep, if set, has batches name the network's answers to the clean images, which are to be kept.
	Keep *attack.Keep
	// Clip keeps the values in 0..255.
	Clip bool
	// Beta is that of a surrogate whose beta is fed, where a share of an ascent's steps is done; nil where there is none.
	Beta  func(done float64) float64
	Noise attack.Noise
	Seed  int64
}

// A Perturbed says what a batch adds to its images: Delta(k), if set, to its k-th, and the smoothing noise of a purpose and draw if
// the purpose is not empty.
type Perturbed struct {
	Delta   func(k int) []float32
	Purpose string
	Draw    int64
	// Done is the share of an ascent's steps that is done.
	Done float64
}

// Batch returns the images of the given positions, perturbed. Kept, if not nil, is set to 0 where clipping cut a value off, and to 1
// elsewhere: the derivative of the clipping.
func (b Batcher) Batch(positions []int, how Perturbed, kept []float32) (saliency.Batch, error) {
	size, pixels := b.Set.Size, b.Set.Pixels
	batch := saliency.Batch{Pixels: make([]float32, len(positions)*size), Classes: make([]int32, len(positions))}
	if b.Beta != nil {
		batch.Beta = float32(b.Beta(how.Done))
	}
	if b.Reference {
		batch.Reference = make([]float32, len(positions)*pixels)
	}
	if b.Keep != nil {
		batch.Keep = &saliency.Keep{Weight: float32(b.Keep.Weight), Margin: float32(b.Keep.Margin)}
	}
	bytes, z := make([]byte, size), make([]float32, size)
	for k, i := range positions {
		x := batch.Pixels[k*size : (k+1)*size]
		if err := b.Set.ReadPixels(i, x, bytes); err != nil {
			return batch, err
		}
		if b.Reference {
			reference := batch.Reference[k*pixels : (k+1)*pixels]
			if err := b.Set.ReadMap(i, reference); err != nil {
				return batch, err
			}
			if b.Aim != nil {
				b.Aim(reference)
			}
		}
		if b.Keep != nil {
			batch.Keep.Classes = append(batch.Keep.Classes, int32(b.Set.References[i].Prediction))
		}
		if b.Set.References != nil {
			batch.Classes[k] = int32(b.Set.References[i].Class)
		} else {
			batch.Classes[k] = int32(b.Set.Images[i].Label)
		}
		if how.Delta != nil {
			add(x, how.Delta(k))
		}
		if how.Purpose != "" {
			b.Noise.Fill(z, how.Purpose, b.Seed, b.Set.Images[i].ID, how.Draw)
			add(x, z)
		}
		if b.Clip {
			clip(x, kept, k*size)
		}
	}
	if b.Explanation != nil {
		batch.Noise = b.explanationNoise(positions)
		var err error
		if batch.Baselines, batch.Along, err = b.explanationBaselines(positions); err != nil {
			return batch, err
		}
	}
	return batch, nil
}

// explanationNoise returns the noise that an explanation adds to copies of its images, samples x n x size, or nil. It belongs to
// the image: every seed, attack and model sees the same.
func (b Batcher) explanationNoise(positions []int) []float32 {
	samples, sigma := b.Explanation.Noise()
	if samples == 0 {
		return nil
	}
	size := b.Set.Size
	noise := make([]float32, samples*len(positions)*size)
	for draw := range samples {
		for k, i := range positions {
			at := (draw*len(positions) + k) * size
			stream := random.New(0, "explanation", b.Set.Images[i].ID, int64(draw))
			stream.Normal(noise[at:at+size], sigma)
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
