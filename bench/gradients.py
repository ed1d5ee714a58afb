"""The rows of gradients: contestants on the same images, in turns."""

import json
import os
import subprocess
import sys

import numpy as np

from processes import Contestant, Missing, cores, environment, note, program, succeeded

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

SG = {"kind": "simple_gradient", "settings": {}}
IG = {"kind": "integrated_gradients", "settings": {"steps": 10}}

# key, what is measured, network, images' side, images, the peers' batch, explanation, order, beta of the surrogate, on two cores
# too. The peers' batch is 64, and 16 where 64 images take gigabytes.
ROWS = [
    ("vgg", "second order, VGG 32 x 32", "cifar10_vgg", 32, 256, 64, SG, 2, None, True),
    ("vgg_softplus", "second order, VGG 32 x 32 with softplus(30)", "cifar10_vgg", 32, 128, 64, SG, 2, 30.0, False),
    ("vgg_ig", "second order, VGG 32 x 32, integrated gradients of 10 steps", "cifar10_vgg", 32, 64, 16, IG, 2, None, False),
    ("vit", "second order, ViT 32 x 32", "cifar10_vit", 32, 256, 64, SG, 2, None, False),
    ("lite0", "second order, EfficientNet-Lite0 224 x 224", "lite0", 224, 32, 16, SG, 2, None, True),
    ("vgg_first", "first order (maps), VGG 32 x 32", "cifar10_vgg", 32, 256, 64, SG, 1, None, False),
    ("lite0_first", "first order (maps), EfficientNet-Lite0 224 x 224", "lite0", 224, 32, 16, SG, 1, None, False),
]

PEERS = ("tensorflow", "torch", "jax", "eager")
PROFILED = ("vgg", "vit", "lite0")
EAGER_IMAGES = 8  # one image at a time is slow
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

# How far a peer's numbers may be from upi's, both float32: the mean distance, relatively; and the cosine of the rows of at least
# nine of ten images, and of half of them. Maps of networks of ReLU jump where a unit switches, and rounding decides which do.
VALUES, COSINE_TENTH, COSINE_HALF = 2e-3, 0.99, 0.999


def python(peer):
    """The interpreter that has the peer's packages."""
    name = "python" if peer in ("tensorflow", "eager") else os.path.join("bench", peer)
    path = os.path.join(ROOT, ".deps", name, "bin", "python")
    if not os.path.exists(path):
        raise Missing(f"its packages are not installed: make .deps/bench/{peer}")
    return path


class Row:
    def __init__(self, row, work, quick):
        self.key, self.title, network, side, count, batch, explanation, order, beta, self.both = row
        self.work = os.path.join(work, self.key)
        os.makedirs(self.work, exist_ok=True)
        model = os.path.join(ROOT, *(("savedmodels",) if network != "lite0" else (".deps", "imagenet")), network)
        if not os.path.exists(model):
            raise Missing(f"the network {network} is not there")
        if quick:
            count = max(count // 2, batch)
        self.task = {
            "saved_model": model, "network": self.path("network"), "images": self.path("images"), "explanation": explanation,
            "order": order, "surrogate": beta, "count": count, "shape": [side, side, 3], "batch": batch, "threads": 1,
            "compile": not quick,
        }  # fmt: skip
        self.numbers = side * side if order == 1 else 1 + side * side * 3

    def path(self, name):
        return os.path.join(self.work, name)

    def prepare(self):
        file = self.path("task.json")
        with open(file, "w") as f:
            json.dump(self.task, f)
        command = [python("tensorflow"), os.path.join(HERE, "prepare.py"), file, "cifar10"]
        subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(file) as f:
            self.task = json.load(f)
        with open(os.path.join(self.task["network"], "operations.json")) as f:
            self.flops = json.load(f)["flops"]

    def write(self, name, task):
        with open(self.path(name + ".json"), "w") as f:
            json.dump(task, f)
        return self.path(name + ".json")

    def upi(self, name, workers, precision=None):
        source = {"Dir": self.task["saved_model"], "Explanation": self.task["explanation"]}
        if self.task["surrogate"]:
            source["Surrogate"] = {"Beta": self.task["surrogate"]}
        if precision:
            source["Precision"] = precision
        task = {k: self.task[k] for k in ("order", "images", "count", "shape")}
        task = {**task, "source": source, "workers": workers, "out": self.path(name + ".f32")}
        return [os.path.join(ROOT, "bin", "bench-driver"), self.write(name, task)]

    def peer(self, name, peer, threads):
        task = {**self.task, "threads": threads, "out": self.path(name + ".f32")}
        if peer == "eager":
            task["batch"], task["count"] = 1, EAGER_IMAGES
        return [python(peer), os.path.join(HERE, "peers", peer + "_gradients.py"), self.write(name, task)]

    def lanes(self):
        """name -> commands of processes side by side, and the cores of each. One core first."""
        one, two = cores()[:1], cores()
        yield "upi", lambda: [(self.upi("upi", 1), one)]
        if self.task["order"] == 2:
            yield "upi bfloat16", lambda: [(self.upi("upi_bfloat16", 1, "bfloat16"), one)]
        for peer in PEERS:
            if peer != "eager" or not self.task["surrogate"]:  # the authors' way has no surrogate
                yield peer, lambda peer=peer: [(self.peer(peer, peer, 1), one)]
        if self.both and len(two) == 2:
            yield "upi, 2 workers", lambda: [(self.upi("upi_2", 2), two)]
            yield "tensorflow, 2 threads", lambda: [(self.peer("tensorflow_2", "tensorflow", 2), two)]
            yield "tensorflow, 2 processes", lambda: [(self.peer(f"tensorflow_{c}", "tensorflow", 1), [c]) for c in two]

    def env(self, command):
        if "jax_gradients.py" in command[1]:
            return environment(XLA_FLAGS=XLA_ONE_THREAD, JAX_PLATFORMS="cpu")
        return environment(TORCHINDUCTOR_CACHE_DIR=os.path.join(os.path.dirname(self.work), "inductor"))


def measure(row, repeats, seconds):
    """Samples of images per second of every lane, in turns; and how the lanes' numbers agree with upi's."""
    row.prepare()
    lanes, result = {}, {"title": row.title, "unit": "images/s", "flops": row.flops, "order": row.task["order"], "lanes": {}}
    for k, (name, commands) in enumerate(row.lanes()):
        try:
            start = cores()[k % len(cores()):][:1]
            lanes[name] = [(Contestant(c, start if len(on) == 1 else on, row.env(c)), on) for c, on in commands()]
        except Missing as e:
            result["lanes"][name] = {"missing": str(e)}
    counts = {}
    try:
        for name in list(lanes):
            lane = result["lanes"][name] = {"samples": []}
            try:
                for contestant, on in lanes[name]:
                    answer = contestant.ready(on)
                    lane.update(batch=answer["batch"], **({"versions": answer["versions"]} if "versions" in answer else {}))
                at_once = answer["batch"] * (2 if name == "upi, 2 workers" else 1)
                counts[name] = count(lanes[name], at_once, seconds)
            except Missing as e:
                result["lanes"][name] = {"missing": str(e)}
                shut(lanes.pop(name))
        for turn in range(repeats):
            names = list(lanes)
            for name in names[turn % len(names):] + names[:turn % len(names)]:
                rate, _ = together(lanes[name], counts[name])
                result["lanes"][name]["samples"].append(rate)
            note(f"  {row.key} {turn + 1}/{repeats}: " + ", ".join(f"{n} {result['lanes'][n]['samples'][-1]:.1f}" for n in names))
        for name in lanes:
            result["lanes"][name]["agrees"] = agreement(row, name, lanes[name])
        if row.key in PROFILED:
            result["profile"] = profiled(row, result["lanes"]["upi"]["batch"])
    finally:
        for name, lane in lanes.items():
            shut(lane)
            result["lanes"].setdefault(name, {})["peak"] = sum(c.peak for c, _ in lane)
    return result


def profiled(row, batch):
    """The shares of the operations in upi's time: see profile.py."""
    folder = row.path("export")
    os.makedirs(folder, exist_ok=True)
    binary = os.path.join(ROOT, "bin", "saliency.test")
    env = environment(UPI_EXPORT=folder, UPI_NETWORK=row.task["saved_model"], UPI_BATCH=str(batch))
    succeeded(program([binary, "-test.run", "^TestExport$"], cores()[:1], env, os.path.join(ROOT, "savedmodels", "saliency")), "TestExport")
    command = [python("tensorflow"), os.path.join(HERE, "profile.py"), folder, row.task["images"]]
    return json.loads(succeeded(program(command, cores()[:1]), "profile.py")["out"].splitlines()[-1])


def shut(lane):
    for contestant, _ in lane:
        try:
            contestant.close()
        except BrokenPipeError:
            pass


def count(lane, at_once, seconds):
    """How many images a round takes, for it to last about so many seconds: a multiple of what a process computes at once."""
    rate, _ = together(lane, at_once)
    return max(2, round(rate / len(lane) * seconds / at_once)) * at_once


def together(lane, images):
    """Images per second of the processes of a lane, all at once, each with so many images."""
    for contestant, _ in lane:
        contestant.ask(f"round {images}")
    answers = [contestant.answer() for contestant, _ in lane]
    return sum(a["images"] for a in answers) / max(a["seconds"] for a in answers), answers


def agreement(row, name, lane):
    """How the first process's numbers compare with upi's: see VALUES."""
    contestant, _ = lane[0]
    contestant.ask("check")
    got = np.fromfile(contestant.answer()["written"], np.float32).reshape(-1, row.numbers).astype(np.float64)
    want = np.fromfile(row.path("upi.f32"), np.float32).reshape(-1, row.numbers).astype(np.float64)[: len(got)]
    if row.task["order"] == 2:
        value = float(abs(got[:, 0].mean() / want[:, 0].mean() - 1))
        got, want = got[:, 1:], want[:, 1:]
    else:
        value = float(np.median(abs(got - want).sum(1) / abs(want).sum(1)))
    norms = np.linalg.norm(got, axis=1) * np.linalg.norm(want, axis=1)
    cosines = (got * want).sum(1) / np.where(norms > 0, norms, 1)
    tenth, half = np.quantile(cosines, [0.1, 0.5])
    agrees = {"images": len(got), "value": value, "cosine_tenth": float(tenth), "cosine_half": float(half), "ok": True}
    if "bfloat16" not in name:
        agrees["ok"] = bool(value <= VALUES and tenth >= COSINE_TENTH and half >= COSINE_HALF)
    return agrees
