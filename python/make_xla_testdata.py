"""Write SavedModels of JAX networks with operations of XLA, as jax2tf makes them, and what JAX gets from them.

    pip install jax==0.4.35 jaxlib==0.4.35    # the graph form, native_serialization=False, is gone from later versions
    python make_xla_testdata.py --out ../savedmodels/testdata/xla

As make_models_testdata.py, for the tests of savedmodels/.
"""

import argparse
import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
from jax import lax
from jax.experimental import jax2tf

import make_models_testdata
from make_models_testdata import MODELS, model

MODELS.clear()  # the other script's
warnings.filterwarnings("ignore", category=DeprecationWarning)
SHAPE = [8, 6, 3]


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)


def jax_model(f=None, shape=SHAPE, classes=4, batch="b", **options):
    """Registers a function of JAX from images to features, whose means over all but the batch and the channels are summed by a matrix."""
    if f is None:
        return lambda f: jax_model(f, shape, classes, batch, **options)

    def scores(image):
        y = f(image / 100)
        y = y.reshape(y.shape[0], -1, y.shape[-1]) if y.ndim != 2 else y[:, None]
        # Each place counts otherwise, so that none can stand in for another.
        places = jnp.cos(jnp.arange(y.shape[1], dtype=jnp.float32))
        return jnp.einsum("bpc,p->bc", y, places) @ weights(y.shape[-1], classes, seed=9)

    def write(path):
        dims = f"({batch}, {', '.join(map(str, shape))})"
        module = tf.Module()
        convert = jax2tf.convert(scores, native_serialization=False, with_gradient=False, polymorphic_shapes=[dims] if batch == "b" else None)
        spec = tf.TensorSpec([None if batch == "b" else batch, *shape], tf.float32, name="image")
        module.f = tf.function(convert, autograph=False, input_signature=[spec])
        tf.saved_model.save(module, path, signatures=module.f)

        def whole(image):
            step = len(image) if batch == "b" else batch
            return jnp.concatenate([scores(image[i : i + step]) for i in range(0, len(image), step)])

        return Differentiable(whole)

    write.__name__ = f.__name__
    return model(shape, classes, "logits", **options)(write)


class Differentiable:
    """Scores, with the derivatives of half the sum of their squares: the gradient, and the Hessian's product with a pattern."""

    def __init__(self, scores):
        self.scores = scores

    def __call__(self, image):
        return self.scores(image)

    def derivatives(self, image):
        gradient = jax.grad(lambda x: (self.scores(x) ** 2).sum() / 2)
        pattern = np.cos(np.arange(image.size, dtype=np.float32)).reshape(image.shape)
        product = jax.grad(lambda x: (gradient(x) * pattern).sum())
        try:
            return [[float(f"{v:.7g}") for v in np.asarray(d(image)).ravel()] for d in (gradient, product)]
        except (AssertionError, NotImplementedError):  # windows that start from a value of their own
            return [], []


def convolve(x, kernel, strides=(1, 1), padding="SAME", numbers=("NHWC", "HWIO", "NHWC"), **more):
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=numbers, **more)


@jax_model
def same(x):
    return jax.nn.relu(convolve(x, weights(3, 3, 3, 5)) + 0.1)


@jax_model
def strided(x):
    return convolve(convolve(x, weights(3, 2, 3, 5), (2, 1)), weights(3, 3, 5, 4), (1, 2), [(2, 0), (1, 3)])


@jax_model
def cut_off(x):
    return convolve(x, weights(2, 2, 3, 5), padding=[(-1, -2), (1, -1)])


@jax_model
def channels_first(x):
    y = convolve(x.transpose(0, 3, 1, 2), weights(5, 3, 3, 3), numbers=("NCHW", "OIHW", "NCHW"))
    return convolve(y, weights(3, 3, 5, 4), numbers=("NCHW", "HWIO", "NHWC"))


@jax_model
def grouped(x):
    y = convolve(x, weights(3, 3, 1, 6), feature_group_count=3)  # two filters for each channel
    y = convolve(y, weights(3, 3, 2, 6), feature_group_count=3)
    return convolve(y, weights(2, 2, 1, 6), (2, 1), feature_group_count=6)


@jax_model
def dilated(x):
    return convolve(x, weights(3, 3, 3, 5), rhs_dilation=(2, 1))


@jax_model
def transposed(x):
    return lax.conv_transpose(lax.conv_transpose(x, weights(3, 3, 3, 5), (2, 3), "SAME"), weights(2, 2, 5, 4), (2, 1), "VALID")


@jax_model
def along_rows(x):
    y = x.reshape(x.shape[0], 8, 18)
    y = lax.conv_general_dilated(y, weights(3, 18, 5), (2,), [(1, 1)], dimension_numbers=("NWC", "WIO", "NWC"))
    return jnp.tanh(y)


@jax_model
def volume(x):
    y = lax.conv_general_dilated(x[..., None], weights(2, 3, 2, 1, 4), (1, 2, 1), "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))
    return y.reshape(y.shape[0], -1, 4)


@jax_model
def attention(x):
    y = x.reshape(x.shape[0], 48, 3)
    q, k, v = (jnp.einsum("bnc,chd->bnhd", y, weights(3, 2, 4, seed=s)) for s in range(3))
    a = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k))
    return jnp.einsum("bhqk,bkhd->bqhd", a, v).reshape(x.shape[0], 48, 8)


@jax_model
def products(x):
    y = x.reshape(x.shape[0], 48, 3)
    gram = lax.dot_general(y, y, (((1,), (1,)), ((0,), (0,))))
    return lax.dot_general(gram, weights(2, 3, 5), (((2,), (1,)), ((), ()))).reshape(x.shape[0], 6, 5)


@jax_model
def padded(x):
    y = lax.pad(x, 0.5, [(0, 0, 0), (2, -1, 1), (-2, 3, 2), (1, 0, 0)])
    return lax.pad(y, -1.0, [(0, 0, 0), (0, -3, 0), (1, 1, 0), (0, 0, 1)])


def windows(x, start, join, size, strides, padding):
    return lax.reduce_window(x, start, join, size, strides, padding)


@jax_model
def pooled(x):
    y = windows(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    return windows(y, 0.0, lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "SAME") / 4


@jax_model
def pooled_channels_first(x):
    return windows(x.transpose(0, 3, 1, 2), jnp.inf, lax.min, (1, 1, 2, 3), (1, 1, 2, 1), "VALID").transpose(0, 2, 3, 1)


@jax_model
def pooled_above(x):
    """Windows over the channels, of which no maximum is below the starting value."""
    return windows(x, 0.7, lax.max, (1, 1, 1, 2), (1, 1, 1, 1), "VALID")


@jax_model
def sums_so_far(x):
    return jnp.cumsum(x, axis=2) + jnp.cumsum(x[:, ::-1], axis=1)


@jax_model
def volumes_pooled(x):
    return windows(x[..., None], -jnp.inf, lax.max, (1, 2, 1, 2, 1), (1, 2, 1, 1, 1), "VALID")[..., 0]


@jax_model
def reduced(x):
    largest = lax.reduce(x, -jnp.inf, lax.max, (1,))
    product = lax.reduce(x + 0.5, 1.0, lax.mul, (2,))
    return jnp.concatenate([largest, product], 1) + jnp.logaddexp(x, 1.005).sum((1, 2), keepdims=True)[:, 0]


@jax_model
def rows_taken(x):
    y = jnp.take(x, np.array([[3, 0], [7, 7]]), axis=1)  # [b, 2, 2, 6, 3]
    return y[:, 0] + y[:, 1, ::-1] + x[:, 0, 1:2, None][:, :, 0][:, None]


@jax_model
def rows_clipped(x):
    """Indices that lie outside, as XLA takes them."""
    y = jnp.take(x, np.array([5, 9, 2, 100]), axis=2, mode="clip")
    return lax.gather(
        y, np.array([[6], [20]]), lax.GatherDimensionNumbers((0, 2, 3), (1,), (1,)), (1, 1, 4, 3) if x.shape[0] == 1 else (x.shape[0], 1, 4, 3),
        mode=lax.GatherScatterMode.CLIP,
    )


@jax_model
def one_token(x):
    y = x.reshape(x.shape[0], 48, 3)
    return jnp.concatenate([y[:, 0], y[:, -1], y[:, 5]], -1)


@jax_model
def cut_out(x):
    return lax.dynamic_slice(x, (0, 2, 99, 0), (x.shape[0], 4, 3, 3))


@jax_model(batch=1)
def fixed_batch(x):
    y = convolve(x, weights(3, 3, 3, 5), (2, 2))
    return lax.conv_transpose(windows(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "SAME"), weights(2, 2, 5, 3), (2, 2), "SAME")


@model(SHAPE, 4, "logits")
def trained(path):
    """Weights as variables, and the derivative beside the graph, which is jax2tf's default."""
    module = tf.Module()
    module.kernel, module.dense = tf.Variable(weights(3, 3, 3, 5)), tf.Variable(weights(5, 4, seed=1))

    def scores(image, kernel, dense):
        return jnp.tanh(convolve(image / 100, kernel)).mean((1, 2)) @ dense

    convert = jax2tf.convert(scores, native_serialization=False, polymorphic_shapes=["(b, 8, 6, 3)", None, None])
    spec = tf.TensorSpec([None, *SHAPE], tf.float32, name="image")
    module.f = tf.function(lambda image: convert(image, module.kernel, module.dense), autograph=False, input_signature=[spec])
    tf.saved_model.save(module, path, signatures=module.f)
    return Differentiable(lambda image: scores(image, module.kernel.numpy(), module.dense.numpy()))


def refused(part):
    def register(f):
        def write(path):
            module = tf.Module()
            convert = jax2tf.convert(f, native_serialization=f.__name__ == "compiled", with_gradient=False, polymorphic_shapes=["(b, 8, 6, 3)"])
            module.f = tf.function(convert, autograph=False, input_signature=[tf.TensorSpec([None, *SHAPE], tf.float32, name="image")])
            tf.saved_model.save(module, path, signatures=module.f)

        MODELS[f.__name__] = (write, dict(Error=part))
        return f

    return register


@refused("native_serialization=False")
def compiled(x):
    return x.mean((1, 2))


@refused("it is XLA's, and not among those that can be written as TensorFlow's own")
def sorted_values(x):
    return jnp.sort(x.reshape(x.shape[0], -1), axis=1)[:, :4]


@refused("it has a dilation, which TensorFlow's pooling has not")
def dilated_windows(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", window_dilation=(1, 2, 2, 1)).mean((1, 2))


@refused("is no sum, product, maximum or minimum of two")
def reduced_otherwise(x):
    return lax.reduce(x, 0.0, lambda a, b: a + 2 * b, (1, 2))


@refused("mixes the images of a batch")
def first_of_all(x):
    return (x - lax.dynamic_slice(x, (0, 0, 0, 0), (1, 8, 6, 3))).mean((1, 2))


@refused("mixes the images of a batch")
def running_over_images(x):
    return lax.reduce_window(x, 0.0, lax.add, (2, 1, 1, 1), (1, 1, 1, 1), "SAME").mean((1, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../savedmodels/testdata/xla"))
    make_models_testdata.write_models(MODELS, parser.parse_args().out)
