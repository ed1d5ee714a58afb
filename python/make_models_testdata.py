"""Write the SavedModels that the tests of savedmodels/ open, and what Python's TensorFlow gets from them.

    python make_models_testdata.py --out ../savedmodels/testdata
    python make_models_testdata.py --applications DIR

Each model is a few KB, made by one function of the table MODELS. The images are grey levels 31 i mod 251.
"""

import argparse
import json
import os
import shutil

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tensorflow.core.protobuf import saved_model_pb2

MODELS = {}


def model(shape, classes, want_head, softmax=False, batch=3, tolerance=1e-5, **options):
    """Puts a function that writes a SavedModel into the table. It returns a function from pixels to scores."""

    def register(write):
        MODELS[write.__name__] = (
            write,
            dict(Shape=shape, Classes=classes, WantHead=want_head, Softmax=softmax, Batch=batch, Tolerance=tolerance, **options),
        )
        return write

    return register


def refused(part, **options):
    """The same for a SavedModel that may not be opened: part of the error."""

    def register(write):
        MODELS[write.__name__] = (write, dict(Error=part, **options))
        return write

    return register


def images(batch, shape):
    n = batch * int(np.prod(shape))
    return (31 * np.arange(n) % 251).astype(np.float32).reshape(batch, *shape)


def small_cnn(shape=(8, 8, 3), classes=4, end="softmax", dtype=None):
    x = inputs = keras.Input(shape, name="image", dtype=dtype)
    x = layers.Rescaling(1 / 255.0)(x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(classes, end)(x), name="small")


@model([8, 8, 3], 4, "softmax", softmax=True)
def keras_export(path):
    net = small_cnn()
    net.export(path, verbose=False)
    return net


@model([8, 8, 3], 4, "logits")
def keras_logits(path):
    net = small_cnn(end=None)
    net.export(path, verbose=False)
    return net


@model([8, 8, 3], 4, "softmax", softmax=True)
def keras_saved(path):
    net = small_cnn()
    tf.saved_model.save(net, path)
    return net


@model([10, 12, 3], 3, "softmax", softmax=True, tolerance=1e-4)
def preprocessing(path):
    x = inputs = keras.Input((10, 12, 3), name="image")
    x = layers.Resizing(8, 8)(x)
    x = layers.Rescaling(1 / 127.5, -1)(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 0.6, 0.7])(x)
    x = layers.ZeroPadding2D()(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6)(x)
    x = layers.SpatialDropout2D(0.5)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.LayerNormalization()(x)
    x = layers.Dropout(0.5)(x)
    net = keras.Model(inputs, layers.Dense(3, "softmax")(x))
    randomise_statistics(net)
    # Resizing makes Keras 3.15 take training=True for the layers after it, also in model.export().
    archive = keras.export.ExportArchive()
    archive.track(net)
    archive.add_endpoint("serve", lambda x: net(x, training=False), [tf.TensorSpec([None, 10, 12, 3])])
    archive.write_out(path, verbose=False)
    return lambda image: net(image, training=False)


@model([9, 7, 3], 3, "logits")
def open_size(path):
    x = inputs = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, activation="elu")(x)
    net = keras.Model(inputs, layers.Dense(3)(layers.GlobalMaxPooling2D()(x)))
    net.export(path, verbose=False)
    return net


@model([4, 4, 2], 3, "logits")
def convolutional_head(path):
    x = inputs = keras.Input((4, 4, 2), name="image")
    net = keras.Model(inputs, layers.Conv2D(3, 4)(x))
    net.export(path, verbose=False)
    return lambda x: tf.reshape(net(x), [-1, 3])


class Dense(tf.Module):
    """Scores of 4 x 4 x 2 images in 3 classes by one matrix."""

    def __init__(self, dtype=tf.float32):
        super().__init__()
        rng = np.random.default_rng(3)
        self.kernel = tf.Variable(rng.normal(0, 0.01, (32, 3)), dtype=dtype, name="kernel")
        self.bias = tf.Variable(rng.normal(0, 1, 3), dtype=dtype, name="bias")

    def logits(self, x):
        return tf.reshape(x, [tf.shape(x)[0], -1]) @ self.kernel + self.bias


def save(path, module, score, spec=None, **signatures):
    """Saves score as the default signature and returns it."""
    spec = spec or tf.TensorSpec([None, 4, 4, 2], tf.float32, name="image")
    named = {"serving_default": score, **signatures}
    tf.saved_model.save(
        module, path, {k: tf.function(f).get_concrete_function(spec) for k, f in named.items()}
    )
    return score


SMALL = [4, 4, 2]


@model(SMALL, 3, "softmax", softmax=True)
def module(path):
    m = Dense()
    return save(path, m, lambda image: tf.nn.softmax(m.logits(image)))


@model(SMALL, 3, "softmax", softmax=True, Signature="other", Output="b")
def several(path):
    m = Dense()

    def other(image):
        return {"a": tf.argmax(m.logits(image), 1), "b": tf.nn.softmax(-m.logits(image))}

    save(path, m, lambda image: m.logits(image), other=other)
    return lambda image: tf.nn.softmax(-m.logits(image))


@model(SMALL, 3, "logits", Layout="NCHW")
def channels_first(path):
    m = Dense()
    f = lambda image: m.logits(tf.tanh(image))
    save(path, m, f, tf.TensorSpec([None, 2, 4, 4], tf.float32))
    return lambda image: f(tf.transpose(image, [0, 3, 1, 2]))


@model(SMALL, 3, "logits", Scale=0.5, Offset=-3.0)
def declared_scale(path):
    m = Dense()
    save(path, m, m.logits)
    return lambda image: m.logits(0.5 * image - 3)


@model(SMALL, 3, "logits")
def bytes_input(path):
    m = Dense()

    def f(image):
        flipped = tf.reverse(tf.reshape(image, [-1, 4, 4, 2]), [2])
        return m.logits(tf.cast(flipped, tf.float32) / 255)

    save(path, m, f, tf.TensorSpec([None, 4, 4, 2], tf.uint8))
    return lambda image: f(tf.cast(image, tf.uint8))


@model([2, 2, 2], 3, "logits")
def bytes_moved(path):
    m = Dense()

    def f(image):
        large = tf.image.resize(tf.gather(image, [1, 0], axis=-1), [4, 4], method="nearest")
        return m.logits(tf.cast(large, tf.float32) / 255)

    save(path, m, f, tf.TensorSpec([None, 2, 2, 2], tf.uint8))
    return lambda image: f(tf.cast(image, tf.uint8))


@model(SMALL, 3, "softmax", softmax=True, tolerance=1e-2)
def half_precision(path):
    m = Dense(tf.float16)
    return save(path, m, lambda image: tf.cast(tf.nn.softmax(m.logits(tf.cast(image, tf.float16))), tf.float32))


@model(SMALL, 3, "logits")
def double_precision(path):
    m = Dense(tf.float64)
    save(path, m, m.logits, tf.TensorSpec([None, 4, 4, 2], tf.float64))
    return lambda image: m.logits(tf.cast(image, tf.float64))


@model(SMALL, 3, "logits", batch=4)
def fixed_batch(path):
    m = Dense()
    # Mixes the images of a batch, so that the right answer needs the signature's batch.
    f = lambda image: m.logits(image) - tf.reduce_mean(m.logits(image))
    save(path, m, f, tf.TensorSpec([2, 4, 4, 2], tf.float32))
    return lambda image: tf.concat([f(image[:2]), f(image[2:])], 0)


@model(SMALL, 3, "logits")
def nested(path):
    m = Dense()
    inner = tf.function(lambda x, y: (tf.nn.relu(x), x + y, x - y))

    @tf.function
    def middle(x):
        a, b, c = inner(x, x)
        d, _, _ = inner(b, c)
        return tf.split(tf.concat([a, d], -1), 2, -1)[1], c

    def f(image):
        x, y = middle(image)
        return m.logits(x + y)

    return save(path, m, f)


@model(SMALL, 3, "logits")
def constant_control(path):
    m = Dense()

    def f(image):
        training = tf.constant(False)
        x = tf.cond(training, lambda: tf.nn.dropout(image, 0.5), lambda: image * 2)
        x = tf.switch_case(tf.constant(1), [lambda: x, lambda: tf.abs(x - 100)])
        _, x = tf.while_loop(lambda i, x: tf.logical_and(i < 3, i >= 0), lambda i, x: (i + 1, x * 1.5), [0, x])
        tf.print("an inference graph does without this")
        tf.debugging.assert_greater(tf.shape(image)[0], 0)
        return m.logits(x)

    return save(path, m, f)


@model(SMALL, 3, "softmax", softmax=True)
def written_softmax(path):
    m = Dense()

    def f(image):
        z = m.logits(image)
        e = tf.exp(z - tf.reduce_max(z, -1, keepdims=True))
        return e / tf.reduce_sum(e, -1, keepdims=True)

    return save(path, m, f)


@model(SMALL, 3, "softmax", softmax=True, Head="softmax")
def other_probabilities(path):
    m = Dense()

    def f(image):
        s = tf.nn.softplus(m.logits(image))
        return s / tf.reduce_sum(s, -1, keepdims=True)

    return save(path, m, f)


@model(SMALL, 3, "logits")
def gathered_variable(path):
    m = Dense()
    return save(path, m, lambda image: m.logits(image) + tf.gather(m.kernel, [3, 5, 7])[0])


@model(SMALL, 3, "logits")
def default_input(path):
    m = Dense()
    f = tf.function(lambda image, gain: m.logits(image * gain))
    signature = f.get_concrete_function(tf.TensorSpec([None, 4, 4, 2]), tf.TensorSpec([], name="gain"))
    tf.saved_model.save(m, path, signature)
    edit(path, lambda d: d["serving_default"].defaults["gain"].CopyFrom(tf.make_tensor_proto(2.0)))
    return lambda image: m.logits(image * 2)


@model(SMALL, 3, "logits")
def version_1(path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 2], "image")
        gain = tf.compat.v1.placeholder_with_default(2.0, [], "gain")
        kernel = tf.compat.v1.get_variable("kernel", (32, 3), initializer=tf.random_normal_initializer(), use_resource=True)
        logits = tf.reshape(image, [-1, 32]) @ kernel * gain
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, path, {"image": image, "gain": gain}, {"scores": logits})
        value = session.run(kernel)
    return lambda image: image.reshape(-1, 32) @ value * 2


def layer_norm(image, output):
    """As Keras 2 writes LayerNormalization: batch normalisation in training mode whose channels are the rows."""
    rows = tf.reshape(image, [1, -1, 2, 1])
    n = tf.shape(rows)[1]
    ones, zeros = tf.ones([n]), tf.zeros([n])
    normed = tf.compat.v1.nn.fused_batch_norm(rows, ones, zeros, epsilon=1e-3, data_format="NCHW", is_training=True)
    return tf.reshape(normed[output], tf.shape(image) if output == 0 else [-1, 4, 4, 1])


@model([4, 4, 2], 3, "logits")
def fused_layer_norm(path):
    m = Dense()
    return save(path, m, lambda image: m.logits(layer_norm(image / 255, 0)))


@refused("takes output 1 of FusedBatchNormV3")
def fused_statistics(path):
    m = Dense()
    save(path, m, lambda image: m.logits(image - layer_norm(image, 1)))


@model(SMALL, 3, "logits")
def straight_through(path):
    """A step whose gradient is set to 1, after a swish, whose custom gradient is its derivative."""
    m = Dense()
    step = tf.custom_gradient(lambda x: (tf.sign(x), lambda g: g))
    return save(path, m, lambda image: m.logits(tf.nn.silu(image - 100) + step(image - 100)))


@model([1, 1, 3], 3, "logits")
def rectifiers(path):
    def f(image):
        a, b, c = tf.split(tf.reshape(image, [-1, 3]), 3, axis=1)
        return tf.concat([tf.nn.relu(a), tf.nn.relu6(b), tf.nn.leaky_relu(c, 0.3)], 1)

    return save(path, tf.Module(), f, tf.TensorSpec([None, 1, 1, 3]))


@refused("op ReadFile")
def reads_file(path):
    m = Dense()
    save(path, m, lambda image: m.logits(image) + tf.io.decode_raw(tf.io.read_file("/etc/hostname"), tf.float32)[0])


@model(SMALL, 3, "logits")
def writes_file(path):
    """Beside the scores: what they do not need never runs."""
    m = Dense()

    def f(image):
        tf.io.write_file("/tmp/written", "by the model")
        return m.logits(image)

    save(path, m, f)
    return m.logits


@refused("it runs Python code")
def python_function(path):
    m = Dense()
    save(path, m, lambda image: m.logits(tf.ensure_shape(tf.py_function(lambda x: x, [image], tf.float32), [None, 4, 4, 2])))


@refused("lookup tables are not supported")
def lookup_table(path):
    m = Dense()
    keys = tf.lookup.KeyValueTensorInitializer(tf.range(3), tf.range(3.0))
    m.table = tf.lookup.StaticHashTable(keys, 0.0)
    save(path, m, lambda image: m.logits(image) + m.table.lookup(tf.range(3)))


@refused("random numbers")
def dropout_on(path):
    m = Dense()
    save(path, m, lambda image: m.logits(tf.nn.dropout(image, 0.5)))


@refused("is_training=true")
def fused_training_mode(path):
    m = Dense()
    ones = tf.ones(2)
    save(path, m, lambda image: m.logits(tf.compat.v1.nn.fused_batch_norm(image, ones, ones, is_training=True)[0]))


@refused("mixes the images of a batch")
def training_mode(path):
    m = Dense()
    save(path, m, lambda image: m.logits(image - tf.nn.moments(image, [0, 1, 2])[0]))


@refused("condition is not a constant")
def data_dependent(path):
    m = Dense()
    save(path, m, lambda image: tf.cond(tf.reduce_mean(image) > 0, lambda: m.logits(image), lambda: -m.logits(image)))


@refused("an input without a default")
def two_inputs(path):
    m = Dense()
    f = tf.function(lambda image, gain: m.logits(image * gain))
    signature = f.get_concrete_function(tf.TensorSpec([None, 4, 4, 2]), tf.TensorSpec([], name="gain"))
    tf.saved_model.save(m, path, signature)


MODELS["two_inputs"][1]["Input"] = "image"


def edit(path, change):
    """Changes the signatures of a SavedModel in place."""
    file = os.path.join(path, "saved_model.pb")
    saved = saved_model_pb2.SavedModel()
    with open(file, "rb") as f:
        saved.ParseFromString(f.read())
    change(saved.meta_graphs[0].signature_def)
    with open(file, "wb") as f:
        f.write(saved.SerializeToString(deterministic=True))


APPLICATIONS = {
    "VGG16": 64, "ResNet50": 64, "ResNet50V2": 64, "InceptionV3": 96, "Xception": 96, "MobileNet": 64, "MobileNetV2": 64,
    "MobileNetV3Small": 64, "DenseNet121": 64, "EfficientNetB0": 64, "EfficientNetV2B0": 64, "NASNetMobile": 64, "ConvNeXtTiny": 64,
}


def application(name, size):
    def write(path):
        # The published head is a softmax, of which random weights leave nothing to compare.
        net = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)
        randomise_statistics(net)
        net.export(path, verbose=False)
        return net

    return write, dict(Shape=[size, size, 3], Classes=10, WantHead="logits", Softmax=False, Batch=2, Tolerance=1e-4)


def randomise_statistics(net):
    """Moving averages as after training: with those of an untrained net a batch normalisation does nothing."""
    rng = np.random.default_rng(1)
    for layer in net._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, layer.moving_variance.shape))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../savedmodels/testdata"))
    parser.add_argument("--applications", help="write keras.applications there instead")
    args = parser.parse_args()
    out, models = args.out, MODELS
    if args.applications:
        out, models = args.applications, {name: application(name, size) for name, size in APPLICATIONS.items()}
    write_models(models, out)


def write_models(models, out):
    """Writes the models of a table into a folder, with what Python gets from them as expected.json."""
    expected = []
    for name, (write, want) in models.items():
        keras.utils.set_random_seed(1)
        path = os.path.join(out, name)
        shutil.rmtree(path, ignore_errors=True)
        scores = write(path)
        fingerprint = os.path.join(path, "fingerprint.pb")
        if os.path.exists(fingerprint):
            os.remove(fingerprint)
        want = dict(want, Name=name)
        if scores is not None:
            values = np.asarray(scores(images(want["Batch"], want["Shape"])), np.float64)
            if want["Softmax"]:
                # Up to a constant per image these are the logits.
                values = np.log(values) - np.log(values).mean(axis=1, keepdims=True)
            want["Scores"] = values.ravel().tolist()
            if hasattr(scores, "derivatives"):
                want["Gradient"], want["Product"] = scores.derivatives(images(want["Batch"], want["Shape"]))
        expected.append(want)
    with open(os.path.join(out, "expected.json"), "w") as f:
        json.dump(expected, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
