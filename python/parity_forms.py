"""Small classifiers in which the form is what matters: heads, inputs, 16-bit floats, loops, TensorFlow 1.

FORMS holds a Form by name, for make_parity_models.py. Its function write(path, x) writes a SavedModel, calibrated on pixels like x,
and returns the same network in its plainest form: a function in float32 from pixels [B, H, W, C] to the same outputs, which needs
no options. The references are made with that function.
"""

import collections

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.applications.imagenet_utils import preprocess_input

from parity_networks import CLASSES

Form = collections.namedtuple("Form", "write shape head half options explanations")
FORMS = {}
SIDE = 16


def form(shape=(SIDE, SIDE, 3), head="softmax", half=False, explanations=(), **options):
    """Puts a function into the table by its name. half: has 16-bit floats; options: what savedmodels.Options must say."""

    def register(write):
        FORMS[write.__name__] = Form(write, shape, head, half, options, ("simple_gradient", *explanations))
        return write

    return register


def calibrate(net, x, classes=CLASSES):
    """Gives a Keras model with random weights the statistics of a trained one: its logits a standard deviation of 2."""
    everything = list(net._flatten_layers())
    norms = [l for l in everything if type(l).__name__ == "BatchNormalization"]
    for norm in norms:
        norm.momentum = 0.0
        # Most rectifiers open: the gradient of a deep network of random weights is chaotic otherwise.
        norm.beta.assign(np.random.default_rng(2).uniform(1, 2, norm.beta.shape))
    for scale in (l for l in everything if type(l).__name__ == "LayerScale"):
        scale.gamma.assign(np.random.default_rng(3).uniform(0.3, 0.7, scale.gamma.shape))
    if norms:
        net(x, training=True)
    head = [l for l in everything if getattr(l, "bias", None) is not None and l.bias.shape[-1] == classes][-1]
    seen = []
    activation, head.activation = head.activation, lambda z: seen.append(z) or activation(z)
    net(x, training=False)
    head.activation = activation
    logits = np.reshape(seen[0], (len(x), classes))
    factor = 2 / logits.std(0).mean()
    head.kernel.assign(head.kernel * factor)
    head.bias.assign((head.bias - logits.mean(0)) * factor)


def save(path, call, spec, tracked=None):
    """Writes a function as the SavedModel's only signature."""
    module = tf.Module()
    module.tracked = tracked
    module.call = tf.function(call, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, path, signatures=module.call)


def image(*shape, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype, name="image")


def scaled(pixels):
    return tf.cast(pixels, tf.float32) / 127.5 - 1


def net(shape, x=None, end=None, classes=CLASSES, seed=1):
    """A convolutional network without rectifiers, so that no head makes its maps piecewise constant; x calibrates it."""
    keras.utils.set_random_seed(seed)
    large = keras.initializers.VarianceScaling(4)
    y = inputs = keras.Input(shape)
    for width in (8, 16):
        y = layers.Conv2D(width, 3, 2, padding="same", activation="silu", kernel_initializer=large)(y)
    y = layers.Dense(classes)(layers.Flatten()(y))
    logits = keras.Model(inputs, y)
    if x is not None:
        calibrate(logits, x, classes)
    return keras.Model(inputs, layers.Activation(end, dtype="float32")(y)) if end else logits


# Heads: Keras' export of an activation after the logits, on pixels in [-1, 1].


def head(name, kind, end, classes=CLASSES):
    def write(path, x):
        k = net(x.shape[1:], scaled(x), end, classes)
        inputs = keras.Input(x.shape[1:])
        keras.Model(inputs, k(layers.Rescaling(1 / 127.5, -1)(inputs))).export(path, verbose=False)
        return lambda pixels: k(scaled(pixels))

    write.__name__ = "head_" + name
    form(head=kind)(write)


def masked(z):
    return ops.softmax(ops.where(np.arange(CLASSES) % 4 == 1, -np.inf, z))


for row in (
    ("sigmoids", "sigmoid", "sigmoid"),
    ("one_sigmoid", "binary", "sigmoid", 1),
    ("temperature", "softmax", lambda z: ops.softmax(z / 3)),
    ("log_softmax", "log_softmax", "log_softmax"),
    ("masked", "softmax", masked),
):
    head(*row)


# 16-bit floats by Keras' policies: the weights are float32, and so is the end.


def half(dtype):
    def write(path, x):
        exact = net(x.shape[1:], scaled(x), "softmax")
        keras.config.set_dtype_policy("mixed_" + dtype)
        k = net(x.shape[1:], end="softmax")
        keras.config.set_dtype_policy("float32")
        k.set_weights(exact.get_weights())
        save(path, lambda image: k(scaled(image)), image(None, *x.shape[1:]), k)
        return lambda pixels: exact(scaled(pixels))

    write.__name__ = "mixed_" + dtype
    form(half=True, explanations=("integrated_gradients",))(write)


half("float16")
half("bfloat16")


# Inputs.


def taken(name, spec, take, give, shape=(SIDE, SIDE, 3), **options):
    """A network that is given images as spec says and turns them into its own input by take; give does the same from pixels."""

    def write(path, x):
        k = net(shape, give(x), "softmax")
        save(path, lambda image: k(take(image)), spec, k)
        return lambda pixels: k(give(pixels))

    write.__name__ = "input_" + name
    form(shape, **options)(write)


FIVE = np.float32([1 / 127, 1 / 64, 1 / 255, 1 / 200, 1 / 100]), np.float32([-1, -2, 0, 0.5, -1])
for name, *row in (
    ("height_and_width", image(None, SIDE, SIDE), lambda i: scaled(i)[..., None], scaled, (SIDE, SIDE, 1)),
    ("flat", image(None, 3 * SIDE**2), lambda i: tf.reshape(scaled(i), [-1, SIDE, SIDE, 3]), scaled),
    ("bytes", image(None, SIDE, SIDE, 3, dtype=tf.uint8), scaled, scaled),
    ("one_image", image(1, SIDE, SIDE, 3), scaled, scaled),
):
    taken(name, *row, **({"Shape": (SIDE, SIDE, 3)} if name == "flat" else {}))
taken("unit_interval", image(None, SIDE, SIDE, 3), lambda i: i, lambda i: i / 255, Scale=1 / 255)
taken(
    "caffe", image(None, SIDE, SIDE, 3), lambda i: i / 64, lambda i: preprocess_input(i + 0, mode="caffe") / 64,
    Preprocess="caffe",
)  # fmt: skip
taken(
    "five_channels", image(None, SIDE, SIDE, 5), lambda i: i, lambda i: i * FIVE[0] + FIVE[1], (SIDE, SIDE, 5),
    Scale=FIVE[0].tolist(), Offset=FIVE[1].tolist(),
)  # fmt: skip


@form((8, 8, 3))
def loop_over_rows(path, x):
    """The SavedModel has a While op, the reference is unrolled by Keras."""

    def build(unroll):
        inputs = keras.Input(x.shape[1:])
        y = layers.LSTM(12, unroll=unroll, recurrent_activation="sigmoid")(layers.Reshape((8, 24))(inputs))
        return keras.Model(inputs, layers.Dense(CLASSES, "softmax")(y))

    k, unrolled = build(False), build(True)
    calibrate(unrolled, scaled(x))
    k.set_weights(unrolled.get_weights())
    save(path, lambda image: k(scaled(image)), image(None, *x.shape[1:]), k)
    return lambda pixels: unrolled(scaled(pixels))


@form(explanations=("input_x_gradient",))
def tensorflow_1(path, x):
    """TF1's simple_save, reference variables."""
    rng = np.random.default_rng(1)
    values = {
        "first": rng.normal(0, 0.5, (3, 3, 3, 8)), "second": rng.normal(0, 0.3, (3, 3, 8, 16)),
        "scale": rng.uniform(0.5, 1.5, 8), "offset": rng.normal(0, 0.5, 8),
        "mean": rng.normal(0, 0.1, 8), "variance": rng.uniform(0.5, 1.5, 8),
        "scores": rng.normal(0, 0.3, (256, CLASSES)), "bias": np.zeros(CLASSES),
    }  # fmt: skip
    values = {name: value.astype("float32") for name, value in values.items()}

    def logits(pixels, of):
        y = tf.nn.conv2d(scaled(pixels), of["first"], 2, "SAME")
        y, *_ = tf.compat.v1.nn.fused_batch_norm(y, *(of[n] for n in ("scale", "offset", "mean", "variance")), is_training=False)
        y = tf.nn.bias_add(tf.nn.conv2d(tf.nn.elu(y), of["second"], 2, "SAME"), tf.zeros(16))
        return tf.reshape(tf.tanh(y), [-1, 256]) @ of["scores"] + of["bias"]

    z = logits(x, values).numpy()
    factor = 2 / z.std(0).mean()
    values["scores"], values["bias"] = values["scores"] * factor, -z.mean(0) * factor
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.float32, (None, *x.shape[1:]), "image")
        variables = {n: tf.compat.v1.get_variable(n, initializer=v, use_resource=False) for n, v in values.items()}
        assert all(v.op.type == "VariableV2" for v in variables.values())
        scores = tf.nn.softmax(logits(given, variables))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, path, {"image": given}, {"scores": scores})
    return lambda pixels: tf.nn.softmax(logits(pixels, values))
