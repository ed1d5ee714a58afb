"""Train the networks that savedmodels/ ships and export them with Keras.

    python train.py --data full --out ../savedmodels --work /tmp/train mnist_cnn cifar10_vgg

DATA holds mnist/ and cifar10/ as `upi import` writes them: train-*.parquet, and the test images as fit-*.parquet and
test-*.parquet. Each network is the plain result of `model.export()`; its accuracy and the settings that made it are
written beside it as <name>.json. Interrupted training goes on from the last epoch when the command is repeated.
"""

import argparse
import dataclasses
import glob
import io
import json
import os
import platform
import shutil
from typing import Callable

import keras
import numpy as np
import pyarrow.parquet as pq
import tensorflow as tf
from keras import layers
from PIL import Image

# Keeps p away from 1, where the float32 gradient of a softmax probability is rounding noise (Szegedy et al. 2016).
LABEL_SMOOTHING = 0.1
L2 = keras.regularizers.L2(5e-4)


def conv(x, filters, kernel=3, stride=1, activation="relu", depthwise=False):
    """Convolution, batch normalisation, activation."""
    if depthwise:
        x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, depthwise_regularizer=L2)(x)
    else:
        x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, kernel_regularizer=L2)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation(activation)(x) if activation else x


def mnist_mlp():
    return [
        layers.Flatten(),
        layers.Dense(256, "relu"),
        layers.Dropout(0.3),
        layers.Dense(128, "relu"),
        layers.Dropout(0.3),
        layers.Dense(10, "softmax"),
    ]


def mnist_cnn():
    return [
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(64, "relu"),
        layers.Dropout(0.3),
        layers.Dense(10, "softmax"),
    ]


def cifar10_vgg(activation="relu", dropout=True):
    def drop(x, rate):
        return layers.Dropout(rate)(x) if dropout else x

    def body(x):
        for i, filters in enumerate((32, 64, 128)):
            x = conv(x, filters, activation=activation)
            x = conv(x, filters, activation=activation)
            x = layers.MaxPooling2D()(x)
            x = drop(x, 0.1 + 0.1 * i)
        x = layers.Flatten()(x)
        x = layers.Dense(128, activation, kernel_regularizer=L2)(x)
        x = drop(x, 0.4)
        return layers.Dense(10, "softmax")(x)

    return body


def cifar10_vgg_softplus():
    """log(1 + exp(x)) wherever cifar10_vgg has a ReLU."""
    return cifar10_vgg("softplus")


def cifar10_vgg_adversarial():
    """Without dropout: a network as small as this one does not learn adversarial images by heart."""
    return cifar10_vgg(dropout=False)


def cifar10_resnet20():
    """He et al. 2016, section 4.2, n = 3, with projection shortcuts; ends in logits."""

    def body(x):
        x = conv(x, 16)
        for filters in (16, 32, 64):
            for block in range(3):
                stride = 2 if filters > 16 and block == 0 else 1
                y = conv(x, filters, stride=stride)
                y = conv(y, filters, activation=None)
                if stride != 1:
                    x = conv(x, filters, 1, stride, activation=None)
                x = layers.Activation("relu")(layers.Add()([x, y]))
        return layers.Dense(10, kernel_regularizer=L2)(layers.GlobalAveragePooling2D()(x))

    return body


def cifar10_mobilenetv2():
    """Inverted residuals of Sandler et al. 2018 with strides for 32 x 32 images; ends in a softmax."""

    def body(x):
        x = conv(x, 32, activation="relu6")
        for filters, stride, repeat in ((16, 1, 1), (24, 2, 2), (40, 2, 3), (80, 2, 2)):
            for i in range(repeat):
                y = conv(x, 4 * x.shape[-1], 1, activation="relu6")
                y = conv(y, None, 3, stride if i == 0 else 1, "relu6", depthwise=True)
                y = conv(y, filters, 1, activation=None)
                x = layers.Add()([x, y]) if x.shape == y.shape else y
        x = layers.GlobalAveragePooling2D()(conv(x, 256, 1, activation="relu6"))
        return layers.Dense(10, "softmax", kernel_regularizer=L2)(layers.Dropout(0.1)(x))

    return body


def cifar10_vit():
    """Pre-norm transformer encoder on the 8 x 8 tokens of a two-layer convolutional stem (Xiao et al. 2021)."""

    def body(x):
        x = conv(x, 48, activation="gelu", stride=2)
        x = conv(x, 96, activation="gelu", stride=2)
        tokens, width = x.shape[1] * x.shape[2], x.shape[-1]
        x = layers.Reshape((tokens, width))(x)
        x = Positions()(x)
        for _ in range(5):
            y = layers.LayerNormalization(epsilon=1e-6)(x)
            x = layers.Add()([x, layers.MultiHeadAttention(3, width // 3)(y, y)])
            y = layers.LayerNormalization(epsilon=1e-6)(x)
            y = layers.Dense(2 * width, "gelu")(y)
            x = layers.Add()([x, layers.Dense(width)(y)])
        x = layers.LayerNormalization(epsilon=1e-6)(x)
        return layers.Dense(10)(layers.GlobalAveragePooling1D()(x))

    return body


class Positions(layers.Layer):
    """Adds a learned vector to each token."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], initializer=keras.initializers.RandomNormal(stddev=0.02))

    def call(self, x):
        return x + self.table


class Adversarial(keras.Model):
    """Learns from images that one step of the sign of the gradient has moved, from a random start: the fast adversarial training of
    Wong, Rice and Kolter 2020. Every pixel moves by at most `radius` grey levels."""

    radius = 0.0

    def train_step(self, data):
        images, labels = data
        images = tf.cast(images, tf.float32)
        low, high = tf.maximum(images - self.radius, 0.0), tf.minimum(images + self.radius, 255.0)
        start = tf.clip_by_value(images + tf.random.uniform(tf.shape(images), -self.radius, self.radius), low, high)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(start)
            loss = keras.losses.categorical_crossentropy(labels, self(start, training=False))
        step = 1.25 * self.radius * tf.sign(tape.gradient(loss, start))
        return super().train_step((tf.clip_by_value(start + step, low, high), labels))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    body: Callable
    epochs: tuple  # of each cycle: a further one starts warm, at half the rate of the one before (Loshchilov and Hutter 2017)
    peak: float  # learning rate
    optimiser: str
    batch: int = 128
    radius: float = 0.0  # of adversarial training, in grey levels
    start: str | None = None  # the shipped network whose weights it starts from; None: random ones
    # Convolutions and products in bfloat16, on processors with units for it; the network that is written is in float32.
    bfloat16: bool = False


NETWORKS = {
    "mnist_mlp": Recipe(mnist_mlp, (20,), 1e-3, "adam"),
    "mnist_cnn": Recipe(mnist_cnn, (8,), 1e-3, "adam"),
    "cifar10_vgg": Recipe(cifar10_vgg, (16,), 0.1, "sgd"),
    "cifar10_resnet20": Recipe(cifar10_resnet20, (14,), 0.2, "sgd"),
    "cifar10_mobilenetv2": Recipe(cifar10_mobilenetv2, (14,), 0.15, "sgd"),
    "cifar10_vit": Recipe(cifar10_vit, (18, 10), 1.5e-3, "adamw"),
    "cifar10_vgg_adversarial": Recipe(cifar10_vgg_adversarial, (2,), 0.05, "sgd", 64, radius=8.0, start="cifar10_vgg", bfloat16=True),
    "cifar10_vgg_softplus": Recipe(cifar10_vgg_softplus, (1,), 0.05, "sgd", 64, start="cifar10_vgg"),
}


def load(folder, splits):
    """Images (n, h, w, c) uint8 and labels (n,) of the named splits."""
    images, labels = [], []
    for split in splits:
        paths = sorted(glob.glob(os.path.join(folder, split + "-*.parquet")))
        if not paths:
            raise SystemExit(f"{folder}: no {split}-*.parquet; run `upi import` first")
        for path in paths:
            table = pq.read_table(path, columns=["image", "label"])
            for image in table["image"].to_pylist():
                pixels = np.asarray(Image.open(io.BytesIO(image["bytes"])))
                images.append(pixels if pixels.ndim == 3 else pixels[..., None])
            labels.append(table["label"].to_numpy())
    return np.stack(images), np.concatenate(labels)


def augment(image, label):
    """Random flip and a crop of 32 x 32 out of the image padded by 4."""
    image = tf.image.random_flip_left_right(image)
    image = tf.pad(image, [[4, 4], [4, 4], [0, 0]], "REFLECT")
    return tf.image.random_crop(image, (32, 32, 3)), label


def start_from(model, path):
    """Gives a network the weights of the SavedModel of one with the same layers."""
    saved = tf.saved_model.load(path)
    for own, others in (
        (model.trainable_weights, saved.trainable_variables),
        (model.non_trainable_weights, [v for v in saved.non_trainable_variables if v.dtype.is_floating]),
    ):
        if [tuple(w.shape) for w in own] != [tuple(v.shape) for v in others]:
            raise SystemExit(f"{path}: its weights are not those of {model.name}")
        for w, v in zip(own, others):
            w.assign(v)


def train(name, data, out, work):
    recipe = NETWORKS[name]
    batch = recipe.batch
    dataset = name.split("_")[0]
    keras.utils.set_random_seed(0)
    images, labels = load(os.path.join(data, dataset), ["train"])
    images_test, labels_test = load(os.path.join(data, dataset), ["fit", "test"])

    inputs = keras.Input(images.shape[1:], name="image")
    mean, std = (0.0, 255.0) if dataset == "mnist" else (120.7, 61.0)
    x = layers.Rescaling(1 / std, -mean / std)(inputs)
    built = recipe.body()
    if callable(built):
        outputs = built(x)
    else:
        for layer in built:
            x = layer(x)
        outputs = x
    model = keras.Model(inputs, outputs, name=name)
    learner = model
    if recipe.radius:
        learner = Adversarial(inputs, outputs)
        learner.radius = recipe.radius
    if recipe.start:
        start_from(model, os.path.join(out, recipe.start))
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": recipe.bfloat16})

    loss = keras.losses.CategoricalCrossentropy(
        from_logits=model.layers[-1].activation.__name__ != "softmax", label_smoothing=LABEL_SMOOTHING
    )
    dataset_train = tf.data.Dataset.from_tensor_slices((images, np.eye(10, dtype="float32")[labels])).shuffle(len(images), seed=0)
    if dataset == "cifar10":
        dataset_train = dataset_train.map(augment, num_parallel_calls=1)
    dataset_train = dataset_train.batch(batch, drop_remainder=True).prefetch(4)

    for cycle, n in enumerate(recipe.epochs):
        finished = os.path.join(work, f"{name}-{cycle}.weights.h5")
        if os.path.exists(finished):
            model.load_weights(finished)
            continue
        rate = recipe.peak / 2**cycle
        steps = len(images) // batch * n
        schedule = keras.optimizers.schedules.CosineDecay(rate / 20, steps - steps // 5, warmup_target=rate, warmup_steps=steps // 5)
        learner.compile(
            optimizer={
                "adam": lambda: keras.optimizers.Adam(schedule),
                "adamw": lambda: keras.optimizers.AdamW(schedule, weight_decay=0.05),
                "sgd": lambda: keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
            }[recipe.optimiser](),
            loss=loss,
            metrics=["accuracy"],
        )
        backup = keras.callbacks.BackupAndRestore(os.path.join(work, f"{name}-{cycle}"))
        learner.fit(dataset_train, epochs=n, verbose=2, callbacks=[backup])
        model.save_weights(finished)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": False})
    model.compile(loss=loss, metrics=["accuracy"])
    accuracy = model.evaluate(images_test, np.eye(10)[labels_test], batch_size=500, verbose=0)[1]

    target = os.path.join(out, name)
    shutil.rmtree(target, ignore_errors=True)
    model.export(target)
    with open(target + ".json", "w") as f:
        json.dump(
            {
                "test_accuracy": round(float(accuracy), 4),
                "test_images": len(labels_test),
                "train_images": len(labels),
                "parameters": model.count_params(),
                "epochs": list(recipe.epochs),
                "batch": batch,
                "optimizer": recipe.optimiser,
                "peak_learning_rate": recipe.peak,
                "label_smoothing": LABEL_SMOOTHING,
                "adversarial_radius": recipe.radius,
                "start": recipe.start,
                "training_precision": "bfloat16" if recipe.bfloat16 else "float32",
                "seed": 0,
                "command": f"python python/train.py --data DATA --out savedmodels --work WORK {name}",
                "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
            },
            f,
            indent=2,
        )
        f.write("\n")
    print(name, "test accuracy", accuracy, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("names", nargs="+", choices=NETWORKS)
    args = parser.parse_args()
    for network in args.names:
        train(network, args.data, args.out, args.work)
