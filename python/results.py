"""Gather the runs of `make paper` into docs/results: their tables and figures, and the page that compares them.

    python python/results.py runs docs/results

Every number on the page is computed here from the runs' Parquet files (tables/*.parquet, and scores/*.parquet for the paired
differences that no table holds); nothing is typed in.
"""

import argparse
import glob
import json
import os
import re
import shutil

import duckdb
import numpy as np
import pandas as pd

GROUPS = ("paper", "beyond")
# What is committed of a run; the per-image scores and the example figures stay in its directory.
KEPT = ("config.yaml", "tables/*", "figures/score-*.png", "figures/perturbations-*.png", "figures/spectrum-*.png", "figures/transfer-*.png")
RESAMPLES = 2000


class Run:
    """A run's directory: its manifest, its table of cells, and its scores by image."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        with open(os.path.join(path, "manifest.json")) as f:
            self.manifest = json.load(f)

    def done(self):
        return self.manifest["status"] == "done"

    def cells(self, table="summary"):
        return pd.read_parquet(os.path.join(self.path, "tables", table + ".parquet"))

    def images(self, metric):
        """One row per method, eps, source, target, explanation and image: the mean of the metric over seeds and draws."""
        return duckdb.sql(
            f"""
            select p.method, p.eps, p.model as source, s.model as target, s.explanation, s.image_id, avg(s.{metric}) as value
            from '{self.path}/scores/*.parquet' s join '{self.path}/perturbations.parquet' p on s.perturbation = p.id
            where s.{metric} is not null group by all order by all"""
        ).df()


def bootstrap(values):
    """The mean with its 95 % interval over images."""
    values = np.asarray(values)
    draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return values.mean(), low, high


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---" if i == 0 else "---:" for i in range(len(header))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]) + "\n"


def interval(mean, low, high):
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def summary(run):
    """Normalised L2 of every method: rows are model and budget."""
    place = ["source", "target", "explanation", "norm", "eps"]
    cells = run.cells().query("metric == 'normalized_l2'")
    changed = run.cells().query("metric == 'prediction_changed'").set_index([*place, "method"])["mean"]
    methods = list(dict.fromkeys(cells["method"]))
    rows = []
    for (source, target, explanation, norm, eps), group in cells.groupby(place, sort=False):
        row = [source if source == target else f"{source} on {target}", explanation, f"{norm} {eps:g}"]
        by_method = group.set_index("method")
        for m in methods:
            if m not in by_method.index:
                row.append("–")  # the configuration does not ask for it
                continue
            c = by_method.loc[m]
            if pd.isna(c["mean"]):
                row.append("missing")
                continue
            row.append(f"{c['mean']:.3f} ± {c['std_error']:.3f} ({100 * changed[source, target, explanation, norm, eps, m]:.0f} %)")
        rows.append(row + [int(group["images"].max())])
    return table(["model", "map", "budget", *methods, "images"], rows)


def verdicts(runs, method):
    """How often the 95 % interval of the difference to random, and to sgd_uap, lies above, around and below 0."""
    rows = []
    for run in runs:
        against = run.cells().query("metric == 'normalized_l2' and method == @method")
        counts = {"random": [int((against["low"] > 0).sum()), int(((against["low"] <= 0) & (against["high"] >= 0)).sum()),
                             int((against["high"] < 0).sum())]}
        images = run.images("normalized_l2")
        keys = ["source", "target", "explanation", "eps", "image_id"]
        pair = images[images.method == method].merge(images[images.method == "sgd_uap"], on=keys, suffixes=("", "_uap"))
        signs = [0, 0, 0]
        for _, group in pair.groupby(["source", "explanation", "eps"]):
            _, low, high = bootstrap(group["value"] - group["value_uap"])
            signs[0 if low > 0 else 2 if high < 0 else 1] += 1
        counts["sgd_uap"] = signs
        rows.append([run.name, method] + [f"{a} / {b} / {c}" for a, b, c in counts.values()])
    return rows


def reach(run):
    """The share of the way from random to the attack on each image alone that each method goes."""
    cells = run.cells().query("metric == 'normalized_l2'")
    rows = []
    for (source, eps), group in cells.groupby(["source", "eps"], sort=False):
        mean = group.set_index("method")["mean"]
        way = mean["per_image"] - mean["random"]
        rows.append([run.name, source, f"{eps:g}", f"{way:+.3f}"] + [f"{100 * (mean[m] - mean['random']) / way:.0f} %" for m in
                                                                    ("sgd_uap", "upi_pca", "upi_pca_unit", "upi_grad")])
    return rows


def transfer(run, method):
    """Rows are sources, columns targets: the difference to random with its interval."""
    cells = run.cells("transfer").query("metric == 'normalized_l2' and method == @method")
    targets = list(dict.fromkeys(cells["target"]))
    rows = []
    for source, group in cells.groupby("source", sort=False):
        by_target = group.set_index("target")
        row = [source]
        for t in targets:
            c = by_target.loc[t]
            text = interval(c["difference"], c["low"], c["high"])
            row.append(f"**{text}**" if c["diagonal"] else text)
        rows.append(row)
    return table([f"{method}: source \\ target", *targets], rows)


def page(runs, missing):
    paper = {n: r for n, r in runs["paper"].items() if not n.endswith("_transfer")}
    first = next(iter(paper.values())).manifest
    versions = ", ".join(f"{k} {v}" for k, v in first["versions"].items())
    text = ["# Tables of `make paper`", "",
            "Written by `python python/results.py runs docs/results` after `make paper`; [README.md](README.md) says what came out. "
            f"{versions}; device {first['device']}. Scores are normalised L2 distances of saliency maps, mean ± standard error over "
            "images, and in parentheses the share of predictions that change. Differences have 95 % bootstrap intervals, paired over images.",
            "", "| run | finished | seeds |", "|---|---|---|"]
    for group, members in runs.items():
        for run in members.values():
            seeds = ", ".join(str(s) for s in run.manifest["seeds"])
            text.append(f"| [{group}/{run.name}]({group}/{run.name}/tables/summary.md) | {run.manifest['finished'][:16].replace('T', ' ')} UTC | {seeds} |")
    if missing:
        text += ["", "Not here, for it has not come to its end: " + ", ".join(missing) + "."]
    text += ["", "## The paper's tables", ""]
    for run in paper.values():
        text += [f"### {run.name}", "", summary(run)]
    text += ["## Better than random, and than SGD-UAP?", "",
             "In how many of a run's cells (model and budget) the interval of the difference lies above / around / below 0.", "",
             table(["run", "method", "against random", "against sgd_uap"],
                   [row for run in paper.values() for m in ("upi_pca", "upi_pca_unit", "upi_grad") for row in verdicts([run], m)]),
             "## How near to the attack on each image alone?", "",
             "The share of the way from random to per_image that a method goes; above 100 % it beats that reference.", "",
             table(["run", "model", "eps", "per_image - random", "sgd_uap", "upi_pca", "upi_pca_unit", "upi_grad"],
                   [row for run in paper.values() for row in reach(run)]),
             "## Transfer", "", "Difference to random of the same budget on the target; bold on the diagonal.", ""]
    for name, run in runs["paper"].items():
        if name.endswith("_transfer"):
            text += [f"### {name}", ""] + [transfer(run, m) for m in ("sgd_uap", "upi_pca", "upi_pca_unit", "upi_grad")]
    text += ["## Beyond the paper", ""]
    for name, run in runs["beyond"].items():
        with open(os.path.join("configs", "beyond", name + ".yaml")) as f:
            about = f.readline().lstrip("# ").strip()
        text += [f"### {name}", "", about, "", summary(run)]
        if name == "sources":
            text += [transfer(run, m) for m in dict.fromkeys(run.cells("transfer")["method"]) if m != "random"]
    return "\n".join(text)


def keep(run, target):
    shutil.rmtree(target, ignore_errors=True)
    for pattern in KEPT:
        for path in glob.glob(os.path.join(run.path, pattern)):
            to = os.path.join(target, os.path.relpath(path, run.path))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(path, to)


# The configurations that need the user's own pictures and networks.
OWN_DATA = ("tiny_imagenet", "imagenet")


def experiments(group):
    """The names of a group's configurations that stand alone, in the order of the page."""
    names = []
    for path in sorted(glob.glob(os.path.join("configs", group, "*.yaml"))):
        with open(path) as f:
            if re.search(r"^name:", f.read(), re.MULTILINE) and os.path.basename(path)[:-5] not in OWN_DATA:
                names.append(os.path.basename(path)[:-5])
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("results")
    args = parser.parse_args()
    runs, missing = {}, []
    for group in GROUPS:
        runs[group] = {}
        for name in experiments(group):
            path = os.path.join(args.runs, group, name)
            if os.path.exists(os.path.join(path, "manifest.json")) and Run(path).done():
                runs[group][name] = Run(path)
                keep(runs[group][name], os.path.join(args.results, group, name))
            else:
                missing.append(f"{group}/{name}")
    if not runs["paper"]:
        raise SystemExit(f"{args.runs}/paper: no finished runs; run `make paper` first")
    with open(os.path.join(args.results, "tables.md"), "w") as f:
        f.write(page(runs, missing))


if __name__ == "__main__":
    main()
