"""Values of explanations that look inside a network (grad_cam, guided_backprop) and of expected_gradients, in float64.

    python python/make_inside_testdata.py

Writes small SavedModels to savedmodels/saliency/testdata/inside, and savedmodels/saliency/testdata/inside.parquet: per image the clean
map, the distance of the maps of the image and of a moved one, and its gradient with respect to the moved image. The networks, these and
shipped ones, are run op by op in float64. The guided backward pass is written out as a function of the image, which a tape
differentiates: a tape through a tf.custom_gradient of the rectifiers would also guide the derivative of the probability.
"""

import io
import json
import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.util import tf_inspect

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "savedmodels", "saliency", "testdata")
SHAPE, CLASSES = (12, 10, 3), 4
SMALL = {}


def small(f):
    SMALL[f.__name__] = f
    return f


class Net(tf.Module):
    """What the small networks are made of. Each weight is drawn when it is first asked for, and given again when begun anew."""

    def __init__(self):
        super().__init__()
        self.rng, self.kept, self.at = np.random.default_rng(1), [], 0

    def weight(self, *shape, mean=0.0, deviation=None):
        if self.at == len(self.kept):
            deviation = deviation or np.sqrt(2 / max(1, np.prod(shape[:-1])))
            self.kept.append(tf.Variable(self.rng.normal(mean, deviation, shape), dtype=tf.float32))
        self.at += 1
        return self.kept[self.at - 1]

    def layer(self, x, channels, scope, first=False, stride=1, size=3):
        """A convolution with its bias, normalised, and rectified."""
        axis = 1 if first else 3
        strides = [1, 1, stride, stride] if first else [1, stride, stride, 1]
        y = tf.nn.conv2d(x, self.weight(size, size, x.shape[axis], channels), strides, "SAME", "NCHW" if first else "NHWC", name=scope + "/convolution")
        y = tf.nn.bias_add(y, self.weight(channels, deviation=0.1), "NCHW" if first else "NHWC", name=scope + "/bias")
        y, _, _, _, _, _ = tf.raw_ops.FusedBatchNormV3(
            x=y, scale=self.weight(channels, mean=1, deviation=0.3), offset=self.weight(channels, deviation=0.3),
            mean=self.weight(channels, deviation=0.3), variance=tf.constant(np.linspace(0.5, 2, channels), tf.float32), epsilon=1e-3,
            data_format="NCHW" if first else "NHWC", is_training=False, name=scope + "/normed")
        return tf.nn.relu(y, name=scope + "/activation")

    def dense(self, x, scope="dense"):
        x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
        return tf.nn.bias_add(tf.matmul(x, self.weight(x.shape[1], CLASSES)), self.weight(CLASSES, deviation=0.1), name=scope + "/logits")


def pool(x, first=False):
    """Windows that overlap, so that several may choose the same place."""
    if first:
        return tf.nn.max_pool2d(x, [1, 1, 3, 3], [1, 1, 2, 2], "SAME", "NCHW")
    return tf.nn.max_pool2d(x, 3, 2, "SAME")


@small
def overlapping(net, x):
    y = pool(net.layer(x / 255, 6, "first"))
    return net.dense(pool(net.layer(y, 8, "second")))


@small
def channels_first(net, x):
    y = pool(net.layer(tf.transpose(x / 255, [0, 3, 1, 2]), 6, "first", first=True), first=True)
    return net.dense(pool(net.layer(y, 8, "second", first=True), first=True))


@small
def concatenated(net, x):
    """As DenseNet: the last convolution adds channels to those that are there."""
    y = net.layer(x / 255, 6, "first", stride=2)
    y = tf.concat([y, net.layer(y, 4, "second")], axis=3, name="block/concatenated")
    return net.dense(tf.reduce_mean(tf.nn.relu(y - 0.2, name="block/activation"), axis=[1, 2]))


@small
def gated(net, x):
    """As a squeeze-and-excitation block on a residual one: the last convolution is scaled by a gate of its own, and added."""
    y = net.layer(x / 255, 6, "first", stride=2)
    z = net.layer(y, 6, "second")
    gate = tf.sigmoid(net.dense(tf.reduce_mean(z, [1, 2]), "gate")) @ net.weight(CLASSES, 6)
    y = tf.nn.relu6(y + z * gate[:, None, None, :], name="block/activation")
    return net.dense(tf.reduce_mean(y, axis=[1, 2]))


@small
def leaky(net, x):
    y = tf.nn.leaky_relu(tf.nn.conv2d(x / 255, net.weight(3, 3, 3, 5), 2, "SAME", name="first/convolution"), 0.1, name="first/activation")
    return net.dense(tf.nn.avg_pool2d(y, 2, 2, "SAME"))


@small
def side_by_side(net, x):
    """Two networks whose logits are added: no layer holds all that they look at."""
    return net.dense(pool(net.layer(x / 255, 4, "left"))) + net.dense(pool(net.layer(x / 255, 4, "right")))


@small
def smooth(net, x):
    return net.dense(tf.tanh(tf.nn.conv2d(x / 255, net.weight(3, 3, 3, 5), 2, "SAME", name="first/convolution"), name="first/activation"))


def export(name):
    net = Net()
    # Outside of graphs TensorFlow has no convolution with its channels first on a CPU.
    SMALL["overlapping" if name == "channels_first" else name](net, tf.zeros([1, *SHAPE]))

    @tf.function(input_signature=[tf.TensorSpec([None, *SHAPE], tf.float32, name="image")])
    def serve(image):
        net.at = 0
        return {"probabilities": tf.nn.softmax(SMALL[name](net, image))}

    net.serve = serve
    path = os.path.join(OUT, "inside", name)
    shutil.rmtree(path, ignore_errors=True)
    tf.saved_model.save(net, path, signatures=serve)
    os.remove(os.path.join(path, "fingerprint.pb"))
    shutil.rmtree(os.path.join(path, "assets"), ignore_errors=True)


class Float64:
    """A SavedModel op by op in float64. With a beta, the softplus of it stands for the rectifiers."""

    def __init__(self, path, beta=0.0):
        self.loaded = tf.saved_model.load(path)
        frozen = convert_variables_to_constants_v2(self.loaded.signatures["serving_default"])
        self.ops, self.image, self.beta = frozen.graph.get_operations(), frozen.inputs[0].name, beta
        self.logits = next((op.inputs[0].name for op in self.ops if op.type == "Softmax"), frozen.outputs[0].name)
        self.activation = [op for op in self.ops if op.type in RECTIFIERS and len(op.outputs[0].shape) == 4]

    def rectified(self, op, x):
        """The value of a rectifier and its slope."""
        plus = (lambda v: tf.nn.softplus(self.beta * v) / self.beta) if self.beta else tf.nn.relu
        step = (lambda v: tf.sigmoid(self.beta * v)) if self.beta else (lambda v: tf.cast(v > 0, v.dtype))
        if op.type == "Relu6":
            return plus(x) - plus(x - 6), step(x) - step(x - 6)
        alpha = op.get_attr("alpha") if op.type == "LeakyRelu" else 0.0
        return alpha * x + (1 - alpha) * plus(x), alpha + (1 - alpha) * step(x)

    def run(self, op, inputs):
        """The outputs of an op."""
        if op.type in RECTIFIERS:
            return [self.rectified(op, inputs[0])[0]]
        if op.type == "Const":
            value = tf.make_ndarray(op.get_attr("value"))
            return [tf.constant(value.astype("float64") if value.dtype == np.float32 else value)]
        first = "data_format" in op.node_def.attr and op.get_attr("data_format") == b"NCHW"
        if first and op.type != "BiasAdd":
            inputs = [tf.transpose(inputs[0], [0, 2, 3, 1]), *inputs[1:]]
        if op.type == "FusedBatchNormV3":
            x, scale, offset, mean, variance = inputs
            outputs = [(x - mean) * scale / tf.sqrt(variance + op.get_attr("epsilon")) + offset]
        elif op.type == "BiasAdd":
            return [inputs[0] + (inputs[1][:, None, None] if first else inputs[1])]
        elif op.type == "Cast":
            return [tf.cast(inputs[0], tf.float64 if op.get_attr("DstT") == tf.float32 else op.get_attr("DstT"))]
        else:
            call = getattr(tf.raw_ops, op.type)
            known = tf_inspect.getfullargspec(call).args
            settings = {name: op.get_attr(name) for name in known if name in op.node_def.attr}
            settings = {k: v.decode() if isinstance(v, bytes) else v for k, v in settings.items() if not isinstance(v, tf.DType)}
            if first:
                settings["data_format"] = "NHWC"
                for key in ("strides", "ksize", "dilations"):
                    if key in settings:
                        settings[key] = [settings[key][i] for i in (0, 2, 3, 1)]
            arguments, rest = {}, list(inputs)
            for argument in op.op_def.input_arg:
                name = "axis" if argument.name == "reduction_indices" else argument.name
                if argument.number_attr:
                    arguments[name] = [rest.pop(0) for _ in range(op.get_attr(argument.number_attr))]
                else:
                    arguments[name] = rest.pop(0)
            outputs = call(**arguments, **settings)
            outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        return [tf.transpose(y, [0, 3, 1, 2]) for y in outputs] if first else outputs

    def forward(self, x):
        """All tensors by name, and what each op was given, with a tape that holds it alone."""
        values, steps = {self.image: x}, []
        for op in self.ops:
            if op.type in ("Placeholder", "NoOp"):
                continue
            inputs = [values[t.name] for t in op.inputs]
            with tf.GradientTape() as tape:
                tape.watch([v for v in inputs if v.dtype == tf.float64])
                outputs = self.run(op, inputs)
            for k, y in enumerate(outputs):
                values[f"{op.name}:{k}"] = y
            steps.append((op, inputs, outputs, tape))
        return values, steps

    def guided(self, x, slope):
        """The guided backward pass from what slope makes of the logits."""
        values, steps = self.forward(x)
        gradients = {self.logits: slope(values[self.logits])}
        for op, inputs, outputs, tape in reversed(steps):
            g = gradients.get(f"{op.name}:0")
            if g is None:
                continue
            if op.type in RECTIFIERS:
                back = [tf.nn.relu(g) * self.rectified(op, inputs[0])[1]]
            else:
                back = tape.gradient(outputs[0], inputs, output_gradients=g)
            for t, b in zip(op.inputs, back):
                if b is not None:
                    gradients[t.name] = gradients[t.name] + b if t.name in gradients else b
        return gradients[self.image]


RECTIFIERS = ("Relu", "Relu6", "LeakyRelu")


def margin(z, classes):
    own = tf.one_hot(classes, z.shape[1], dtype=tf.float64)
    rest = tf.where(own > 0, tf.constant(-np.inf, tf.float64), z)
    return tf.reduce_sum(own * z, axis=1) - tf.reduce_logsumexp(rest, axis=1)


def chosen(z, classes):
    return tf.gather(z, classes, batch_dims=1)


def grad_cam(network, settings, x, classes, draws):
    """A probability is a growing function of the margin, so that the maps of both are the same."""
    score = chosen if settings.get("score") == "logit" else margin
    with tf.GradientTape() as tape:
        tape.watch(x)
        values, _ = network.forward(x)
        total = tf.reduce_sum(score(values[network.logits], classes))
    name = settings.get("layer")
    op = network.activation[-1] if name is None else [op for op in network.ops if f"/{name}/" in f"/{op.name}/"][-1]
    a = values[op.name + ":0"]
    g = tape.gradient(total, a)
    if "channels_first" in settings:
        a, g = tf.transpose(a, [0, 2, 3, 1]), tf.transpose(g, [0, 2, 3, 1])
    coarse = tf.nn.relu(tf.reduce_sum(tf.reduce_mean(g, axis=[1, 2], keepdims=True) * a, axis=3, keepdims=True))
    return enlarged(coarse, x.shape[1], x.shape[2])


def enlarged(coarse, height, width):
    """Bilinear interpolation between the centres of pixels, as two products of matrices."""

    def weights(n, m):
        at = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
        low = np.minimum(np.floor(at).astype(int), n - 1)
        high, share = np.minimum(low + 1, n - 1), at - low
        w = np.zeros((m, n))
        w[np.arange(m), low] += 1 - share
        w[np.arange(m), high] += share
        return tf.constant(w)

    rows, columns = weights(coarse.shape[1], height), weights(coarse.shape[2], width)
    return tf.einsum("bhwc,ih,jw->bijc", coarse, rows, columns)


def guided_backprop(network, settings, x, classes, draws):
    def slope(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            total = tf.reduce_sum((chosen if settings.get("score") == "logit" else margin)(z, classes))
        return tape.gradient(total, z)

    return network.guided(x, slope)


def expected_gradients(network, settings, x, classes, draws):
    baselines, along = draws
    terms = []
    for b, a in zip(baselines, along):
        point = b + a[:, None, None, None] * (x - b)
        with tf.GradientTape() as tape:
            tape.watch(point)
            z = network.forward(point)[0][network.logits]
            total = tf.reduce_sum(chosen(z if settings.get("score") == "logit" else tf.nn.softmax(z), classes))
        g = tape.gradient(total, point)
        terms.append(g * (x - b) if settings.get("multiply_by_inputs", True) else g)
    return tf.add_n(terms) / len(terms)


EXPLANATIONS = {f.__name__: f for f in (grad_cam, guided_backprop, expected_gradients)}


def saliency_map(explanation):
    flat = tf.reshape(tf.reduce_sum(tf.abs(explanation), axis=3), [explanation.shape[0], -1])
    return flat / tf.reduce_sum(flat, axis=1, keepdims=True)


def shipped_images(dataset, count):
    table = pq.read_table(os.path.join(ROOT, "data", dataset, "test-00000-of-00002.parquet")).slice(0, count)
    pixels = [np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in table["image"].to_pylist()]
    return np.stack([p if p.ndim == 3 else p[..., None] for p in pixels]).astype("float32"), table["label"].to_numpy()


def small_images(count):
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (count, *SHAPE)).astype("float32"), rng.integers(0, CLASSES, count)


SAMPLES = 3
WHOLE = [
    ("grad_cam", {}, 0), ("grad_cam", {"score": "logit"}, 0), ("grad_cam", {}, 30),
    ("guided_backprop", {}, 0), ("guided_backprop", {}, 30), ("guided_backprop", {"score": "logit"}, 30),
    ("expected_gradients", {}, 0), ("expected_gradients", {"score": "logit", "multiply_by_inputs": False}, 30),
]  # fmt: skip
PART = [("grad_cam", {}, 0), ("guided_backprop", {}, 0), ("guided_backprop", {}, 30), ("expected_gradients", {}, 30)]
NAMED = [("grad_cam", {"layer": "second/normed"}, 0), ("grad_cam", {"layer": "second/convolution"}, 30)]
MODELS = [
    ("mnist_cnn", "mnist", WHOLE), ("cifar10_vgg", "cifar10", WHOLE), ("cifar10_resnet20", "cifar10", PART),
    ("cifar10_mobilenetv2", "cifar10", PART), ("overlapping", None, [*PART, *NAMED]), ("channels_first", None, [*PART, *NAMED]),
    ("concatenated", None, PART), ("gated", None, PART), ("leaky", None, PART),
]  # fmt: skip


def main():
    for name in SMALL:
        export(name)
    rows = []
    for name, dataset, cases in MODELS:
        count = 2 if cases is WHOLE or dataset is None else 1
        images, labels = shipped_images(dataset, count) if dataset else small_images(count)
        path = os.path.join(ROOT, "savedmodels", name) if dataset else os.path.join(OUT, "inside", name)
        rng = np.random.default_rng(0)
        z = rng.normal(size=images.shape)
        z *= 255 / np.sqrt((z**2).sum(axis=(1, 2, 3), keepdims=True))
        moved = (images + z).astype("float32")
        baselines = rng.integers(0, 256, (SAMPLES, *images.shape)).astype("float32")
        along = rng.uniform(size=(SAMPLES, count)).astype("float32")
        for kind, settings, beta in cases:
            network, draws = Float64(path, beta), None
            if kind == "expected_gradients":
                draws = tf.constant(baselines, tf.float64), tf.constant(along, tf.float64)
            extra = {"channels_first": True} if name == "channels_first" and kind == "grad_cam" else {}
            explain = EXPLANATIONS[kind]
            clean = saliency_map(explain(network, {**settings, **extra}, tf.constant(images, tf.float64), labels, draws))
            # What is compared with is the clean map in float32.
            reference = tf.cast(tf.cast(clean, tf.float32), tf.float64)
            x = tf.constant(moved, tf.float64)
            with tf.GradientTape() as tape:
                tape.watch(x)
                distance = tf.norm(saliency_map(explain(network, {**settings, **extra}, x, labels, draws)) - reference, axis=1)
            gradient = tape.gradient(distance, x)
            if kind == "expected_gradients":
                settings = {**settings, "samples": SAMPLES}
            for i in range(count):
                rows.append({
                    "model": name if dataset else "inside/" + name, "kind": kind, "settings": json.dumps(settings), "beta": float(beta),
                    "class": int(labels[i]), "pixels": images[i].ravel(), "moved": moved[i].ravel(),
                    "baselines": baselines[:, i].ravel() if draws else [], "along": along[:, i] if draws else [],
                    "map": reference[i].numpy(), "distance": float(distance[i]), "gradient": gradient[i].numpy().ravel(),
                })  # fmt: skip
            print(name, kind, settings, beta, [f"{d:.4g}" for d in distance.numpy()], flush=True)
    floats = pa.list_(pa.float32())
    schema = pa.schema(
        [("model", pa.string()), ("kind", pa.string()), ("settings", pa.string()), ("beta", pa.float64()), ("class", pa.int64())]
        + [(c, floats) for c in ("pixels", "moved", "baselines", "along", "map")]
        + [("distance", pa.float64()), ("gradient", floats)]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), os.path.join(OUT, "inside.parquet"), compression="zstd", compression_level=19)


if __name__ == "__main__":
    main()
