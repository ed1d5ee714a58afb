"""Write the page of the study of how many images one pattern serves, from its runs.

    python python/shared.py runs/study_shared docs/results/study_shared.md

A pattern of_N was fitted on the first N images; here it is scored on these, as are noise and the attack on each image. The page's text,
above the line <!-- tables -->, is left as it is.
"""

import argparse
import os

import numpy as np
import pandas as pd

from study import MARK, runs_of, scores


def table(cells):
    """For each number of images that a pattern was fitted on: how far it moves their maps, and how far noise and an attack on each do."""
    wide = cells.pivot(index="image_id", columns="method", values="normalized_l2").dropna()
    numbers = sorted(int(name.removeprefix("of_")) for name in wide.columns if name.startswith("of_"))
    lines = ["| images | noise | one pattern for all | one for each | way | scored |", "|---:|---:|---:|---:|---:|---:|"]
    for n in numbers:
        # An image's id is its row in the shard that all patterns were fitted on.
        own = wide[wide.index < n]
        noise, shared, each = (own[method] for method in ("random", f"of_{n}", "per_image"))
        error = shared.std(ddof=1) / np.sqrt(len(own)) if len(own) > 1 else np.nan
        way = 100 * (shared.mean() - noise.mean()) / (each.mean() - noise.mean())
        lines.append(f"| {n} | {noise.mean():.3f} | {shared.mean():.3f} ± {error:.3f} | {each.mean():.3f} | {way:.0f} % | {len(own)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("runs", help="the directory of the runs of the study")
    parser.add_argument("page", help="the page to write")
    options = parser.parse_args()
    runs = runs_of(options.runs)
    if not runs:
        parser.error(f"{options.runs} holds no run: bin/upi run configs/study/shared/vgg.yaml, and so on")
    with open(options.page) as f:
        text = [f.read().split(MARK)[0] + MARK]
    for run in runs:
        for (source, explanation, eps), cells in scores(run, 1).groupby(["source", "explanation", "eps"], sort=False):
            text += [f"## {os.path.basename(run)}: {source}, {explanation}, l2 {eps:g}", "", table(cells)]
    with open(options.page, "w") as f:
        f.write("\n".join(text))


if __name__ == "__main__":
    main()
