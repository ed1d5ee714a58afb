package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"upi/random"
	"upi/savedmodels"
	"upi/savedmodels/engine"
	"upi/savedmodels/saliency"
)

// nearby are the distances from a point, as shares of eps, at which its gradient is compared with another's, and step is how far a
// step along it goes.
var nearby = []float64{0.001, 0.01, 0.1}

const step = 0.2

var columns = []string{
	"beta", "noise", "surrogate's map", "0.1 % away", "1 %", "10 %", "other noise", "other image", "own step", "others' step", "random step",
}

// A measurement is of n images of size values.
type measurement struct {
	eps       float64
	engine    *engine.Engine
	source    engine.Source
	size      int
	ids       []int64
	pixels    []float32
	classes   []int32
	reference []float32
	// own are the clean maps of the surrogate that is measured, which its distances are from; reference are the network's.
	own []float32
}

// A row is what is measured of one beta. Distances of maps are in units of the clean map's L2 norm.
type row struct {
	// own is the distance of the surrogate's map from the network's, both of the clean image.
	own float64
	// near, draw and image are mean cosines of gradients: at points that differ by each of nearby, by another draw of the noise, and
	// between different images.
	near        []float64
	draw, image float64
	// gains are how much further the network's own map moves in a step along the image's own gradient, along the sum of the other
	// images' unit gradients, and along a random direction.
	gains [3]float64
}

func (r row) line(beta, radius float64) string {
	name, own := "none", "–"
	if beta > 0 {
		name, own = fmt.Sprint(beta), fmt.Sprintf("%.2f", r.own)
	}
	cells := []string{name, fmt.Sprintf("%g eps", radius), own}
	for _, cosine := range append(r.near, r.draw, r.image) {
		cells = append(cells, fmt.Sprintf("%.3f", cosine))
	}
	for _, gain := range r.gains {
		cells = append(cells, fmt.Sprintf("%+.3f", gain))
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// of measures the surrogate of a beta at images with the same random perturbation of the norm eps and noise of a share of it.
func (m *measurement) of(ctx context.Context, beta, radius float64) (r row, err error) {
	surrogate := m.source
	if beta > 0 {
		surrogate.Surrogate = &savedmodels.Softplus{Beta: beta}
	}
	if m.own, err = m.cleanMaps(ctx, surrogate); err != nil {
		return r, err
	}
	for i := range m.ids {
		r.own += apart(m.maps(m.own, i, i+1), m.maps(m.reference, i, i+1)) / float64(len(m.ids))
	}
	start := append([]float32(nil), m.pixels...)
	delta := make([]float32, m.size)
	random.New(0, "start", 0, 0).Sphere(delta, m.eps)
	for i, v := range delta {
		for k := range m.ids {
			start[k*m.size+i] += v
		}
	}
	points := m.noisy(start, "noise", 0, radius*m.eps)
	gradients, err := m.gradients(ctx, surrogate, points)
	if err != nil {
		return r, err
	}
	for k, share := range append(nearby, math.NaN()) {
		nearby := m.noisy(points, "nearby", int64(k), share*m.eps)
		if math.IsNaN(share) {
			nearby = m.noisy(start, "noise", 1, radius*m.eps)
		}
		theirs, err := m.gradients(ctx, surrogate, nearby)
		if err != nil {
			return r, err
		}
		sum := 0.0
		for i := range m.ids {
			sum += dot(m.row(gradients, i), m.row(theirs, i))
		}
		r.near = append(r.near, sum/float64(len(m.ids)))
	}
	r.near, r.draw = r.near[:len(nearby)], r.near[len(nearby)]
	common, n := m.sum(gradients), float64(len(m.ids))
	norm := math.Sqrt(dot(common, common))
	r.image = (norm*norm - n) / (n * (n - 1)) // the rows are unit vectors
	before, err := m.distances(ctx, m.source, points)
	if err != nil {
		return r, err
	}
	for k, direction := range []func(i int) []float32{
		func(i int) []float32 { return m.row(gradients, i) },
		func(i int) []float32 { return others(common, m.row(gradients, i)) },
		func(i int) []float32 {
			z := make([]float32, m.size)
			random.New(0, "step", m.ids[i], 0).Sphere(z, 1)
			return z
		},
	} {
		moved := append([]float32(nil), points...)
		for i := range m.ids {
			for j, v := range direction(i) {
				moved[i*m.size+j] += float32(step*m.eps) * v
			}
		}
		after, err := m.distances(ctx, m.source, moved)
		if err != nil {
			return r, err
		}
		r.gains[k] = after - before
	}
	return r, nil
}

// cleanMaps are the maps of a source of the clean images, and of the classes that the network answers.
func (m *measurement) cleanMaps(ctx context.Context, s engine.Source) (all []float32, err error) {
	err = engine.Each(ctx, m.engine, engine.Mapper, s, len(m.ids),
		func(p *saliency.Mapper, lo, hi int) (saliency.Maps, error) {
			return p.Run(saliency.Batch{Pixels: m.pixels[lo*m.size : hi*m.size], Classes: m.classes[lo:hi]})
		},
		func(_, _ int, maps saliency.Maps) error {
			all = append(all, maps.Map...)
			return nil
		})
	return all, err
}

// distances is the mean distance of the maps of a source at the points from the network's own of the clean images, in units of the
// latter's norm.
func (m *measurement) distances(ctx context.Context, s engine.Source, points []float32) (mean float64, err error) {
	err = engine.Each(ctx, m.engine, engine.Dissimilarity, s, len(m.ids),
		func(o *saliency.Objective, lo, hi int) ([]float32, error) {
			return o.Evaluate(m.batch(points, m.reference, lo, hi))
		},
		func(lo, _ int, values []float32) error {
			for k, v := range values {
				clean := m.maps(m.reference, lo+k, lo+k+1)
				mean += float64(v) / math.Sqrt(dot(clean, clean)) / float64(len(m.ids))
			}
			return nil
		})
	return mean, err
}

// gradients are those of the distances at the points from a source's own clean maps, one after the other, each divided by its L2 norm.
func (m *measurement) gradients(ctx context.Context, s engine.Source, points []float32) (all []float32, err error) {
	err = engine.Each(ctx, m.engine, engine.Dissimilarity, s, len(m.ids),
		func(o *saliency.Objective, lo, hi int) (saliency.Gradients, error) {
			return o.Run(m.batch(points, m.own, lo, hi))
		},
		func(lo, hi int, g saliency.Gradients) error {
			for k := range hi - lo {
				row := m.row(g.Rows, k)
				norm := math.Sqrt(dot(row, row))
				if !(norm > 0) || math.IsInf(norm, 0) {
					return fmt.Errorf("image %d: the gradient's norm is %v", m.ids[lo+k], norm)
				}
				all = append(all, scaled(row, 1/norm)...)
			}
			return nil
		})
	return all, err
}

func (m *measurement) batch(points, reference []float32, lo, hi int) saliency.Batch {
	return saliency.Batch{Pixels: points[lo*m.size : hi*m.size], Classes: m.classes[lo:hi], Reference: m.maps(reference, lo, hi)}
}

func (m *measurement) maps(of []float32, lo, hi int) []float32 {
	pixels := len(of) / len(m.ids)
	return of[lo*pixels : hi*pixels]
}

func (m *measurement) row(rows []float32, i int) []float32 { return rows[i*m.size : (i+1)*m.size] }

func (m *measurement) sum(rows []float32) []float32 {
	sum := make([]float32, m.size)
	for i := range m.ids {
		for j, v := range m.row(rows, i) {
			sum[j] += v
		}
	}
	return sum
}

// others is the direction of the sum of rows without one of them.
func others(sum, row []float32) []float32 {
	rest := make([]float32, len(sum))
	for j, v := range sum {
		rest[j] = v - row[j]
	}
	return scaled(rest, 1/math.Sqrt(dot(rest, rest)))
}

// noisy are the points with noise of an L2 norm added.
func (m *measurement) noisy(points []float32, purpose string, draw int64, radius float64) []float32 {
	moved, z := append([]float32(nil), points...), make([]float32, m.size)
	for i, id := range m.ids {
		random.New(0, purpose, id, draw).Sphere(z, radius)
		for j, v := range z {
			moved[i*m.size+j] += v
		}
	}
	return moved
}

// apart is the L2 distance of two maps in units of the second one's norm.
func apart(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (float64(v) - float64(b[i])) * (float64(v) - float64(b[i]))
	}
	return math.Sqrt(sum / dot(b, b))
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

func scaled(v []float32, by float64) []float32 {
	to := make([]float32, len(v))
	for i, x := range v {
		to[i] = float32(by * float64(x))
	}
	return to
}
