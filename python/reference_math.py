"""Independent values for the tests of the Go packages random, projection, pca, metric and stats.

    python python/reference_math.py [package ...]

writes <package>/testdata/reference.json. Nothing here is a translation of the Go code: the generator follows
https://c2sp.org/chacha8rand, the rest is numpy, scipy and scikit-image.
"""

import json
import pathlib
import struct
import sys

import numpy as np
import scipy.sparse.linalg
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


PACKAGES = {"random": random}


def main():
    for name in sys.argv[1:] or PACKAGES:
        path = ROOT / name / "testdata" / "reference.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(PACKAGES[name]()) + "\n")


if __name__ == "__main__":
    main()
