"""Measure how many of the 1,000 images in data/cifar10/test-*.parquet networks classify right: as they are, and when each has been attacked.

    python python/robustness.py savedmodels/cifar10_vgg savedmodels/cifar10_vgg_adversarial savedmodels/cifar10_vgg_softplus

The attacks climb the cross-entropy within RADIUS grey levels of each pixel and within 0..255: FGSM, one step of the whole radius
along the sign of the gradient, and PGD-10, ten steps of a quarter of it from a random start (Madry et al. 2018). Networks are read
as they are shipped, as SavedModels. The counts go into the record <network>.json, under "robustness", with their 95 % intervals
(Wilson).
"""

import argparse
import json
import math
import os

import numpy as np
import tensorflow as tf
from train import load

RADIUS = 8.0
STEPS = 10
BATCH = 250


def interval(right, images):
    """Wilson's 95 % interval of a share."""
    z, p = 1.96, right / images
    middle = p + z * z / (2 * images)
    half = z * math.sqrt(p * (1 - p) / images + z * z / (4 * images * images))
    return [round((middle + sign * half) / (1 + z * z / images), 4) for sign in (-1, 1)]


class Attacked:
    """A network under attack. Images are float32 (n, h, w, c) in grey levels, labels (n,)."""

    def __init__(self, path):
        self.loaded = tf.saved_model.load(path)  # else its variables are freed
        self.network = self.loaded.serve
        self.ascend = tf.function(self.ascend_eagerly, reduce_retracing=True)

    def right(self, images, labels):
        return int(np.sum(np.argmax(self.network(images), -1) == labels))

    def ascend_eagerly(self, images, labels, low, high, step):
        """One step of the length step along the sign of the gradient of the cross-entropy."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            probabilities = tf.gather(self.network(images), labels, batch_dims=1)
            loss = -tf.math.log(tf.maximum(probabilities, 1e-30))
        return tf.clip_by_value(images + step * tf.sign(tape.gradient(loss, images)), low, high)

    def fgsm(self, images, labels, _):
        low, high = ball(images)
        return self.ascend(images, labels, low, high, tf.constant(RADIUS))

    def pgd(self, images, labels, random):
        low, high = ball(images)
        moved = tf.clip_by_value(images + random.uniform(-RADIUS, RADIUS, images.shape).astype("float32"), low, high)
        for _ in range(STEPS):
            moved = self.ascend(moved, labels, low, high, tf.constant(RADIUS / 4))
        return moved


def ball(images):
    return np.maximum(images - RADIUS, 0), np.minimum(images + RADIUS, 255)


def measure(path, images, labels):
    attacked = Attacked(path)
    found = {"radius": RADIUS, "images": len(labels)}
    random = np.random.default_rng(0)
    for name, attack in (("clean", lambda x, *_: x), ("fgsm", attacked.fgsm), (f"pgd_{STEPS}", attacked.pgd)):
        right = 0
        for at in range(0, len(labels), BATCH):
            x, y = images[at : at + BATCH], labels[at : at + BATCH]
            right += attacked.right(attack(x, y, random), y)
        found[name] = {"right": right, "accuracy": right / len(labels), "interval": interval(right, len(labels))}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    args = parser.parse_args()
    images, labels = load(os.path.join("data", "cifar10"), ["test"])
    images = images.astype("float32")
    for path in args.networks:
        found = measure(path, images, labels)
        with open(path + ".json") as f:
            record = json.load(f)
        record["robustness"] = found
        with open(path + ".json", "w") as f:
            json.dump(record, f, indent=2)
            f.write("\n")
        print(path, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
