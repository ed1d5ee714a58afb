"""What a large run costs on 1, 8 and 64 machines, from costs per image that the benchmark has measured.

    python python/scaling.py costs docs/performance.json beam/scaling.json
    python python/scaling.py table beam/scaling.json docs/cluster.md

`costs` takes the core seconds of each kind of work from the samples of `make bench`: EfficientNet-Lite0 at 224 x 224 pixels, first and
second order, on one core; reading pictures; UPI-PCA over rows on disk. `table` plays the large run through, task by task, and
writes the tables into the document in place of what stands between its two lines `<!-- table -->`. The large run is the one of RUN, below.
"""

import heapq
import json
import statistics
import sys
from pathlib import Path

MARK = "<!-- table -->\n"

# The large run: ImageNet's validation images are the test split. Numbers of upi_grad are the program's own settings.
RUN = {
    "networks": 6, "seeds": 3, "attacks": ("random", "upi_pca", "upi_grad"), "test": 50000, "fit": 5000, "shard": 1000,
    "steps": 100, "batch": 64, "held_back_most": 256, "check_every": 10, "sign_images": 256,
}  # fmt: skip
CORES = 16  # of a machine
START = 30  # seconds until a job's first task
BORDER = 1  # second between two levels


def costs(performance):
    """Core seconds: of an image, of a row of 150,528 gradients, of a picture."""
    rows = performance["rows"]

    def lane(row, name="upi"):
        return statistics.median(rows[row]["lanes"][name]["samples"])

    return {
        "date": performance["date"],
        "processor": performance["machine"]["processor"],
        "picture": lane("pictures", "upi, jpeg-500x375") / 1e6,
        "map": 1 / lane("lite0_first"),
        "gradient": 1 / lane("lite0"),
        "row": lane("pca") * performance["machine"]["cores"] / 20000,
    }


def levels(c):
    """Of each level of the large run its kinds of tasks: name, how many, what each works on, core seconds of each."""
    r = RUN
    shards, fitted = (r["test"] + r["fit"]) // r["shard"], r["fit"] // r["shard"]
    fits = r["networks"] * r["seeds"]
    found = fits * len(r["attacks"])
    compared = min(r["held_back_most"], r["fit"]) * -(-r["steps"] // r["check_every"])
    ascent = r["steps"] * r["batch"] * c["gradient"] + compared * c["map"]
    return [
        [("images", shards, f"{r['shard']:,} pictures", r["shard"] * c["picture"])],
        [("reference", r["networks"] * shards, f"{r['shard']:,} maps", r["shard"] * c["map"])],
        [("ascent of UPI-Grad", fits, f"{r['steps'] * r['batch']:,} gradients, {compared:,} maps", ascent),
         ("gradients", fits * fitted, f"{r['shard']:,} gradients", r["shard"] * c["gradient"])],
        [("direction of UPI-PCA", fits, f"{r['fit']:,} rows", r["fit"] * c["row"])],
        [("sign", found, f"{2 * r['sign_images']:,} maps", 2 * r["sign_images"] * c["map"])],
        [("evaluation", found * (r["test"] // r["shard"]), f"{r['shard']:,} maps", r["shard"] * c["map"])],
    ]  # fmt: skip


def makespan(durations, slots):
    """How long slots take, each of which begins the longest task that is left whenever it is free."""
    free = [0.0] * min(slots, len(durations))
    for d in sorted(durations, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + d)
    return max(free)


def clock(seconds):
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def tables(c):
    plan = levels(c)
    count = sum(n for level in plan for _, n, _, _ in level)
    total = sum(n * each for level in plan for _, n, _, each in level)
    lines = [f"Core seconds, by the benchmark of {c['date']} ({c['processor']}): a picture {1e3 * c['picture']:.2f} ms,\na map "
             f"(first order) {1e3 * c['map']:.0f} ms, a gradient (second order) {1e3 * c['gradient']:.0f} ms, a row of UPI-PCA {1e3 * c['row']:.1f} ms.", "",
             "| tasks | how many | each is | core s of each | core hours |", "|---|--:|---|--:|--:|"]  # fmt: skip
    for level in plan:
        lines += [f"| {kind} | {n:,} | {what} | {each:,.1f} | {n * each / 3600:.1f} |" for kind, n, what, each in level]
    lines += [f"| in all | {count:,} | | | {total / 3600:.1f} |", ""]
    names = ["images", "references", "gradients, ascents", "directions", "signs", "evaluation"]
    lines += ["| machines | cores | core hours / cores | " + " | ".join(names) + " | job | in all | of the ideal |",
              "|--:|--:|--:|" + "--:|" * (len(names) + 3)]  # fmt: skip
    for machines in (1, 8, 64):
        slots = machines * CORES
        spans = [makespan([each for _, n, _, each in level for _ in range(n)], slots) for level in plan]
        job = START + BORDER * len(plan)
        whole = sum(spans) + job
        cells = [f"{machines}", f"{slots:,}", *map(clock, [total / slots, *spans, job, whole]), f"{100 * total / slots / whole:.0f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    chain = sum(max(each for _, _, _, each in level) for level in plan)
    lines += ["", f"The longest chain of tasks, one of each level, takes {clock(chain)} whatever the number of machines."]
    return lines


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("costs", "table"):
        raise SystemExit(__doc__)
    read, out = json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    if sys.argv[1] == "costs":
        out.write_text(json.dumps(costs(read), indent=1) + "\n")
        return
    parts = out.read_text().split(MARK)
    if len(parts) != 3:
        raise SystemExit(f"{out}: want two lines {MARK.strip()}")
    parts[1] = "\n".join(tables(read)) + "\n"
    out.write_text(MARK.join(parts))


if __name__ == "__main__":
    main()
