"""Recompute the tables of a run from its per-image scores, with pandas. For check_run.py."""

import numpy as np
import pandas as pd

CELL = ["method", "source", "target", "explanation", "norm", "eps", "metric"]
EXACT = 1e-9


def check(run, checker, found):
    """Compare all tables; returns the number of cells."""
    expected = dict(cells(checker))
    count = 0
    for name in ("summary", "transfer"):
        path = run / "tables" / f"{name}.parquet"
        wanted = {key: c for key, c in expected.items() if name == "transfer" or c["diagonal"]}
        if not path.exists():
            if name == "summary" or len(wanted) != len([c for c in expected.values() if c["diagonal"]]):
                found.add(f"tables/{name}.parquet is missing")
            continue
        for _, cell in pd.read_parquet(path).iterrows():
            key = tuple(cell[CELL])
            count += 1
            if key not in wanted:
                found.add(f"tables/{name}: nobody asked for {key}")
                continue
            compare(found, f"tables/{name} {key}", cell, wanted.pop(key))
        for key in wanted:
            found.add(f"tables/{name}: no cell {key}")
    return count


def compare(found, where, got, want):
    for column in ("diagonal", "images", "left_out", "perturbations"):
        if got[column] != want[column]:
            found.add(f"{where}: {column} is {got[column]}, computed here {want[column]}")
    for column in ("mean", "std_error", "seed_std_dev", "difference"):
        found.compare(where, column, got[column], want[column], EXACT)
    if np.isnan(want["difference"]):
        return
    # Resampling differs from one generator to the next: the interval must be where theory puts it, up to its own noise and
    # to what a few images weigh.
    half = 1.96 * want["difference_error"]
    for column, bound in [("low", want["difference"] - half), ("high", want["difference"] + half)]:
        if not abs(got[column] - bound) <= 0.35 * half + 2 * want["one_image"] + EXACT:
            found.add(f"{where}: {column} is {got[column]:.5g}, an interval of normal theory has {bound:.5g}")


def cells(checker):
    """Each cell's key and numbers."""
    scores, known = checker.scores, {}
    for attack, key, _ in checker.expected():
        method, source, explanation, norm, eps, _ = key
        for target in checker.targets(source, attack["kind"]):
            known[method, source, target, explanation, norm, eps] = attack["kind"]
    names = names_of(checker)
    for place, kind in known.items():
        method, source, target, explanation, norm, eps = place
        rows = scores[scores.perturbation.isin(names[method, source, explanation, norm, eps]) & (scores.model == target)]
        # Those of the same source, or else of the target itself.
        for chance_source in (source, target):
            like = (chance_source, *place[2:])
            randoms = [m for (m, *rest), k in known.items() if k == "random" and tuple(rest) == like]
            if randoms:
                break
        chance = None
        if randoms and kind != "random":
            chosen = names[randoms[-1], chance_source, explanation, norm, eps]
            chance = scores[scores.perturbation.isin(chosen) & (scores.model == target)]
        total = len(checker.images(target, "test").ids)
        for metric in checker.metrics:
            yield (*place, metric), dict(summary(rows, chance, metric, total), diagonal=target in source.split("+"))


def names_of(checker):
    """The ids of the perturbations that share a table's row."""
    columns = ["method", "model", "explanation", "norm", "eps"]
    names = {key: set(rows.id) for key, rows in checker.perturbations.groupby(columns)}
    known = set(checker.perturbations.id)
    for attack, key, _ in checker.expected():
        if attack["kind"] == "per_image":
            # Such a perturbation is in the scores alone; its name holds what tells it from the others.
            method, source, explanation, norm, eps, _ = key
            own = {n for n in set(checker.scores.perturbation) - known if f"{source}.{explanation}.{method}.{norm}-{eps:g}." in n}
            names[key[:5]] = own
    return names


def summary(rows, chance, metric, total):
    per_image = rows.groupby("image_id")[metric].mean().dropna()
    per_perturbation = rows.groupby("perturbation")[metric].mean().dropna()
    cell = {
        "images": len(per_image),
        "left_out": total - len(per_image),
        "perturbations": len(per_perturbation),
        "mean": per_image.mean(),
        "std_error": per_image.std() / np.sqrt(max(len(per_image), 1)),
        "seed_std_dev": per_perturbation.std(),
        "difference": np.nan,
    }
    if chance is not None:
        difference = (per_image - chance.groupby("image_id")[metric].mean()).dropna()
        cell["difference"] = difference.mean()
        cell["difference_error"] = difference.std() / np.sqrt(max(len(difference), 1))
        cell["one_image"] = difference.abs().max() / max(len(difference), 1)
    return cell
