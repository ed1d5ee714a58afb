"""JAX: the network's operations under jit, its gradients taken twice by jax.grad over the batch."""

import os

import jax
import jax.numpy as jnp
import network
import numpy as np
import protocol

# Images along the first axis, channels along the last, as in the SavedModel.
LAYOUT = ("NHWC", "HWIO", "NHWC")


def conv2d(a, x, weights, bias=None):
    y = jax.lax.conv_general_dilated(x, weights, a["strides"][1:3], a["padding"], dimension_numbers=LAYOUT)
    return y if bias is None else y + bias


def depthwise(a, x, weights, bias=None):
    """A sum of shifted products, which XLA makes one loop of: its grouped convolutions are many times slower on a CPU."""
    h, w, channels, _ = weights.shape
    sh, sw = a["strides"][1:3]
    padding = jax.lax.padtype_to_pads(x.shape[1:3], (h, w), (sh, sw), a["padding"])
    x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    rows, columns = (x.shape[1] - h) // sh + 1, (x.shape[2] - w) // sw + 1
    y = sum(x[:, i:i + sh * rows:sh, j:j + sw * columns:sw] * weights[i, j, :, 0] for i in range(h) for j in range(w))
    return y if bias is None else y + bias


def max_pool(a, x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, a["ksize"], a["strides"], a["padding"])


def mean(a, x, axes):
    return jnp.mean(x, tuple(np.ravel(axes)), keepdims=bool(a.get("keep_dims")))


def batch_product(a, x, y):
    x = jnp.swapaxes(x, -1, -2) if a.get("adj_x") else x
    return x @ (jnp.swapaxes(y, -1, -2) if a.get("adj_y") else y)


OPERATIONS = network.ARITHMETIC | {
    "Conv2D": conv2d,
    "DepthwiseConv2dNative": depthwise,
    "MaxPool": max_pool,
    "MatMul": lambda a, x, y: (x.T if a.get("transpose_a") else x) @ (y.T if a.get("transpose_b") else y),
    "BatchMatMulV2": batch_product,
    "Einsum": lambda a, *x: jnp.einsum(a["equation"], *x),
    "Mean": mean,
    "Reshape": lambda a, x, shape: jnp.reshape(x, tuple(shape)),
    "Transpose": lambda a, x, axes: jnp.transpose(x, tuple(axes)),
    "Pad": lambda a, x, widths: jnp.pad(x, widths),
    "Squeeze": lambda a, x: jnp.squeeze(x),
    "Relu": lambda a, x: jax.nn.relu(x),
    "Relu6": lambda a, x: jax.nn.relu6(x),
    "Softmax": lambda a, x: jax.nn.softmax(x),
    "Erf": lambda a, x: jax.lax.erf(x),
    "Erfc": lambda a, x: jax.lax.erfc(x),
    "Sigmoid": lambda a, x: jax.nn.sigmoid(x),
    "Tanh": lambda a, x: jnp.tanh(x),
    "Rsqrt": lambda a, x: jax.lax.rsqrt(x),
    "Sqrt": lambda a, x: jnp.sqrt(x),
    "Minimum": lambda a, x, y: jnp.minimum(x, y),
    "Maximum": lambda a, x, y: jnp.maximum(x, y),
}


def logits(folder, beta):
    graph, constants = network.read(folder)
    table = dict(OPERATIONS)
    if beta:
        table["Relu"] = lambda a, x: jax.nn.softplus(beta * x) / beta

    def run(x):
        values = dict(constants)
        values[graph["input"]] = x
        for o in graph["operations"]:
            values[o["name"]] = table[o["op"]](o["attributes"], *(values[i] for i in o["inputs"]))
        return values[graph["output"]]

    return run


def build(task):
    network_of, points = logits(task.network, task.surrogate), task.points()

    def score(x, classes):
        return jnp.take_along_axis(jax.nn.softmax(network_of(x)), classes[:, None], 1).sum()

    gradient = jax.grad(score)

    def mapped(x, classes):
        if points is None:
            explanation = gradient(x, classes)
        else:
            many = jnp.concatenate([x * p for p in points])
            explanation = gradient(many, jnp.tile(classes, len(points))).reshape(len(points), *x.shape).mean(0)
        flat = jnp.abs(explanation).sum(-1).reshape(x.shape[0], -1)
        return flat / flat.sum(1, keepdims=True)

    def distance(x, classes, reference):
        d = jnp.linalg.norm(mapped(x, classes) - reference, axis=1)
        return d.sum(), d

    if task.order == 1:
        function = jax.jit(mapped)
        return lambda x, classes, reference: [np.asarray(function(x, classes))]
    function = jax.jit(jax.grad(distance, has_aux=True))

    def compute(*batch):
        rows, d = function(*batch)
        return [np.asarray(d), np.asarray(rows)]

    return compute


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    protocol.serve(build, {"jax": jax.__version__})
