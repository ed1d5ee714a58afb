"""What changed between two programs: the same experiment's cells before and now.

Where a run replaces that of another version of the program, the older one's tables are kept in its folder `before`; a version that
gives the same numbers takes the place of the one it replaces. A run of other settings is another experiment, and has nothing before
it. The page changed.md names the verdicts that turned over and the cells whose means lie further apart than chance has it.
"""

import json
import os
import typing

import pandas as pd
import yaml

from claims import PLACE as CELL, mark, side
from mdtable import table

FOLDER = "before"
TABLES = ("summary.parquet", "against_sgd_uap.parquet", "by_photograph.csv")
PLACE = [*CELL, "method"]
# Means further apart than so many standard errors of their difference are named. Both runs score the same images, so that the
# errors, taken as independent, are too large, and what is named did change.
FAR = 3
# What a configuration may say otherwise and be that of the same experiment: other seeds, and what means of normalised L2 do not depend on.
APART = {"seeds", "output", "cache", "device", "memory", "workers", "keep_gradients", "metrics", "labels", "report", "expect"}
# The parts of a configuration of which a setting that only one of two has is a difference: what is at its default may not be written.
WHOLE = ("data", "models", "explanations", "attacks")


def before(run, manifest, target):
    """The tables that a run is to replace, with their provenance: path -> content. Those of the same program are replaced for good."""
    older = os.path.join(target, "provenance.json")
    if not os.path.exists(older):
        return {}
    if not same_settings(*(settings(of) for of in (run, target))):
        print(f"{target}: other settings than before, and so not compared with it")
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


def settings(run):
    """The configuration of the run in a directory, or of what docs/results has of it."""
    with open(os.path.join(run, "config.yaml")) as f:
        return yaml.safe_load(f)


def same_settings(older, newer):
    """Whether two configurations are of the same experiment. A key of the whole that one of two versions does not know is no difference."""
    older, newer = bare(older), bare(newer)
    return all(older.get(part) == newer.get(part) for part in {*WHOLE, *(older.keys() & newer.keys())})


def bare(part):
    """A part of a configuration without what is APART."""
    if isinstance(part, dict):
        return {key: bare(value) for key, value in part.items() if key not in APART}
    return [bare(item) for item in part] if isinstance(part, list) else part


def keep(tables, target):
    for name, content in tables.items():
        path = os.path.join(target, FOLDER, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)


class Verdict(typing.NamedTuple):
    """The interval of a difference."""

    low: float
    high: float

    @property
    def side(self):
        return side(self.low, self.high)

    def __str__(self):
        return f"{self.side} ({self.low:+.3f}, {self.high:+.3f})"


class Changed:
    """The runs that have an older program's tables beside their own, and what turned over or moved in them."""

    def __init__(self, runs):
        """runs: GROUP/NAME -> run."""
        self.runs = {name: run for name, run in runs.items() if run.before}
        self.without = [name for name in runs if name not in self.runs]
        self.verdicts = {name: verdicts(run) for name, run in self.runs.items()}
        self.held, self.turned = [], []
        for name, tables in self.verdicts.items():
            for against, cells in tables.items():
                self.held += [[name, against, *c] for c in cells[[*PLACE, "low_old", "low_new"]].itertuples(index=False)]
                self.turned += turnovers(name, against, cells)
        self.held, self.turned = once(self.held), once(self.turned)

    def counts(self):
        """What the pages say of it; the names are those of anchors of the page, too."""
        turned_about = [row for row in self.turned if {row[-2].side, row[-1].side} == {"above", "below"}]
        return {"compared": len(self.held), "turned": len(self.turned), "reversed": len(turned_about)}

    def page(self):
        """changed.md."""
        text = ["# What changed", "",
                "Of the experiments that another version of the program, or the same with more seeds, made again: first the verdicts that turned "
                "over, then the means of normalised L2 that moved. A verdict is *above* where the 95 % interval of a method's difference to what "
                "it is held against lies above 0 (it moves maps further), *below* where it lies below, and *around* where it is undecided. Means "
                f"are named that moved by more than {FAR} standard errors of the difference. Errors and intervals are over images, which are the same "
                "before and now: a mean that moved by no more than its seeds differ (*of seeds*, their standard deviation now) is no sign that the "
                "program changed, since an ascent may end elsewhere after any change of rounding.", ""]
        if not self.runs:
            return "\n".join([*text, "No experiment has been made again yet.", ""])
        moved, counts = [], []
        for name, run in self.runs.items():
            both = beside(run.before.cells(), run.cells())
            far = both[(both.mean_new - both.mean_old).abs() > FAR * (both.std_error_old**2 + both.std_error_new**2) ** 0.5]
            moved += [[name, *where(c), f"{c.mean_old:.3f} ± {c.std_error_old:.3f}", f"{c.mean_new:.3f} ± {c.std_error_new:.3f}",
                       "–" if pd.isna(c.seed_std_dev_new) else f"{c.seed_std_dev_new:.3f}"] for c in far.itertuples()]  # fmt: skip
            seeds = [len(r.provenance["seeds"]) for r in (run.before, run)]
            held = ", ".join(f"{len(cells)} against {against}" for against, cells in self.verdicts[name].items() if len(cells))
            counts.append([name, version(run.before), version(run), "{} and {}".format(*seeds), len(both), len(far), held])
        text += [mark("turned") + mark("reversed"), "", "## Verdicts that turned over", "",
                 table(["run", "model", "map", "budget", "method", "against", "before", "now"], self.turned) if self.turned else "None.\n",
                 "## Means that moved", "",
                 table(["run", "model", "map", "budget", "method", "before", "now", "of seeds"], once(moved)) if moved else "None.\n",
                 mark("compared"), "", "## What was compared", "",
                 f"{len(self.held)} verdicts; one that two runs have counts once, here and above, and in the table in each of the runs. "
                 "*: the older run has no paired differences to SGD-UAP, so the intervals before and now are unpaired ones, which are wider. "
                 "(devel): built from files that were not committed.", "",
                 table(["run", "before", "now", "seeds", "means", "of which moved", "verdicts"], counts)]
        if self.without:
            text += ["Of these no older tables were kept: " + ", ".join(self.without) + ".", ""]
        return "\n".join(text)


def once(rows):
    """The rows, those of a cell that several runs have (one with transfer has those of one without) put together."""
    runs = {}
    for name, *cell in rows:
        runs.setdefault(tuple(cell), []).append(name)
    return [[", ".join(names), *cell] for cell, names in runs.items()]


def beside(old, new):
    """The cells of normalised L2 of two tables side by side."""
    old, new = (cells[cells.metric == "normalized_l2"] for cells in (old, new))
    return old.merge(new, on=PLACE, suffixes=("_old", "_new"))


def verdicts(run):
    """The differences before and now that have intervals: against -> cells."""
    both = run.before, run
    tables = {"random": [r.cells() for r in both]}
    if all(r.has("against_sgd_uap") for r in both):
        tables["sgd_uap"] = [r.against_sgd_uap() for r in both]
    else:
        tables["sgd_uap *"] = [r.unpaired_to_sgd_uap() for r in both]
    return {against: beside(*cells).dropna(subset=["low_old", "low_new"]) for against, cells in tables.items()}


def turnovers(name, against, cells):
    """A row for each verdict that turned over."""
    rows = []
    for c in cells.itertuples():
        old, new = Verdict(c.low_old, c.high_old), Verdict(c.low_new, c.high_new)
        if old.side != new.side:
            rows.append([name, *where(c), against, old, new])
    return rows


def where(c):
    return c.source if c.source == c.target else f"{c.source} on {c.target}", c.explanation, f"{c.norm} {c.eps:g}", c.method


def version(run):
    return f"{run.provenance['versions']['upi']}, {run.provenance['finished'][:10]}"
