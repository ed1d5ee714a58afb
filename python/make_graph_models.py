"""Write small SavedModels whose graphs have to be decided, unrolled or opened before they can be differentiated, and what TensorFlow says
of them: python python/make_graph_models.py [NAME ...]

writes savedmodels/testdata/graphs/NAME and expected.json there: the scores, the gradient of the score of class 1 with respect to the image,
and the gradient of that gradient's sum of squares, from nested tapes of TensorFlow through the function that was saved. The images are
grey levels 31 i mod 251. With names, only those models are written anew."""

import json
import os
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

OUT = os.path.join(os.path.dirname(__file__), "../savedmodels/testdata/graphs")
SHAPE = (6, 6, 2)
CLASSES = 3
MODELS = {}


def model(**want):
    """Puts a function that writes a SavedModel into the table. It returns its scores of a batch of images."""

    def register(write):
        MODELS[write.__name__] = (write, want)
        return write

    return register


def images(batch, shape=SHAPE):
    n = batch * int(np.prod(shape))
    return (31 * np.arange(n) % 251).astype(np.float32).reshape(batch, *shape)


def net(shape=SHAPE, end=None):
    """A smooth network, so that its second order is not zero."""
    x = inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(4, 3, activation="tanh")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, end)(x))


def save(path, f, track, spec=None, **more):
    module = tf.Module()
    module.tracked = track
    module.f = tf.function(f, input_signature=[spec or tf.TensorSpec([None, *SHAPE], tf.float32, name="image"), *more.values()])
    tf.saved_model.save(module, path, signatures=module.f)


def exported(path, net):
    net.export(path, verbose=False)
    return net


# Conditions and loops.


@model()
def shape_condition(path):
    k = net()

    def f(image):
        height = tf.shape(image)[1]
        image = tf.cond(height % 4 > 0, lambda: tf.pad(image, [[0, 0], [0, 2], [0, 0], [0, 0]])[:, 1:7], lambda: image * 0)
        scale = tf.cond(tf.reduce_min(tf.range(6, 25)) <= 7, lambda: 1.5, lambda: tf.reduce_mean(image))
        smaller = tf.cast(tf.math.ceil(tf.cast(height, tf.float32) / 4), tf.int32)
        return {"scores": k(tf.cond(tf.logical_and(smaller < 3, tf.reduce_max(tf.shape(image)[1:3]) == 6), lambda: image * scale, lambda: image))}

    save(path, f, k)
    return lambda x: f(x)["scores"]


@model()
def lstm_over_rows(path):
    i = keras.Input(SHAPE)
    x = layers.Rescaling(1 / 255)(i)
    return exported(path, keras.Model(i, layers.Dense(CLASSES)(layers.LSTM(4)(layers.Reshape((6, 12))(x)))))


@model()
def two_recurrent_layers(path):
    i = keras.Input(SHAPE)
    x = layers.Reshape((6, 12))(layers.Rescaling(1 / 255)(i))
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    return exported(path, keras.Model(i, layers.Dense(CLASSES)(layers.SimpleRNN(4)(x))))


@model()
def convolutional_lstm(path):
    i = keras.Input(SHAPE)
    x = layers.Reshape((3, 2, 6, 2))(layers.Rescaling(1 / 255)(i))
    x = layers.ConvLSTM2D(2, 3, padding="same")(x)
    return exported(path, keras.Model(i, layers.Dense(CLASSES)(layers.Flatten()(x))))


@model()
def map_over_images(path):
    k = net()
    f = lambda image: k(255 * tf.map_fn(lambda x: tf.image.per_image_standardization(x), image))
    save(path, lambda image: {"scores": f(image)}, k)
    return f


@model()
def list_by_hand(path):
    """A TensorArray that is written out of order, gathered and joined."""
    k = net()

    def f(image):
        rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
        for i in tf.range(6):
            rows = rows.write(5 - i, image[:, 5 - i] * tf.cast(i + 1, tf.float32))
        return k(tf.transpose(tf.concat([rows.stack()[:3], rows.gather([5, 3, 4])], 0), [1, 0, 2, 3]))

    f = tf.function(f)
    save(path, lambda image: {"scores": f(image)}, k)
    return f


# Lists and parts of one, several networks, what the scores do not need.


@model()
def mean_of_two(path):
    a, b = net(), net()
    f = lambda image: tf.reduce_mean([a(image), b(image)], axis=0)
    save(path, lambda image: {"scores": f(image)}, [a, b])
    return f


@model()
def split_once(path):
    k = net()
    f = lambda image: k(tf.concat(tf.split(image, 1, -1), -1))
    save(path, lambda image: {"scores": f(image)}, k)
    return f


@model(Output="scores")
def label_table(path):
    k = net()
    m = tf.Module()
    m.k = k
    m.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.range(3, dtype=tf.int64), ["a", "b", "c"]), "?")

    @tf.function(input_signature=[tf.TensorSpec([None, *SHAPE], tf.float32, name="image")])
    def serve(image):
        scores = k(image)
        return {"scores": scores, "label": m.table.lookup(tf.argmax(scores, 1))}

    m.f = serve
    tf.saved_model.save(m, path, signatures=serve)
    return k


@model(Error="has changed the variable by then")
def counts_calls(path):
    k = net()
    count = tf.Variable(1.0)

    def f(image):
        count.assign_add(1.0)
        return {"scores": k(image) * count}

    save(path, f, [k, count])


@model(Error="drawn anew at each call")
def augmentation(path):
    i = keras.Input(SHAPE)
    keras.Model(i, layers.Dense(CLASSES)(layers.Flatten()(layers.RandomFlip()(i)))).export(path, verbose=False)


@model(Error="more than 1024 turns")
def long_loop(path):
    k = net()
    loop = lambda image: tf.while_loop(lambda i, x: i < 2000, lambda i, x: (i + 1, x * 0.999), [0, image])[1]
    save(path, lambda image: {"scores": k(loop(image))}, k)


@model(Error="does not follow from the image's shape")
def condition_on_pixels(path):
    k = net()
    save(path, lambda image: {"scores": k(tf.cond(tf.reduce_mean(image) > 100, lambda: image, lambda: -image))}, k)


@model(Error="mixes the images of a batch")
def mixes_beside_a_loop(path):
    """The graph of the loop is that of one image, of which the mean over the batch is no matter."""
    k = net()
    f = lambda image: {"scores": k(tf.map_fn(tf.abs, image) - tf.reduce_mean(image, 0))}
    save(path, f, k)


# Batches of a fixed size.


def residual(k):
    """What converters write for one image: shapes with a 1 in them, a transposition, a class token, attention, a squeeze."""

    def f(image):
        x = tf.reshape(tf.transpose(k.layers[2](image / 255), [0, 3, 1, 2]), [1, 4, 16])
        x = tf.concat([tf.constant([[[0.1 * i for i in range(16)]]]), tf.transpose(x, [1, 0, 2])[:, 0][tf.newaxis]], axis=1)
        heads = tf.transpose(tf.reshape(x, [5, 4, 4]), [1, 0, 2])
        mixed = tf.nn.softmax(tf.matmul(heads, heads, transpose_b=True)) @ heads
        x = x + tf.reshape(tf.transpose(mixed, [1, 0, 2]), [1, 5, 16])
        x = x - tf.reduce_mean(x, [0, 2], keepdims=True)
        x = tf.squeeze(tf.einsum("btc,cd->btd", x, tf.eye(16) * 1.5)) * tf.constant([1.0] * 16)
        x = tf.pad(tf.reshape(x, [80, 1]), [[0, 4], [0, 0]])[:64] + tf.tile(tf.reduce_max(x, axis=1)[:4], [16])[:, tf.newaxis]
        return tf.matmul(tf.reshape(x, [1, -1]), k.layers[-1].kernel) + k.layers[-1].bias

    return f


@model()
def one_image(path):
    k = net()
    f = residual(k)
    save(path, lambda image: {"scores": f(image)}, k, tf.TensorSpec([1, *SHAPE], tf.float32, name="image"))
    return lambda x: tf.concat([f(x[i : i + 1]) for i in range(len(x))], 0)


@model()
def image_without_batch(path):
    """A signature for one image, which adds and takes away the batch itself."""
    k = net()
    f = lambda image: tf.squeeze(k(tf.expand_dims(image * 1.5, 0)), 0) + tf.reduce_mean(tf.sin(image / 255))
    save(path, lambda image: {"scores": f(image)}, k, tf.TensorSpec(SHAPE, tf.float32, name="image"))
    return lambda x: tf.stack([f(x[i]) for i in range(len(x))])


@model(Batch=4)
def mixing_pairs(path):
    """A batch of two whose images mix, so that the right answer needs the signature's batch, beside an op that has to be repeated."""
    k = net()

    def f(image):
        mean = tf.reduce_mean(image, 0, keepdims=True)
        least = tf.gather_nd(image, [[0, i, i, i % 2] for i in range(6)])
        return k(image - 0.5 * mean) + tf.reduce_mean(tf.sin(least / 255))

    save(path, lambda image: {"scores": f(image)}, k, tf.TensorSpec([2, *SHAPE], tf.float32, name="image"))
    return lambda x: tf.concat([f(x[:2]), f(x[2:])], 0)


# TensorFlow 1.


def version_1(path, build, inputs=lambda x: {}):
    """Saves a graph of TensorFlow 1 with random weights, and returns the scores by a session for plain values."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.set_random_seed(2)
        image = tf.compat.v1.placeholder(tf.float32, [None, *SHAPE], "image")
        scores, more = build(image)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, path, {"image": image, **more}, {"scores": scores})
        gradient = tf.gradients(scores[:, 1], image)[0]
        second = tf.gradients(tf.reduce_sum(gradient**2), image)[0]
        x = images(3)
        return session.run([scores, gradient, second], {image: x, **{more[k]: v for k, v in inputs(x).items()}})


def dense(x, units, name):
    with tf.compat.v1.variable_scope(name, use_resource=False):
        kernel = tf.compat.v1.get_variable("kernel", (x.shape[-1], units), initializer=tf.random_normal_initializer(stddev=0.2))
        bias = tf.compat.v1.get_variable("bias", (units,), initializer=tf.random_normal_initializer())
    return x @ kernel + bias


@model()
def reference_variables(path):
    tf.compat.v1.disable_resource_variables()
    return version_1(path, lambda image: (dense(tf.tanh(dense(tf.reshape(image / 255, [-1, 72]), 5, "a")), CLASSES, "b"), {}))


def switched(image):
    tf.compat.v1.disable_control_flow_v2()
    training = tf.compat.v1.placeholder(tf.bool, [], "is_training")
    x = dense(tf.reshape(image / 255, [-1, 72]), 5, "a")
    x = tf.compat.v1.cond(training, lambda: tf.nn.dropout(x, 0.5) + tf.reduce_mean(x, 0), lambda: tf.tanh(x))
    gain = tf.compat.v1.cond(tf.logical_not(training), lambda: tf.constant(1.25), lambda: tf.constant(0.0))
    tf.compat.v1.enable_control_flow_v2()
    return dense(x, CLASSES, "b") * gain, {"is_training": training}


@model()
def switched_training(path):
    return version_1(path, switched, lambda x: {"is_training": False})


# Inputs.


@model()
def training_argument(path):
    k = net()
    f = lambda image, training: tf.cond(training, lambda: k(tf.nn.dropout(image, 0.5)), lambda: k(image) * 2)
    save(path, lambda image, training: {"scores": f(image, training)}, k, training=tf.TensorSpec([], tf.bool, name="training"))
    return lambda x: f(x, tf.constant(False))


@model(Input="StatefulPartitionedCall/StatefulPartitionedCall/decoded", Shape=list(SHAPE))
def encoded_files(path):
    """Takes PNG files; the tensor that is decoded from them can be named."""
    k = net()

    def decode(b):
        return tf.cast(tf.reshape(tf.io.decode_raw(b, tf.uint8), SHAPE), tf.float32)

    def f(files):
        pixels = tf.identity(tf.map_fn(decode, files, fn_output_signature=tf.float32), name="decoded")
        return {"scores": k(pixels)}

    save(path, f, k, tf.TensorSpec([None], tf.string, name="image_bytes"))
    return k


@model(Input="map/TensorArrayStack/TensorArrayGatherV3", Shape=list(SHAPE))
def encoded_files_version_1(path):
    """The same in TensorFlow 1, where a loop decodes the files, which is no matter then."""
    tf.compat.v1.disable_control_flow_v2()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        files = tf.compat.v1.placeholder(tf.string, [None], "files")
        decode = lambda b: tf.cast(tf.reshape(tf.io.decode_raw(b, tf.uint8), SHAPE), tf.float32)
        pixels = tf.compat.v1.map_fn(decode, files, dtype=tf.float32)
        scores = dense(tf.tanh(dense(tf.reshape(pixels / 255, [-1, 72]), 5, "a")), CLASSES, "b")
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, path, {"files": files}, {"scores": scores})
        gradient = tf.gradients(scores[:, 1], pixels)[0]
        second = tf.gradients(tf.reduce_sum(gradient**2), pixels)[0]
        tf.compat.v1.enable_control_flow_v2()
        return session.run([scores, gradient, second], {pixels: images(3)})


def tape(scores, x):
    x = tf.constant(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = scores(x)
            score = y[:, 1]
        gradient = inner.gradient(score, x)
        squares = tf.reduce_sum(gradient**2)
    return y, gradient, outer.gradient(squares, x)


def main():
    names = sys.argv[1:] or list(MODELS)
    file = os.path.join(OUT, "expected.json")
    known = {}
    if sys.argv[1:] and os.path.exists(file):
        known = {want["Name"]: want for want in json.load(open(file))}
    for name in names:
        write, want = MODELS[name]
        keras.utils.set_random_seed(1)
        path = os.path.join(OUT, name)
        shutil.rmtree(path, ignore_errors=True)
        scores = write(path)
        fingerprint = os.path.join(path, "fingerprint.pb")
        if os.path.exists(fingerprint):
            os.remove(fingerprint)
        if callable(scores):
            scores = tape(scores, images(want.get("Batch", 3)))
        parts = zip(("Scores", "Gradient", "Second"), scores or ())
        known[name] = {"Batch": 3, **want, "Name": name, **{k: [float(f"{x:.8g}") for x in np.asarray(v, np.float64).ravel()] for k, v in parts}}
    with open(file, "w") as f:
        json.dump([known[name] for name in MODELS if name in known], f)
        f.write("\n")


if __name__ == "__main__":
    main()
