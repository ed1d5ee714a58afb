"""Holds python/photographs.py and python/by_photograph.py to what can be worked out by hand."""

import io
import itertools
import sys

sys.path.insert(0, "python")

import by_photograph
import numpy as np
import pandas as pd
import photographs
from PIL import Image


def near(got, want, tolerance=1e-12):
    assert abs(got - want) <= tolerance, (got, want)


def scores(rows):
    """Rows of (method, photograph, crop, seed, normalized_l2)."""
    place = {"source": "net", "target": "net", "explanation": "sg", "norm": "l2", "eps": 510.0}
    return pd.DataFrame([{**place, "method": m, "image_id": 100 * p + c, "seed": s, "normalized_l2": v} for m, p, c, s, v in rows])


# Photograph 3 has crops of the differences 0.1 and 0.3 (the latter a mean over two seeds), 4 one of 0.6. A mean over crops would be 1/3.
(row,) = by_photograph.differences(scores([
    ("random", 3, 0, 0, 0.5), ("random", 3, 1, 0, 0.5), ("random", 4, 0, 0, 0.2),
    ("upi", 3, 0, 0, 0.6), ("upi", 3, 1, 0, 0.7), ("upi", 3, 1, 1, 0.9), ("upi", 4, 0, 0, 0.8),
    ("upi", 5, 0, 0, 9.0),  # random has no such image
]), "random")  # fmt: skip
near(row["difference"], (0.2 + 0.6) / 2)
assert (row["photographs"], row["crops"], row["method"], row["against"]) == (2, 3, "upi", "random"), row
near(row["low"], 0.2)  # one draw in four takes a photograph twice
near(row["high"], 0.6)

# With many photographs the bootstrap's interval is that of the normal law: 1.96 standard errors of the photographs' means.
values = np.random.default_rng(1).normal(0.1, 0.05, 200)
rows = [(m, p, c, 0, 0.5 + (v if m == "upi" else 0)) for p, v in enumerate(values) for c in range(4) for m in ("random", "upi")]
(row,) = by_photograph.differences(scores(rows), "random")
half = 1.96 * values.std() / 200**0.5
near(row["difference"], values.mean())
near(row["low"], values.mean() - half, half / 20)
near(row["high"], values.mean() + half, half / 20)

# Crops lie in the picture, are no flatter than 3:4, no smaller than 30 % of it, and are not enlarged more than they may be.
for size in ((1920, 1080), (500, 338), (160, 400)):
    for left, top, right, bottom in itertools.islice(photographs.boxes(size, np.random.default_rng(2)), 200):
        w, h = right - left, bottom - top
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1], (left, top, right, bottom)
        assert 0.74 < w / h < 1.35 and w * h > 0.29 * size[0] * size[1], (w, h)
        assert min(w, h) >= min(149, *size), (w, h)  # 224 / 1.5


def webp(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "WEBP", lossless=True)
    return file.getvalue()


# The third picture of a container, past what only looks like one.
container = b"qres" + webp("red") + b"RIFF\x04\0\0\0WAVE" + webp("lime") + b"--" + webp("blue") + b"end"
assert Image.open(io.BytesIO(photographs.resource(container, 2))).convert("RGB").getpixel((3, 3)) == (0, 0, 255)

# A transparent picture is laid on white.
file = io.BytesIO()
Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(file, "PNG")
assert photographs.opened(file.getvalue()).getpixel((1, 1)) == (255, 255, 255)
