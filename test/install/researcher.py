"""What a user brings: a folder of PNGs (three classes of stripes) and a Keras network that tells them apart, exported as it is.

    python researcher.py PICTURES NETWORK
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

SIDE, TRAIN, TEST = 24, 120, 60
random = np.random.default_rng(0)
keras.utils.set_random_seed(0)


def stripes(angle, images):
    """images x SIDE x SIDE x 3, 0..255: stripes of any phase across an angle, with noise."""
    y, x = np.mgrid[:SIDE, :SIDE]
    along = x * np.cos(angle) + y * np.sin(angle)
    wave = np.sin(along[None] + random.uniform(0, 2 * np.pi, (images, 1, 1)))
    noise = random.normal(0, 20, (images, SIDE, SIDE, 3))
    return np.clip(128 + 60 * wave[..., None] + noise, 0, 255).astype(np.uint8)


pictures, network = map(pathlib.Path, sys.argv[1:])
classes = {"across": 0.0, "along": np.pi / 2, "oblique": np.pi / 4}
data = {split: ([], []) for split in ("train", "test")}
for label, (name, angle) in enumerate(classes.items()):
    for split, count in (("train", TRAIN), ("test", TEST)):
        images = stripes(angle, count)
        data[split][0].extend(images)
        data[split][1].extend([label] * count)
        folder = pictures / split / name
        folder.mkdir(parents=True)
        for i, image in enumerate(images):
            (folder / f"{i}.png").write_bytes(tf.io.encode_png(image).numpy())

model = keras.Sequential([
    keras.Input((SIDE, SIDE, 3)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(8, 5, activation="relu"),
    keras.layers.MaxPooling2D(2),
    keras.layers.Conv2D(8, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(len(classes), activation="softmax"),
])
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(np.array(data["train"][0]), np.array(data["train"][1]), epochs=12, batch_size=32, verbose=0)
accuracy = model.evaluate(np.array(data["test"][0]), np.array(data["test"][1]), verbose=0)[1]
assert accuracy > 0.9, accuracy
model.export(network, verbose=False)
