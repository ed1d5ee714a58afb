"""Make a SavedModel whose units are all dead on dark images, where its logits are constants: it has no map there.

    python dark.py DIR
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf


class Dark(tf.Module):
    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        # A unit is alive on images that are brighter on average than its threshold, 0..1; the first threshold is the lowest.
        self.patterns = tf.Variable(rng.uniform(0.5, 1.5, [28 * 28, 16]).astype(np.float32) / (28 * 28 * 255))
        self.thresholds = tf.Variable(np.linspace(0.1, 0.2, 16).astype(np.float32))
        self.weights = tf.Variable(rng.normal(0, 20, [16, 10]).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1], tf.float32)])
    def __call__(self, images):
        alive = tf.nn.relu(tf.reshape(images, [-1, 28 * 28]) @ self.patterns - self.thresholds)
        return {"logits": alive @ self.weights + tf.constant([2.0] + [-1.0] * 9)}


dark = Dark()
tf.saved_model.save(dark, sys.argv[1], signatures=dark.__call__)
