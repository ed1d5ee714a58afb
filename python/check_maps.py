"""Networks, saliency maps and metrics after the definitions of the project, by TensorFlow, scipy and scikit-image.

For check_run.py. Nothing here is taken from the Go code; the noise of smooth_gradient follows the published description of
its generator.
"""

import functools

import numpy as np
import scipy.stats
import skimage.metrics
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import reference_math

BATCH = 100


class Network:
    """A SavedModel as TensorFlow loads it: images in pixel units -> scores as exported, and logits."""

    def __init__(self, model):
        loaded = tf.saved_model.load(model["path"])
        signature = loaded.signatures[model["signature"]]
        outputs = signature.structured_outputs
        output = list(outputs).index(model["output"]["name"]) if model["output"]["name"] else 0
        self.settings = model["input"]
        self.dtype = list(signature.structured_input_signature[1].values())[0].dtype
        frozen = convert_variables_to_constants_v2(signature)
        scores = frozen.outputs[output]
        source = scores.op
        while source.type == "Identity":
            source = source.inputs[0].op
        head = model["output"]["head"]
        self.softmax = head == "softmax" or head == "auto" and source.type == "Softmax"
        logits = source.inputs[0] if source.type == "Softmax" and self.softmax else scores
        self.call = frozen.prune(frozen.inputs[0], [scores, logits])
        self.loaded = loaded  # else its variables are freed

    def scores_and_logits(self, pixels):
        x = pixels * self.settings["scale"] + self.settings["offset"]
        if self.settings["layout"] == "NCHW":
            x = tf.transpose(x, [0, 3, 1, 2])
        scores, logits = self.call(tf.cast(x, self.dtype))
        return tf.cast(scores, tf.float32), tf.cast(logits, tf.float32)

    @tf.function(reduce_retracing=True)
    def gradient(self, pixels, classes, logit):
        """dS_c/dx; S_c is the logit or the probability.

        The softmax is differentiated in float64: near p_c = 1 its float32 gradient p_c (1 - p_c) has lost its digits.
        """
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            _, logits = self.scores_and_logits(pixels)
        chosen = tf.one_hot(classes, logits.shape[1], dtype=tf.float64)
        upstream = chosen
        if not logit:
            p = tf.nn.softmax(tf.cast(logits, tf.float64))
            upstream = tf.reduce_sum(p * chosen, axis=1, keepdims=True) * (chosen - p)
        return tape.gradient(logits, pixels, output_gradients=tf.cast(upstream, logits.dtype))

    @tf.function(reduce_retracing=True)
    def predict(self, pixels):
        scores, logits = self.scores_and_logits(pixels)
        return logits, scores if self.softmax else tf.nn.softmax(logits)

    def answers(self, pixels):
        """Logits and probabilities, n x K."""
        both = [self.predict(tf.constant(batch)) for batch in batches(pixels)]
        return np.concatenate([b[0] for b in both]), np.concatenate([b[1] for b in both])

    def maps(self, explanation, pixels, classes, ids):
        """Maps, n x H x W, and the L1 norms by which they were divided, n; 0 where the norm is."""
        explain = EXPLANATIONS[explanation["kind"]]
        parts = [
            explain(functools.partial(self.gradient, classes=c, logit=explanation["score"] == "logit"), explanation, x, i)
            for x, c, i in zip(batches(pixels), batches(classes), batches(ids))
        ]
        summed = np.abs(np.concatenate(parts)).sum(axis=3, dtype=np.float64)
        norm = summed.sum(axis=(1, 2))
        return summed / np.where(norm > 0, norm, 1)[:, None, None], norm


def batches(values):
    return [values[k : k + BATCH] for k in range(0, len(values), BATCH)]


def simple_gradient(gradient, _, x, __):
    return gradient(x).numpy()


def input_x_gradient(gradient, _, x, __):
    return x * gradient(x).numpy()


def integrated_gradients(gradient, settings, x, _):
    baseline = np.float32(settings["baseline"])
    steps = np.linspace(0, 1, settings["steps"], dtype=np.float32)
    mean = np.mean([gradient(baseline + a * (x - baseline)) for a in steps], axis=0, dtype=np.float64)
    return (x - baseline) * mean if settings["multiply_by_inputs"] else mean


def smooth_gradient(gradient, settings, x, ids):
    copies = [x + explanation_noise(ids, draw, x.shape[1:], settings["sigma"]) for draw in range(settings["samples"])]
    return np.mean([gradient(copy) for copy in copies], axis=0, dtype=np.float64)


def explanation_noise(ids, draw, shape, sigma):
    return np.stack([one_noise(int(image), draw, shape, sigma) for image in ids])


@functools.cache
def one_noise(image, draw, shape, sigma):
    stream = reference_math.Stream(0, "explanation", image, draw)
    return stream.normal(int(np.prod(shape)), sigma).astype(np.float32).reshape(shape)


EXPLANATIONS = {f.__name__: f for f in (simple_gradient, input_x_gradient, integrated_gradients, smooth_gradient)}


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
