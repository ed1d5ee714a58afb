"""Write classifiers of many architectures as SavedModels, and what TensorFlow's Python says of their gradients.

    python make_parity_models.py OUT [--only NAME ...] [--jobs N]

OUT/<network> is a SavedModel with random weights; OUT/<network>.parquet has one row per explanation and image, and
OUT/networks.json the list: 1.4 GB in about three minutes. test/parity runs this and compares.

The networks are those of parity_networks.py and parity_forms.py. Random weights as they come leave nothing to compare:
probabilities are uniform, and gradients vanish or explode. So the statistics of the batch normalisations are set from random
images, and the last layer is scaled until its logits have a standard deviation of 2.
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

import parity_forms
from parity_networks import NETWORKS
from parity_reference import Frozen, Saliency

# CANDIDATES are the images that also calibrate; IMAGES of them are compared.
# Jumps of STEADY need no better image.
IMAGES, CANDIDATES = 3, 12
STEADY = 1e-5


def images(count, shape, rng):
    """Grey levels with edges, shades and noise: coarse random blocks over finer ones."""
    size, _, channels = shape
    total = np.zeros((count, *shape))
    for blocks, weight in ((4, 0.5), (11, 0.3), (size, 0.2)):
        at = np.arange(size) * blocks // size
        total += weight * rng.uniform(0, 255, (count, blocks, blocks, channels))[:, at][:, :, at]
    return total.astype("float32")


def save(net, path, how):
    if how == "export":
        net.export(path, verbose=False)
    else:
        tf.saved_model.save(net, path)


def write(name, out):
    """Writes one network and its rows; returns its entry in the list."""
    # Collecting garbage while graphs grow costs a sixth of the time.
    gc.disable()
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    path = os.path.join(out, name)
    shutil.rmtree(path, ignore_errors=True)
    if name in NETWORKS:
        build, size, how, explanations = NETWORKS[name]
        x = images(CANDIDATES, (size, size, 3), rng)
        net = build(size)
        if isinstance(net, keras.Model):
            parity_forms.calibrate(net, x)
        save(net, path, how)
        loaded = tf.saved_model.load(path)  # which owns the variables
        frozen, options, half = Frozen(loaded.signatures["serving_default"]), {}, False
    else:
        form = parity_forms.FORMS[name]
        x = images(CANDIDATES, form.shape, rng)
        options, half, explanations = form.options, form.half, form.explanations
        # The references are made with the same network in its plainest form.
        loaded = tf.function(form.write(path, x), autograph=False)
        frozen = Frozen(loaded.get_concrete_function(tf.TensorSpec((None, *form.shape))), form.head)
    del loaded
    keras.backend.clear_session()
    rows = [row for kind in explanations for row in references(frozen, x, kind, rng)]
    table = pa.Table.from_pylist([{"network": name, **row} for row in rows], SCHEMA)
    pq.write_table(table, path + ".parquet", compression="zstd")
    entry = {
        "Name": name, "Ops": frozen.ops(), "Head": frozen.head, "Half": half, "Options": options, "Replaced": frozen.replaced,
    }  # fmt: skip
    del frozen
    gc.collect()
    return entry


SCHEMA = pa.schema(
    [("network", pa.string()), ("explanation", pa.string()), ("image", pa.int64()), ("class", pa.int64())]
    + [(c, pa.list_(pa.float32())) for c in ("pixels", "moved", "probabilities", "map")]
    + [(c + k, pa.list_(pa.float32())) for c in ("first", "second") for k in ("_single", "_double")]
    + [(c, pa.float64()) for c in ("distance", "jump", "error")]
)


def references(frozen, x, explanation, rng):
    """One row for each of IMAGES images, in float64 and in float32."""
    moved = (x + rng.normal(0, 4, x.shape)).astype("float32")
    # The class that the network is least sure of: a probability near 0 or 1 has no gradient to speak of.
    doubt = abs(frozen.probabilities(x) - 0.5)
    classes = np.argmin(doubt, 1)
    shape = (IMAGES, *x.shape[1:])
    with tf.Graph().as_default(), Saliency(frozen.evaluated, tf.float64, shape, explanation) as s:
        chosen = steady(s, x, moved, classes, np.argsort(doubt.min(1)))
    at = [c.pop("image") for c in chosen]
    with tf.Graph().as_default(), Saliency(frozen.single, tf.float32, shape, explanation) as s:
        single = s.gradients(x[at], moved[at], classes[at])
    errors = differences(frozen, explanation, moved[at], classes[at], chosen) if frozen.replaced else [-1] * IMAGES
    return [
        {
            "explanation": explanation, "image": i, "class": classes[i], "pixels": x[i].ravel(), "moved": moved[i].ravel(),
            "probabilities": c["probabilities"], "map": c["map"], "distance": c["distance"], "jump": c["jump"], "error": errors[k],
            "first_single": single["first"][k].ravel(), "second_single": single["second"][k].ravel(),
            "first_double": c["first"].ravel(), "second_double": c["second"].ravel(),
        }
        for k, (i, c) in enumerate(zip(at, chosen))
    ]  # fmt: skip


def steady(s, x, moved, classes, order):
    """The first IMAGES images, in this order, at which the float64 gradients do not jump, or those at which they do least.

    Where the input of a rectifier is within float32's rounding of 0, rounding decides whether it is open, and two
    implementations that are both right differ.
    """
    rng = np.random.default_rng(5)
    found = []
    for at in order[: len(order) // IMAGES * IMAGES].reshape(-1, IMAGES):
        values, jumps = s.jump(x[at], moved[at], classes[at], rng)
        for k, (i, jump) in enumerate(zip(at, jumps)):
            found.append({"image": i, "jump": jump, **{key: value[k] for key, value in values.items()}})
        found = sorted(found, key=lambda c: c["jump"] > STEADY and c["jump"])[:IMAGES]
        if found[-1]["jump"] <= STEADY:
            break
    return found


def differences(frozen, explanation, moved, classes, chosen):
    """What replaces an operation is judged by central differences; StopGradient, which they do not see, is ignored there."""
    network = functools.partial(frozen.evaluated, instead={"StopGradient": lambda node, x: x})
    with tf.Graph().as_default(), Saliency(network, tf.float64, moved.shape, explanation) as s:
        return s.error(moved, classes, np.stack([c["map"] for c in chosen]), np.random.default_rng(4))


def main(names):
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--only", nargs="*", default=names)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    # New processes now and then: TensorFlow does not give back the memory of a graph.
    with multiprocessing.get_context("spawn").Pool(args.jobs, maxtasksperchild=6) as pool:
        entries = pool.starmap(write, [(name, args.out) for name in args.only], chunksize=1)
    with open(os.path.join(args.out, "networks.json"), "w") as f:
        json.dump(entries, f, indent=1)


if __name__ == "__main__":
    main([*NETWORKS, *parity_forms.FORMS])
