"""The architectures that make_parity_models.py writes: classifiers of images in pixel units, with random weights.

NETWORKS holds, by name, the function that makes it, the images' side, how it is saved, and how it is explained.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

CLASSES = 10
NETWORKS = {}


def network(size, save="export", explanations=()):
    """Puts a function that returns a classifier of size x size x 3 images into the table, by its name."""

    def register(build):
        NETWORKS[build.__name__] = (build, size, save, ("simple_gradient", *explanations))
        return build

    return register


def application(name, size, low, high, explanations=()):
    """An architecture of keras.applications that takes pixels scaled to low..high."""

    def build(size):
        inputs = keras.Input((size, size, 3))
        scaled = layers.Rescaling((high - low) / 255, low)(inputs) if (low, high) != (0, 255) else inputs
        net = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=CLASSES)
        return keras.Model(inputs, net(scaled))

    build.__name__ = name
    network(size, explanations=explanations)(build)


# Small images, but not so small that the middle of the network sees single pixels. The slowest come first.
for row in (
    ("NASNetMobile", 64, -1, 1),
    ("DenseNet121", 64, -1, 1),
    ("ConvNeXtTiny", 64, 0, 255),
    ("EfficientNetV2B0", 64, 0, 255),
    ("EfficientNetB0", 64, 0, 255),
    ("InceptionV3", 75, -1, 1),
    ("ResNet50", 64, -1, 1),
    ("ResNet50V2", 64, -1, 1),
    ("VGG16", 32, -1, 1),
    ("Xception", 71, -1, 1),
    ("MobileNet", 64, -1, 1),
    ("MobileNetV2", 64, -1, 1, ("integrated_gradients", "input_x_gradient")),
    ("MobileNetV3Small", 64, 0, 255),
):
    application(*row)


def classifier(inputs, x):
    return keras.Model(inputs, layers.Dense(CLASSES, "softmax")(layers.GlobalAveragePooling2D()(x)))


def pixels(size):
    inputs = keras.Input((size, size, 3))
    return inputs, layers.Rescaling(1 / 127.5, -1)(inputs)


def activation_network(name, activation):
    def build(size):
        inputs, x = pixels(size)
        # Large enough for both ends of a relu6 and of a hard swish.
        large = keras.initializers.VarianceScaling(16)
        for width in (8, 16, 16):
            x = layers.Conv2D(width, 3, padding="same", strides=width // 8, kernel_initializer=large)(x)
            x = layers.Activation(activation)(x)
        return classifier(inputs, x)

    build.__name__ = "activation_" + name
    network(12)(build)


for name, activation in {
    "relu": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "gelu_erf": lambda x: ops.gelu(x, approximate=False),
    "gelu_tanh": lambda x: ops.gelu(x, approximate=True),
    "swish": "silu",
    "hard_swish": "hard_silu",
    "softplus": "softplus",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "mish": "mish",
}.items():
    activation_network(name, activation)


def transformer(x, attend, width, approximate):
    """One block on tokens: attention, then two dense layers, each around a shortcut and after a LayerNorm."""
    x = layers.Add()([x, attend(layers.LayerNormalization(epsilon=1e-6)(x))])
    y = layers.Dense(2 * width)(layers.LayerNormalization(epsilon=1e-6)(x))
    y = layers.Activation(lambda v: ops.gelu(v, approximate=approximate))(y)
    return layers.Add()([x, layers.Dense(width)(layers.Dropout(0.1)(y))])


@keras.saving.register_keras_serializable("parity")
class Positions(layers.Layer):
    """Adds a learned vector to each token."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal", name="table")

    def call(self, x):
        return x + self.table


@network(32, explanations=("integrated_gradients", "input_x_gradient"))
def vit(size):
    inputs, x = pixels(size)
    x = layers.Reshape((-1, 48))(layers.Conv2D(48, 4, strides=4)(x))
    x = Positions()(x)
    for approximate in (False, True):
        x = transformer(x, lambda v: layers.MultiHeadAttention(4, 12)(v, v), 48, approximate)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(CLASSES, "softmax")(x))


class WindowAttention(layers.Layer):
    """Attention within windows of a map that is rolled by shift, with a bias by relative position (Swin)."""

    def __init__(self, side, window, shift, heads):
        super().__init__()
        self.side, self.window, self.shift, self.heads = side, window, shift, heads

    def build(self, shape):
        width, w = shape[-1], self.window
        normal = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.mixed = self.add_weight(shape=(width, 3, self.heads, width // self.heads), initializer=normal, name="mixed")
        self.out = self.add_weight(shape=(self.heads, width // self.heads, width), initializer=normal, name="out")
        self.bias = self.add_weight(shape=((2 * w - 1) ** 2, self.heads), initializer="random_normal", name="bias")
        at = np.stack(np.meshgrid(range(w), range(w), indexing="ij"), -1).reshape(-1, 2)
        apart = at[:, None] - at[None] + w - 1
        self.relative = (apart[..., 0] * (2 * w - 1) + apart[..., 1]).ravel()
        # Tokens that the roll made neighbours do not see each other.
        region = np.zeros((self.side, self.side))
        if self.shift:
            cuts = (slice(0, -w), slice(-w, -self.shift), slice(-self.shift, None))
            for i, a in enumerate(cuts):
                for j, b in enumerate(cuts):
                    region[a, b] = 3 * i + j
        region = self.partition(region[None, ..., None], np).reshape(-1, w * w)
        self.mask = np.where(region[:, None] == region[:, :, None], 0.0, -100.0).astype("float32")

    def partition(self, x, library=ops):
        n, w = self.side // self.window, self.window
        x = library.reshape(x, (-1, n, w, n, w, x.shape[-1]))
        return library.reshape(library.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, n * n, w * w, x.shape[-1]))

    def call(self, x):
        n, w, width = self.side // self.window, self.window, x.shape[-1]
        x = ops.roll(ops.reshape(x, (-1, self.side, self.side, width)), (-self.shift, -self.shift), (1, 2))
        mixed = ops.einsum("bntc,cqhd->qbnhtd", self.partition(x), self.mixed)
        q, k, v = mixed[0] * (width / self.heads) ** -0.5, mixed[1], mixed[2]
        bias = ops.reshape(ops.take(self.bias, self.relative, axis=0), (w * w, w * w, self.heads))
        scores = ops.einsum("bnhtd,bnhsd->bnhts", q, k) + ops.transpose(bias, (2, 0, 1)) + self.mask[:, None]
        x = ops.einsum("bnhtd,hdc->bntc", ops.einsum("bnhts,bnhsd->bnhtd", ops.softmax(scores), v), self.out)
        x = ops.transpose(ops.reshape(x, (-1, n, n, w, w, width)), (0, 1, 3, 2, 4, 5))
        x = ops.roll(ops.reshape(x, (-1, self.side, self.side, width)), (self.shift, self.shift), (1, 2))
        return ops.reshape(x, (-1, self.side**2, width))


@network(32, save="saved_model")
def swin(size):
    inputs, x = pixels(size)
    side, width = size // 4, 24
    x = layers.LayerNormalization()(layers.Reshape((side**2, width))(layers.Conv2D(width, 4, strides=4)(x)))
    for stage in range(2):
        for shift in (0, 2):
            x = transformer(x, WindowAttention(side, 4, shift, 3), width, approximate=bool(shift))
        if stage == 0:
            # Patch merging: four neighbours become one token.
            x = layers.Reshape((side // 2, 2, side // 2, 2 * width))(x)
            side, width = side // 2, 2 * width
            x = layers.Reshape((side**2, 2 * width))(layers.Permute((1, 3, 2, 4))(x))
            x = layers.Dense(width, use_bias=False)(layers.LayerNormalization()(x))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


class Plain(tf.Module):
    """Layers written with tf.nn alone, among them those that Keras does not use."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        he = lambda *shape: tf.Variable(rng.normal(0, np.prod(shape[:-1]) ** -0.5, shape), dtype=tf.float32)
        self.first, self.second, self.back = he(5, 5, 3, 16), he(3, 3, 16, 1), he(3, 3, 12, 16)
        self.norm = [tf.Variable(rng.uniform(0.5, 1.5, 16), dtype=tf.float32) for _ in range(4)]
        self.kernel, self.bias = he(12, CLASSES), tf.Variable(tf.zeros(CLASSES))
        self.kernel.assign(self.kernel * 10)

    @tf.function(input_signature=[tf.TensorSpec([None, 24, 24, 3], tf.float32, name="image")])
    def __call__(self, image):
        x = tf.nn.conv2d(image / 127.5 - 1, self.first, 2, [[0, 0], [1, 2], [2, 1], [0, 0]])
        scale, offset, mean, variance = self.norm
        x, _, _ = tf.compat.v1.nn.fused_batch_norm(x, scale, offset, mean, variance, is_training=False)
        x = tf.nn.local_response_normalization(tf.nn.leaky_relu(x, 0.1), 2, alpha=0.1)
        x = tf.nn.crelu(x)[..., :16] + tf.nn.depthwise_conv2d(x, self.second, [1, 1, 1, 1], "SAME", dilations=[2, 2])
        x = tf.nn.max_pool2d(x, 3, 2, "SAME")
        x = tf.nn.conv2d_transpose(tf.nn.elu(x), self.back, tf.stack([tf.shape(x)[0], 12, 12, 12]), 2)
        return tf.nn.softmax(tf.reduce_mean(tf.nn.softsign(x), [1, 2]) @ self.kernel + self.bias)


@network(24, save="saved_model")
def plain_module(size):
    return Plain()


# Architectures that nothing in the project names.


@network(32)
def convmixer(size):
    inputs, x = pixels(size)
    x = layers.BatchNormalization()(layers.Activation("gelu")(layers.Conv2D(32, 4, strides=4)(x)))
    for _ in range(3):
        y = layers.BatchNormalization()(layers.Activation("gelu")(layers.DepthwiseConv2D(5, padding="same")(x)))
        x = layers.BatchNormalization()(layers.Activation("gelu")(layers.Conv2D(32, 1)(layers.Add()([x, y]))))
    return classifier(inputs, x)


@network(32)
def resnext_se(size):
    """Grouped convolutions and squeeze-and-excite gates."""
    inputs, x = pixels(size)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(32, 3, strides=2, padding="same")(x)))
    for stride in (1, 2):
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(32, 1)(x)))
        y = layers.Conv2D(32, 3, strides=stride, padding="same", groups=8, use_bias=False)(y)
        y = layers.BatchNormalization()(layers.Conv2D(32, 1)(layers.ReLU()(layers.BatchNormalization()(y))))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(32, 1, activation="hard_sigmoid")(layers.Conv2D(8, 1, activation="relu")(gate))
        short = layers.AveragePooling2D(stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([short, layers.Multiply()([y, gate])]))
    return classifier(inputs, x)


@network(32)
def u_shaped(size):
    """An encoder and a decoder with shortcuts: transposed and dilated convolutions, resizes, GroupNorm."""
    inputs, x = pixels(size)
    kept = []
    for width in (8, 16):
        x = layers.GroupNormalization(4)(layers.Conv2D(width, 3, padding="same", activation="swish")(x))
        kept.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 3, padding="same", dilation_rate=2, activation="swish")(x)
    x = layers.Concatenate()([layers.Conv2DTranspose(16, 3, strides=2, padding="same")(x), kept[1]])
    x = layers.PReLU(alpha_initializer="random_uniform", shared_axes=[1, 2])(layers.SeparableConv2D(16, 3, padding="same")(x))
    x = layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(x), kept[0]])
    x = layers.Concatenate()([x, layers.UpSampling2D(4)(layers.AveragePooling2D(4)(x))])
    return classifier(inputs, layers.Conv2D(16, 3, activation="mish")(x))


@network(32)
def inception_pools(size):
    """Branches with overlapping max pooling at stride 1, which GoogLeNet's modules have."""
    inputs, x = pixels(size)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 5, strides=2, padding="same")(x)))
    for _ in range(2):
        branches = [layers.Conv2D(8, k, padding="same")(x) for k in (1, 3, 5)]
        branches.append(layers.Conv2D(8, 1)(layers.MaxPooling2D(3, strides=1, padding="same")(x)))
        x = layers.ReLU()(layers.BatchNormalization()(layers.Concatenate()(branches)))
    return classifier(inputs, x)
