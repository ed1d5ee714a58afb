"""Networks, saliency maps and metrics after the definitions of the project, by TensorFlow, scipy and scikit-image.

For check_run.py. Nothing here is taken from the Go code; the noise of smooth_gradient follows the published description of
its generator.
"""

import functools

import keras
import numpy as np
import scipy.stats
import skimage.metrics
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import check_inside
import reference_math

BATCH = 100


class Network:
    """A SavedModel as TensorFlow loads it: images in pixel units -> what it says of each class."""

    def __init__(self, model):
        loaded = tf.saved_model.load(model["path"])
        signature = loaded.signatures[model["signature"]]
        self.settings = model["input"]
        self.dtype = list(signature.structured_input_signature[1].values())[0].dtype
        self.rank = list(signature.structured_input_signature[1].values())[0].shape.rank
        frozen = convert_variables_to_constants_v2(signature)
        scores = frozen.outputs[output_index(signature.structured_outputs, model["output"]["name"])]
        source = scores.op
        while passes(source):
            source = next(x for x in source.inputs if x.op.type != "Const").op
        found = PROBABILITIES.get(source.type)
        logits = source.inputs[0] if found else scores
        self.raw = not found
        self.call = frozen.prune(frozen.inputs[0], [scores, logits])
        # Gradients of 16-bit floats underflow: they are taken of the same network in float32.
        self.differentiated = widened(frozen, [scores, logits]) or (lambda x: self.call(tf.cast(x, self.dtype)))
        self.frozen, self.outputs = frozen, [scores, logits]
        self.loaded = loaded  # else its variables are freed
        self.declared, self.found, self.head = model["output"]["head"], found, None

    def input_of(self, pixels):
        if self.settings.get("preprocess"):
            prepare = keras.applications.imagenet_utils.preprocess_input
            x = prepare(pixels, data_format="channels_last", mode=self.settings["preprocess"])
        else:
            x = pixels[..., ::-1] if self.settings.get("channels") == "bgr" else pixels
            x = x * tf.constant(self.settings["scale"], tf.float32) + tf.constant(self.settings["offset"], tf.float32)
        if self.settings["layout"] == "NCHW":
            x = tf.transpose(x, [0, 3, 1, 2])
        if self.rank == 3:
            x = x[..., 0]
        if self.rank == 2:
            x = tf.reshape(x, [tf.shape(x)[0], -1])
        return x

    def rows(self, tensor):
        """One row for each image, in float64."""
        return tf.cast(tf.reshape(tensor, [-1, int(np.prod(tensor.shape[1:]))]), tf.float64)

    def logits_of(self, logits):
        """Logits, n x columns, of what the network calls so or of its probabilities."""
        z = self.rows(logits)
        if self.raw and self.head == "softmax":
            return tf.math.log(tf.maximum(z, 1e-300))
        if self.raw and self.head in ("sigmoid", "binary") and self.unit:
            return tf.math.log(tf.maximum(z, 1e-300)) - tf.math.log(tf.maximum(1 - z, 1e-300))
        return z

    def understand(self, pixels):
        """The head, by what some images give, and the column of the logits for each class of the output.

        direct is set where the output is probabilities in a way that is not followed here: they are differentiated as they are.
        """
        if self.head is not None:
            return
        head, found = self.declared, self.found
        scores, logits = self.call(tf.cast(self.input_of(tf.constant(pixels)), self.dtype))
        scores = self.rows(scores).numpy()
        self.unit = bool(((scores >= 0) & (scores <= 1 + 1e-6)).all())
        simplex = (scores >= 0).all() and any(np.allclose(scores.sum(axis=1), total, rtol=2e-3) for total in (1, 100))
        self.scale = 100.0 if scores.max() > 1.5 and simplex else 1.0
        self.head, self.direct = found or "logits" if head == "auto" else head, False
        if scores.shape[1] == 1:
            self.head, self.direct = "binary", self.unit and found != "sigmoid" and head == "auto"
        elif self.raw and head == "auto" and simplex:
            self.head, self.direct = "softmax", True
        elif self.raw and head == "auto" and self.unit:
            self.head, self.direct = "sigmoid", True
        self.columns = list(range(scores.shape[1]))
        if self.raw or self.direct:
            return
        z = self.logits_of(logits)
        have = {"softmax": tf.nn.softmax, "log_softmax": tf.nn.log_softmax, "sigmoid": tf.sigmoid, "binary": tf.sigmoid}[self.head](z)
        if have.shape[0] == scores.shape[0]:
            difference = np.abs(have.numpy()[:, None, :] * self.scale - scores[:, :, None]).max(axis=0)
            self.columns = list(difference.argmin(axis=1))
            self.direct = not (difference.min(axis=1) < 1e-3 * self.scale).all()
        else:
            self.direct = True
        if self.direct and simplex:
            self.head = "softmax"

    def probabilities(self, scores):
        """What an output of probabilities says of each class, n x K."""
        p = self.rows(scores) / self.scale
        return tf.concat([1 - p, p], 1) if self.head == "binary" else p

    def margin(self, logits, classes):
        """m_c, of which p_c is the sigmoid, n, and its derivative with respect to the logits."""
        z = self.logits_of(logits)
        if self.head == "binary":
            sign = 2 * tf.cast(classes, tf.float64) - 1
            return z[:, 0] * sign, sign[:, None]
        chosen = tf.one_hot(tf.gather(self.columns, classes), z.shape[1], dtype=tf.float64)
        own = tf.reduce_sum(tf.where(chosen > 0, z, 0), axis=1)
        if self.head == "sigmoid":
            return own, chosen
        rest = tf.where(chosen > 0, tf.constant(-np.inf, tf.float64), z)
        return own - tf.reduce_logsumexp(rest, axis=1), chosen - tf.nn.softmax(rest)

    @functools.cached_property
    def guided(self):
        return check_inside.guided(self.frozen, self.outputs)

    @functools.cache
    def layer(self, name):
        return check_inside.Layer(self.frozen, name, self.outputs[1])

    def grad_cam(self, pixels, classes, logit, name):
        """The map of activations of a layer; a probability is a growing function of the margin."""

        def slope(logits):
            _, slope = self.margin(logits, classes)
            if logit and self.head != "binary":
                slope = tf.one_hot(tf.gather(self.columns, classes), logits.shape[1], dtype=tf.float64)
            return tf.cast(tf.reshape(slope, tf.shape(logits)), logits.dtype)

        return self.layer(name).grad_cam(self.input_of(tf.constant(pixels)), slope, *pixels.shape[1:3]).numpy()

    @tf.function(reduce_retracing=True)
    def gradient(self, pixels, classes, logit, guided=False):
        """The derivatives of the logits or of the margins, and the logarithms of what the latter are weighted by: p_c (1 - p_c)."""
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            scores, logits = (self.guided if guided else self.differentiated)(self.input_of(pixels))
            if self.direct:
                own = tf.gather(self.probabilities(scores), classes, batch_dims=1)
            else:
                z = self.logits_of(logits)
        if self.direct:
            return tape.gradient(own, pixels), tf.zeros_like(own)
        margin, slope = self.margin(logits, classes)
        log_weight = -tf.nn.softplus(margin) - tf.nn.softplus(-margin)
        if logit and self.head != "binary":
            slope = tf.one_hot(tf.gather(self.columns, classes), z.shape[1], dtype=tf.float64)
        if logit:
            log_weight = tf.zeros_like(margin)
        # Where a mask makes p_c a constant it has no derivative.
        slope = tf.where(tf.math.is_finite(margin)[:, None], slope, 0)
        return tape.gradient(z, pixels, output_gradients=slope), tf.where(tf.math.is_finite(margin), log_weight, 0)

    @tf.function(reduce_retracing=True)
    def predict(self, pixels):
        scores, logits = self.call(tf.cast(self.input_of(pixels), self.dtype))
        if self.direct:
            p = self.probabilities(scores)
            return p, p
        z, p = self.logits_of(logits), self.rows(scores) / self.scale
        if self.head == "binary":
            p = tf.sigmoid(z) if self.raw else p
            return tf.concat([tf.zeros_like(z), z], 1), tf.concat([1 - p, p], 1)
        z = tf.gather(z, self.columns, axis=1)
        if self.head == "log_softmax":
            p = tf.exp(p)
        elif self.head == "logits":
            p = tf.nn.softmax(z)
        elif self.head == "sigmoid":
            p = tf.sigmoid(z)
        return z, p

    def answers(self, pixels):
        """Logits and probabilities of the classes, n x K."""
        self.understand(batches(pixels)[0])
        both = [self.predict(tf.constant(batch)) for batch in batches(pixels)]
        return np.concatenate([b[0] for b in both]), np.concatenate([b[1] for b in both])

    def maps(self, explanation, pixels, classes, ids):
        """Maps, n x H x W, and L1 norms by which they were divided, n, known up to a factor; 0 where the norm is."""
        self.understand(batches(pixels)[0])
        if explanation["kind"] == "grad_cam":
            logit = explanation["score"] == "logit"
            return self.divided([self.grad_cam(x, c, logit, explanation["layer"]) for x, c in zip(batches(pixels), batches(classes))])
        if explanation["kind"] == "guided_backprop":
            assert self.guided  # made before the function that calls it is traced
        explain = EXPLANATIONS[explanation["kind"]]
        return self.divided([
            explain(functools.partial(self.gradient, classes=c, logit=explanation["score"] == "logit"), explanation, x, i)
            for x, c, i in zip(batches(pixels), batches(classes), batches(ids))
        ])

    @staticmethod
    def divided(parts):
        summed = np.abs(np.concatenate(parts)).sum(axis=3, dtype=np.float64)
        norm = summed.sum(axis=(1, 2))
        return summed / np.where(norm > 0, norm, 1)[:, None, None], norm


# The ops that make probabilities, and those behind them that leave them what they are, up to a factor and to which are kept.
PROBABILITIES = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
MOVES = {"Identity", "Cast", "Reshape", "Squeeze", "Slice", "StridedSlice", "GatherV2"}


def passes(op):
    factor = op.type in ("Mul", "RealDiv") and any(x.op.type == "Const" for x in op.inputs)
    return (op.type in MOVES or factor) and any(x.op.type != "Const" for x in op.inputs)


def output_index(outputs, name):
    """The place of the output of a name, or of the one with a row of scores for each image."""
    names = sorted(outputs)
    if not name and len(names) > 1:
        rows = [n for n in names if outputs[n].dtype.is_floating and outputs[n].shape.rank != 1]
        name, = [n for n in rows if n == "probabilities"] or rows
    return names.index(name) if name else 0


def widened(frozen, outputs):
    """The network up to some tensors with float32 in place of 16-bit floats; None if it has none."""
    graph = frozen.graph.as_graph_def()
    small = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
    found = False
    for node in graph.node:
        for value in node.attr.values():
            if value.type in small:
                value.type, found = tf.float32.as_datatype_enum, True
            if value.HasField("tensor") and value.tensor.dtype in small:
                value.tensor.CopyFrom(tf.make_tensor_proto(tf.make_ndarray(value.tensor).astype(np.float32)))
    if not found:
        return None
    name = frozen.inputs[0].op.name
    return tf.compat.v1.wrap_function(
        lambda x: tf.graph_util.import_graph_def(graph, {name + ":0": x}, [t.name for t in outputs], name=""),
        [tf.TensorSpec(frozen.inputs[0].shape, tf.float32)])


def batches(values):
    return [values[k : k + BATCH] for k in range(0, len(values), BATCH)]


def simple_gradient(gradient, _, x, __):
    return gradient(x)[0].numpy()


def input_x_gradient(gradient, _, x, __):
    return x * gradient(x)[0].numpy()


def integrated_gradients(gradient, settings, x, _):
    baseline = np.float32(settings["baseline"])
    steps = np.linspace(0, 1, settings["steps"], dtype=np.float32)
    mean = weighted_mean([gradient(baseline + a * (x - baseline)) for a in steps])
    return (x - baseline) * mean if settings["multiply_by_inputs"] else mean


def smooth_gradient(gradient, settings, x, ids):
    copies = [x + explanation_noise(ids, draw, x.shape[1:], settings["sigma"]) for draw in range(settings["samples"])]
    return weighted_mean([gradient(copy) for copy in copies])


def guided_backprop(gradient, _, x, __):
    return gradient(x, guided=True)[0].numpy()


def expected_gradients(gradient, settings, x, ids):
    points = []
    for draw in range(settings["samples"]):
        b, a = check_inside.draws(settings["images"], ids, draw, one_draw)
        g, log = gradient(b + a * (x - b))
        points.append(((x - b) * g if settings["multiply_by_inputs"] else g, log))
    return weighted_mean(points)


def one_draw(image, draw):
    return reference_math.Stream(0, "explanation baseline", image, draw)


def weighted_mean(points):
    """The mean over points of gradients times their weights, relative to the largest weight of each image."""
    logs = np.stack([log for _, log in points])
    weights = np.exp(logs - logs.max(axis=0))[..., None, None, None]
    return np.mean([w * g for w, (g, _) in zip(weights, points)], axis=0, dtype=np.float64)


def explanation_noise(ids, draw, shape, sigma):
    return np.stack([one_noise(int(image), draw, shape, sigma) for image in ids])


@functools.cache
def one_noise(image, draw, shape, sigma):
    stream = reference_math.Stream(0, "explanation", image, draw)
    return stream.normal(int(np.prod(shape)), sigma).astype(np.float32).reshape(shape)


EXPLANATIONS = {f.__name__: f for f in (simple_gradient, input_x_gradient, integrated_gradients, smooth_gradient,
                                         guided_backprop, expected_gradients)}


def top(mass, count):
    """The indices of the largest values, the first ones among equals."""
    return set(np.argsort(-mass.ravel(), kind="stable")[:count])


def top_k(clean, perturbed, share):
    count = max(int(np.floor(share * clean.size + 0.5)), 1)
    return len(top(clean, count) & top(perturbed, count)) / count


def center(mass):
    rows, columns = np.indices(mass.shape)
    return np.array([(rows * mass).sum(), (columns * mass).sum()]) / mass.sum()


def ssim(clean, perturbed):
    if min(clean.shape) < 7:
        return np.nan
    scale = clean.max()
    return skimage.metrics.structural_similarity(clean / scale, perturbed / scale, data_range=1)


class Goal:
    """Where the maps of a model are to be: the configuration's box, and its target map of a sum of 1."""

    def __init__(self, settings, root):
        self.region = settings.get("region")
        if settings.get("target"):
            pixels = np.asarray(Image.open(root / settings["target"]), dtype=np.float64)
            self.target = pixels / pixels.sum()

    def share(self, mass):
        box = self.region
        inside = mass[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]]
        return inside.sum() / mass.sum()


# Each from a clean and a perturbed map and the goal.
GOAL_METRICS = {
    "region_share": lambda _, b, goal: goal.share(b),
    "region_gain": lambda a, b, goal: goal.share(b) - goal.share(a),
    "target_distance": lambda a, b, goal: np.linalg.norm(b - goal.target) / np.linalg.norm(a - goal.target),
}

# Each from a clean and a perturbed map and the share of top_k.
MAP_METRICS = {
    "normalized_l2": lambda a, b, _: np.linalg.norm(a - b) / np.linalg.norm(a),
    "cosine": lambda a, b, _: (a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)),
    "top_k": top_k,
    "spearman": lambda a, b, _: scipy.stats.spearmanr(a.ravel(), b.ravel()).statistic,
    "kendall": lambda a, b, _: scipy.stats.kendalltau(a.ravel(), b.ravel()).statistic,
    "ssim": lambda a, b, _: ssim(a, b),
    "center_shift": lambda a, b, _: np.linalg.norm(center(a) - center(b)),
}
