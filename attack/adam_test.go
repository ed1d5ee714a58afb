package attack

import (
	"math"
	"testing"

	"upi/projection"
)

// TestAdamStepsLikeKeras: four steps of size 0.5 from 0; the values are those of keras.optimizers.Adam (Keras 3.15.1, float64,
// learning rate 0.5, epsilon 1e-14) with the negative gradients. Keras rounds its decays to float32, which shows in the fifth
// digit. For L2 a step is shorter by the root of the number of values.
func TestAdamStepsLikeKeras(t *testing.T) {
	gradients := [][]float64{{3, -4, 0.5, 0}, {1, -1, 2, 0}, {-2, -3, 0.25, 1}, {4, 1, -1, 0.5}}
	for _, c := range []struct {
		decay float64
		want  []float64
	}{
		{0.9, []float64{1.3249857436395203, -1.6665759794603252, 1.4725763173335435, 0.6833917949244446}},
		{0.5, []float64{1.1264387038763015, -1.4082021128501896, 1.2697308489042787, 0.9714789490780353}},
	} {
		for _, ball := range []projection.Ball{{Norm: projection.LInf, Eps: 100}, {Norm: projection.L2, Eps: 100}} {
			for _, scale := range []float64{1e-9, 1e-3, 1e6} {
				settings := AscentSettings{Optimizer: "adam", Momentum: &c.decay}
				o, err := settings.optimizer()
				if err != nil {
					t.Fatal(err)
				}
				size := 0.5
				if ball.Norm == projection.L2 {
					size *= 2
				}
				delta := make([]float32, 4)
				for _, g := range gradients {
					scaled := make([]float64, len(g))
					for j := range g {
						scaled[j] = scale * g[j]
					}
					if err := o.Step(ball, delta, scaled, size, nil); err != nil {
						t.Fatal(err)
					}
				}
				for j, want := range c.want {
					if math.Abs(float64(delta[j])/want-1) > 2e-5 {
						t.Errorf("decay %v, %v, scale %g: value %d is %v, want %v", c.decay, ball.Norm, scale, j, delta[j], want)
					}
				}
			}
		}
	}
}
