"""Gather the runs of `make paper` into docs/results: their tables and figures, and the page that compares them.

    python python/results.py runs docs/results

Runs that are finished replace what docs/results has of them; the pages are then written anew from all that lies there, so that
the experiments may be run one by one, on different days. Every number on a page is one of the runs' own tables
(tables/*.parquet), or a share or a count of such numbers; nothing is typed in. The pages are tables.md; README.md
and imagenet.md, which are README.md.in and imagenet.md.in with the numbers that claims.py fills in; and changed.md, which compares a run with what an older program gave.
"""

import argparse
import functools
import glob
import itertools
import json
import os
import re
import shutil

import pandas as pd
from scipy import stats

import by_photograph
import changed
import claims
from claims import mark
from mdtable import table

GROUPS = ("paper", "strong", "beyond", "imagenet")
# What is committed of a run; the per-image scores and the example figures stay in its directory.
KEPT = ("config.yaml", "tables/*", "figures/score-*.png", "figures/tradeoff-*.png", "figures/perturbations-*.png", "figures/spectrum-*.png", "figures/transfer-*.png")
# The manifest's entries that are committed, without its tasks and the paths of its inputs; what the tasks took is summed up.
PROVENANCE = ("finished", "last_success", "seeds", "versions", "device")
METHODS = ("upi_pca", "upi_pca_unit", "upi_grad")
# The runs whose attacks are not to be read by the distance of maps alone.
EVERY_METRIC = ("objectives", "keep")
# The pages that are made of a template, PAGE.in.
PAGES = ("README.md", "imagenet.md")


class Run:
    """What docs/results has of a run: where it comes from, and its tables of cells."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.group = os.path.basename(os.path.dirname(path))
        # Groups share names: the experiments of configs/strong have those of the paper's.
        self.key = f"{self.group}/{self.name}"
        with open(os.path.join(path, "provenance.json")) as f:
            self.provenance = json.load(f)
        older = os.path.join(path, changed.FOLDER)
        # What another version of the program gave.
        self.before = Run(older) if os.path.exists(older) else None

    @property
    def hours(self):
        """The core hours of the run's tasks."""
        return self.provenance["work_seconds"] / 3600

    def has(self, table):
        return os.path.exists(os.path.join(self.path, "tables", table + ".parquet"))

    @functools.cache
    def cells(self, table="summary"):
        cells = pd.read_parquet(os.path.join(self.path, "tables", table + ".parquet"))
        return self.counting_photographs(cells, "random") if table == "summary" else cells

    @functools.cache
    def against_sgd_uap(self):
        """The differences to sgd_uap; of a run that is older than this table, the unpaired ones."""
        if self.has("against_sgd_uap"):
            return self.counting_photographs(self.cells("against_sgd_uap"), "sgd_uap")
        return self.unpaired_to_sgd_uap()

    def unpaired_to_sgd_uap(self):
        """The same with wider intervals: the two means taken as independent."""
        pairs = self.beside_sgd_uap()
        half = 1.96 * (pairs["std_error"] ** 2 + pairs["std_error_uap"] ** 2) ** 0.5
        return pairs.assign(low=pairs["difference"] - half, high=pairs["difference"] + half)

    def against_sgd_uap_of_seeds(self):
        """The same differences, of normalised L2, with intervals that count seeds, not images (Welch's t)."""
        pairs = self.beside_sgd_uap().query("metric == 'normalized_l2'")
        squares = [pairs["seed_std_dev" + of] ** 2 / pairs["perturbations" + of] for of in ("", "_uap")]
        freedom = sum(squares) ** 2 / sum(s**2 / (pairs["perturbations" + of] - 1) for s, of in zip(squares, ("", "_uap")))
        half = stats.t.ppf(0.975, freedom) * sum(squares) ** 0.5
        return pairs.assign(low=pairs["difference"] - half, high=pairs["difference"] + half)

    def beside_sgd_uap(self):
        """The cells of every other method, with those of sgd_uap beside them and the differences of the means."""
        cells = self.cells()
        place = [*claims.PLACE, "metric"]
        pairs = cells[cells.method != "sgd_uap"].merge(cells[cells.method == "sgd_uap"], on=place, suffixes=("", "_uap"))
        return pairs.assign(difference=pairs["mean"] - pairs["mean_uap"])

    def against(self, method):
        """The differences of normalised L2 to a method, counting photographs."""
        cells = self.cells().query("metric == 'normalized_l2' and method != @method").assign(difference=float("nan"))
        cells = self.counting_photographs(cells, method)
        if cells["difference"].isna().all():
            raise ValueError(f"{self.name} has no differences to {method}")
        return cells

    def counting_photographs(self, cells, against):
        """The cells with the differences of by_photograph.py in place of the run's own, where there are any."""
        path = os.path.join(self.path, "tables", "by_photograph.csv")
        if not os.path.exists(path):
            return cells
        key = [*claims.PLACE, "metric", "method"]
        rows = pd.read_csv(path).query("against == @against").assign(metric="normalized_l2")
        cells = cells.set_index(key)
        cells.update(rows.set_index(key)[["difference", "low", "high"]])
        return cells.reset_index()


def interval(mean, low, high):
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def mean(cell):
    return "missing" if pd.isna(cell["mean"]) else f"{cell['mean']:.3f} ± {cell['std_error']:.3f}"


def cell_table(run, kind, cells, value, last=None):
    """A table of a run: rows are model, map and budget, columns methods.

    kind says what the anchors of the rows are for, value(cell) is the text of a cell, last(cells of a row) that of one more column.
    """
    methods = list(dict.fromkeys(cells["method"]))
    rows = []
    for (source, target, explanation, norm, eps), group in cells.groupby(claims.PLACE, sort=False):
        by_method = group.set_index("method")
        anchor = mark(claims.anchor(kind, run.key, group.iloc[0])) if source == target else ""
        row = [anchor + (source if source == target else f"{source} on {target}"), explanation, f"{norm} {eps:g}"]
        # Some configurations do not ask for all.
        row += [value(by_method.loc[m]) if m in by_method.index else "–" for m in methods]
        rows.append(row + ([last(group)] if last else []))
    return table(["model", "map", "budget", *methods, *(["images"] if last else [])], rows)


def summary(run):
    """The tables of a run: normalised L2 of every method with the share of predictions that change, and the differences."""
    cells = run.cells()
    changed = cells.query("metric == 'prediction_changed'").set_index([*claims.PLACE, "method"])["mean"]
    cells = cells.query("metric == 'normalized_l2'")

    def score(c):
        place = (*(c[name] for name in claims.PLACE), c.name)
        return mean(c) + ("" if pd.isna(c["mean"]) else f" ({100 * changed[place]:.0f} %)")

    def difference(c):
        return "missing" if pd.isna(c["low"]) else interval(c["difference"], c["low"], c["high"])

    text = [cell_table(run, "scores", cells, score, images)]
    to_random = cells.query("method not in ('none', 'random')")
    to_sgd_uap = run.against_sgd_uap().query("metric == 'normalized_l2' and method not in ('none', 'sgd_uap')")
    for name, kind, differences in (("random", "gain", to_random), ("SGD-UAP", "lead", to_sgd_uap)):
        if differences["low"].notna().any():
            text += [f"Difference to {name}:", "", cell_table(run, kind, differences, difference)]
    return "\n".join(text)


def images(cells):
    """How many images of how many count; methods may lose some of them."""
    counted = cells.loc[cells["images"] > 0, "images"]
    low, high, of = counted.min(), counted.max(), (cells["images"] + cells["left_out"]).max()
    return f"{low} of {of}" if low == high else f"{low} to {high} of {of}"


def every_metric(run):
    """All metrics of every method: attacks with an objective of their own are not to be read by the distance of maps alone."""
    cells = run.cells().query("diagonal")
    metrics = list(dict.fromkeys(cells["metric"]))
    rows = []
    for (target, eps, method), group in cells.groupby(["target", "eps", "method"], sort=False):
        by_metric = group.set_index("metric")
        numbers = [by_metric.loc[m] for m in metrics]
        anchor = mark(claims.anchor("metrics", run.key, group.iloc[0]))
        rows.append([anchor + target, f"{eps:g}", method, *map(mean, numbers)])
    return table(["model", "eps", "method", *metrics], rows)


def verdicts(run):
    """In how many cells the 95 % interval of the difference to random, and to sgd_uap, lies above, around and below 0."""
    tables = [t.query("metric == 'normalized_l2' and diagonal")
              for t in (run.cells(), run.against_sgd_uap(), run.against_sgd_uap_of_seeds())]  # fmt: skip
    rows = []
    for (explanation, method), _ in run.cells().groupby(["explanation", "method"], sort=False):
        row = [run.key, explanation, method]
        for each in tables:
            sides = claims.sides(each[(each.explanation == explanation) & (each.method == method)])
            row.append(claims.tally(sides) if sides else "–")
        row[-2] += "" if run.has("against_sgd_uap") or row[-2] == "–" else " *"
        if set(row[3:]) != {"–"}:
            rows.append(row)
    return rows


def reach(run):
    """The share of the way from random to the attack on each image alone that each method goes."""
    rows = []
    for _, group in claims.table_of(run, "way").groupby(claims.PLACE, sort=False):
        cells = group.set_index("method")
        first = group.iloc[0]
        shares = [f"{100 * cells.value[m]:.0f} %" if m in cells.index else "–" for m in ("sgd_uap", *METHODS)]
        rows.append([mark(claims.anchor("way", run.key, first)) + run.key, first.source, f"{first.eps:g}", f"{first['last'] - first['first']:+.3f}", *shares])
    return rows


def transfer(run, method):
    """Rows are sources, columns targets: the difference to random with its interval."""
    cells = run.cells("transfer").query("metric == 'normalized_l2' and method == @method")
    targets = list(dict.fromkeys(cells["target"]))
    rows = []
    for source, group in cells.groupby("source", sort=False):
        by_target = group.set_index("target")
        row = [mark(claims.anchor("transfer", run.key, group.iloc[0])) + source]
        for t in targets:
            c = by_target.loc[t]
            text = interval(c["difference"], c["low"], c["high"])
            row.append(f"**{text}**" if c["diagonal"] else text)
        rows.append(row)
    return table([f"{method}: source \\ target", *targets], rows)


def by_photograph_table(run):
    """The differences to every reference, of crops of photographs."""
    rows = pd.read_csv(os.path.join(run.path, "tables", "by_photograph.csv"))
    return by_photograph.markdown(rows, lambda r: mark(claims.anchor(f"lead:{r.against}", run.key, r)))


def marked(rows):
    """The rows of a table, the first cell of each with its anchor."""
    return [[mark(anchor) + row[0], *row[1:]] for anchor, row in rows.items()]


def about(group, name):
    """What the beginning of a run's configuration says of it."""
    with open(os.path.join("configs", group, name + ".yaml")) as f:
        return " ".join(line.lstrip("# ").strip() for line in itertools.takewhile(lambda line: line.startswith("#"), f))


def page(runs, missing, filled):
    """tables.md: the runs' tables, and the rows of what the pages count and average."""
    paper = {n: r for n, r in runs["paper"].items() if not n.endswith("_transfer")}
    compared = [*paper.values(), *runs["strong"].values(), *(r for r in runs["imagenet"].values() if "per_image" in set(r.cells().method))]
    text = ["# Tables", "",
            "Written by `python python/results.py runs docs/results` after `make paper` and `make imagenet`; [README.md](README.md) says what "
            "came out. Scores are normalised L2 distances of saliency maps, mean ± standard error over images, and in parentheses the share of "
            "predictions that change. Differences have 95 % bootstrap intervals over images, paired where no * says otherwise; those of "
            "imagenet/* are over photographs.",
            "*Made* is when the results were written, *confirmed* when the version of upi below last ran the configuration; where that is "
            "later, it found all results in the cache, and nothing to do anew. "
            f"*{claims.HOURS.capitalize()}*: the time that a run's tasks take from nothing, one after another, each on one core; runs share some of them.", ""]
    made, rows = {}, []
    for group, members in runs.items():
        for run in members.values():
            p = run.provenance
            seeds = ", ".join(str(s) for s in p["seeds"])
            made_at, confirmed = (f"{p[key][:16].replace('T', ' ')} UTC" for key in ("finished", "last_success"))
            rows.append([f"[{run.key}]({run.key}/tables/summary.md)", made_at, confirmed, seeds, f"{run.hours:.2f}"])
            made.setdefault(", ".join(f"{k} {v}" for k, v in p["versions"].items()) + f"; device {p['device']}", []).append(run.key)
    rows += marked({anchor: [*row[:1], "", "", "", *row[1:]] for anchor, row in filled.hours_of.items()})
    text.append(table(["run", "made", "confirmed", "seeds", claims.HOURS], rows))
    for how, names in made.items():
        text.append(f"- {how}" + (f": {', '.join(names)}" if len(made) > 1 else ""))
    if missing:
        text += ["", "Not here, for it has not come to its end: " + ", ".join(missing) + "."]
    text += ["", "## The paper's tables", ""]
    for run in paper.values():
        text += [f"### {run.name}", "", summary(run)]
    text += ["## The strong settings' tables", "",
             "The same networks, maps and budgets with the settings that [study.md](study.md) chose on images of the fit split.", ""]
    for run in runs["strong"].values():
        text += [f"### {run.key}", "", summary(run)]
    text += ["## What the pages count", "",
             "In how many cells (model, map and budget, patterns on the network that they are made for) the interval of the difference lies "
             "above / around / below 0. sgd_uap_seeds: the difference to sgd_uap with an interval over seeds instead of images (Welch's t); "
             "cells of one seed have none.", "",
             table(["against", "runs", "models", "budgets", "method", "above / around / below", "cells"], marked(filled.counted)),
             "## What the pages average", "",
             table(["number", "runs", "models", "budgets", "method", "mean", "from and to", "cells"], marked(filled.averaged)),
             "## Better than random, and than SGD-UAP?", "",
             "In how many of a run's cells the interval of the difference lies above / around / below 0. "
             "*: not paired by image, and so wider; the run is older than the table of paired differences.", "",
             table(["run", "map", "method", "against random", "against sgd_uap", "against sgd_uap, of seeds"],
                   [row for members in runs.values() for run in members.values() for row in verdicts(run)]),
             "## How near to the attack on each image alone?", "",
             "The share of the way from random to per_image that a method goes; above 100 % it beats that reference.", "",
             table(["run", "model", "eps", "per_image - random", "sgd_uap", *METHODS],
                   [row for run in compared for row in reach(run)]),
             "## Transfer", "", "Difference to random of the same budget on the target; bold on the diagonal.", ""]
    for name, run in runs["paper"].items():
        if name.endswith("_transfer"):
            text += [f"### {name}", ""] + [transfer(run, m) for m in ("sgd_uap", *METHODS)]
    text += ["## Beyond the paper", ""]
    for name, run in runs["beyond"].items():
        text += [f"### {name}", "", about("beyond", name), "", summary(run)]
        if name in EVERY_METRIC:
            text += ["Every metric:", "", every_metric(run)]
        if name == "sources":
            text += [transfer(run, m) for m in dict.fromkeys(run.cells("transfer")["method"]) if m != "random"]
    text += ["## At ImageNet's size", "", "The intervals of differences count photographs, not crops (python/by_photograph.py).", ""]
    for name, run in runs["imagenet"].items():
        text += [f"### {name}", "", about("imagenet", name), "", summary(run), "To each of the references:", "", by_photograph_table(run)]
    return "\n".join(text)


def keep(run, manifest, target):
    """Replace what docs/results has of a run by the run in a directory."""
    before = changed.before(run, manifest, target)
    shutil.rmtree(target, ignore_errors=True)
    changed.keep(before, target)
    for pattern in KEPT:
        for path in glob.glob(os.path.join(run, pattern)):
            to = os.path.join(target, os.path.relpath(path, run))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(path, to)
    if os.path.basename(os.path.dirname(target)) == "imagenet":
        by_photograph.write(run, os.path.join(target, "tables"))
    with open(os.path.join(target, "provenance.json"), "w") as f:
        # A task whose result was in the cache has the time that it took when it was computed.
        work = sum(task["seconds"] for task in manifest["tasks"])
        json.dump({**{key: manifest[key] for key in PROVENANCE}, "work_seconds": round(work, 1)}, f, indent=2)
        f.write("\n")


# The configurations that need the user's own pictures and networks, and those that have pages of their own.
ELSEWHERE = ("tiny_imagenet", "imagenet", "precision", "study")


def experiments(group):
    """The names of a group's configurations that stand alone, in the order of the page."""
    names = []
    for path in sorted(glob.glob(os.path.join("configs", group, "*.yaml"))):
        with open(path) as f:
            if re.search(r"^name:", f.read(), re.MULTILINE) and os.path.basename(path)[:-5] not in ELSEWHERE:
                names.append(os.path.basename(path)[:-5])
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("results")
    parser.add_argument("--check", action="store_true", help="write nothing; say which pages are not what the tables give")
    args = parser.parse_args()
    runs, missing = {}, []
    for group in GROUPS:
        runs[group] = {}
        for name in experiments(group):
            run, target = (os.path.join(root, group, name) for root in (args.runs, args.results))
            if os.path.exists(os.path.join(run, "manifest.json")):
                with open(os.path.join(run, "manifest.json")) as f:
                    manifest = json.load(f)
                if manifest["status"] == "done" and not args.check:
                    keep(run, manifest, target)
            if os.path.exists(target):
                runs[group][name] = Run(target)
            else:
                missing.append(f"{group}/{name}")
    if not runs["paper"]:
        raise SystemExit(f"{args.runs}/paper: no finished runs; run `make paper` first")
    of = {run.key: run for members in runs.values() for run in members.values()}
    again = changed.Changed(of)
    filled = claims.Claims(of, missing, again.counts())
    pages = {}
    for name in PAGES:
        template = os.path.join(args.results, name + ".in")
        with open(template) as f:
            pages[name] = filled.fill(f.read(), template)
    pages |= {"tables.md": page(runs, missing, filled), "changed.md": again.page()}
    there = {*re.findall(r'<a id="([^"]+)">', pages["tables.md"]), *re.findall(r"^##+ (\w+)$", pages["tables.md"].lower(), re.MULTILINE)}
    there |= {name.partition("/")[2] for name in missing}  # these come with the run
    for name in PAGES:
        if lacks := set(re.findall(r"\]\(tables\.md#([^)]+)\)", pages[name])) - there:
            raise SystemExit(f"{name}: tables.md has no {', '.join(sorted(lacks))}")
    stale = []
    for name, text in pages.items():
        path = os.path.join(args.results, name)
        if not args.check:
            with open(path, "w") as f:
                f.write(text)
            continue
        with open(path) as f:
            if f.read() != text:
                stale.append(path)
    if stale:
        raise SystemExit(f"{', '.join(stale)}: not what the tables give; run python python/results.py runs docs/results")
    if filled.absent:
        print("not run, and so without numbers in the pages: " + ", ".join(sorted(set(filled.absent))))


if __name__ == "__main__":
    main()
