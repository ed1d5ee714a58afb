"""The package reads a run: its own numbers follow from each other. Works with and without pandas.

    python read.py RUN
"""

import base64
import collections
import os
import re
import shutil
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

import upi

run = upi.read(sys.argv[1])
try:
    import pandas

    kind = pandas.DataFrame
    listed = lambda table: table.to_dict("records")
except ImportError:
    kind = pa.Table
    listed = lambda table: table.to_pylist()

assert run.status == "done" and run.config["name"] == run.name
assert set(run.tables) >= {"models", "summary", "sign"}, list(run.tables)
assert isinstance(run.scores, kind) and isinstance(run.tables["summary"], kind)
assert isinstance(run.tables.warnings("summary"), list)

# A cell of the summary is the mean over images of the mean over the seeds and draws of the method.
scores, compared = listed(run.scores), 0
same = ("method", "norm", "eps", "source", "explanation")
for cell in listed(run.tables["summary"]):
    images = collections.defaultdict(list)
    for s in scores:
        value = s[cell["metric"]]
        if s["model"] == cell["target"] and all(s[c] == cell[c] for c in same) and value is not None and value == value:
            images[s["image_id"]].append(value)
    mean = np.mean([np.mean(values) for values in images.values()])
    assert len(images) == cell["images"] > 10 and abs(mean - cell["mean"]) < 1e-9, (cell, mean)
    compared += 1
assert compared >= 2

# A perturbation lies in its ball; its sign is applied.
stored = pq.read_table(run.path / "perturbations.parquet").to_pylist()
assert len(stored) == len(run.perturbations) > 0
for p, row in zip(run.perturbations, stored):
    assert p.delta.dtype == np.float32 and p.delta.shape == tuple(row["shape"])
    assert np.array_equal(p.delta.ravel(), np.float32(row["sign"]) * np.float32(row["delta"]))
    # One by chance lies on the boundary, a short ascent need not reach it.
    assert (0.99 * p.eps if p.role == "random" else 0) < np.linalg.norm(p.delta) < 1.00001 * p.eps
    assert run.perturbations[p.id] is p and p in run.perturbations.of(method=p.method)
    images = np.full((2, *p.shape), 100, np.uint8)
    assert np.array_equal(p.on(images)[1], 100 + p.delta)
try:
    run.perturbations["nothing"]
except KeyError as problem:
    assert stored[0]["id"] in str(problem)
else:
    raise AssertionError("there is a perturbation called nothing")

# Examples are images under their perturbation.
assert run.examples
for e in run.examples:
    assert e.image.shape == run.perturbations[0].shape and e.clean_map.shape == e.image.shape[:2]
    assert min(np.abs(e.perturbed - np.clip(e.image + p.delta, 0, 255)).max() for p in run.perturbations) < 1e-3 or \
        min(np.abs(e.perturbed - e.image - p.delta).max() for p in run.perturbations) < 1e-3
    assert e._repr_html_().count("data:image/png") == 4

# It shows itself: a perturbation is a picture that TensorFlow reads, grey where nothing is added.
page = run._repr_html_()
pictures = re.findall("data:image/png;base64,([^\"]*)", page)
assert run.perturbations[0].method in page and len(pictures) == min(12, len(stored)), page[:500]
for picture, p in zip(pictures, run.perturbations):
    shown = tf.io.decode_png(base64.b64decode(picture)).numpy().astype(float)
    assert shown.shape == p.shape and np.abs(shown - 127.5 * (1 + p.delta / np.abs(p.delta).max())).max() <= 0.51

# Kept maps are float16 of the scale beside them, as NumPy reads them; one that is missing is no number.
with tempfile.TemporaryDirectory() as folder:
    shutil.copy(run.path / "manifest.json", folder)
    maps = np.random.default_rng(0).random((3, 2, 4, 5)).astype("<f2")
    columns = {"image_id": [7, 8, 9], "clean_scale": [0.5, 2, 3], "clean": [m.tobytes() for m in maps[:, 0]],
               "perturbed_scale": [0.25, None, 1], "perturbed": [maps[0, 1].tobytes(), None, maps[2, 1].tobytes()]}
    os.mkdir(os.path.join(folder, "maps"))
    table = pa.table(columns).replace_schema_metadata({"upi.shape": "[4, 5]"})
    pq.write_table(table, os.path.join(folder, "maps", "net.sg.random.net.parquet"))
    kept = upi.read(folder).maps["net.sg.random.net"]
    assert kept.image_ids.tolist() == [7, 8, 9] and kept.clean.shape == kept.perturbed.shape == (3, 4, 5)
    assert np.array_equal(kept.clean[1], 2 * maps[1, 0].astype(np.float32))
    assert np.array_equal(kept.perturbed[0], maps[0, 1].astype(np.float32) / 4) and np.isnan(kept.perturbed[1]).all()

try:
    upi.read(run.path / "scores")
except FileNotFoundError as problem:
    assert "no results of a run" in str(problem)
else:
    raise AssertionError("a folder of scores is no run")
print(f"wheel: {compared} cells follow from the scores, {len(stored)} perturbations are as they were written ({kind.__module__})")
