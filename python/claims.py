"""Fill numbers into a page of results: each {{...}} of a template becomes a number of the runs' tables with a link to its row.

    {{mean RUN MODEL EPS METHOD}}      normalised L2; mean:METRIC another metric
    {{changed RUN MODEL EPS METHOD}}   share of predictions that change; share:METRIC another share
    {{gain RUN MODEL EPS METHOD}}      difference to random with its 95 % interval
    {{lead RUN MODEL EPS METHOD}}      difference to sgd_uap with its 95 % interval
    {{way RUN MODEL EPS METHOD}}       share of the way from random to per_image
    {{part:OTHER RUN MODEL EPS METHOD}}   the mean as a share of that of another method
    {{KIND of RUNS MODELS EPS METHOD}} the smallest and the largest of those
    {{average KIND RUNS MODELS EPS METHOD}}   their mean over the cells, and how many these are
    {{count above|around|below random|sgd_uap RUNS MODELS EPS METHOD}}   of how many cells it is so

RUN is GROUP/NAME. RUNS, MODELS and EPS may be lists with commas between, and * for all; METHOD may be METHOD@MAP where a run has several
maps. What is asked of a run that is not there becomes *not run*; a cell that a run lacks is an error.
"""

import re

import pandas as pd

KINDS = ("mean", "changed", "share", "gain", "lead", "way", "part")
# Those that name something else: mean may, the others must.
OF = ("mean", "share", "part")
# What tells the cells of a metric and method apart.
PLACE = ["source", "target", "explanation", "norm", "eps"]
SIDES = ("above", "around", "below")


class NotRun(Exception):
    """The run is not there."""


class Claims:
    def __init__(self, runs):
        """runs: GROUP/NAME -> a run that has cells(table) and has(table)."""
        self.runs, self.absent = runs, []

    def fill(self, template, name):
        """The page of a template."""
        lines = []
        for i, line in enumerate(template.split("\n"), 1):
            try:
                lines.append(re.sub(r"\{\{(.+?)\}\}", lambda m: self.number(m[1].split()), line))
            except (ValueError, KeyError) as e:
                raise SystemExit(f"{name}, line {i}: {e}") from e
        return "\n".join(lines)

    def number(self, words):
        try:
            if words[0] == "count":
                return self.count(*words[1:])
            if words[0] == "average":
                return self.average(*words[1:])
            if words[1] == "of":
                return self.span(words[0], *words[2:])
            cells = self.cells(words[0], *words[1:])
            if len(cells) != 1:
                raise ValueError(f"{' '.join(words)}: {len(cells)} cells")
            return linked(shown(words[0], cells.iloc[0]), cells.iloc[0])
        except NotRun as e:
            self.absent.append(str(e))
            return "*not run*"

    def span(self, kind, *place):
        cells = self.cells(kind, *place).sort_values("value")
        if cells.empty:
            raise ValueError(f"{' '.join(place)}: no cell")
        low, high = cells.iloc[0], cells.iloc[-1]
        return f"{linked(shown(kind, low, False), low)} to {linked(shown(kind, high, False), high)}"

    def average(self, kind, *place):
        cells = self.cells(kind, *place)
        mean = cells.iloc[0].copy()
        mean["value"] = cells.value.mean()
        return f"{shown(kind, mean, False)} ({len(cells)} cells)"

    def count(self, wanted, against, *place):
        cells = self.cells({"random": "gain", "sgd_uap": "lead"}[against], *place)
        if wanted not in SIDES:
            raise ValueError(f"{wanted} is none of {', '.join(SIDES)}")
        cells = cells.dropna(subset=["low", "high"])  # else the difference has no interval, and so no side
        sides = [side(c.low, c.high) for c in cells.itertuples()]
        return f"[{sides.count(wanted)}](tables.md#{row_of_verdicts(cells.iloc[0])}) of {len(cells)}"

    def cells(self, kind, runs, models, eps, method):
        """The cells of a place, with the number of a kind in the column value."""
        method, _, explanation = method.partition("@")
        found = []
        for run in self.names(runs):
            table = table_of(self.runs[run], kind)
            table = table[(table.method == method) & table.diagonal]
            table = table[chosen(table.source, models) & chosen(table.eps.map("{:g}".format), eps)]
            found.append(table[table.explanation == explanation] if explanation else table)
            found[-1] = found[-1].assign(run=run)
        cells = pd.concat(found)
        return cells[cells.value.notna()]

    def names(self, pattern):
        """The runs of a list; one with * at its end stands for all of those."""
        names = []
        for part in pattern.split(","):
            some = [r for r in self.runs if r.startswith(part[:-1])] if part.endswith("*") else [part]
            if not some or not set(some) <= set(self.runs):
                raise NotRun(part)
            names += some
        return names


def side(low, high):
    """Where the interval of a difference lies of 0: one of SIDES."""
    return "above" if low > 0 else "below" if high < 0 else "around"


def chosen(column, names):
    return column.isin(names.split(",")) | (names == "*")


def table_of(run, kind):
    """The cells of a run with the number of a kind in the column value."""
    name, (kind, _, of) = kind, kind.partition(":")
    if kind not in KINDS or bool(of) > (kind in OF) or kind in OF[1:] and not of:
        raise ValueError(f"{name} is none of {', '.join(KINDS)} (share:METRIC, part:METHOD), average, count")
    if kind == "lead":
        cells = run.against_sgd_uap().query("metric == 'normalized_l2'")
        return cells.assign(value=cells.difference)
    cells = run.cells()
    metric = {"changed": "prediction_changed", "share": of, "mean": of}.get(kind) or "normalized_l2"
    if metric not in set(cells.metric):
        raise ValueError(f"no metric {metric}")
    cells = cells[cells.metric == metric]
    if kind in ("way", "part"):
        first, last = ("random", "per_image") if kind == "way" else (None, of)
        wide = cells.pivot_table(index=PLACE, columns="method", values="mean")
        ends = pd.DataFrame({"first": wide[first] if first else 0.0, "last": wide[last]}).reset_index()
        cells = cells.merge(ends, on=PLACE)
        return cells.assign(value=(cells["mean"] - cells["first"]) / (cells["last"] - cells["first"]))
    return cells.assign(value=cells["difference" if kind == "gain" else "mean"])


def shown(kind, cell, interval=True):
    kind = kind.partition(":")[0]
    if kind in ("changed", "share", "way", "part"):
        return f"{100 * cell.value:.0f} %"
    if kind == "mean":
        return f"{cell.value:.3f}"
    return f"{cell.value:+.3f}" + (f" [{cell.low:+.3f}, {cell.high:+.3f}]" if interval else "")


def anchor(run, cell):
    """The name of a row of the page of tables."""
    return re.sub(r"[^a-z0-9_]+", "-", f"{run} {cell.source} {cell.explanation} {cell.norm} {cell.eps:g}".lower())


def row_of_verdicts(cell):
    """The name of a row of the table of verdicts."""
    return re.sub(r"[^a-z0-9_]+", "-", f"verdicts {cell.run} {cell.method} {cell.explanation}".lower())


def linked(text, cell):
    return f"[{text.replace('[', '(').replace(']', ')')}](tables.md#{anchor(cell.run, cell)})"
