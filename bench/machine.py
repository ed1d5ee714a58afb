"""What is measured on: processor, versions, and how fast one core multiplies and copies."""

import json
import os
import subprocess

from gradients import ROOT, python
from processes import Missing, cores, program, succeeded

SPEEDS = """
import json, time
import numpy as np
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

def best(work, f, seconds=1.5):
    f()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        f()
        times.append(time.perf_counter() - begin)
    return work / min(times) / 1e9

n = 2048
a = tf.random.normal((n, n))
b = tf.cast(a, tf.bfloat16)
from_, to = np.ones(1 << 27, np.uint8), np.ones(1 << 27, np.uint8)
print(json.dumps({
    "float32": best(2 * n**3, lambda: tf.matmul(a, a).numpy()[0, 0]),
    "bfloat16": best(2 * n**3, lambda: tf.matmul(b, b).numpy()[0, 0]),
    "copy": best(2 * from_.size, lambda: np.copyto(to, from_)),
}))
"""


def describe():
    with open("/proc/cpuinfo") as f:
        lines = f.read().split("\n\n")[0].splitlines()
    info = {k.strip(): v.strip() for k, v in (line.split(":", 1) for line in lines if ":" in line)}
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) * 1024
    flags = info.get("flags", "").split()
    speeds = json.loads(succeeded(program([python("tensorflow"), "-c", SPEEDS], cores()[:1]), "speeds")["out"].splitlines()[-1])
    return {
        "processor": f"{info.get('model name', '?')}, family {info.get('cpu family', '?')} model {info.get('model', '?')}",
        "cores": len(cores()),
        "memory": memory,
        "amx": "amx_bf16" in flags,
        "avx512": "avx512f" in flags,
        "gflops": speeds["float32"],
        "gflops_bfloat16": speeds["bfloat16"],
        "copy": speeds["copy"],
    }


def versions():
    lines = subprocess.run([os.path.join(ROOT, "bin", "upi"), "version"], capture_output=True, text=True).stdout.splitlines()
    upi = dict(line.split() for line in lines if len(line.split()) == 2)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    found = {"upi": commit + (" with changes" if changed else "")}
    found.update((f"upi's {k}", upi[k]) for k in ("go", "tensorflow") if k in upi)
    for peer, package in (("tensorflow", "tensorflow-cpu"), ("tensorflow", "numpy"), ("tensorflow", "scipy"), ("torch", "torch"), ("jax", "jax")):
        try:
            code = f"import importlib.metadata as m; print(m.version('{package}'))"
            found[package] = subprocess.run([python(peer), "-c", code], capture_output=True, text=True).stdout.strip()
        except Missing as e:
            found[package] = str(e)
    return found
