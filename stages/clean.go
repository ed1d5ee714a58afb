package stages

import (
	"context"

	"upi/savedmodels/engine"
	"upi/savedmodels/saliency"
	"upi/stages/tables"
)

// CleanImages computes what a source says of images in memory, H x W x C bytes each, whose labels are classes of its model. Its
// explanation takes no noise.
func CleanImages(ctx context.Context, e *engine.Engine, source engine.Source, pixels [][]byte, labels []int64) ([]tables.CleanImage, error) {
	clean := make([]tables.CleanImage, 0, len(pixels))
	err := engine.Each(ctx, e, engine.Mapper, source, len(pixels),
		func(m *saliency.Mapper, lo, hi int) ([]tables.CleanImage, error) {
			var batch saliency.Batch
			for i := lo; i < hi; i++ {
				for _, v := range pixels[i] {
					batch.Pixels = append(batch.Pixels, float32(v))
				}
				batch.Classes = append(batch.Classes, int32(labels[i]))
			}
			maps, err := m.Run(batch)
			if err != nil {
				return nil, err
			}
			rows := make([]tables.CleanImage, hi-lo)
			for k := range rows {
				rows[k] = tables.CleanImage{
					Label: labels[lo+k], Prediction: int64(maps.Prediction[k]), Probability: maps.Probability[k], Norm: float64(maps.Norm[k]),
				}
			}
			return rows, nil
		},
		func(_, _ int, rows []tables.CleanImage) error {
			clean = append(clean, rows...)
			return nil
		})
	return clean, err
}
