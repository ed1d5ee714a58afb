"""How sure the differences of a run on crops of photographs are, counting photographs instead of crops.

    python by_photograph.py RUN     # writes RUN/tables/by_photograph.csv and .md

Crops of one photograph are no independent images: the intervals of the run's own tables, which take them as such, are too narrow.
Here a method's difference to another on a photograph is the mean over its crops (ids 100 * photograph + crop, as photographs.py
gives them) and seeds; the interval is that of the mean over photographs, from a bootstrap that draws photographs.
"""

import argparse
import os

import numpy as np
import pandas as pd

from claims import PLACE
from mdtable import table as markdown_table

RESAMPLES = 10_000
CROPS_APART = 100  # ids of the first crops of two photographs that follow each other


def differences(scores, against):
    """A row for each method and place: the mean difference to the method against, over photographs, and its 95 % interval."""
    scores = scores.assign(photograph=scores["image_id"] // CROPS_APART)
    crops = scores.groupby([*PLACE, "method", "photograph", "image_id"], sort=False)["normalized_l2"].mean().reset_index()
    wide = crops.pivot_table(index=[*PLACE, "photograph", "image_id"], columns="method", values="normalized_l2")
    rows = []
    for method in dict.fromkeys(scores["method"]):
        if method == against:
            continue
        of_crops = (wide[method] - wide[against]).dropna().rename("difference").reset_index()
        for place, group in of_crops.groupby(PLACE, sort=False):
            values = group.groupby("photograph")["difference"].mean().to_numpy()
            drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
            low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
            rows.append({**dict(zip(PLACE, place)), "method": method, "against": against, "difference": values.mean(),
                         "low": low, "high": high, "photographs": len(values), "crops": len(group)})  # fmt: skip
    return rows


def table(run):
    """The table of a finished run: against the random pattern, and against SGD-UAP where there is one."""
    folder = os.path.join(run, "scores")
    scores = pd.concat([pd.read_parquet(os.path.join(folder, f)) for f in sorted(os.listdir(folder))])
    others = [m for role in ("random", "baseline") for m in dict.fromkeys(scores.loc[scores["role"] == role, "method"])]
    return pd.DataFrame([row for against in others for row in differences(scores, against)])


def markdown(rows, mark=lambda row: ""):
    """The rows as Markdown; mark(row) is what the first cell of each begins with."""
    return markdown_table(["method", "against", "eps", "difference [95 %]", "photographs", "crops"],
                          [[mark(r) + r.method, r.against, f"{r.eps:g}", f"{r.difference:+.3f} [{r.low:+.3f}, {r.high:+.3f}]", r.photographs, r.crops]
                           for r in rows.itertuples()])  # fmt: skip


def write(run, into):
    rows = table(run)
    rows.to_csv(os.path.join(into, "by_photograph.csv"), index=False)
    with open(os.path.join(into, "by_photograph.md"), "w") as f:
        f.write(markdown(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    args = parser.parse_args()
    write(args.run, os.path.join(args.run, "tables"))


if __name__ == "__main__":
    main()
