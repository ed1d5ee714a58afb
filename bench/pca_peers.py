"""The top right singular vector of float32 rows in files, as Python's users find it without reading all rows into memory.

    python pca_peers.py subspace|svds COLUMNS FILE...

Prints the seconds, the number of passes over the rows, and the angle to the cosine vector that the rows were made of.
"""

import json
import sys
import time

import numpy as np

BLOCK, CHUNK, TOLERANCE, MOST = 10, 256, 1e-3, 30


class Rows:
    def __init__(self, columns, files):
        self.maps = [np.memmap(f, np.float32, "r").reshape(-1, columns) for f in files]
        self.columns, self.passes = columns, 0

    def gram(self, v):
        """G'G v in one pass, a chunk at a time: v is columns x k."""
        self.passes += 1
        v = np.ascontiguousarray(v, np.float32)
        total = np.zeros(v.shape, np.float64)
        for m in self.maps:
            for lo in range(0, len(m), CHUNK):
                part = m[lo:lo + CHUNK]
                total += part.T @ (part @ v)
        return total


def subspace(rows):
    """Randomised subspace iteration (Halko, Martinsson and Tropp 2011), until the vector no longer turns."""
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(rows.columns, BLOCK)))[0]
    before = None
    for _ in range(MOST):
        y = rows.gram(q)
        _, vectors = np.linalg.eigh(q.T @ y)
        q, r = np.linalg.qr(y @ vectors[:, ::-1])
        if before is not None and np.sqrt(max(0, 1 - (before @ q[:, 0]) ** 2)) < TOLERANCE / 3:
            break
        before = q[:, 0]
    return q[:, 0]


def svds(rows):
    """ARPACK on the normal equations, as scipy's svds does for a matrix with more columns than rows the other way round."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator((rows.columns, rows.columns), lambda v: rows.gram(v.reshape(-1, 1)).ravel(), dtype=np.float64)
    return eigsh(operator, 1, tol=TOLERANCE**2, ncv=8)[1][:, 0]


def main():
    method, columns, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    rows = Rows(columns, files)
    begin = time.perf_counter()
    v = {"subspace": subspace, "svds": svds}[method](rows)
    seconds = time.perf_counter() - begin
    known = np.sqrt(2 / columns) * np.cos(np.pi * (np.arange(columns) + 0.5) / columns)
    off = np.sqrt(max(0, 1 - (known @ v) ** 2 / (v @ v)))
    print(json.dumps({"seconds": seconds, "passes": rows.passes, "off": float(off)}))


if __name__ == "__main__":
    main()
