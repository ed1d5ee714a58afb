package planner

import (
	"encoding/json"
	"math"

	"upi/attack"
	"upi/pipeline"
)

// The work of tasks is counted in first derivatives of one image by its network: about as long as each of them lasts. A gradient of a map
// is one of second order.
const secondOrder = 3

// work is that of one map: its explanation takes a derivative at so many points.
func (e explanation) work() float64 {
	var points struct{ Steps, Samples float64 }
	if json.Unmarshal(e.item.Settings, &points) != nil {
		return 1
	}
	return max(1, points.Steps, points.Samples)
}

// work is that of one gradient of what the perturbation climbs, over all draws of its noise. The margin of a prediction that is kept
// has a derivative of first order.
func (x perturbation) work() float64 {
	each := secondOrder * x.explanation.work()
	if a := x.needs.Ascent; a != nil && a.Objective.Keeps() {
		each++
	}
	return each * max(1, float64(x.noise().Draws))
}

// ascentWork is that of a universal ascent on so many images: its steps, and the comparisons of iterates on images that are held back.
func (x perturbation) ascentWork(images float64) float64 {
	a := x.needs.Ascent.Settings
	compared := min(a.HeldBack*images, float64(a.HeldBackMost)) * math.Ceil(float64(a.Total())/float64(max(a.CheckEvery, 1)))
	return float64(a.Total())*min(float64(a.Batch), images)*x.work() + compared*x.work()/secondOrder
}

// eachWork is that of an ascent on each of so many images.
func (x perturbation) eachWork(images float64) float64 {
	a := x.needs.Ascent.Settings
	compared := math.Ceil(float64(a.Total()) / float64(max(a.CheckEvery, 1)))
	return images * (float64(a.Total())*x.work() + compared*x.work()/secondOrder)
}

// signs is how many signs of the perturbation are scored.
func (d *draft) signs(x perturbation) float64 {
	if d.rule(x) == "test" {
		return 2
	}
	return 1
}

// costs is what a task of so many bytes and so much work takes.
func costs(bytes int64, work float64) pipeline.Option {
	return pipeline.Costs(pipeline.Estimate{Bytes: bytes, Work: work})
}

// functionWork is that of one gradient of a function: the cross-entropy's is of first order.
func (x perturbation) functionWork(of attack.Function) float64 {
	if of == attack.CrossEntropy {
		return max(1, float64(x.noise().Draws))
	}
	return x.work()
}
