"""Write networks of other libraries as SavedModels, and what TensorFlow's Python says of their gradients.

    python make_parity_foreign.py OUT [--only NAME ...] [--jobs N]

It does what make_parity_models.py does, for small networks of Hugging Face's TensorFlow classes and of keras-hub, with random
weights. It needs the packages of requirements-foreign.txt: "make parity-foreign" installs them, and compares.
"""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # for transformers; keras-hub takes Keras 3
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import make_parity_models
import tensorflow as tf
from parity_forms import FORMS, calibrate, form, image, save, scaled
from parity_networks import CLASSES

FORMS.clear()  # the other script's
SIDE = 32
SCALING = {"Scale": 1 / 127.5, "Offset": -1}


@form((SIDE, SIDE, 3), head="logits", Layout="NCHW", **SCALING)
def hugging_face_swin(path, x):
    """Its conditions on the size of the image are decided when the graph is read."""
    from transformers import SwinConfig, TFSwinForImageClassification

    config = SwinConfig(
        image_size=SIDE, patch_size=2, embed_dim=12, depths=[2, 1], num_heads=[2, 2], window_size=4, num_labels=CLASSES,
        initializer_range=0.2,
    )  # fmt: skip
    net = TFSwinForImageClassification(config)

    @tf.function
    def logits(pixels):
        return net(pixels, training=False).logits

    def channels_first(pixels):
        return tf.transpose(scaled(pixels), [0, 3, 1, 2])

    logits(channels_first(x))  # which makes its layers
    calibrate(net, channels_first(x))
    save(path, lambda image: {"logits": logits(image)}, image(None, 3, SIDE, SIDE), net)
    return lambda pixels: logits(channels_first(pixels))


def exported(net, path, x):
    """Of keras-hub's classifiers, which take scaled images."""
    calibrate(net, scaled(x))
    net.export(path, verbose=False)
    return lambda pixels: net(scaled(pixels), training=False)


@form((SIDE, SIDE, 3), **SCALING)
def keras_hub_resnet(path, x):
    from keras_hub.models import ResNetBackbone, ResNetImageClassifier

    backbone = ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 64], stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2], block_type="basic_block", use_pre_activation=False, image_shape=(SIDE, SIDE, 3),
    )  # fmt: skip
    return exported(ResNetImageClassifier(backbone, num_classes=CLASSES, activation="softmax"), path, x)


@form((SIDE, SIDE, 3), explanations=("integrated_gradients",), **SCALING)
def keras_hub_vit(path, x):
    from keras_hub.models import ViTBackbone, ViTImageClassifier

    backbone = ViTBackbone(image_shape=(SIDE, SIDE, 3), patch_size=8, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64)
    return exported(ViTImageClassifier(backbone, num_classes=CLASSES, activation="softmax"), path, x)


if __name__ == "__main__":
    make_parity_models.main(list(FORMS))
