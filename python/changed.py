"""What changed between two programs: the same experiment's cells before and now.

Where a run replaces that of another version of the program, the older one's tables are kept in its folder `before`; a version that
gives the same numbers takes the place of the one it replaces. The page changed.md names the verdicts that turned over and the cells
whose means lie further apart than chance has it.
"""

import json
import os

import pandas as pd

from claims import PLACE as CELL, side
from mdtable import table

FOLDER = "before"
TABLES = ("summary.parquet", "against_sgd_uap.parquet", "by_photograph.csv")
PLACE = [*CELL, "method"]
# Means further apart than so many standard errors of their difference are named. Both runs score the same images, so that the
# errors, taken as independent, are too large, and what is named did change.
FAR = 3


def before(run, manifest, target):
    """The tables that a run is to replace, with their provenance: path -> content. Those of the same program are replaced for good."""
    older = os.path.join(target, "provenance.json")
    if not os.path.exists(older):
        return {}
    with open(older) as f:
        same = same_program(json.load(f), manifest)
    folder = os.path.join(target, FOLDER)
    if not (same or os.path.exists(folder) and same_numbers(run, target)):
        folder = target
    kept = {}
    for name in ("provenance.json", *(os.path.join("tables", t) for t in TABLES)):
        if os.path.exists(path := os.path.join(folder, name)):
            with open(path, "rb") as f:
                kept[name] = f.read()
    return kept


def same_program(older, newer):
    """Whether two runs are of one program. One that knows no version of its own may be any."""
    versions = {older["versions"]["upi"], newer["versions"]["upi"]}
    return older["finished"] == newer["finished"] or len(versions) == 1 and versions != {"(devel)"}


def same_numbers(run, target):
    """Whether the run in a directory came to the numbers that docs/results has of it."""
    tables = [pd.read_parquet(os.path.join(of, "tables", "summary.parquet")) for of in (run, target)]
    return tables[0].equals(tables[1])


def keep(tables, target):
    for name, content in tables.items():
        path = os.path.join(target, FOLDER, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
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
        old, new = (distances(r.cells()) for r in (run.before, run))
        both = old.merge(new, on=PLACE, suffixes=("_old", "_new"))
        far = both[(both.mean_new - both.mean_old).abs() > FAR * (both.std_error_old**2 + both.std_error_new**2) ** 0.5]
        moved += [[name, *where(c), f"{c.mean_old:.3f} ± {c.std_error_old:.3f}", f"{c.mean_new:.3f} ± {c.std_error_new:.3f}"]
                  for c in far.itertuples()]
        held = ", ".join(f"{len(cells)} against {against}" for against, cells in verdicts(run).items() if len(cells))
        counts.append([name, version(run.before), version(run), len(both), len(far), held])
    text += ["## Verdicts that turned over", "",
             table(["run", "model", "map", "budget", "method", "against", "before", "now"], flipped) if flipped else "None.\n",
             "## Means that moved", "",
             table(["run", "model", "map", "budget", "method", "before", "now"], once(moved)) if moved else "None.\n",
             "## What was compared", "",
             "*: the older run has no paired differences to SGD-UAP, so the intervals before and now are unpaired ones, which are wider.", "",
             table(["run", "before", "now", "means", "of which moved", "verdicts"], counts)]
    return "\n".join(text)


def turned(runs):
    """The verdicts that turned over, of GROUP/NAME -> run: a row of the page for each."""
    return once([row for name, run in made_again(runs).items() for row in turnovers(name, run)])


def once(rows):
    """The rows, those of a cell that several runs have (one with transfer has those of one without) put together."""
    runs = {}
    for name, *cell in rows:
        runs.setdefault(tuple(cell), []).append(name)
    return [[", ".join(names), *cell] for cell, names in runs.items()]


def made_again(runs):
    """Those of the runs that have an older program's tables beside their own."""
    return {name: run for name, run in runs.items() if run.before}


def distances(cells):
    return cells[cells.metric == "normalized_l2"]


def verdicts(run):
    """The differences before and now that have intervals: against -> cells."""
    both = run.before, run
    tables = {"random": [r.cells() for r in both]}
    if all(r.has("against_sgd_uap") for r in both):
        tables["sgd_uap"] = [r.against_sgd_uap() for r in both]
    else:
        tables["sgd_uap *"] = [r.unpaired_to_sgd_uap() for r in both]
    return {against: distances(old).merge(distances(new), on=PLACE, suffixes=("_old", "_new")).dropna(subset=["low_old", "low_new"])
            for against, (old, new) in tables.items()}


def turnovers(name, run):
    rows = []
    for against, cells in verdicts(run).items():
        for c in cells.itertuples():
            sides = [side(c.low_old, c.high_old), side(c.low_new, c.high_new)]
            if sides[0] != sides[1]:
                rows.append([name, *where(c), against, f"{sides[0]} ({c.low_old:+.3f}, {c.high_old:+.3f})",
                             f"{sides[1]} ({c.low_new:+.3f}, {c.high_new:+.3f})"])
    return rows


def where(c):
    return c.source if c.source == c.target else f"{c.source} on {c.target}", c.explanation, f"{c.norm} {c.eps:g}", c.method


def version(run):
    return f"{run.provenance['versions']['upi']}, {run.provenance['finished'][:10]}"
