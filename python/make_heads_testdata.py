"""Write small SavedModels with the heads that people give their networks, and what is right for them in float64.

    python python/make_heads_testdata.py

Each is a function of the table HEADS from pixels and a type to the exported outputs. It is exported in float32 (two in 16-bit
floats), and evaluated in float64 for savedmodels/saliency/testdata/heads.parquet: the probabilities of the classes, and for each kind
of explanation the map, the distance of two maps and its gradient, by nested GradientTapes through the outputs as they are.
"""

import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "savedmodels", "saliency", "testdata")
SHAPE, IMAGES, HIDDEN = (4, 4, 2), 3, 8
STEPS, SAMPLES = 5, 3
KINDS = ("simple_gradient", "integrated_gradients", "smooth_gradient", "input_x_gradient")
HEADS = {}


class Net(tf.Module):
    """Logits of 4 x 4 x 2 images: one hidden layer of tanh, or of ReLU."""

    def __init__(self, classes=4, gain=3.0, seed=0, relu=False):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.first = tf.Variable(rng.normal(0, 0.6, (32, HIDDEN)), dtype=tf.float32)
        self.second = tf.Variable(rng.normal(0, gain / np.sqrt(HIDDEN), (HIDDEN, classes)), dtype=tf.float32)
        self.bias = tf.Variable(rng.normal(0, 0.1 * gain, classes), dtype=tf.float32)
        self.activation = tf.nn.relu if relu else tf.tanh

    def __call__(self, image, dtype):
        x = tf.reshape(tf.cast(image, dtype) / 255, [-1, 32])
        hidden = self.activation(x @ tf.cast(self.first, dtype))
        return hidden @ tf.cast(self.second, dtype) + tf.cast(self.bias, dtype)


def head(kind, net=None, classes=4, declared="", name="", dtype=tf.float32, error="", logarithm=False, relu=False, score=None):
    """Puts a network into the table: the head that it must be found to have, and what the options must say for that.

    Of a network that is so sure that float64 has no digits of 1 - p left, score gives what has the derivative of p_c.
    """

    def register(outputs):
        HEADS[outputs.__name__] = dict(
            outputs=outputs, net=net or Net(relu=relu), kind=kind, classes=classes, declared=declared, name=name, dtype=dtype,
            error=error, logarithm=logarithm, relu=relu, score=score)
        return outputs

    return register


def sure(p, classes):
    """What has the derivative of p_c: minus the sum of the other probabilities where they are less."""
    chosen = tf.one_hot(classes, p.shape[1], dtype=p.dtype)
    own, others = (tf.reduce_sum(p * x, 1) for x in (chosen, 1 - chosen))
    return tf.where(own > 0.5, -others, own)


def sure_sigmoid(z):
    """The same of a sigmoid."""
    return tf.where(z > 0, -tf.sigmoid(-z), tf.sigmoid(z))


@head("softmax", Net(gain=150), score=lambda z, c: sure(tf.nn.softmax(z), c))
def confident_softmax(z):
    return tf.nn.softmax(z)


@head("logits", Net(gain=150), score=lambda z, c: sure(tf.nn.softmax(z), c))
def confident_logits(z):
    return z


@head("sigmoid", Net(gain=150), score=lambda z, c: sure_sigmoid(tf.gather(z, c, batch_dims=1)))
def confident_sigmoids(z):
    return tf.sigmoid(z)


@head("sigmoid")
def sigmoids(z):
    return tf.sigmoid(z)


@head("sigmoid")
def sigmoid_heads(z):
    """One layer for each class, joined."""
    return tf.concat([tf.sigmoid(z[:, i : i + 1]) for i in range(4)], 1)


@head("sigmoid")
def written_sigmoids(z):
    return 1 / (1 + tf.exp(-z))


@head("sigmoid", declared="sigmoid")
def sigmoids_of_logits(z):
    """Trained by a loss that takes logits."""
    return z


@head("sigmoid", declared="sigmoid")
def tanh_sigmoids(z):
    """Sigmoids in a form that only the values tell."""
    return tf.tanh(z / 2) * 0.5 + 0.5


@head("softmax")
def percentages(z):
    return tf.nn.softmax(z) * 100


@head("softmax", Net(classes=5))
def background_dropped(z):
    """The first of five classes is none: the rest do not add up to 1."""
    return tf.nn.softmax(z)[:, 1:]


@head("softmax", Net(classes=7))
def classes_gathered(z):
    return tf.gather(tf.nn.softmax(z), [5, 0, 3, 2], axis=-1)


@head("log_softmax", Net(classes=6))
def log_softmax_sliced(z):
    return tf.nn.log_softmax(z)[..., :4]


@head("softmax")
def sequence_of_softmaxes(z):
    """The softmax of one of several places."""
    return tf.nn.softmax(tf.stack([z, -z, 2 * z], 1))[:, 2, :]


@head("log_softmax")
def log_softmax(z):
    return tf.nn.log_softmax(z)


@head("logits")
def written_log_softmax(z):
    return z - tf.reduce_logsumexp(z, 1, keepdims=True)


@head("softmax")
def exp_of_log_softmax(z):
    return tf.exp(z - tf.reduce_logsumexp(z, 1, keepdims=True))


@head("softmax")
def temperature(z):
    return tf.nn.softmax(z / 3)


@head("softmax", Net(gain=0.3))
def temperature_below(z):
    return tf.nn.softmax(z / 0.01)


@head("softmax")
def written_softmax(z):
    e = tf.exp(z - tf.reduce_max(z, 1, keepdims=True))
    return e / tf.reduce_sum(e, 1, keepdims=True)


@head("softmax")
def masked_by_infinity(z):
    return tf.nn.softmax(tf.where([True, True, False, True], z, tf.constant(-np.inf, z.dtype)))


@head("logits")
def logits_masked_by_infinity(z):
    return tf.where([True, True, False, True], z, tf.constant(-np.inf, z.dtype))


@head("softmax")
def masked_by_sum(z):
    return tf.nn.softmax(z + tf.constant([0, 0, -np.inf, 0], z.dtype))


@head("softmax")
def masked_by_a_billion(z):
    return tf.nn.softmax(z + tf.constant([0, 0, -1e9, 0], z.dtype))


@head("softmax")
def masked_by_the_smallest(z):
    return tf.nn.softmax(tf.where([True, True, False, True], z, tf.constant(-3.4e38, z.dtype)))


@head("softmax")
def masked_twice(z):
    """Probabilities that are masked and shared out again."""
    return tf.nn.softmax(tf.where([True, True, False, True], tf.math.log(tf.nn.softmax(z)), tf.constant(-np.inf, z.dtype)))


@head("softmax")
def clipped_logits(z):
    return tf.nn.softmax(tf.clip_by_value(z, -4, 4))


@head("logits")
def capped_logits(z):
    return 5 * tf.tanh(z / 5)


@head("softmax")
def guarded(z):
    return tf.clip_by_value(tf.nn.softmax(z), 1e-7, 1 - 1e-7)


@head("softmax", Net(gain=70), score=lambda z, c: sure(tf.nn.softmax(z), c) + sure(tf.nn.softmax(z[:, ::-1] + 1), c))
def ensemble(z):
    return (tf.nn.softmax(z) + tf.nn.softmax(z[:, ::-1] + 1)) / 2


@head("softmax")
def weighted_ensemble(z):
    return 0.25 * tf.nn.softmax(z) + 0.75 * tf.nn.softmax(z[:, ::-1] + 1)


@head("softmax")
def averaged(z):
    """The mean over several places, as over crops of an image."""
    return tf.reduce_mean(tf.nn.softmax(tf.stack([z, z[:, ::-1], 2 * z], 1)), 1)


@head("sigmoid")
def ensemble_of_sigmoids(z):
    return tf.reduce_mean(tf.stack([tf.sigmoid(z), tf.sigmoid(z * z - 1)], 0), 0)


@head("softmax")
def sharpened(z):
    p = tf.nn.softmax(z) ** 2
    return p / tf.reduce_sum(p, 1, keepdims=True)


@head("softmax")
def shared_sigmoids(z):
    p = tf.sigmoid(z)
    return p / tf.reduce_sum(p, 1, keepdims=True)


@head("softmax", Net(classes=6))
def coarse_classes(z):
    """The probabilities of groups of classes."""
    return tf.nn.softmax(z) @ tf.constant(np.eye(4)[[0, 1, 2, 3, 0, 1]], z.dtype)


@head("binary", Net(classes=1), classes=2)
def one_sigmoid(z):
    return tf.sigmoid(z)


@head("binary", Net(classes=1, gain=150), classes=2, score=lambda z, c: sure_sigmoid(z[:, 0] * (2.0 * c - 1)))
def confident_sigmoid(z):
    return tf.sigmoid(z)


@head("binary", Net(classes=1), classes=2)
def one_flat_sigmoid(z):
    return tf.squeeze(tf.sigmoid(z), 1)


@head("binary", Net(classes=1), classes=2, logarithm=True)
def one_logit(z):
    return z


@head("binary", Net(classes=3), classes=2)
def one_class_of_a_softmax(z):
    return tf.nn.softmax(z)[:, 1]


@head("binary", Net(classes=1), classes=2, declared="binary")
def one_tanh_sigmoid(z):
    return tf.tanh(z / 2) * 0.5 + 0.5


@head("sigmoid", Net(classes=1), classes=2)
def sigmoid_and_rest(z):
    return tf.concat([1 - tf.sigmoid(z), tf.sigmoid(z)], 1)


@head("softmax", Net(classes=2), classes=2)
def two_classes(z):
    return tf.nn.softmax(z)


@head("softmax")
def class_ids_beside(z):
    p = tf.nn.softmax(z)
    best = tf.math.top_k(p, 2)
    return {
        "classes": tf.argmax(z, 1), "names": tf.gather(["a", "b", "c", "d"], tf.argmax(z, 1)), "confidence": tf.reduce_max(p, 1),
        "probabilities": p, "top_scores": best.values, "top_classes": best.indices,
    }


@head("softmax")
def logits_beside(z):
    return {"logits": z, "probabilities": tf.nn.softmax(z), "log_probabilities": tf.nn.log_softmax(z)}


@head("logits", name="b_logits")
def named_output(z):
    return {"a_features": tf.square(z), "b_logits": z}


@head("softmax", dtype=tf.float16)
def float16(z):
    return tf.nn.softmax(tf.cast(z, tf.float32) if z.dtype == tf.float16 else z)


@head("softmax", dtype=tf.bfloat16)
def bfloat16(z):
    return tf.nn.softmax(z)


@head("sigmoid", Net(relu=True), relu=True)
def relu_sigmoids(z):
    return tf.sigmoid(z)


@head("softmax", Net(classes=2, relu=True), classes=2, relu=True)
def relu_two_classes(z):
    return tf.nn.softmax(z)


@head("binary", Net(classes=1, relu=True), classes=2, relu=True)
def relu_one_sigmoid(z):
    return tf.sigmoid(z)


@head("binary", Net(classes=1, relu=True), classes=2, relu=True, logarithm=True)
def relu_one_logit(z):
    return z


@head("", error="output.head: sigmoid")
def untold_sigmoids(z):
    return tf.tanh(z / 2) * 0.5 + 0.5


@head("", Net(classes=1), error="output.head: binary")
def untold_sigmoid(z):
    return tf.tanh(z / 2) * 0.5 + 0.5


@head("", Net(classes=1), error="softmax over one class")
def softmax_of_one(z):
    return tf.nn.softmax(z)


@head("", declared="logits", error="say softmax")
def softmax_called_logits(z):
    return tf.nn.softmax(z)


@head("", declared="softmax", error="say sigmoid")
def sigmoids_called_softmax(z):
    return tf.sigmoid(z)


@head("", declared="softmax", error="its head is logits")
def logits_called_softmax(z):
    return z


@head("", declared="binary", error="one score per image")
def four_called_binary(z):
    return z


@head("", Net(classes=1), declared="softmax", error="output.head: binary")
def one_called_softmax(z):
    return z


@head("", error="features float32[?,4], other float32[?,4]")
def two_outputs(z):
    return {"features": tf.square(z), "other": z}


def probabilities(row, z):
    """What the outputs say in float64, n x K."""
    outputs = row["outputs"](z)
    if isinstance(outputs, dict):
        outputs = outputs[row["name"] or "probabilities"]
    p = tf.reshape(outputs, [z.shape[0], -1])
    kind = row["kind"]
    if kind in ("logits", "log_softmax"):
        if row["outputs"] is log_softmax_sliced:
            return tf.exp(p)
        return tf.nn.softmax(p)
    if row["outputs"] is percentages:
        return p / 100
    if row["outputs"] is sigmoids_of_logits:
        return tf.sigmoid(p)
    if kind == "binary":
        if row["logarithm"] or row["score"]:
            return tf.concat([tf.sigmoid(-z), tf.sigmoid(z)], 1)
        return tf.concat([1 - p, p], 1)
    return p


def explain(kind, gradient, x, noise):
    if kind == "simple_gradient":
        return gradient(x)
    if kind == "input_x_gradient":
        return x * gradient(x)
    if kind == "integrated_gradients":
        return tf.add_n([gradient(x * (j / (STEPS - 1))) for j in range(STEPS)]) / STEPS
    return tf.add_n([gradient(x + noise[k]) for k in range(SAMPLES)]) / SAMPLES


def saliency_map(explanation):
    # A constant factor, which the map does not see, keeps the squares of tiny gradients above 0.
    explanation /= tf.stop_gradient(tf.reduce_max(tf.abs(explanation), axis=[1, 2, 3], keepdims=True))
    flat = tf.reshape(tf.reduce_sum(tf.abs(explanation), axis=-1), (explanation.shape[0], -1))
    return flat / tf.reduce_sum(flat, axis=1, keepdims=True)


def reference(name, row, images, moved, noise):
    """The rows of one network."""
    net = row["net"]

    def score_of(x):
        z = net(x, tf.float64)
        return row["score"](z, classes) if row["score"] else tf.gather(probabilities(row, z), classes, batch_dims=1)

    clean = probabilities(row, net(images, tf.float64))
    if name.startswith("confident"):
        assert (clean * (1 - clean) < 1e-46).numpy().any(), f"{name}: p (1 - p) is above 0 in float32"
    # The most probable class of one image, other ones of the rest.
    classes = np.argsort(-clean.numpy(), axis=1)[np.arange(IMAGES), np.arange(IMAGES) % 2]

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_sum(score_of(x))
        return tape.gradient(score, x)

    for kind in KINDS if row["score"] or name in ("sigmoids", "one_sigmoid", "background_dropped", "float16") else KINDS[:2]:
        before = saliency_map(explain(kind, gradient, images, noise))
        with tf.GradientTape() as tape:
            tape.watch(moved)
            distance = tf.norm(saliency_map(explain(kind, gradient, moved, noise)) - before, axis=1)
        second = tape.gradient(distance, moved)
        # Two maps that float64 cannot tell apart have a distance without a derivative.
        assert np.isfinite(before).all() and np.isfinite(second.numpy()[distance.numpy() > 0]).all() or row["relu"], name
        for i in range(IMAGES):
            yield {
                "model": name, "explanation": kind, "image": i, "class": int(classes[i]), "relu": row["relu"],
                "pixels": images[i].numpy().ravel(), "moved": moved[i].numpy().ravel(),
                "noise": noise[:, i].ravel() if kind == "smooth_gradient" else [],
                "probabilities": clean[i].numpy(), "map": before[i].numpy(), "distance": float(distance[i]),
                "gradient": second[i].numpy().ravel(),
            }


def main():
    rng = np.random.default_rng(7)
    images = tf.constant(rng.integers(0, 256, (IMAGES, *SHAPE)).astype("float32").astype("float64"))
    moved = images + np.float32(rng.normal(0, 20, images.shape)).astype("float64")
    noise = np.float32(rng.normal(0, 20, (SAMPLES, *images.shape))).astype("float64")
    directory = os.path.join(OUT, "heads")
    shutil.rmtree(directory, ignore_errors=True)
    rows, models = [], []
    for name, row in HEADS.items():
        module = tf.Module()
        module.net = row["net"]
        serve = tf.function(lambda image: row["outputs"](row["net"](image, row["dtype"])))
        path = os.path.join(directory, name)
        signature = serve.get_concrete_function(tf.TensorSpec([None, *SHAPE], tf.float32, name="image"))
        tf.saved_model.save(module, path, signature)
        os.remove(os.path.join(path, "fingerprint.pb"))
        models.append({key: row[key] for key in ("kind", "classes", "declared", "name", "error")} | {"model": name})
        if not row["error"]:
            rows += reference(name, row, images, moved, noise)
    schema = pa.schema(
        [("model", pa.string()), ("explanation", pa.string()), ("image", pa.int64()), ("class", pa.int64()), ("relu", pa.bool_())]
        + [(c, pa.list_(pa.float32())) for c in ("pixels", "moved", "noise", "probabilities", "map", "gradient")]
        + [("distance", pa.float64())]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), os.path.join(OUT, "heads.parquet"), compression="zstd")
    schema = pa.schema([(c, pa.string()) for c in ("model", "kind", "declared", "name", "error")] + [("classes", pa.int64())])
    pq.write_table(pa.Table.from_pylist(models, schema), os.path.join(OUT, "heads_models.parquet"), compression="zstd")


if __name__ == "__main__":
    main()
