"""configs/quickstart.yaml as a Python script with TensorFlow, as well as its users can write it.

    python quickstart_tf.py OUT [--processes 2] [--threads 2] [--images N]

The same job: two networks, two budgets, UPI-PCA, UPI-Grad and three random patterns each, the sign of each on 256 images of the
fit split, and three metrics on the test images that the network classifies right. The networks are frozen, batches of 64 run in
functions that are traced once, clean maps are computed once and kept. With two processes each takes one budget, with one
thread, on a core of its own. The random numbers are numpy's, so the scores agree with upi's up to what other draws make of them.

With --score RUN nothing is fitted: the patterns of a run of upi are scored, so that its scores can be compared number by number.

Writes OUT/scores.parquet, a row per pattern and image, and prints the means and the peak memory as JSON.
"""

import argparse
import glob
import io
import json
import os
import resource
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))

import numpy as np

MODELS = {"mnist_cnn": "mnist", "cifar10_vgg": "cifar10"}
BUDGETS = (510.0, 1020.0)
BATCH, STEPS, STEP_SIZE, HELD_BACK, CHECK_EVERY, SIGN_IMAGES, DRAWS = 64, 40, 0.2, 0.1, 10, 256, 3


def read_images(dataset, split, limit):
    import pyarrow.parquet as pq
    from PIL import Image

    pixels, labels = [], []
    for path in sorted(glob.glob(os.path.join(HERE, "..", "data", dataset, f"{split}-*.parquet"))):
        table = pq.read_table(path, columns=["image", "label"])
        pixels += [np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in table["image"].to_pylist()]
        labels.append(table["label"].to_numpy())
    pixels = np.stack(pixels).astype(np.float32)
    return (pixels if pixels.ndim == 4 else pixels[..., None])[:limit], np.concatenate(labels).astype(np.int32)[:limit]


class Functions:
    """A network's maps, and the distance of a map to a clean one with its gradient, for any number of images."""

    def __init__(self, name, shape):
        import tensorflow as tf
        from tensorflow_gradients import Network, normalised

        net = Network(os.path.join(HERE, "..", "savedmodels", name), BATCH)
        images, classes = tf.TensorSpec((BATCH, *shape), tf.float32), tf.TensorSpec((BATCH,), tf.int32)
        clean = tf.TensorSpec((BATCH, shape[0] * shape[1]), tf.float32)

        def distance(x, c, reference):
            return tf.norm(normalised(net.gradient(x, c)[0]) - reference, axis=1)

        @tf.function(input_signature=[images, classes])
        def maps(x, c):
            gradient, predicted = net.gradient(x, c)
            return normalised(gradient), predicted

        @tf.function(input_signature=[images, classes, clean])
        def gradients(x, c, reference):
            return tf.gradients(tf.reduce_sum(distance(x, c, reference)), x)[0]

        @tf.function(input_signature=[images, classes, clean])
        def distances(x, c, reference):
            return distance(x, c, reference)

        self.maps, self.gradients, self.distances = (self.in_batches(f) for f in (maps, gradients, distances))

    @staticmethod
    def in_batches(function):
        def call(*arrays):
            parts = []
            for lo in range(0, len(arrays[0]), BATCH):
                part = [a[lo:lo + BATCH] for a in arrays]
                n = len(part[0])
                if n < BATCH:
                    part = [np.concatenate([a, np.repeat(a[:1], BATCH - n, 0)]) for a in part]
                out = function(*part)
                parts.append([o.numpy()[:n] for o in (out if isinstance(out, (list, tuple)) else [out])])
            whole = [np.concatenate(p) for p in zip(*parts)]
            return whole if len(whole) > 1 else whole[0]

        return call


class Split:
    def __init__(self, functions, dataset, name, limit):
        self.pixels, self.labels = read_images(dataset, name, limit)
        self.maps, predicted = functions.maps(self.pixels, self.labels)
        self.right = np.flatnonzero((predicted == self.labels) & np.isfinite(self.maps).all(1))
        self.predicted = predicted
        self.usable = np.flatnonzero(np.isfinite(self.maps).all(1))


def sphere(rng, count, shape, radius):
    z = rng.normal(size=(count, *shape)).astype(np.float32)
    return radius * z / np.sqrt((z**2).sum((1, 2, 3), keepdims=True))


def fit_pca(functions, fit, eps, rng):
    """The top right singular vector of the gradients at images with noise of half the budget."""
    at = fit.usable
    x = fit.pixels[at] + sphere(rng, len(at), fit.pixels.shape[1:], eps / 2)
    rows = functions.gradients(x, fit.labels[at], fit.maps[at]).reshape(len(at), -1)
    _, vectors = np.linalg.eigh(rows @ rows.T)  # fewer rows than columns
    direction = vectors[:, -1] @ rows
    return (eps * direction / np.linalg.norm(direction)).reshape(fit.pixels.shape[1:])


def fit_grad(functions, fit, eps, rng):
    """Projected gradient ascent; the best of the iterates on images held back."""
    order = rng.permutation(fit.usable)
    held = int(np.ceil(HELD_BACK * len(order)))
    held, rest = order[:held], order[held:]
    shape = fit.pixels.shape[1:]
    same = sphere(rng, len(held), shape, eps / 2)
    delta, best, value = np.zeros(shape, np.float32), None, -np.inf
    size = min(BATCH, len(rest))
    for step in range(STEPS):
        if step % (len(rest) // size) == 0:
            shuffled = rng.permutation(rest)
        k = step % (len(rest) // size)
        at = shuffled[k * size:(k + 1) * size]
        x = fit.pixels[at] + delta + sphere(rng, len(at), shape, eps / 2)
        gradient = functions.gradients(x, fit.labels[at], fit.maps[at]).mean(0, dtype=np.float64)
        delta = delta + STEP_SIZE * eps * (1 + np.cos(np.pi * step / STEPS)) / 2 * gradient / np.linalg.norm(gradient)
        delta = (delta * min(1, eps / np.linalg.norm(delta))).astype(np.float32)
        if (step + 1) % CHECK_EVERY == 0:
            now = functions.distances(fit.pixels[held] + delta + same, fit.labels[held], fit.maps[held]).mean()
            if now > value:
                best, value = delta, now
    return best


def scores(functions, split, at, delta):
    """Normalised L2, cosine and whether the prediction changed, of the images at."""
    maps, predicted = functions.maps(split.pixels[at] + delta, split.labels[at])
    clean = split.maps[at].astype(np.float64)
    norm = np.linalg.norm(clean, axis=1)
    return (np.linalg.norm(maps - clean, axis=1) / norm,
            (maps * clean).sum(1) / norm / np.linalg.norm(maps, axis=1),
            predicted != split.predicted[at])


def signed(functions, fit, delta, rng):
    at = np.intersect1d(rng.permutation(len(fit.labels))[:SIGN_IMAGES], fit.right)
    plus, minus = (np.nanmean(scores(functions, fit, at, s * delta)[0]) for s in (1, -1))
    return delta if plus >= minus else -delta


def run(budgets, limit):
    rows = []
    for name, dataset in MODELS.items():
        shape = (28, 28, 1) if dataset == "mnist" else (32, 32, 3)
        functions = Functions(name, shape)
        fit, test = (Split(functions, dataset, split, limit) for split in ("fit", "test"))
        for eps in budgets:
            rng = np.random.default_rng(int(eps))
            patterns = [("random", sphere(rng, 1, shape, eps)[0]) for _ in range(DRAWS)]
            patterns += [("upi_pca", fit_pca(functions, fit, eps, rng)), ("upi_grad", fit_grad(functions, fit, eps, rng))]
            for method, delta in patterns:
                delta = signed(functions, fit, delta, rng)
                values = scores(functions, test, test.right, delta)
                rows += [(name, method, eps, int(i), *map(float, v)) for i, *v in zip(test.right, *values)]
    return rows


def score_run(folder, limit):
    """The patterns of a run under the signs that it chose."""
    import pyarrow.parquet as pq

    rows, patterns = [], pq.read_table(os.path.join(folder, "perturbations.parquet")).to_pylist()
    for name, dataset in MODELS.items():
        functions = Functions(name, (28, 28, 1) if dataset == "mnist" else (32, 32, 3))
        test = Split(functions, dataset, "test", limit)
        for p in patterns:
            if p["model"] == name:
                delta = p["sign"] * np.array(p["delta"], np.float32).reshape(p["shape"])
                values = scores(functions, test, test.right, delta)
                rows += [(name, p["method"], p["eps"], int(i), *map(float, v)) for i, *v in zip(test.right, *values)]
    return rows


def write(rows, out):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ("model", "method", "eps", "image", "normalized_l2", "cosine", "prediction_changed")
    os.makedirs(out, exist_ok=True)
    pq.write_table(pa.table(dict(zip(columns, zip(*rows)))), os.path.join(out, "scores.parquet"))
    groups = {}
    for model, method, eps, _, value, *_ in rows:
        groups.setdefault(f"{model} {method} {eps:g}", []).append(value)
    return {key: float(np.nanmean(values)) for key, values in groups.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=10**9, help="the first so many images of each split")
    parser.add_argument("--budgets", type=float, nargs="*", default=BUDGETS)
    parser.add_argument("--score", metavar="RUN", help="score the patterns of this run of upi, and fit none")
    args = parser.parse_args()
    if args.processes == 2:
        means, peak, parts = {}, 0, []
        for core, eps in zip(sorted(os.sched_getaffinity(0)), BUDGETS):
            command = [sys.executable, __file__, os.path.join(args.out, f"{eps:g}"), "--threads", "1", "--images", str(args.images),
                       "--budgets", str(eps)]
            parts.append(subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.PIPE))
        for part in parts:
            answer = part.communicate()[0]
            if part.returncode:
                sys.exit(part.returncode)
            answer = json.loads(answer)
            means.update(answer["scores"])
            peak += answer["peak"]
        print(json.dumps({"scores": means, "peak": peak}))
        return
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    means = write(score_run(args.score, args.images) if args.score else run(args.budgets, args.images), args.out)
    print(json.dumps({"scores": means, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
