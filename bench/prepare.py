"""Makes what a gradient row works on: the network taken apart, images, classes and clean maps.

    python prepare.py TASK.json IMAGES_OF    # IMAGES_OF: cifar10 or mnist, enlarged where the network's images are larger

TASK.json is that of peers/protocol.py; its folders `network` and `images` are filled. Images of a task of second order have noise
of an L2 norm of 4.6 times the root of the number of values on them (255 at 32 x 32 x 3), as those of a run have.
"""

import glob
import io
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))

import numpy as np
import pyarrow.parquet as pq
import tensorflow as tf
import tensorflow_gradients
from PIL import Image


def pictures(dataset, shape, count):
    files = sorted(glob.glob(os.path.join(HERE, "..", "data", dataset, "fit-*.parquet")))
    rows = [row for f in files for row in pq.read_table(f).slice(0, count).to_pylist()][:count]
    opened = [Image.open(io.BytesIO(row["image"]["bytes"])) for row in rows]
    sized = [im if im.size == (shape[1], shape[0]) else im.resize((shape[1], shape[0]), Image.BICUBIC) for im in opened]
    return np.stack([np.asarray(im, np.float32).reshape(shape) for im in sized]), np.array([row["label"] for row in rows], np.int32)


def main():
    with open(sys.argv[1]) as f:
        task = json.load(f)
    shape, count, batch = task["shape"], task["count"], task["batch"]
    subprocess.run([sys.executable, os.path.join(HERE, "peers", "network.py"), task["saved_model"],
                    str(batch * points_of(task)), task["network"]], check=True)
    pixels, classes = pictures(sys.argv[2], shape, count)
    net = tensorflow_gradients.Network(task["saved_model"], batch * points_of(task))
    points = None if points_of(task) == 1 else [j / (points_of(task) - 1) for j in range(points_of(task))]

    @tf.function
    def answers(x):
        return net.probabilities(tf.tile(x, [points_of(task), 1, 1, 1]))[:batch]

    @tf.function
    def maps(x, classes):
        return tensorflow_gradients.normalised(net.explanation(x, classes, points)[0])

    parts = [slice(lo, lo + batch) for lo in range(0, count, batch)]
    predicted = np.concatenate([answers(tf.constant(pixels[p])).numpy() for p in parts])
    if predicted.shape[1] != 10:  # the labels are of other classes than the network's
        classes = predicted.argmax(1).astype(np.int32)
    reference = np.concatenate([maps(tf.constant(pixels[p]), tf.constant(classes[p])).numpy() for p in parts])
    if task["order"] == 2:
        noise = np.random.default_rng(0).normal(size=pixels.shape).astype(np.float32)
        norm = np.sqrt((noise**2).sum((1, 2, 3), keepdims=True))
        pixels = pixels + 4.6 * np.sqrt(pixels[0].size) * noise / norm
    os.makedirs(task["images"], exist_ok=True)
    for name, values, kind in (("pixels.f32", pixels, "<f4"), ("classes.i32", classes, "<i4"), ("reference.f32", reference, "<f4")):
        values.astype(kind).tofile(os.path.join(task["images"], name))
    task["softmax"] = net.graph_ends_in_softmax()
    with open(sys.argv[1], "w") as f:
        json.dump(task, f, indent=1)


def points_of(task):
    return 1 if task["explanation"]["kind"] == "simple_gradient" else task["explanation"]["settings"].get("steps", 10)


if __name__ == "__main__":
    main()
