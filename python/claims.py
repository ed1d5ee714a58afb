"""Fill numbers into a page of results: each {{...}} of a template becomes a number of the runs' tables with a link to its row.

    {{mean RUN MODEL EPS METHOD}}      normalised L2; mean:METRIC another metric
    {{changed RUN MODEL EPS METHOD}}   share of predictions that change; share:METRIC another share
    {{gain RUN MODEL EPS METHOD}}      difference to random with its 95 % interval
    {{lead RUN MODEL EPS METHOD}}      difference to sgd_uap with its 95 % interval; lead:OTHER to another method, on photographs
    {{transfer RUN SOURCE>TARGET EPS METHOD}}   difference to random on another network than the pattern's own
    {{spread RUN MODEL EPS METHOD}}    standard deviation of normalised L2 over seeds
    {{way RUN MODEL EPS METHOD}}       share of the way from random to per_image
    {{KIND of RUNS MODELS EPS METHOD}} the smallest and the largest of those
    {{average KIND RUNS MODELS EPS METHOD}}   their mean over the cells, and how many these are
    {{count above|around|below random|sgd_uap|sgd_uap_seeds|transfer RUNS MODELS EPS METHOD}}   of how many cells it is so
    {{hours RUNS}}                     core hours of their tasks, from nothing
    {{compared}}, {{turned}}, {{reversed}}   of changed.md: how many verdicts were held against older ones, turned over, and turned
                                       from ahead to behind or back

RUN is GROUP/NAME. RUNS, MODELS and EPS may be lists with commas between of names and patterns with * and ?; METHOD may be METHOD@MAP where a run has several
maps. What is asked of a run that is not there becomes *not run*; a cell that a run lacks is an error.
"""

import fnmatch
import functools
import re

import pandas as pd

# The kinds of numbers, and whether they name something else.
KINDS = {"mean": "may", "changed": "no", "share": "must", "gain": "no", "lead": "may", "transfer": "no", "way": "no", "spread": "no"}
# The number whose interval says how a cell compares.
AGAINST = {"random": "gain", "sgd_uap": "lead", "sgd_uap_seeds": "seeds", "transfer": "transfer"}
# What tells the cells of a metric and method apart.
PLACE = ["source", "target", "explanation", "norm", "eps"]
SIDES = ("above", "around", "below")
HOURS = "core hours"


class NotRun(Exception):
    """The run is not there."""


class Claims:
    def __init__(self, runs, missing, changed):
        """runs: GROUP/NAME -> a run; missing: those that have not come to their end; changed: the numbers of changed.md by name."""
        self.runs, self.missing, self.changed, self.absent = runs, missing, changed, []
        # What was counted and averaged: anchor -> the row that tables.md has of it.
        self.counted, self.averaged = {}, {}
        # The same of the runs whose hours were added up.
        self.hours_of = {}

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
            if words[0] in self.changed:
                return f"[{self.changed[words[0]]}](changed.md#{words[0]})"
            if words[0] == "hours":
                return self.hours(*words[1:])
            if words[0] == "count":
                return self.count(*words[1:])
            if words[0] == "average":
                return self.average(*words[1:])
            if words[1] == "of":
                return self.span(words[0], *words[2:])
            cells = self.cells(words[0], *words[1:])
            if len(cells) != 1:
                raise ValueError(f"{' '.join(words)}: {len(cells)} cells")
            return linked(words[0], cells.iloc[0])
        except NotRun as e:
            self.absent.append(str(e))
            return "*not run*"

    def span(self, kind, *place):
        cells = self.cells(kind, *place).sort_values("value")
        if cells.empty:
            raise ValueError(f"{' '.join(place)}: no cell")
        return f"{linked(kind, cells.iloc[0], False)} to {linked(kind, cells.iloc[-1], False)}"

    def average(self, kind, *place):
        cells = self.cells(kind, *place)
        value = shown(kind, {"value": cells.value.mean()}, False)
        anchor = named("average", kind, *place)
        ends = [shown(kind, c, False) for _, c in cells.sort_values("value").iloc[[0, -1]].iterrows()]
        self.averaged[anchor] = [kind, *place, value, " to ".join(ends), len(cells)]
        return f"[{value}](tables.md#{anchor}) ({len(cells)} cells)"

    def count(self, wanted, against, *place):
        if wanted not in SIDES or against not in AGAINST:
            raise ValueError(f"{wanted} {against}: is none of {', '.join(SIDES)}, or none of {', '.join(AGAINST)}")
        found = sides(self.cells(AGAINST[against], *place))
        anchor = named("count", against, *place)
        self.counted[anchor] = [against, *place, tally(found), len(found)]
        return f"[{found.count(wanted)} of {len(found)}](tables.md#{anchor})"

    def hours(self, runs):
        hours = sum(self.runs[name].hours for name in self.names(runs))
        anchor = named("hours", runs)
        self.hours_of[anchor] = [runs, f"{hours:.2f}"]
        return f"[{hours:.1f}](tables.md#{anchor})"

    def cells(self, kind, runs, models, eps, method):
        """The cells of a place, with the number of a kind in the column value."""
        method, _, explanation = method.partition("@")
        found = []
        for run in self.names(runs):
            table = table_of(self.runs[run], kind)
            table = table[(table.method == method) & table.diagonal]
            table = table[chosen(table.source, models) & chosen(table.eps.map("{:g}".format), eps)]
            if explanation:
                table = table[table.explanation == explanation]
            found.append(table.assign(run=run))
        cells = pd.concat(found)
        return cells[cells.value.notna()]

    def names(self, patterns):
        """The runs of a list. Those that a pattern stands for and that are missing are remembered."""
        names = []
        for pattern in patterns.split(","):
            some = fnmatch.filter(self.runs, pattern)
            if not some:
                raise NotRun(pattern)
            names += some
            self.absent += fnmatch.filter(self.missing, pattern)
        return names


def side(low, high):
    """Where the interval of a difference lies of 0: one of SIDES."""
    return "above" if low > 0 else "below" if high < 0 else "around"


def sides(cells):
    """The sides of cells. A difference without an interval has none."""
    cells = cells.dropna(subset=["low", "high"])
    return [side(low, high) for low, high in zip(cells["low"], cells["high"])]


def tally(found):
    """How many of the sides lie above / around / below 0."""
    return " / ".join(str(found.count(s)) for s in SIDES)


def chosen(column, patterns):
    return column.map(lambda name: any(fnmatch.fnmatchcase(name, p) for p in patterns.split(","))).astype(bool)


@functools.cache
def table_of(run, kind):
    """The cells of a run with the number of a kind in the column value."""
    name, (kind, _, of) = kind, kind.partition(":")
    if kind == "seeds":
        cells = run.against_sgd_uap_of_seeds()
        return cells.assign(value=cells.difference)
    if kind not in KINDS or of and KINDS[kind] == "no" or not of and KINDS[kind] == "must":
        raise ValueError(f"{name} is none of {', '.join(KINDS)} (mean:METRIC, share:METRIC, lead:METHOD), average, count")
    if kind == "lead":
        cells = run.against(of) if of else run.against_sgd_uap().query("metric == 'normalized_l2'")
        return cells.assign(value=cells.difference)
    if kind == "transfer":
        cells = run.cells("transfer").query("metric == 'normalized_l2' and not diagonal")
        return cells.assign(source=cells.source + ">" + cells.target, diagonal=True, value=cells.difference)
    cells = run.cells()
    metric = {"changed": "prediction_changed", "share": of, "mean": of}.get(kind) or "normalized_l2"
    if metric not in set(cells.metric):
        raise ValueError(f"no metric {metric}")
    cells = cells[cells.metric == metric]
    if kind == "way":
        wide = cells.pivot_table(index=PLACE, columns="method", values="mean")
        ends = pd.DataFrame({"first": wide["random"], "last": wide["per_image"]}).reset_index()
        cells = cells.merge(ends, on=PLACE)
        return cells.assign(value=(cells["mean"] - cells["first"]) / (cells["last"] - cells["first"]))
    return cells.assign(value=cells[{"gain": "difference", "spread": "seed_std_dev"}.get(kind, "mean")])


def shown(kind, cell, interval=True):
    kind = kind.partition(":")[0]
    if kind in ("changed", "share", "way"):
        return f"{100 * cell['value']:.0f} %"
    if kind in ("mean", "spread"):
        return f"{cell['value']:.3f}"
    return f"{cell['value']:+.3f}" + (f" [{cell['low']:+.3f}, {cell['high']:+.3f}]" if interval else "")


def named(*words):
    """The name of a row of the page of tables."""
    return re.sub(r"[^a-z0-9_]+", "-", " ".join(words).lower().replace("*", "all"))


def anchor(table, run, cell):
    """The name of the row of a cell in one of a run's tables: scores, metrics, gain, lead, lead:METHOD, transfer or way."""
    one = [cell.method] if table in ("metrics", "transfer") or ":" in table else []
    return named(table, run, cell.source.partition(">")[0], cell.explanation, cell.norm, f"{cell.eps:g}", *one)


def mark(anchor):
    """What a row begins with that links lead to."""
    return f'<a id="{anchor}"></a>'


def linked(kind, cell, interval=True):
    """A number with a link to its row."""
    table = {"mean": "scores", "changed": "scores"}.get(kind) or ("metrics" if kind.startswith(("mean:", "share:")) else kind)
    text = shown(kind, cell, interval).replace("[", "(").replace("]", ")")
    if kind == "spread":
        return f"[{text}]({cell.run}/tables/summary.csv)"
    return f"[{text}](tables.md#{anchor(table, cell.run, cell)})"
