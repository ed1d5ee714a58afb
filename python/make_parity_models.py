"""Write classifiers of many architectures as SavedModels, and what TensorFlow's Python says of their gradients.

    python make_parity_models.py OUT [--only NAME ...] [--jobs N]

OUT/<network> is a SavedModel with random weights; OUT/<network>.parquet has one row per explanation and image, and
OUT/networks.json the list: 1.4 GB in about three minutes. test/parity runs this and compares.

Random weights as they come leave nothing to compare: probabilities are uniform, and gradients vanish or explode. So the
statistics of the batch normalisations are set from random images, and the last layer is scaled until its logits have a
standard deviation of 2.
"""

import argparse
import functools
import gc
import json
import multiprocessing
import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from keras import layers

from parity_networks import CLASSES, NETWORKS
from parity_reference import Frozen, Saliency, error_of_second_order

IMAGES, CALIBRATION = 3, 16


def images(count, size, rng):
    """Grey levels with edges, shades and noise: coarse random blocks over finer ones."""
    total = np.zeros((count, size, size, 3))
    for blocks, weight in ((4, 0.5), (11, 0.3), (size, 0.2)):
        at = np.arange(size) * blocks // size
        total += weight * rng.uniform(0, 255, (count, blocks, blocks, 3))[:, at][:, :, at]
    return total.astype("float32")


def calibrate(net, x):
    """Gives a Keras model with random weights the statistics of a trained one."""
    everything = list(net._flatten_layers())
    norms = [l for l in everything if isinstance(l, layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
        # Most rectifiers open: the gradient of a deep network of random weights is chaotic otherwise.
        norm.beta.assign(np.random.default_rng(2).uniform(1, 2, norm.beta.shape))
    for scale in (l for l in everything if type(l).__name__ == "LayerScale"):
        scale.gamma.assign(np.random.default_rng(3).uniform(0.3, 0.7, scale.gamma.shape))
    if norms:
        net(x, training=True)
    head = [l for l in everything if getattr(l, "bias", None) is not None and l.bias.shape[-1] == CLASSES][-1]
    seen = []
    activation, head.activation = head.activation, lambda z: seen.append(z) or activation(z)
    net(x, training=False)
    head.activation = activation
    logits = np.reshape(seen[0], (len(x), CLASSES))
    factor = 2 / logits.std(0).mean()
    head.kernel.assign(head.kernel * factor)
    head.bias.assign((head.bias - logits.mean(0)) * factor)


def save(net, path, how):
    if how == "export":
        net.export(path, verbose=False)
    else:
        tf.saved_model.save(net, path)


def write(name, out):
    """Writes one network and its rows; returns its entry in the list."""
    # Collecting garbage while graphs grow costs a sixth of the time.
    gc.disable()
    build, size, how, explanations = NETWORKS[name]
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    path = os.path.join(out, name)
    shutil.rmtree(path, ignore_errors=True)
    x = images(CALIBRATION, size, rng)
    net = build(size)
    if isinstance(net, keras.Model):
        calibrate(net, x)
    save(net, path, how)
    keras.backend.clear_session()
    frozen = Frozen(path)
    rows = [row for kind in explanations for row in references(frozen, x[:IMAGES], kind, rng)]
    table = pa.Table.from_pylist([{"network": name, **row} for row in rows], SCHEMA)
    pq.write_table(table, path + ".parquet", compression="zstd")
    entry = {"Name": name, "Size": size, "Ops": frozen.ops(), "Head": frozen.head, "Unfit": frozen.unfit}
    del net, frozen
    gc.collect()
    return entry


SCHEMA = pa.schema(
    [("network", pa.string()), ("explanation", pa.string()), ("image", pa.int64()), ("class", pa.int64())]
    + [(c, pa.list_(pa.float32())) for c in ("pixels", "moved", "probabilities", "map")]
    + [(c + k, pa.list_(pa.float32())) for c in ("first", "second") for k in ("_single", "_double")]
    + [("distance", pa.float64()), ("error", pa.float64())]
)


def references(frozen, x, explanation, rng):
    """One row per image."""
    moved = (x + rng.normal(0, 4, x.shape)).astype("float32")
    # The class that the network is least sure of: a probability near 0 or 1 has no gradient to speak of.
    classes = np.argmin(abs(frozen.probabilities(x) - 0.5), 1)

    def gradients(network, dtype):
        with tf.Graph().as_default(), Saliency(network, dtype, x.shape, classes, explanation) as s:
            first = s.first_order(x)
            return *first, *s.second_order(moved, first[2])

    p, first, clean, distance, second = gradients(frozen.double, tf.float64)
    rows = [
        {
            "explanation": explanation, "image": i, "class": classes[i], "pixels": x[i].ravel(), "moved": moved[i].ravel(),
            "probabilities": p[i], "map": clean[i], "first_double": first[i].ravel(), "second_double": second[i].ravel(),
            "first_single": [], "second_single": [], "distance": distance[i], "error": -1,
        }
        for i in range(len(x))
    ]  # fmt: skip
    try:
        _, first, _, _, second = gradients(frozen.single, tf.float32)
    except (LookupError, tf.errors.OpError):
        if not frozen.unfit:
            raise
    else:
        for i, row in enumerate(rows):
            row.update(first_single=first[i].ravel(), second_single=second[i].ravel())
    if frozen.unfit:
        for row, error in zip(rows, differences(frozen, explanation, classes, moved, clean)):
            row["error"] = error
    return rows


def differences(frozen, explanation, classes, moved, clean):
    """Central differences judge what Python's float32 cannot; StopGradient, which they do not see, is ignored for that."""
    network = functools.partial(frozen.double, instead={"StopGradient": lambda node, x: x})
    with tf.Graph().as_default(), Saliency(network, tf.float64, moved.shape, classes, explanation) as s:
        return error_of_second_order(s, moved, clean, np.random.default_rng(4))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--only", nargs="*", default=list(NETWORKS))
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    # New processes now and then: TensorFlow does not give back the memory of a graph.
    with multiprocessing.get_context("spawn").Pool(args.jobs, maxtasksperchild=10) as pool:
        entries = pool.starmap(write, [(name, args.out) for name in args.only], chunksize=1)
    with open(os.path.join(args.out, "networks.json"), "w") as f:
        json.dump(entries, f, indent=1)


if __name__ == "__main__":
    main()
