package imageset

import (
	"fmt"

	"upi/random"
)

// Baselines are the pixels of images that explanations draw baselines from, in memory; nil has none.
type Baselines [][]byte

// DrawBaselines returns the positions of those of n images, keep of them or all, that explanations draw baselines from.
func DrawBaselines(n, keep int) []int {
	return random.New(0, "baselines", 0, 0).Perm(n)[:min(keep, n)]
}

// ReadBaselines reads the images of a part.
func ReadBaselines(shape [3]int, p Part) (Baselines, error) {
	set, err := Open(shape, Part{Images: p.Images})
	if err != nil {
		return nil, err
	}
	defer set.Close()
	images := make(Baselines, set.Len())
	for i := range images {
		images[i] = make([]byte, set.Size)
		if err := set.ReadBytes(i, images[i]); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// explanationBaselines returns the baselines that an explanation draws for its images, draws x n x size, and the places between them and
// the images, draws x n, or nil. They belong to the image, as its noise does.
func (b Batcher) explanationBaselines(positions []int) (baselines, along []float32, err error) {
	draws, _ := b.Explanation.Baselines()
	if draws == 0 {
		return nil, nil, nil
	}
	if len(b.Baselines) == 0 {
		return nil, nil, fmt.Errorf("the explanation takes baselines, and there are no images to draw them from")
	}
	size := b.Set.Size
	baselines, along = make([]float32, 0, draws*len(positions)*size), make([]float32, 0, draws*len(positions))
	for draw := range draws {
		for _, i := range positions {
			stream := random.New(0, "explanation baseline", b.Set.Images[i].ID, int64(draw))
			for _, v := range b.Baselines[stream.Index(len(b.Baselines))] {
				baselines = append(baselines, float32(v))
			}
			along = append(along, float32(stream.Float64()))
		}
	}
	return baselines, along, nil
}
