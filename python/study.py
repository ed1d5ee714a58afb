"""Write the page of a study that chose settings, from its runs.

    python python/study.py runs/study docs/results/study.md
    python python/study.py runs/study_imagenet docs/results/study_imagenet.md --photographs

With --photographs the images are crops, and a photograph counts once, with the mean over its crops. Every number is made of the
runs' scores per image (scores/*.parquet). The page's text, above the line <!-- tables -->, is left as it is.
"""

import argparse
import glob
import os

import numpy as np
import pandas as pd

from by_photograph import CROPS_APART

MARK = "<!-- tables -->"
LEVEL = "Means are over the cells that an attack has. The best SGD-UAP of a cell is level with itself."
RESAMPLES = 2000


def runs_of(study):
    """The directories of a study's runs. NAME.1 is what NAME was under another configuration."""
    found = [d for d in glob.glob(os.path.join(study, "*")) if os.path.isdir(os.path.join(d, "scores"))]
    return sorted(d for d in found if not (os.path.splitext(d)[1][1:].isdigit() and os.path.splitext(d)[0] in found))


def scores(run, apart):
    """One row per image (so many ids), attack and budget: means over seeds and draws."""
    rows = pd.concat(pd.read_parquet(path) for path in sorted(glob.glob(os.path.join(run, "scores", "*.parquet"))))
    if (rows["source"] != rows["target"]).any() or rows["norm"].nunique() > 1:
        raise SystemExit(f"{run}: a study has no transfer, and one norm")
    rows["image_id"] //= apart
    place = ["source", "explanation", "eps", "method", "kind", "image_id"]
    return rows.groupby(place, sort=False)[["normalized_l2", "prediction_changed"]].mean().reset_index()


def interval(differences, random):
    """Mean of paired differences with a bootstrap 95 % interval over the images."""
    picks = random.integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[picks].mean(axis=1), [0.025, 0.975])
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def way(means, kinds):
    """How far between random and the attack on each image each attack goes, in per cent; empty where the study has not both."""
    ends = [[m for m in means.index if kinds[m] == kind] for kind in ("random", "per_image")]
    if not all(ends):
        return {}
    (low,), (high,) = (means[end] for end in ends)
    if low >= high:
        raise SystemExit(f"the attack on each image moves maps by {high:.3f}, no further than random: {low:.3f}")
    return {m: f"{100 * (means[m] - low) / (high - low):.0f} %" for m in means.index}


def best_baseline(cells):
    """The name of the attack on predictions that moves maps most."""
    means = cells[cells["kind"] == "sgd_uap"].groupby("method")["normalized_l2"].mean()
    return means.idxmax() if len(means) else None


def cell_table(cells, random, counted):
    """The attacks on one network, map and budget, the strongest first."""
    wide = cells.pivot(index="image_id", columns="method", values="normalized_l2").dropna()
    changed = cells.groupby("method")["prediction_changed"].mean()
    baseline = best_baseline(cells)
    means = wide.mean().sort_values(ascending=False)
    ways = way(means, cells.groupby("method")["kind"].first())
    lines = [f"| attack | maps moved | {'way | ' if ways else ''}predictions changed | against the best SGD-UAP | {counted} |",
             "|---|---:|" + ("---:|" if ways else "") + "---:|---:|---:|"]
    for method in means.index:
        values = wide[method].to_numpy()
        error = values.std(ddof=1) / np.sqrt(len(values))
        against = "–"
        if baseline and method != baseline:
            against = interval(values - wide[baseline].to_numpy(), random)
        name = f"**{method}**" if method == baseline else method
        share = f"{ways[method]} | " if ways else ""
        lines.append(f"| {name} | {values.mean():.3f} ± {error:.3f} | {share}{100 * changed[method]:.0f} % | {against} | {len(values)} |")
    return "\n".join(lines) + "\n"


def verdicts(tables):
    """For each attack: in how many cells it is ahead of, level with and behind the best SGD-UAP, and its mean gain."""
    rows = {}
    for cells, random in tables:
        wide = cells.pivot(index="image_id", columns="method", values="normalized_l2").dropna()
        baseline = best_baseline(cells)
        if baseline is None:
            continue
        for method in wide.columns:
            differences = (wide[method] - wide[baseline]).to_numpy()
            picks = random.integers(0, len(differences), (RESAMPLES, len(differences)))
            low, high = np.quantile(differences[picks].mean(axis=1), [0.025, 0.975])
            row = rows.setdefault(method, [0, 0, 0, []])
            row[0 if low > 0 else 2 if high < 0 else 1] += 1
            row[3].append(differences.mean())
    lines = ["| attack | ahead / level / behind | mean difference | cells |", "|---|---:|---:|---:|"]
    for method, (ahead, level, behind, gains) in sorted(rows.items(), key=lambda item: -np.mean(item[1][3])):
        lines.append(f"| {method} | {ahead} / {level} / {behind} | {np.mean(gains):+.3f} | {len(gains)} |")
    return "\n".join(lines) + "\n"


def page(runs, photographs):
    """All tables: the verdicts over all cells, then each cell's."""
    cells = list(cells_of(runs, CROPS_APART if photographs else 1))
    # One generator, seeded, so that the page is the same each time.
    random = np.random.default_rng(0)
    text = ["## Against SGD-UAP's best settings, over all cells", "", LEVEL, "", verdicts([(group, random) for _, group in cells])]
    for heading, group in cells:
        text += [heading, "", cell_table(group, random, "photographs" if photographs else "images")]
    return "\n".join(text)


def cells_of(runs, apart):
    """The cells of runs, each with its heading: the scores of the attacks on one network, map and budget."""
    for run in runs:
        for (source, explanation, eps), group in scores(run, apart).groupby(["source", "explanation", "eps"], sort=False):
            yield f"## {os.path.basename(run)}: {source}, {explanation}, l2 {eps:g}", group


def write(study, path, tables):
    """Write the page of a study: its text as it is, and below the line MARK what tables makes of the study's runs."""
    runs = runs_of(study)
    if not runs:
        raise SystemExit(f"{study} holds no run: `make study` makes them, bin/upi run configs/study/vgg.yaml one")
    text = ""
    if os.path.exists(path):
        with open(path) as f:
            text = f.read().split(MARK)[0]
    with open(path, "w") as f:
        f.write(f"{text}{MARK}\n{tables(runs)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("runs", help="the directory of the runs of the study")
    parser.add_argument("page", help="the page to write")
    parser.add_argument("--photographs", action="store_true", help="the images are crops of photographs.py: count photographs")
    options = parser.parse_args()
    write(options.runs, options.page, lambda runs: page(runs, options.photographs))


if __name__ == "__main__":
    main()
