"""Reference values of the objectives of attacks and of their gradients, in float64.

    python python/reference_objectives.py

Takes the small networks of make_heads_testdata.py as they are defined there, and writes savedmodels/saliency/testdata/objectives.parquet:
for each function of maps, with and without the hinge on the margin of the prediction, its value at a perturbed image and its gradient
by nested GradientTapes, through ReLU itself or through the softplus that stands in for it. Nothing here comes from the Go code.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

import make_heads_testdata as heads

HEIGHT, WIDTH, _ = heads.SHAPE
SHARE = 0.3  # of 16 pixels: the 5 most salient
BOX = (1, 2, 3, 2)  # top, left, height, width
WEIGHT, MARGIN = 0.3, 1.0
FUNCTIONS = ("dissimilarity", "top_k", "mass_center", "region", "target")

# Which logits decide on the answer, in the order of the classes: of one sigmoid 0 and z, of a softmax that drops its first class the rest.
NETWORKS = {
    "temperature": lambda z: z / 3,
    "background_dropped": lambda z: z[:, 1:],
    "sigmoids": lambda z: z,
    "one_sigmoid": lambda z: tf.concat([tf.zeros_like(z), z], 1),
    "logits_masked_by_infinity": lambda z: tf.gather(z, [0, 1, 3], axis=1),
    "relu_two_classes": lambda z: z,
    "relu_sigmoids": lambda z: z,
}
# The classes of these columns, where not all classes have one.
CLASSES = {"logits_masked_by_infinity": [0, 1, 3]}
BETA = {"relu_two_classes": 5.0, "relu_sigmoids": 30.0}


def smooth(net, beta):
    """The network with softplus(beta x) / beta in place of ReLU."""
    other = heads.Net(relu=True)
    other.first, other.second, other.bias = net.first, net.second, net.bias
    other.activation = lambda x: tf.nn.softplus(beta * x) / beta
    return other


def centers(maps):
    rows, columns = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    return tf.stack([tf.reduce_sum(maps * rows, 1), tf.reduce_sum(maps * columns, 1)], 1)


def beside(function, clean, wanted):
    """The map that the function looks at beside the perturbed one, n x pixels."""
    if function == "top_k":
        chosen = np.zeros_like(clean)
        k = int(np.floor(SHARE * clean.shape[1] + 0.5))
        for row, values in zip(chosen, clean):
            row[np.lexsort((np.arange(len(values)), -values))[:k]] = 1
        return chosen
    if function == "region":
        top, left, height, width = BOX
        inside = np.zeros((HEIGHT, WIDTH))
        inside[top : top + height, left : left + width] = 1
        return np.tile(inside.ravel(), (len(clean), 1))
    if function == "target":
        return np.tile(wanted, (len(clean), 1))
    return clean


def value(function, maps, reference):
    if function == "top_k":
        return 1 - tf.reduce_sum(maps * reference, 1)
    if function == "region":
        return tf.reduce_sum(maps * reference, 1)
    if function == "mass_center":
        return tf.norm(centers(maps) - centers(reference), axis=1)
    return tf.norm(maps - reference, axis=1) * (-1 if function == "target" else 1)


def margin(logits, answers):
    """How far the logit of the answer, a column, is ahead of the largest other one."""
    own = tf.one_hot(answers, logits.shape[1], dtype=logits.dtype)
    return tf.reduce_sum(own * logits, 1) - tf.reduce_max(logits - 1e9 * own, 1)


def rows_of(name, images, moved, wanted):
    row = heads.HEADS[name]
    plain, columns = row["net"], NETWORKS[name]
    beta = BETA.get(name, 0)
    net = smooth(plain, beta) if beta else plain
    clean_p = heads.probabilities(row, net(images, tf.float64))
    classes = np.argsort(-clean_p.numpy(), axis=1)[np.arange(heads.IMAGES), np.arange(heads.IMAGES) % 2]
    answers = np.argmax(columns(plain(images, tf.float64)).numpy(), axis=1)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_sum(tf.gather(heads.probabilities(row, net(x, tf.float64)), classes, batch_dims=1))
        return tape.gradient(score, x)

    for kind in ("simple_gradient", "integrated_gradients"):
        clean = heads.saliency_map(heads.explain(kind, gradient, images, None)).numpy()
        for function in FUNCTIONS:
            reference = beside(function, clean, wanted)
            for keep in (False, True):
                with tf.GradientTape() as tape:
                    tape.watch(moved)
                    result = value(function, heads.saliency_map(heads.explain(kind, gradient, moved, None)), reference)
                    lead = margin(columns(plain(moved, tf.float64)), answers)
                    if keep:
                        result -= WEIGHT * tf.nn.relu(MARGIN - lead)
                slope = tape.gradient(result, moved)
                assert np.isfinite(slope.numpy()).all(), (name, kind, function)
                for i in range(heads.IMAGES):
                    yield {
                        "model": name, "explanation": kind, "function": function, "keep": keep, "beta": beta, "image": i,
                        "class": int(classes[i]), "answer": int(np.array(CLASSES.get(name, range(9)))[answers[i]]),
                        "pixels": images[i].numpy().ravel(), "moved": moved[i].numpy().ravel(), "clean": clean[i],
                        "reference": reference[i], "weight": WEIGHT, "margin": MARGIN, "lead": float(lead[i]),
                        "value": float(result[i]), "gradient": slope[i].numpy().ravel(),
                    }


def main():
    rng = np.random.default_rng(11)
    images = tf.constant(rng.integers(0, 256, (heads.IMAGES, *heads.SHAPE)).astype("float32").astype("float64"))
    moved = images + np.float32(rng.normal(0, 20, images.shape)).astype("float64")
    wanted = rng.integers(0, 256, HEIGHT * WIDTH).astype(float)
    wanted /= wanted.sum()
    rows = [row for name in NETWORKS for row in rows_of(name, images, moved, wanted)]
    kept = [row["lead"] for row in rows if row["keep"]]
    assert min(kept) < MARGIN < max(kept), "the hinge must be felt by some images, and not by others"
    schema = pa.schema(
        [(c, pa.string()) for c in ("model", "explanation", "function")] + [("keep", pa.bool_())]
        + [(c, pa.float64()) for c in ("beta", "weight", "margin", "lead", "value")]
        + [(c, pa.int64()) for c in ("image", "class", "answer")]
        + [(c, pa.list_(pa.float32())) for c in ("pixels", "moved", "clean", "reference", "gradient")]
    )
    target = os.path.join(heads.OUT, "objectives.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema), target, compression="zstd")


if __name__ == "__main__":
    main()
