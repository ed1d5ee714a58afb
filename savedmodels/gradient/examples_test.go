package gradient

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
)

var examples = slices.Concat(elementwiseExamples(), binaryExamples(), linearExamples(), convolutionExamples(),
	poolingExamples(), normalisationExamples(), reductionExamples(), moveExamples(), resizeExamples(), indexExamples(), partExamples(),
	functionExamples(), curveExamples(), blockExamples(), matrixExamples(), scatterExamples(), volumeExamples(), productExamples(),
	colourExamples(), fourierExamples())

// of is an example's function that applies an operation to all inputs.
func of(kind string, a attrs) func(*scope, []tf.Output) tf.Output {
	return func(s *scope, x []tf.Output) tf.Output {
		in := make([]tf.Input, len(x))
		for i := range x {
			in[i] = x[i]
		}
		return s.One(kind, a, in...)
	}
}
