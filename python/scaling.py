"""What a large run costs on 1, 8 and 64 machines, from costs per image that are measured.

    python python/scaling.py measure MODEL WORK COSTS.json
    python python/scaling.py table COSTS.json DOC

`measure` has bin/upi run a small configuration of a network (a SavedModel of 224 x 224 pixels, 0..255, RGB) on one core, and writes
the processor seconds of each kind of task. It needs no quiet machine: it counts the process's own processor time. The first task of each
kind builds its graph and is left out. `table` plays the large run through, task by task, and writes the tables to DOC in place of
what stands between its two lines `<!-- table -->`. The large run is the one of RUN, below.
"""

import heapq
import io
import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDE, BATCH, SHARDS = 224, 32, 3  # images' side; images of a shard, which is a batch; shards of each split
MARK = "<!-- table -->\n"

# The large run: ImageNet's validation images are the test split. Numbers of upi_grad are the program's own settings.
RUN = {
    "networks": 6, "seeds": 3, "test": 50000, "fit": 5000, "shard": 1000, "attacks": ("random", "upi_pca", "upi_grad"),
    "steps": 100, "batch": 64, "held_back_most": 256, "check_every": 10, "sign_images": 256,
}  # fmt: skip
CORES = 16  # of a machine
START = 30  # seconds until a job's first task, and after its last
BORDER = 0.5  # seconds between two levels


def write_shards(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    rows = [row for f in sorted((ROOT / "data/cifar10").glob("fit-*.parquet")) for row in pq.read_table(f).to_pylist()]
    for split in ("fit", "test"):
        for i in range(SHARDS):
            part = [rows.pop() for _ in range(BATCH)]
            images = []
            for row in part:
                out = io.BytesIO()
                Image.open(io.BytesIO(row["image"]["bytes"])).resize((SIDE, SIDE), Image.BICUBIC).save(out, "JPEG", quality=90)
                images.append({"bytes": out.getvalue(), "path": None})
            table = pa.table({"image": images, "label": [row["label"] for row in part]})
            pq.write_table(table, folder / f"{split}-{i:05d}-of-{SHARDS:05d}.parquet")


def write_config(work, model):
    """Everything scored, whatever it is taken for; two ascents, of which the first builds the graph."""
    ascent = f"kind: upi_grad, eps: [3570], batch: {BATCH}, held_back: 0.3334, check_every: 2"
    config = work / "scaling.yaml"
    config.write_text(f"""name: scaling
output: {work}/runs
cache: {work}/cache
workers: 1
memory: 8GiB
data:
  fit: {{path: {work}/shards/fit-*.parquet}}
  test: {{path: {work}/shards/test-*.parquet}}
models:
  - {{name: network, path: {model}}}
explanations:
  - {{name: sg, kind: simple_gradient, class: predicted}}
attacks:
  - {{name: random, kind: random, eps: [3570], draws: 1}}
  - {{name: upi_pca, kind: upi_pca, eps: [3570]}}
  - {{name: warm, {ascent}, steps: 2}}
  - {{name: upi_grad, {ascent}, steps: 4}}
evaluation: {{filter: all, sign_images: {2 * BATCH}}}
""")
    return config


class Watch(threading.Thread):
    """Notes the processor time of a process, user's and system's, as it goes on."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path, self.samples = f"/proc/{pid}/stat", []
        self.start()

    def run(self):
        hertz = os.sysconf("SC_CLK_TCK")
        while True:
            try:
                fields = Path(self.path).read_text().rpartition(")")[2].split()
            except OSError:
                return
            if fields[0] == "Z":
                return
            self.samples.append((time.time(), (int(fields[11]) + int(fields[12])) / hertz))
            time.sleep(0.02)

    def at(self, when):
        """The processor time at a moment, between two samples in proportion."""
        before = [s for s in self.samples if s[0] <= when] or self.samples[:1]
        after = [s for s in self.samples if s[0] >= when] or self.samples[-1:]
        (t0, c0), (t1, c1) = before[-1], after[0]
        return c0 if t1 == t0 else c0 + (c1 - c0) * (when - t0) / (t1 - t0)


def measure(model, work, out):
    (work / "shards").mkdir(parents=True, exist_ok=True)
    write_shards(work / "shards")
    config = write_config(work, Path(model).resolve())
    core = min(os.sched_getaffinity(0))
    process = subprocess.Popen(["taskset", "-c", str(core), ROOT / "bin/upi", "run", config, "--no-cache"], cwd=ROOT)
    watch = Watch(process.pid)
    if process.wait() != 0:
        raise SystemExit("upi run has failed")
    manifest = json.loads((work / "runs/scaling/manifest.json").read_text())
    tasks = []
    for t in manifest["tasks"]:
        if t["status"] != "done":
            raise SystemExit(f"{t['stage']} {t['label']} was {t['status']}: nothing may be in the cache")
        start = datetime.fromisoformat(t["started"]).timestamp()
        tasks.append((start, t, watch.at(start + t["elapsed"]) - watch.at(start)))
    tasks.sort(key=lambda x: x[0])
    stages = {}
    for _, t, cpu in tasks:
        stages.setdefault(t["stage"], []).append((t, cpu))
    costs = {"model": os.path.basename(str(model)), "batch": BATCH}
    # Seconds an image: of all tasks but the first, which has built the graph.
    for stage in ("images", "reference", "gradients", "evaluate"):
        later = stages[stage][1:]
        costs[stage] = sum(cpu for _, cpu in later) / sum(t["counts"]["images"] for t, _ in later)
    (last,) = [(t, cpu) for t, cpu in stages["fit"] if ".upi_grad." in t["label"]]
    costs["fit"] = last[1] / last[0]["work"]  # seconds for as much as a first derivative of one image
    costs["fit_work"] = last[0]["work"]
    (direction,) = stages["direction"]
    costs["direction"] = direction[1] / (SHARDS * BATCH)  # seconds a row; the first and only one
    signs = stages["sign"][1:]
    costs["sign"] = sum(cpu for _, cpu in signs) / len(signs) / (2 * BATCH)
    for stage, done in stages.items():
        print(stage, len(done), "tasks,", *[f"{cpu:.2f}" for _, cpu in done], "s", file=sys.stderr)
    out.write_text(json.dumps(costs, indent=1) + "\n")


def levels(costs):
    """The kinds of tasks of each level of the large run: how many, images or units of each, processor seconds of each."""
    r = RUN
    shards = r["test"] // r["shard"] + r["fit"] // r["shard"]
    fits = r["networks"] * r["seeds"]
    found = fits * len(r["attacks"])
    # The steps are of second order, which the program takes to be three times a first derivative; the comparisons of first.
    work = r["steps"] * r["batch"] * 3 + r["held_back_most"] * -(-r["steps"] // r["check_every"])
    return [
        [("images", shards, r["shard"], r["shard"] * costs["images"])],
        [("reference", r["networks"] * shards, r["shard"], r["shard"] * costs["reference"])],
        [("ascent of UPI-Grad", fits, work, work * costs["fit"]),
         ("gradients", fits * (r["fit"] // r["shard"]), r["shard"], r["shard"] * costs["gradients"])],
        [("direction of UPI-PCA", fits, r["fit"], r["fit"] * costs["direction"])],
        [("sign", found, r["sign_images"], r["sign_images"] * costs["sign"])],
        [("evaluation", found * (r["test"] // r["shard"]), r["shard"], r["shard"] * costs["evaluate"])],
    ]  # fmt: skip


def makespan(durations, slots):
    """How long slots take that take the longest task each time that one is free."""
    free = [0.0] * min(slots, len(durations))
    for d in sorted(durations, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + d)
    return max(free)


def clock(seconds):
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def tables(costs):
    plan = levels(costs)
    total = sum(count * each for level in plan for _, count, _, each in level)
    lines = ["| tasks | how many | images, or derivatives, of each | CPU s of each | core hours |", "|---|--:|--:|--:|--:|"]
    for level in plan:
        for kind, count, size, each in level:
            lines.append(f"| {kind} | {count:,} | {size:,} | {each:,.1f} | {count * each / 3600:.1f} |")
    count = sum(count for level in plan for _, count, _, _ in level)
    lines += ["", f"In all {count:,} tasks and {total / 3600:.0f} core hours.", ""]
    names = ["images", "references", "gradients, ascents", "directions", "signs", "evaluation"]
    lines += ["| machines | cores | core hours / cores | " + " | ".join(names) + " | job | in all | of the ideal |",
              "|--:|--:|--:|" + "--:|" * (len(names) + 3)]  # fmt: skip
    for machines in (1, 8, 64):
        slots = machines * CORES
        spans = [makespan([each for _, count, _, each in level for _ in range(count)], slots) for level in plan]
        job = START + BORDER * len(plan)
        whole = sum(spans) + job
        lines.append(f"| {machines} | {slots:,} | {clock(total / slots)} | " + " | ".join(map(clock, spans))
                     + f" | {clock(job)} | {clock(whole)} | {100 * total / slots / whole:.0f} % |")  # fmt: skip
    chain = sum(max(each for _, _, _, each in level) for level in plan)
    lines += ["", f"The longest chain of tasks, one of each level, lasts {clock(chain)}, whatever the number of machines."]
    return lines


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "measure":
        measure(sys.argv[2], Path(sys.argv[3]).resolve(), Path(sys.argv[4]))
    elif len(sys.argv) == 4 and sys.argv[1] == "table":
        doc = Path(sys.argv[3])
        parts = doc.read_text().split(MARK)
        if len(parts) != 3:
            raise SystemExit(f"{doc}: want two lines {MARK.strip()}")
        parts[1] = "\n".join(tables(json.loads(Path(sys.argv[2]).read_text()))) + "\n"
        doc.write_text(MARK.join(parts))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
