package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/ops"
)

// GradCAM is the class activation map of Selvaraju et al. 2017: with the activations A_k of a layer, h x w places of each channel,
//
//	E = upsampled relu(sum over k of w_k A_k), w_k the mean of dS_c/dA_k over the places
//
// one value per pixel, by bilinear interpolation between the centres of the places (half-pixel centres, corners not aligned), as
// tf.image.resize does it.
type GradCAM struct {
	Answer `yaml:",inline"`
	// Layer names the layer, as [savedmodels.Model.Layer] takes it; by default it is that of the last convolution.
	Layer string `yaml:"layer" json:"layer"`
}

// inside: the layer is one of the network as it was saved.
func (e *GradCAM) inside() bool { return true }

// Fits refuses networks that do not have the layer.
func (e *GradCAM) Fits(m *savedmodels.Model) error {
	plain, err := m.AsSaved()
	if err != nil {
		return err
	}
	_, err = e.layer(plain)
	return err
}

func (e *GradCAM) layer(plain *savedmodels.Model) (savedmodels.Layer, error) {
	l, err := plain.Layer(e.Layer)
	if err != nil {
		return l, fmt.Errorf("grad_cam: %w", err)
	}
	return l, nil
}

func (e *GradCAM) build(n *network, x tf.Output) (tf.Output, error) {
	if err := n.Err(); err != nil {
		return tf.Output{}, fmt.Errorf("build graph: %w", err)
	}
	layer, err := e.layer(n.model)
	if err != nil {
		return tf.Output{}, err
	}
	f, err := n.evaluate(x, 1)
	if err != nil {
		return tf.Output{}, err
	}
	activations, err := layer.Find(n.Graph(), f.name, n.batch)
	if err != nil {
		return tf.Output{}, fmt.Errorf("grad_cam: %w", err)
	}
	gradient, err := n.differentiate(f.logits, activations, n.slope(f, e.Score))
	if err != nil {
		return tf.Output{}, fmt.Errorf("grad_cam of the layer %s: %w", layer, err)
	}
	places, channels := n.ints(1, 2), n.ints(3)
	if layer.ChannelsFirst {
		places, channels = n.ints(2, 3), n.ints(1)
	}
	keep := ops.Attrs{"keep_dims": true}
	weights := n.One("Mean", keep, n.Cast(gradient, tf.Float), places)
	sum := n.One("Sum", keep, n.Mul(weights, n.Cast(activations, tf.Float)), channels)
	coarse := n.Reshape(n.One("Relu", nil, sum), int64(n.batch), int64(layer.Height), int64(layer.Width), 1)
	return n.One("ResizeBilinear", ops.Attrs{"half_pixel_centers": true}, coarse, n.ints(n.shape.Height, n.shape.Width)), nil
}
