"""Write SavedModels that take their images in other forms than [B, H, W, C] in pixel units, and what Python gets from them.

    python make_inputs_testdata.py --out ../savedmodels/testdata/inputs

As make_models_testdata.py, for the tests of savedmodels/.
"""

import argparse
import os

import numpy as np
import tensorflow as tf
from keras.applications.imagenet_utils import preprocess_input

import make_models_testdata
from make_models_testdata import MODELS, SMALL, edit, model, refused, save

MODELS.clear()  # the other script's
COLOUR = [4, 4, 3]


class Dense(tf.Module):
    """Scores of flattened images in 3 classes by one matrix."""

    def __init__(self, values=32, dtype=tf.float32):
        super().__init__()
        rng = np.random.default_rng(3)
        self.kernel = tf.Variable(rng.normal(0, 0.01, (values, 3)), dtype=dtype, name="kernel")
        self.bias = tf.Variable(rng.normal(0, 1, 3), dtype=dtype, name="bias")

    def logits(self, x):
        return tf.reshape(x, [-1, self.kernel.shape[0]]) @ self.kernel + self.bias


def spec(*shape, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype, name="image")


@model([4, 8, 1], 3, "logits")
def grey(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 4, 8))
    return lambda image: m.logits(image[..., 0])


@model(SMALL, 3, "logits")
def flat(path):
    m = Dense()
    return save(path, m, m.logits, spec(None, 32))


@model(SMALL, 3, "logits", Layout="NCHW")
def flat_channels_first(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 32))
    return lambda image: m.logits(tf.transpose(image, [0, 3, 1, 2]))


@model([8, 6, 3], 3, "logits")
def one_image(path):
    m = Dense(144)
    return save(path, m, lambda image: tf.reshape(m.logits(image), [3]), spec(8, 6, 3)) and m.logits


@model([8, 6, 3], 3, "softmax", softmax=True)
def one_image_softmax(path):
    m = Dense(144)
    save(path, m, lambda image: tf.nn.softmax(m.logits(image / 100))[0], spec(8, 6, 3))
    return lambda image: tf.nn.softmax(m.logits(image / 100))


@model([2, 4, 5], 3, "logits", Scale=[1, 0.5, 2, 1 / 255, 3], Offset=[0, 1, -2, 0.25, 9])
def five_channels(path):
    m = Dense(40)
    save(path, m, m.logits, spec(None, 2, 4, 5))
    return lambda image: m.logits(image * np.float32([1, 0.5, 2, 1 / 255, 3]) + np.float32([0, 1, -2, 0.25, 9]))


@model([2, 4, 4], 3, "logits", Scale=1 / 255)
def four_channels(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 2, 4, 4))
    return lambda image: m.logits(image / 255)


@model(COLOUR, 3, "logits", Channels="bgr", Scale=[0.5, 1, 2], Offset=[1, 2, 3], Layout="NCHW")
def blue_first(path):
    m = Dense(48)
    f = lambda image: m.logits(tf.tanh(image / 100))
    save(path, m, f, spec(None, 3, 4, 4))
    return lambda image: f(tf.transpose(image[..., ::-1] * np.float32([0.5, 1, 2]) + np.float32([1, 2, 3]), [0, 3, 1, 2]))


def convention(mode):
    def write(path):
        m = Dense(48)
        save(path, m, m.logits, spec(None, 4, 4, 3))
        return lambda image: m.logits(preprocess_input(image.copy(), data_format="channels_last", mode=mode))

    write.__name__ = mode
    model(COLOUR, 3, "logits", Convention=mode)(write)


for mode in ["caffe", "tf", "torch"]:
    convention(mode)


@model([9, 7, 3], 3, "logits")
def open_height_and_width(path):
    m = Dense(3)
    return save(path, m, lambda image: m.logits(tf.reduce_max(image, [1, 2])), spec(None, None, None, 3))


@model(COLOUR, 3, "logits", Scale=0.25)
def bytes_joined(path):
    m = Dense(96)

    def f(image):
        twice = tf.concat([image, image[..., ::-1]], -1)
        return m.logits(tf.image.convert_image_dtype(twice, tf.float32))

    save(path, m, f, spec(None, 4, 4, 3, dtype=tf.uint8))
    # Grey levels are fed with their fractions, which a cast to uint8 would cut off.
    return lambda image: m.logits(tf.concat([image, image[..., ::-1]], -1) * 0.25 / 255)


@model(SMALL, 3, "logits")
def all_defaults(path):
    """A frozen trainer of TensorFlow 1: every input has a default, the image too."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder_with_default(tf.zeros([1, 4, 4, 2]), [None, 4, 4, 2], "image")
        keep = tf.compat.v1.placeholder_with_default(1.0, [], "keep_prob")
        training = tf.compat.v1.placeholder_with_default(False, [], "training")
        kernel = tf.compat.v1.get_variable("kernel", (32, 3), initializer=tf.random_normal_initializer(), use_resource=True)
        gain = tf.cond(training, lambda: 2.0, lambda: 3.0)
        logits = tf.reshape(image, [-1, 32]) @ kernel * keep * gain
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, path, {"a": keep, "b": training, "image": image}, {"scores": logits})
        value = session.run(kernel)
    return lambda image: image.reshape(-1, 32) @ value * 3


@model(SMALL, 3, "logits")
def defaults_of_the_signature(path):
    """TensorFlow 2's: defaults stand in the signature, the image has one as well."""
    m = Dense()
    f = tf.function(lambda gain, image, shift: m.logits(image * gain) + shift)
    signature = f.get_concrete_function(tf.TensorSpec([], name="gain"), spec(None, 4, 4, 2), tf.TensorSpec([3], name="shift"))
    tf.saved_model.save(m, path, signature)

    def give(d):
        for name, value in {"gain": 2.0, "shift": [1.0, 2.0, 3.0], "image": np.zeros((1, 4, 4, 2), np.float32)}.items():
            d["serving_default"].defaults[name].CopyFrom(tf.make_tensor_proto(value))

    edit(path, give)
    return lambda image: m.logits(image * 2) + [1, 2, 3]


@refused("leaves the image's size open", Shape=[0, 0, 0])
def flat_open(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 32))


@refused("takes 32 values, an image of the declared shape [4 4 3] has 48", Shape=[4, 4, 3])
def flat_other(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 32))


@refused("channels bgr needs images of 3 channels", Channels="bgr")
def blue_of_two(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 4, 4, 2))


@refused("input.offset has 3 numbers for images of 2 channels", Offset=[1, 2, 3])
def three_offsets(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 4, 4, 2))


@refused("rank 5")
def volume(path):
    m = Dense()
    save(path, m, m.logits, spec(None, 2, 2, 4, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../savedmodels/testdata/inputs"))
    make_models_testdata.write_models(MODELS, parser.parse_args().out)
