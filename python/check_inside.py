"""What check_maps.py asks of a network beside its outputs: the activations of a layer, and a guided backward pass.

For check_maps.py, by TensorFlow; nothing here is taken from the Go code.
"""

import functools

import numpy as np
import tensorflow as tf

RECTIFIERS = ("Relu", "Relu6", "LeakyRelu")
ELEMENTWISE = RECTIFIERS + ("BiasAdd", "FusedBatchNormV3", "Add", "AddV2", "Mul", "Identity", "Sigmoid", "Tanh", "Elu", "Sub", "RealDiv")


def layer_of(frozen, name):
    """The output of a layer by (a part of) its name, or what elementwise ops make of the last convolution."""
    ops = frozen.graph.get_operations()
    if name:
        return [op for op in ops if f"/{name}/" in f"/{op.name}/" and op.outputs and op.outputs[0].shape.rank == 4][-1].outputs[0]
    a = [op for op in ops if op.type in ("Conv2D", "DepthwiseConv2dNative") and op.outputs[0].shape[1] != 1][-1].outputs[0]
    while True:
        readers = [op for op in a.consumers() if op.type in ELEMENTWISE and op.outputs[0].shape.rank == 4]
        if not readers:
            return a
        a = readers[-1].outputs[0]


class Layer:
    """A network in two: from its input to a layer, and from there to its logits."""

    def __init__(self, frozen, name, logits):
        a = layer_of(frozen, name)
        self.below, self.above = frozen.prune(frozen.inputs[0], [a]), frozen.prune(a, [logits])

    def grad_cam(self, image, slope, height, width):
        """The map; slope says of logits what is differentiated of them."""
        a, = self.below(image)
        with tf.GradientTape() as tape:
            tape.watch(a)
            logits, = self.above(a)
        g = tape.gradient(logits, a, output_gradients=slope(logits))
        coarse = tf.nn.relu(tf.reduce_sum(tf.reduce_mean(g, axis=[1, 2], keepdims=True) * a, axis=3, keepdims=True))
        return tf.image.resize(coarse, (height, width), method="bilinear")


def register():
    """Gradients of rectifiers that let through what is positive. Registering them twice is an error."""

    @tf.RegisterGradient("GuidedRelu")
    def _(op, g):
        return tf.nn.relu(g) * tf.cast(op.outputs[0] > 0, g.dtype)

    @tf.RegisterGradient("GuidedRelu6")
    def _(op, g):
        return tf.nn.relu(g) * tf.cast((op.outputs[0] > 0) & (op.outputs[0] < 6), g.dtype)

    @tf.RegisterGradient("GuidedLeakyRelu")
    def _(op, g):
        return tf.nn.relu(g) * tf.where(op.inputs[0] > 0, tf.ones_like(g), op.get_attr("alpha"))


register = functools.cache(register)


def guided(frozen, outputs):
    """The network with such rectifiers."""
    register()
    graph = frozen.graph.as_graph_def()
    for node in graph.node:
        if node.op in RECTIFIERS:
            node.attr["_gradient_op_type"].s = f"Guided{node.op}".encode()
    name = frozen.inputs[0].op.name
    return tf.compat.v1.wrap_function(
        lambda x: tf.graph_util.import_graph_def(graph, {name + ":0": x}, [t.name for t in outputs], name=""),
        [tf.TensorSpec(frozen.inputs[0].shape, frozen.inputs[0].dtype)])


def draws(images, ids, draw, stream):
    """A baseline and a place for each image of the ids; stream makes those of an id and a draw."""
    streams = [stream(int(image), draw) for image in ids]
    chosen = np.stack([images[s.index(len(images))] for s in streams])
    return chosen, np.array([s.uniform() for s in streams], np.float32)[:, None, None, None]
