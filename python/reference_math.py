"""Independent values for the tests of the Go packages random, metric, pca and stats.

    python python/reference_math.py [package ...]

writes <package>/testdata/reference.json. Nothing here is a translation of the Go code: the generator follows
https://c2sp.org/chacha8rand, the rest is numpy, scipy and scikit-image.
"""

import json
import pathlib
import struct
import sys
import warnings

import numpy as np
import scipy.ndimage
import scipy.sparse.linalg
import scipy.spatial
import scipy.stats
import skimage.metrics

ROOT = pathlib.Path(__file__).resolve().parent.parent
MASK = (1 << 64) - 1


def chacha8_block(key, counter):
    """Four interleaved ChaCha8 blocks, 256 bytes, in the order of chacha8rand."""
    constants = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    state = np.zeros((16, 4), np.uint32)
    state[:4] = np.array(constants, np.uint32)[:, None]
    state[4:12] = np.array(key, np.uint32)[:, None]
    state[12] = np.arange(counter, counter + 4, dtype=np.uint32)
    x = state.copy()

    def rotate(a, n):
        return (a << np.uint32(n)) | (a >> np.uint32(32 - n))

    def quarter(a, b, c, d):
        x[a] += x[b]
        x[d] = rotate(x[d] ^ x[a], 16)
        x[c] += x[d]
        x[b] = rotate(x[b] ^ x[c], 12)
        x[a] += x[b]
        x[d] = rotate(x[d] ^ x[a], 8)
        x[c] += x[d]
        x[b] = rotate(x[b] ^ x[c], 7)

    for _ in range(4):
        quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15)
        quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14)
    x[4:12] += state[4:12]
    return x.astype("<u4").tobytes()


class Stream:
    """The stream of a key, as documented in package random."""

    def __init__(self, seed, purpose, image, draw):
        purpose_hash = 14695981039346656037
        for byte in purpose.encode():
            purpose_hash = ((purpose_hash ^ byte) * 1099511628211) & MASK
        words = (seed & MASK, purpose_hash, image & MASK, draw & MASK)
        self.key = struct.unpack("<8I", struct.pack("<4Q", *words))
        self.buffer = []

    def uint64(self):
        if not self.buffer:
            data = b"".join(chacha8_block(self.key, counter) for counter in (0, 4, 8, 12))
            self.key = struct.unpack("<8I", data[-32:])
            self.buffer = list(struct.unpack("<124Q", data[:-32]))
        return self.buffer.pop(0)

    def uniform(self):
        return (self.uint64() >> 11) / 2**53

    def index(self, n):
        return (self.uint64() * n) >> 64

    def perm(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.index(i + 1)
            order[i], order[j] = order[j], order[i]
        return order

    def normal(self, n, sigma):
        out = []
        while len(out) < n:
            radius = np.sqrt(-2 * np.log(1 - self.uniform()))
            angle = 2 * np.pi * self.uniform()
            out += [radius * np.cos(angle), radius * np.sin(angle)]
        return sigma * np.array(out[:n])

    def sphere(self, n, radius):
        point = self.normal(n, 1).astype(np.float32).astype(float)
        return radius * point / np.linalg.norm(point)

    def cube(self, n, half):
        point = half * (2 * np.array([self.uniform() for _ in range(n)]) - 1)
        face = self.index(2 * n)
        point[face // 2] = half if face % 2 == 0 else -half
        return point


def random():
    keys = [(0, "", 0, 0), (1, "smoothing", 42, 3), (-7, "start", -1, 2**40), (2**63 - 1, "größe", 69999, 1)]
    cases = []
    for key in keys:
        cases.append(
            {
                "seed": key[0],
                "purpose": key[1],
                "id": key[2],
                "draw": key[3],
                # 130 values cross the point at which the generator takes a new key.
                "uint64": (lambda s: [str(s.uint64()) for _ in range(130)])(Stream(*key)),
                "normal": Stream(*key).normal(7, 2.5).tolist(),
                "sphere": Stream(*key).sphere(9, 255).tolist(),
                "cube": Stream(*key).cube(9, 8).tolist(),
                "perm": Stream(*key).perm(12),
            }
        )
    return cases


def saliency_maps():
    """Pairs of maps by name: heavy tails, exact ties, zeros as around a digit, constants, thin and tiny images."""
    rng = np.random.default_rng(20261122)

    def heavy(h, w):
        return np.abs(rng.standard_t(2, (h, w)))

    def digit(h, w):
        inside = np.zeros((h, w))
        inside[h // 4 : -h // 4, w // 4 : -w // 4] = 1
        return heavy(h, w) * inside

    one, clean = np.zeros((9, 9)), heavy(16, 16)
    one[2, 3] = 1
    return {
        "heavy tails 28x28": (heavy(28, 28), heavy(28, 28)),
        "nearly the same 16x16": (clean, np.abs(clean + 0.05 * rng.standard_normal((16, 16)))),
        "the same": (clean, clean),
        "digits with zeros around": (digit(20, 20), digit(20, 20)),
        "rounded, many ties": (np.round(4 * heavy(12, 10)), np.round(4 * heavy(12, 10))),
        "ties in the clean map only": (np.round(heavy(9, 13)), heavy(9, 13)),
        "wide": (heavy(7, 31), heavy(7, 31)),
        "one window": (heavy(7, 7), heavy(7, 7)),
        "one pixel hot, moved": (one, np.roll(one, (4, 3), (0, 1))),
        "one pixel hot, spread": (one, heavy(9, 9)),
        "constant clean map": (np.ones((8, 8)), heavy(8, 8)),
        "constant perturbed map": (heavy(8, 8), np.ones((8, 8))),
        "both constant": (np.ones((8, 8)), np.ones((8, 8))),
        "too small for a window": (heavy(6, 9), heavy(6, 9)),
        "one row": (heavy(1, 12), heavy(1, 12)),
        "two pixels": (np.array([[1.0, 3.0]]), np.array([[2.0, 1.0]])),
        "one pixel": (np.array([[2.0]]), np.array([[5.0]])),
    }


def goals(height, width):
    """A box (top, left, height, width), and a map as target."""
    target = np.abs(np.random.default_rng(height * 1000 + width).standard_normal((height, width)))
    return (height // 4, width // 3, max(1, height // 2), max(1, width // 2)), np.float32(target / target.sum())


def metrics(clean, perturbed, share):
    a, b = clean.astype(float), perturbed.astype(float)
    height, width = a.shape

    def chosen(m):
        k = max(1, int(np.floor(share * m.size + 0.5)))
        return set(np.lexsort((np.arange(m.size), -m.ravel()))[:k].tolist()), k

    def center(m):
        return np.array(scipy.ndimage.center_of_mass(m))

    (first_row, first_column, rows_in, columns_in), target = goals(height, width)

    def inside(m):
        return m[first_row : first_row + rows_in, first_column : first_column + columns_in].sum() / m.sum()

    top, k = chosen(a)
    small = min(height, width) < 7
    return {
        "normalized_l2": np.linalg.norm(a - b) / np.linalg.norm(a),
        "cosine": 1 - scipy.spatial.distance.cosine(a.ravel(), b.ravel()),
        "top_k": len(top & chosen(b)[0]) / k,
        "spearman": scipy.stats.spearmanr(a.ravel(), b.ravel()).statistic if a.size > 1 else np.nan,
        "kendall": scipy.stats.kendalltau(a.ravel(), b.ravel(), variant="b").statistic if a.size > 1 else np.nan,
        "ssim": np.nan if small else skimage.metrics.structural_similarity(a / a.max(), b / a.max(), data_range=1.0),
        "center_shift": np.linalg.norm(center(a) - center(b)),
        "kept_l2": np.linalg.norm(a - b) / np.linalg.norm(a),
        "region_share": inside(b),
        "region_gain": inside(b) - inside(a),
        "target_distance": np.linalg.norm(b - target) / np.linalg.norm(a - target),
    }


def metric():
    cases = []
    for name, pair in saliency_maps().items():
        clean, perturbed = (np.float32(m / m.sum()) for m in pair)
        region, target = goals(*clean.shape)
        for share in (0.1, 0.37) if clean.size > 100 else (0.3,):
            values = metrics(clean, perturbed, share)
            cases.append(
                {
                    "name": name,
                    "height": clean.shape[0],
                    "width": clean.shape[1],
                    # str() of a float32 is the shortest text that reads back as the same float32.
                    "clean": [float(str(v)) for v in clean.ravel()],
                    "perturbed": [float(str(v)) for v in perturbed.ravel()],
                    "top_k": share,
                    "region": dict(zip(("top", "left", "height", "width"), region)),
                    "target": [float(str(v)) for v in target.ravel()],
                    "values": {k: None if np.isnan(v) else float(v) for k, v in values.items()},
                }
            )
    return cases


def hashed(n, d, seed):
    """n x d numbers in [-0.5, 0.5) from a 32-bit hash of their index, so that the tests need no stored matrix."""
    x = np.arange(n * d, dtype=np.uint32) + np.uint32(seed)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x ^= x >> np.uint32(16)
    return x.reshape(n, d) / 2**32 - 0.5


def rows(n, d, seed, scale):
    """Column j of the numbers times 1 / (1 + scale j): the larger the scale, the wider the gap of the spectrum."""
    return np.float32(hashed(n, d, seed) * (1 / (1 + scale * np.arange(d))))


def pca():
    cases = []
    for name, n, d, scale in [
        ("wide gap", 700, 300, 0.5),
        ("narrow gap", 900, 200, 0.02),
        ("fewer rows than columns", 60, 500, 0.05),
        ("fewer rows than vectors", 5, 90, 0.1),
        ("fewer columns than vectors", 200, 4, 0.3),
        ("one column", 20, 1, 0.0),
    ]:
        g = rows(n, d, 1, scale).astype(float)
        k = min(6, min(n, d) - 1)
        if k > 0:
            _, singular, right = scipy.sparse.linalg.svds(g, k=k, tol=0, rng=0)
            order = np.argsort(-singular)
            singular, vector = singular[order], right[order[0]]
        else:
            singular, vector = np.array([np.linalg.norm(g)]), np.ones(1)
        vector *= np.sign(vector[np.argmax(np.abs(vector))])
        cases.append(
            {
                "name": name,
                "n": n,
                "d": d,
                "scale": scale,
                "vector": vector.tolist(),
                "singular": singular.tolist(),
                "norm": float(np.linalg.norm(g)),
            }
        )
    signed = []
    for weight in (-0.3, -1.0, -10.0):
        g, v = rows(400, 120, 1, 0.3).astype(float), rows(300, 120, 99, 0.1).astype(float)
        parts = [g.T @ g / np.sum(g * g), v.T @ v / np.sum(v * v)]
        values, vectors = np.linalg.eigh(parts[0] + weight * parts[1])
        vector = vectors[:, -1] * np.sign(vectors[np.argmax(np.abs(vectors[:, -1])), -1])
        shares = [float(vector @ part @ vector) for part in parts]
        signed.append({"weight": weight, "vector": vector.tolist(), "values": values[:-4:-1].tolist(), "shares": shares})
    return {"singular": cases, "signed": signed}


def stats():
    rng = np.random.default_rng(7)
    samples = {
        "normal": rng.normal(3, 2, 200),
        "skewed and few": rng.lognormal(0, 1, 15),
        "small spread at a large mean": 1e8 + rng.normal(0, 1e-3, 50),
        "two": np.array([1.0, 4.0]),
        "all the same": np.full(9, 0.25),
        "negative": -rng.exponential(1, 31),
    }
    probabilities = [0, 0.025, 0.25, 0.5, 0.9, 1]
    cases = []
    for name, x in samples.items():
        error = scipy.stats.sem(x)
        interval = (x.mean(), x.mean())
        if error > 0:
            resampled = scipy.stats.bootstrap((x,), np.mean, n_resamples=200000, batch=10000, method="percentile", rng=1)
            interval = resampled.confidence_interval
        cases.append(
            {
                "name": name,
                "values": x.tolist(),
                "mean": x.mean(),
                "stddev": x.std(ddof=1),
                "stderr": error,
                "probabilities": probabilities,
                "quantiles": np.quantile(x, probabilities).tolist(),
                "bootstrap95": list(interval),
            }
        )
    return cases


PACKAGES = {"random": random, "metric": metric, "pca": pca, "stats": stats}


def main():
    warnings.simplefilter("ignore", scipy.stats.ConstantInputWarning)
    np.seterr(invalid="ignore")  # a map of one pixel is the target itself
    for name in sys.argv[1:] or PACKAGES:
        path = ROOT / name / "testdata" / "reference.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(PACKAGES[name]()) + "\n")


if __name__ == "__main__":
    main()
