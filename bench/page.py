"""Makes the page of the benchmark from its samples; nothing else is needed for that.

    python page.py SAMPLES.json > PAGE.md
"""

import json
import statistics
import sys

from goals import reach

INTRODUCTION = """# Performance

`make bench` has measured this and written this page from the samples in `performance.json`; nobody edits it. Every figure is a
median, with the smallest and the largest sample in brackets. All lanes of a row do the same work on the same images and the same
cores, in turns, so that a change of the machine's speed meets them all; before a row counts, their numbers are compared (last
column). `make bench ROWS=vgg,pca` measures some rows anew and keeps the others.
"""

PEERS = """
The peers are in `bench/`, each as well as its users can write it:

- **tensorflow**: the SavedModel frozen and inlined into one flat graph (`convert_variables_to_constants_v2`), gradients by
  `tf.gradients` twice in a `tf.function`, which is faster than nested tapes. *2 threads* is one process, *2 processes* are two
  of one thread, each pinned to a core.
- **torch**: the network's operations with its weights, batch normalisation folded into the convolutions, `channels_last`;
  `torch.autograd.grad` twice, or `torch.compile` over `torch.func.grad`, whichever is faster.
- **jax**: the same operations and weights under `jit`, `jax.grad` twice over the batch.
- **eager**: the authors' way, TensorFlow's nested tapes on one image at a time.

Clean maps are computed once and kept for all of them. Building, tracing, compiling and a first batch are not timed in the rows of
gradients; whole programs are timed from their start to their end. The memory is the most that the processes ever held, all of
them together.
"""


def write(samples):
    parts = [INTRODUCTION, about(samples), PEERS]
    rows = samples["rows"]
    of = {key: row for key, row in rows.items() if row.get("unit") == "images/s"}
    parts.append("\n## What is to be reached\n\n" + reach(samples))
    parts.append("\n## Gradients\n\nImages per second, on one core unless it says otherwise. The ratio is upi's median over the "
                 "lane's.\n")
    parts += [table(key, row, True, samples["date"]) for key, row in of.items()]
    parts.append("\n## Whole programs\n\nThe ratio is the lane's median over upi's: how many times as long, or as much, it takes.\n")
    parts += [table(key, row, False, samples["date"]) for key, row in rows.items() if key not in of]
    return "".join(parts)


def about(samples):
    m = samples["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in samples["versions"].items())
    lines = [
        f"- {samples['date']}{', **in small, to see that all works: these figures mean nothing**' if samples['quick'] else ''}",
        f"- {m['processor']}, {m['cores']} cores used, {m['memory'] / 2**30:.0f} GiB; AMX {yes(m['amx'])}, "
        f"AVX-512 {yes(m['avx512'])}; no GPU",
        f"- one core: {m['gflops']:.0f} GFLOP/s in a float32 matrix product of 2,048 x 2,048 (TensorFlow's), "
        f"{m['gflops_bfloat16']:.0f} in bfloat16; "
        f"{m['copy']:.1f} GB/s of memory read and written in a copy",
        f"- {versions}",
    ]
    return "\n" + "\n".join(lines) + "\n"


def yes(flag):
    return "yes" if flag else "no"


def median(lane):
    return statistics.median(lane["samples"]) if lane.get("samples") else None


def number(x):
    digits = 0 if abs(x) >= 100 else 1 if abs(x) >= 10 else 2 if abs(x) >= 1 else 3
    return f"{x:,.{digits}f}"


def spread(lane):
    low, high = min(lane["samples"]), max(lane["samples"])
    return f"{number(median(lane))} [{number(low)}, {number(high)}]" if len(lane["samples"]) > 1 else number(median(lane))


def table(key, row, rates, date):
    older = f", measured on {row['date']}" if row.get("date", date) != date else ""
    if "missing" in row:
        return f"\n**{key}**: not measured: {row['missing']}\n"
    lines = [f"\n**{row['title']}** (`{key}`{older})\n", f"| lane | {row['unit']} | samples | ratio | memory | agreement with upi |",
             "|---|---:|---:|---:|---:|---|"]
    for name, lane in row["lanes"].items():
        if "missing" in lane:
            lines.append(f"| {name} | not measured: {escaped(lane['missing'])} | | | | |")
            continue
        if not lane["samples"]:
            continue
        against = counterpart(name, row)
        base, own = median(row["lanes"].get(against, {})), median(lane)
        ratio = "" if base is None or against == name else number(base / own if rates else own / base)
        memory = f"{lane['peak'] / 2**20:,.0f} MiB" if lane.get("peak") else ""
        lines.append(f"| {name} | {spread(lane)} | {len(lane['samples'])} | {ratio} | {memory} | {agreement(lane)} |")
    if "profile" in row:
        lines += ["", profile(row["profile"])]
    return "\n".join(lines) + "\n"


LEAST = 0.02  # smaller shares are added up


def profile(p):
    """Where upi's time goes."""
    named = {kind: (share, count) for kind, (share, count) in p["operations"].items() if share >= LEAST}
    rest = 1 - sum(share for share, _ in named.values())
    parts = [f"{kind} {100 * share:.0f} % ({count})" for kind, (share, count) in named.items()]
    return (f"Of upi's time in operations ({p['milliseconds']:.1f} ms for {p['images']} images, in how many operations): "
            + ", ".join(parts) + f", others {100 * rest:.0f} %.")


def counterpart(name, row):
    """The lane of upi that a lane is compared with: that of the same number of cores, or of the same kind of picture."""
    lanes = row["lanes"]
    _, comma, kind = name.partition(", ")
    if f"upi, {kind}" in lanes:
        return f"upi, {kind}"
    return "upi, 2 workers" if comma and "upi, 2 workers" in lanes else "upi"


def agreement(lane):
    a = lane.get("agrees", {})
    if "cosine_half" in a:
        return (f"cosine of {a['images']} rows {a['cosine_half']:.6f} (of nine in ten at least {a['cosine_tenth']:.5f}), "
                f"values within {a['value']:.1e}")
    if "rescored" in a:
        return f"TensorFlow's scores of its patterns are within {a['rescored']:.0e}"
    if "found" in a:
        return "mean scores within " + ", ".join(f"{value:.3f} ({method})" for method, value in a["found"].items())
    if "off" in a:
        return f"{a['off']:.1e} rad from the true vector, {lane['passes']} passes"
    return ""


def escaped(text):
    return text.replace("|", "\\|")


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        sys.stdout.write(write(json.load(f)))
