"""Reference values of maps and of the dissimilarity's gradient, by TensorFlow's own nested GradientTape.

    python python/reference_saliency.py

Loads the SavedModels as they are, explains a few shipped test images by each kind of explanation, and writes
savedmodels/saliency/testdata/reference.parquet: per image the noise that was added, the clean map, the distance of the
two maps and its gradient with respect to the perturbed image. Nothing here comes from the Go code.
"""

import io
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
IMAGES = 2
STEPS, SAMPLES, SIGMA = 5, 3, 20.0


def load_images(dataset):
    table = pq.read_table(os.path.join(ROOT, "data", dataset, "test-00000-of-00002.parquet")).slice(0, IMAGES)
    pixels = [np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in table["image"].to_pylist()]
    pixels = [p if p.ndim == 3 else p[..., None] for p in pixels]
    return np.stack(pixels).astype("float32"), table["label"].to_numpy()


def score_function(model, kind):
    """x -> S, (n,), with a class per image; the exported signature ends in a softmax, so logits are its logarithm."""

    def score(x, classes):
        p = model.serve(x)
        picked = tf.gather(p, classes, batch_dims=1)
        return picked if kind == "probability" else tf.math.log(picked)

    return score


def explain(kind, score, x, classes, noise):
    def gradient(points):
        with tf.GradientTape() as tape:
            tape.watch(points)
            total = tf.reduce_sum(score(points, classes))
        return tape.gradient(total, points)

    if kind == "simple_gradient":
        return gradient(x)
    if kind == "input_x_gradient":
        return x * gradient(x)
    if kind == "integrated_gradients":
        return tf.add_n([gradient(x * (j / (STEPS - 1))) for j in range(STEPS)]) / STEPS
    if kind == "smooth_gradient":
        return tf.add_n([gradient(x + noise[k]) for k in range(SAMPLES)]) / SAMPLES
    raise ValueError(kind)


def saliency_map(explanation):
    channels = tf.reduce_sum(tf.abs(explanation), axis=-1)
    flat = tf.reshape(channels, (channels.shape[0], -1))
    return flat / tf.reduce_sum(flat, axis=1, keepdims=True)


def main():
    rows = []
    for name, dataset in (("mnist_cnn", "mnist"), ("cifar10_vgg", "cifar10")):
        model = tf.saved_model.load(os.path.join(ROOT, "savedmodels", name))
        images, labels = load_images(dataset)
        rng = np.random.default_rng(0)
        z = rng.normal(size=images.shape).astype("float32")
        z *= 255 / np.sqrt((z**2).sum(axis=(1, 2, 3), keepdims=True))
        noise = (SIGMA * rng.normal(size=(SAMPLES, *images.shape))).astype("float32")
        x, classes = tf.constant(images), tf.constant(labels, tf.int32)
        for kind in ("simple_gradient", "integrated_gradients", "smooth_gradient", "input_x_gradient"):
            score = score_function(model, "probability")
            clean = saliency_map(explain(kind, score, x, classes, noise))
            perturbed = x + z
            with tf.GradientTape() as tape:
                tape.watch(perturbed)
                moved = saliency_map(explain(kind, score, perturbed, classes, noise))
                distance = tf.norm(moved - clean, axis=1)
            gradient = tape.gradient(distance, perturbed)
            for i in range(IMAGES):
                rows.append(
                    {
                        "model": name,
                        "explanation": kind,
                        "image": i,
                        "class": int(labels[i]),
                        "pixels": images[i].ravel(),
                        "moved": (images[i] + z[i]).ravel(),
                        "noise": noise[:, i].reshape(SAMPLES, -1).ravel() if kind == "smooth_gradient" else [],
                        "map": clean[i].numpy(),
                        "distance": float(distance[i]),
                        "gradient": gradient[i].numpy().ravel(),
                    }
                )
    schema = pa.schema(
        [("model", pa.string()), ("explanation", pa.string()), ("image", pa.int64()), ("class", pa.int64())]
        + [(c, pa.list_(pa.float32())) for c in ("pixels", "moved", "noise", "map")]
        + [("distance", pa.float64()), ("gradient", pa.list_(pa.float32()))]
    )
    target = os.path.join(ROOT, "savedmodels", "saliency", "testdata", "reference.parquet")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), target, compression="zstd")


if __name__ == "__main__":
    main()
