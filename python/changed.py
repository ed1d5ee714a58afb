"""What changed between two programs: the same experiment's cells before and now.

Where a run replaces that of another version of the program, the older one's tables are kept in its folder `before`, and the page
changed.md names the verdicts that turned over and the cells whose means lie further apart than chance has it.
"""

import json
import os

import pandas as pd

from claims import PLACE as CELL, side
from mdtable import table

FOLDER = "before"
TABLES = ("summary", "against_sgd_uap")
PLACE = [*CELL, "method"]
# Means further apart than so many standard errors of their difference are named. Both runs score the same images, so that the
# errors, taken as independent, are too large, and what is named did change.
FAR = 3


def before(manifest, target):
    """The tables that a run is to replace: name -> content, with their provenance. Those of the same program are replaced for good."""
    path = os.path.join(target, "provenance.json")
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        older = json.load(f)
    folder = os.path.join(target, FOLDER) if same(older, manifest) else target
    names = ["provenance.json", *(f"tables/{t}.parquet" for t in TABLES)]
    kept = {}
    for name in names:
        path = os.path.join(folder, name if folder == target else os.path.basename(name))
        if os.path.exists(path):
            with open(path, "rb") as f:
                kept[os.path.basename(name)] = f.read()
    return kept


def same(older, newer):
    """Whether two runs are of one program. One that knows no version of its own may be any."""
    versions = {older["versions"]["upi"], newer["versions"]["upi"]}
    return older["finished"] == newer["finished"] or len(versions) == 1 and versions != {"(devel)"}


def keep(tables, target):
    if not tables:
        return
    os.makedirs(os.path.join(target, FOLDER))
    for name, content in tables.items():
        with open(os.path.join(target, FOLDER, name), "wb") as f:
            f.write(content)


def page(runs, flipped):
    """changed.md of GROUP/NAME -> run; flipped is what turned says of them."""
    text = ["# What changed", "",
            "Of the experiments that were made again by another version of the program: first the verdicts that turned over (the 95 % interval "
            "of a difference lay above, around or below 0 and now lies elsewhere), then the means of normalised L2 that moved by more than "
            f"{FAR} standard errors of the difference. Both runs score the same images.", ""]
    if not (compared := made_again(runs)):
        return "\n".join([*text, "No experiment has been made again yet.", ""])
    moved, counts = [], []
    for name, run in compared.items():
        old, new = joined(run, "summary")
        both = old.merge(new, on=PLACE, suffixes=("_old", "_new"))
        far = both[(both.mean_new - both.mean_old).abs() > FAR * (both.std_error_old**2 + both.std_error_new**2) ** 0.5]
        moved += [[name, *where(c), f"{c.mean_old:.3f} ± {c.std_error_old:.3f}", f"{c.mean_new:.3f} ± {c.std_error_new:.3f}"]
                  for c in far.itertuples()]
        counts.append([name, version(os.path.join(run.path, FOLDER)), version(run.path), len(both), len(far)])
    text += ["## Verdicts that turned over", "",
             table(["run", "model", "map", "budget", "method", "against", "before", "now"], flipped) if flipped else "None.\n",
             "## Means that moved", "",
             table(["run", "model", "map", "budget", "method", "before", "now"], moved) if moved else "None.\n",
             "## What was compared", "", table(["run", "before", "now", "cells", "of which moved"], counts)]
    return "\n".join(text)


def joined(run, name):
    """A table before and now, of normalised L2; None where there is none."""
    found = []
    for path in (os.path.join(run.path, FOLDER, name + ".parquet"), os.path.join(run.path, "tables", name + ".parquet")):
        found.append(pd.read_parquet(path).query("metric == 'normalized_l2'") if os.path.exists(path) else None)
    return found


def turned(runs):
    """The verdicts that turned over, of GROUP/NAME -> run: a row of the page for each."""
    return [row for name, run in made_again(runs).items() for row in turnovers(name, run)]


def made_again(runs):
    """Those of the runs that have an older program's tables beside their own."""
    return {name: run for name, run in runs.items() if os.path.isdir(os.path.join(run.path, FOLDER))}


def turnovers(name, run):
    rows = []
    for against, (old, new) in {"random": joined(run, "summary"), "sgd_uap": joined(run, "against_sgd_uap")}.items():
        if old is None or new is None:
            continue
        both = old.merge(new, on=PLACE, suffixes=("_old", "_new"))
        for c in both.dropna(subset=["low_old", "low_new"]).itertuples():
            sides = [side(c.low_old, c.high_old), side(c.low_new, c.high_new)]
            if sides[0] != sides[1]:
                rows.append([name, *where(c), against, f"{sides[0]} ({c.low_old:+.3f}, {c.high_old:+.3f})",
                             f"{sides[1]} ({c.low_new:+.3f}, {c.high_new:+.3f})"])
    return rows


def where(c):
    return c.source if c.source == c.target else f"{c.source} on {c.target}", c.explanation, f"{c.norm} {c.eps:g}", c.method


def version(folder):
    with open(os.path.join(folder, "provenance.json")) as f:
        p = json.load(f)
    return f"{p['versions']['upi']}, {p['finished'][:10]}"
