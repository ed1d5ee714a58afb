"""The rows of whole programs: the quickstart, UPI-PCA of rows on disk, pictures, memory, and a run that is all in the cache."""

import glob
import json
import os
import re
import shutil

import numpy as np

from gradients import ROOT, python
from processes import Missing, cores, environment, note, program, reason, succeeded

HERE = os.path.dirname(os.path.abspath(__file__))
UPI = os.path.join(ROOT, "bin", "upi")
# How far the mean scores of the same patterns may be apart.
SAME = 0.002
# How far those of patterns may be apart that two programs, or two precisions, have found. Their random numbers differ: over five seeds
# an ascent's score has a standard deviation of 0.03 (VGG, eps 1020), in upi and in the script alike.
FOUND = {"random": 0.02, "upi_pca": 0.03, "upi_grad": 0.12}


def alternate(lanes, repeats, title, unit="s"):
    """Runs the programs in turns. lanes: name -> function of the turn that returns a sample {"value", "peak", "scores"}."""
    result = {"title": title, "unit": unit, "lanes": {}}
    for turn in range(repeats):
        names = list(lanes)
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            lane = result["lanes"].setdefault(name, {"samples": [], "peak": 0})
            if "missing" in lane:
                continue
            try:
                sample = lanes[name](turn)
            except Missing as e:
                result["lanes"][name] = {"missing": str(e)}
                continue
            lane["samples"].append(sample["value"])
            lane["peak"] = max(lane["peak"], sample.get("peak", 0))
            lane.update({k: sample[k] for k in sample if k not in ("value", "peak")})
            note(f"  {title} {turn + 1}/{repeats}: {name} {sample['value']:.2f} {unit}")
    return result


def upi_run(config, folder, on, *sets, workers=None, fresh=True):
    """A run in a folder of its own, which is emptied before."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    command = [UPI, "run", config, "--workers", str(workers or len(on))]
    for s in (f"output={folder}/runs", f"cache={folder}/cache", *sets):
        command += ["--set", s]
    run = program(command, on, cwd=ROOT)
    if run["code"] == 2 and "precision" in run["err"]:
        raise Missing(reason(run["err"]))
    return succeeded(run, "upi run")


def means(folder):
    """Mean normalised L2 of each network, method and budget of a run."""
    import pyarrow.parquet as pq

    values = {}
    columns = ["perturbation", "model", "normalized_l2"]
    of = {row["id"]: row for row in pq.read_table(glob.glob(f"{folder}/runs/*/perturbations.parquet")[0],
                                                  columns=["id", "method", "eps"]).to_pylist()}
    for path in glob.glob(f"{folder}/runs/*/scores/*.parquet"):
        for row in pq.read_table(path, columns=columns).to_pylist():
            pattern = of[row["perturbation"]]
            if row["normalized_l2"] is not None:
                values.setdefault(f"{row['model']} {pattern['method']} {pattern['eps']:g}", []).append(row["normalized_l2"])
    return {key: float(np.mean(v)) for key, v in values.items()}


QUICKSTART = os.path.join(ROOT, "configs", "quickstart.yaml")


def limited(images):
    """The quickstart over the first so many images."""
    return [f"models.{m}.data.{s}.limit={images}" for m in ("mnist_cnn", "cifar10_vgg") for s in ("fit", "test")]


def run_quickstart(work, quick, on, *sets):
    folder = os.path.join(work, "quickstart")
    run = upi_run(QUICKSTART, folder, on, *(limited(200) if quick else []), *sets)
    with open(glob.glob(f"{folder}/runs/*/manifest.json")[0]) as f:
        stages = {stage["stage"]: stage["seconds"] for stage in json.load(f)["stages"]}
    return {"value": run["seconds"], "cpu": run["cpu"], "peak": run["peak"], "stages": stages, "scores": means(folder)}


def one_worker(work, repeats, quick):
    lanes = {"upi, 1 worker": lambda turn: run_quickstart(work, quick, cores()[:1])}
    return alternate(lanes, 1, "the quickstart on one core, to compare with the row before")


def quickstart(work, repeats, quick):
    both = cores()

    folder = os.path.join(work, "quickstart")
    kept = os.path.join(work, "quickstart_float32")

    def upi(turn):
        sample = run_quickstart(work, quick, both)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(glob.glob(f"{folder}/runs/*/")[0], kept)
        return sample

    def script(*args):
        command = [python("tensorflow"), os.path.join(HERE, "quickstart_tf.py"), os.path.join(work, "quickstart_tf"), *args]
        run = succeeded(program(command + (["--images", "200"] if quick else []), both), "quickstart_tf.py")
        answer = json.loads(run["out"].splitlines()[-1])
        return {"value": run["seconds"], "peak": answer["peak"], "scores": answer["scores"]}

    lanes = {
        "upi": upi,
        "upi bfloat16": lambda turn: run_quickstart(work, quick, both, "precision=bfloat16"),
        "tensorflow, 2 threads": lambda turn: script(),
        "tensorflow, 2 processes": lambda turn: script("--processes", "2"),
    }
    result = alternate(lanes, repeats, "the quickstart, from beginning to end")
    want = result["lanes"]["upi"]["scores"]
    for lane in result["lanes"].values():
        if "scores" in lane:
            lane["agrees"] = apart(lane["scores"], want)
    again = script("--score", kept)["scores"]
    same = max(abs(again[k] - want[k]) for k in want) if again.keys() == want.keys() else float("inf")
    result["lanes"]["upi"]["agrees"] = {"rescored": same, "ok": bool(same <= SAME)}
    return result


def apart(got, want):
    """How far mean scores are apart, of each method the furthest."""
    if got.keys() != want.keys():
        return {"found": {}, "ok": False}
    found = {method: max(abs(got[k] - want[k]) for k in want if k.split()[1] == method) for method in FOUND}
    return {"found": found, "ok": all(found[method] <= FOUND[method] for method in found)}


def cached(work, repeats, quick):
    """Starting a run whose results are all there: what quickstart left."""
    folder, small = os.path.join(work, "cached"), limited(100) if quick else []
    upi_run(QUICKSTART, folder, cores(), *small)

    def again(turn):
        run = upi_run(QUICKSTART, folder, cores(), *small, fresh=False)
        return {"value": run["seconds"], "peak": run["peak"]}

    def importing(turn):
        run = succeeded(program([python("tensorflow"), "-c", "import tensorflow"], cores()), "import tensorflow")
        return {"value": run["seconds"], "peak": run["peak"]}

    lanes = {"upi": again, "python -c 'import tensorflow'": importing}
    return alternate(lanes, repeats, "the quickstart again, all of it in the cache")


MEMORY = """
name: memory
data:
  fit: {path: DIR/fit-*.parquet, limit: COUNT}
  test: {path: data/mnist/test-*.parquet, limit: 100}
models: [{name: mlp, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: upi_pca, kind: upi_pca, eps: [510]}]
evaluation: {metrics: [normalized_l2]}
"""


def memory(work, repeats, quick):
    """UPI-PCA of a small network over more and more images, the shipped ones over and over."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = os.path.join(work, "memory")
    os.makedirs(folder, exist_ok=True)
    counts = (1_000, 10_000, 50_000) if not quick else (500, 1_000, 2_000)
    one = pa.concat_tables(pq.read_table(f) for f in sorted(glob.glob(f"{ROOT}/data/mnist/fit-*.parquet")))
    for k in range(-(-max(counts) // one.num_rows)):
        at = one.schema.get_field_index("id")
        ids = pa.array(range(k * one.num_rows, (k + 1) * one.num_rows), one.schema.field("id").type)
        pq.write_table(one.set_column(at, one.schema.field("id"), ids), f"{folder}/fit-{k:05d}.parquet", compression="zstd")

    def lane(count):
        config = os.path.join(folder, f"{count}.yaml")
        with open(config, "w") as f:
            f.write(MEMORY.replace("DIR", folder).replace("COUNT", str(count)))
        run = upi_run(config, os.path.join(folder, "run"), cores())
        return {"value": run["peak"] / 2**20, "peak": run["peak"], "seconds": run["seconds"]}

    lanes = {f"upi, {count:,} images": lambda turn, count=count: lane(count) for count in counts}
    return alternate(lanes, 1, "peak memory of UPI-PCA over so many images", "MiB")


def pictures(work, repeats, quick):
    """data's benchmark: microseconds per picture, and how many times as long pyarrow with Pillow, and datasets, take."""
    command = ["go", "test", "./data", "-run", "-", "-bench", "Read", "-cpu", "1", "-count", "1"]
    lanes = {}
    for turn in range(repeats):
        run = succeeded(program(command, cores()[:1], cwd=ROOT), "the benchmark of reading")
        for name, figures in re.findall(r"BenchmarkRead/(\S+)\s+\d+\s+(.*)", run["out"]):
            of = {unit: float(value) for value, unit in re.findall(r"([\d.]+) (\S+)", figures)}
            own = of["µs/picture"]
            for who, times in (("upi", 1), ("pyarrow and Pillow", of["x-pyarrow+Pillow"]), ("datasets", of["x-datasets"])):
                lanes.setdefault(f"{who}, {name}", {"samples": []})["samples"].append(own * times)
        note(f"  pictures {turn + 1}/{repeats}")
    if not lanes:
        raise RuntimeError(f"no figures in {run['out']}")
    return {"title": "reading pictures from Parquet, in one thread", "unit": "µs/picture", "lanes": lanes}


def pca(work, repeats, quick, rows):
    """The direction of rows on disk whose top right singular vector is known, against numpy and scipy on the same files."""
    folder = os.path.join(work, "pca")
    os.makedirs(folder, exist_ok=True)
    shape = (224, 224, 3)
    env = environment(UPI_LARGE=folder, UPI_LARGE_ROWS=str(rows))
    binary = os.path.join(ROOT, "bin", "stages.test")

    def upi(turn):
        run = program([binary, "-test.run", "OfRowsOnDisk", "-test.v", "-test.timeout", "1h"], cores(), env=env,
                      cwd=os.path.join(ROOT, "stages"))
        succeeded(run, "the test of rows on disk")
        found = re.search(r"direction: ([\d.]+) s, (\d+) passes, off by ([-\d.e+]+) rad", run["out"])
        return {"value": float(found[1]), "passes": int(found[2]), "off": float(found[3]), "peak": run["peak"]}

    upi(-1)  # makes the rows
    files = [p for p in sorted(glob.glob(f"{folder}/**/gradients*", recursive=True)) if os.path.isfile(p)]
    if sum(map(os.path.getsize, files)) != 4 * rows * int(np.prod(shape)):
        raise RuntimeError(f"the rows are not where they were expected: {files}")

    def peer(method):
        command = [python("tensorflow"), os.path.join(HERE, "pca_peers.py"), method, str(np.prod(shape)), *files]
        run = succeeded(program(command, cores()), "pca_peers.py")
        answer = json.loads(run["out"])
        return {"value": answer["seconds"], "passes": answer["passes"], "off": answer["off"], "peak": run["peak"]}

    lanes = {"upi": upi, "numpy, subspace iteration": lambda turn: peer("subspace"), "scipy svds": lambda turn: peer("svds")}
    size = f"{rows:,} x {np.prod(shape):,} rows on disk ({rows * np.prod(shape) * 4 / 1e9:.1f} GB)"
    result = alternate(lanes, repeats, f"UPI-PCA of {size}")
    for lane in result["lanes"].values():
        if "off" in lane:
            lane["agrees"] = {"off": lane["off"], "ok": bool(lane["off"] <= 0.01)}
    shutil.rmtree(folder)
    return result
