"""Write the SavedModels that the tests of savedmodels/ open, and what Python's TensorFlow gets from them.

    python make_models_testdata.py --out ../savedmodels/testdata
    python make_models_testdata.py --applications DIR

Each model is a few KB, made by one function of the table MODELS. The images are grey levels 31 i mod 251.
"""

import argparse
import json
import os
import shutil

import keras
import numpy as np
import tensorflow as tf
from keras import layers

MODELS = {}


def model(shape, classes, want_head, softmax=False, batch=3, tolerance=1e-5, **options):
    """Puts a function that writes a SavedModel into the table. It returns a function from pixels to scores."""

    def register(write):
        MODELS[write.__name__] = (
            write,
            dict(Shape=shape, Classes=classes, WantHead=want_head, Softmax=softmax, Batch=batch, Tolerance=tolerance, **options),
        )
        return write

    return register


def refused(part, **options):
    """The same for a SavedModel that may not be opened: part of the error."""

    def register(write):
        MODELS[write.__name__] = (write, dict(Error=part, **options))
        return write

    return register


def images(batch, shape):
    n = batch * int(np.prod(shape))
    return (31 * np.arange(n) % 251).astype(np.float32).reshape(batch, *shape)


def small_cnn(shape=(8, 8, 3), classes=4, end="softmax", dtype=None):
    x = inputs = keras.Input(shape, name="image", dtype=dtype)
    x = layers.Rescaling(1 / 255.0)(x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(classes, end)(x), name="small")


@model([8, 8, 3], 4, "softmax", softmax=True)
def keras_export(path):
    net = small_cnn()
    net.export(path, verbose=False)
    return net


@model([8, 8, 3], 4, "logits")
def keras_logits(path):
    net = small_cnn(end=None)
    net.export(path, verbose=False)
    return net


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../savedmodels/testdata"))
    parser.add_argument("--applications", help="write keras.applications there instead")
    args = parser.parse_args()
    expected = []
    for name, (write, want) in MODELS.items():
        keras.utils.set_random_seed(1)
        path = os.path.join(args.out, name)
        shutil.rmtree(path, ignore_errors=True)
        scores = write(path)
        fingerprint = os.path.join(path, "fingerprint.pb")
        if os.path.exists(fingerprint):
            os.remove(fingerprint)
        want = dict(want, Name=name)
        if scores is not None:
            want["Scores"] = np.asarray(scores(images(want["Batch"], want["Shape"])), np.float64).ravel().tolist()
        expected.append(want)
    with open(os.path.join(args.out, "expected.json"), "w") as f:
        json.dump(expected, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
