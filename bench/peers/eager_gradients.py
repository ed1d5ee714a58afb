"""The authors' way: eager TensorFlow, nested tapes, one image at a time. Their clean maps are kept here, which theirs are not."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import protocol
import tensorflow as tf
from tensorflow_gradients import normalised


def build(task):
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(task.threads)
    model = tf.saved_model.load(task.saved_model)
    points = task.points() or [1.0]

    def mapped(x, label):
        total = 0.0
        for p in points:
            at = x * p
            with tf.GradientTape() as tape:
                tape.watch(at)
                y = model.serve(at)
                score = (y if task.softmax else tf.nn.softmax(y))[0, label]
            total += tape.gradient(score, at)
        return normalised(total)

    def compute(pixels, classes, reference):
        x, label = tf.constant(pixels), int(classes[0])
        if task.order == 1:
            return [mapped(x, label).numpy()]
        with tf.GradientTape() as tape:
            tape.watch(x)
            distance = tf.norm(mapped(x, label) - reference, axis=1)
        return [distance.numpy(), tape.gradient(distance, x).numpy()]

    return compute


if __name__ == "__main__":
    protocol.serve(build, {"tensorflow": tf.__version__})
