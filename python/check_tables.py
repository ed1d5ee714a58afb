"""Recompute the tables of a run from its per-image scores, with pandas. For check_run.py."""

import collections
import sys

import numpy as np
import pandas as pd

CELL = ["method", "source", "target", "explanation", "norm", "eps", "metric"]
EXACT = 1e-9
# What an attack is in a comparison, by its kind; any other kind is a method.
ROLES = {"none": "nothing", "random": "random", "sgd_uap": "baseline", "per_image": "upper"}


def role_of(kind):
    return ROLES.get(kind, "method")


def is_directed(attack):
    """Whether what an attack climbs knows +delta from -delta, so that its sign is not chosen."""
    return "keep" in attack or attack.get("objective", {"kind": "dissimilarity"})["kind"] != "dissimilarity"


def most_sign_images(config):
    """How many images of a fit split decide a sign at most."""
    most = config["evaluation"].get("sign_images", "all")
    return sys.maxsize if most == "all" else most


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
        count += hold(found, path, wanted, compare)
    return count + check_models(run, checker, found) + check_against(run, checker, found) + check_signs(run, checker, found)


def check_models(run, checker, found):
    """Compare the table of models with what the networks answer; returns the number of its rows.

    Maps of fit images are compared only where they have been computed for the signs.
    """
    rows = pd.read_parquet(run / "tables" / "models.parquet")
    for _, got in rows.iterrows():
        images, place = checker.images(got.model, got.split), (got.model, got.explanation, got.split)
        where, n = f"tables/models {place}", len(images.labels)
        mapped = got.split == "test" or ("clean", *place) in checker.memo
        if mapped:
            clean = checker.clean(*place)
            classes, predicted, probabilities = clean.classes, clean.predicted, clean.probabilities
        else:
            logits, probabilities = checker.network(got.model).answers(images.pixels)
            predicted = logits.argmax(axis=1)
            classes = images.labels if checker.explanations[got.explanation]["class"] == "label" else predicted
        of_class = probabilities[np.arange(n), classes].astype(np.float32)
        right = (predicted == images.labels).astype(float)
        # Which probabilities next to 0 and 1 round to them depends on how they are computed: by TensorFlow in float32 or, as upi does,
        # from the logits in float64.
        doubtful = ((of_class > 1 - 2e-7) | (of_class < 1e-37)).sum()
        if abs(got.saturated - np.isin(of_class, (0, 1)).sum()) > doubtful:
            found.add(f"{where}: saturated is {got.saturated}, want {np.isin(of_class, (0, 1)).sum()} give or take {doubtful}")
        want = {"classes": probabilities.shape[1], "images": n, "missing": 0, "right": right.sum(),
                "chance_uniform": 1 / probabilities.shape[1], "chance_commonest": np.bincount(images.labels).max() / n,
                "accuracy": right.mean(), "std_error": right.std(ddof=1) / np.sqrt(n)}
        if mapped:
            want.update(no_map=(clean.norm == 0).sum(), not_finite=(~np.isfinite(clean.norm)).sum())
        for column, value in want.items():
            found.compare(where, column, float(got[column]), float(value), EXACT)
    places_of = {tuple(row) for row in rows[["model", "explanation", "split"]].values}
    for model, explanation in {(m, e) for (_, _, m, e, _, _) in places(checker)}:
        if (model, explanation, "test") not in places_of:
            found.add(f"tables/models: no row of {model}, {explanation} on the test split")
    return len(rows)


def hold(found, path, wanted, compare_cell):
    """Compare the cells of a table with those wanted, by key: none more and none less; returns the number of cells."""
    cells, wanted, name = pd.read_parquet(path), dict(wanted), f"tables/{path.stem}"
    for _, cell in cells[cells.role != cells.kind.map(role_of)].iterrows():
        found.add(f"{name} {tuple(cell[CELL])}: a {cell.kind} attack has the role {cell.role}")
    for _, cell in cells.iterrows():
        key = tuple(cell[CELL])
        if key not in wanted:
            found.add(f"{name}: nobody asked for {key}")
            continue
        compare_cell(found, f"{name} {key}", cell, wanted.pop(key))
    for key in wanted:
        found.add(f"{name}: no cell {key}")
    return len(cells)


def check_against(run, checker, found):
    """Compare the tables of the differences to each sgd_uap and per_image attack; returns the number of cells."""
    known, names, count = places(checker), names_of(checker), 0
    for attack in checker.config["attacks"]:
        if role_of(attack["kind"]) not in ("baseline", "upper"):
            continue
        wanted = {}
        for place in known:
            method, source, target, *rest = place
            # Those of the same sources, or else of the target alone.
            others = [(attack["name"], s, target, *rest) for s in (source, target)]
            baseline = next((b for b in others if b in known), None)
            if method == attack["name"] or target not in source.split("+") or baseline is None:
                continue
            own, other = (rows_of(checker, names, p) for p in (place, baseline))
            for metric in checker.metrics:
                wanted[*place, metric] = summary(own, other, metric, len(checker.images(target, "test").ids))
        path = run / "tables" / f"against_{attack['name']}.parquet"
        if not path.exists():
            if wanted:
                found.add(f"{path} is missing")
            continue
        count += hold(found, path, wanted, compare_pairs)
    return count


def check_signs(run, checker, found):
    """Compare the table of signs with the perturbations' own means; returns the number of cells."""
    wanted = {}
    columns = ["method", "model", "explanation", "norm", "eps"]
    kept = dict(iter(checker.perturbations.groupby(columns)))
    none = checker.perturbations.iloc[:0]
    for attack, (*key, _), _ in checker.expected():
        if checker.config["evaluation"]["sign"] == "plus" or role_of(attack["kind"]) in ("nothing", "upper"):
            continue
        if is_directed(attack):
            continue
        method, source, *rest = key
        most = min(attack.get("fit_images") or sys.maxsize, most_sign_images(checker.config))
        total = sum(min(len(checker.images(s, "fit").ids), most) for s in source.split("+"))
        group = kept.get(tuple(key), none)
        for metric in ("fit_plus", "fit_minus", "fit_difference"):
            # The table files a perturbation of several sources under all of them.
            wanted[method, source, source, *rest, metric] = (group.assign(fit_difference=group.fit_plus - group.fit_minus), metric, total)
    return hold(found, run / "tables" / "sign.parquet", wanted, compare_signs)


def compare_signs(found, where, got, want):
    group, metric, total = want
    planned, group = len(group), group[group.fit_images > 0]
    left = total - got["images"]
    if left < 0:  # the seeds drew different images
        left = planned * total - group.fit_images.sum()
    if got["left_out"] != left or got["perturbations"] != len(group):
        found.add(f"{where}: {got['images']} images and {got['left_out']} left out of {total}, {got['perturbations']} perturbations")
    if group.empty != (got["images"] == 0):
        found.add(f"{where}: {got['images']} images of {len(group)} perturbations")
    # Means over different images cannot be had from the perturbations'.
    if (group.fit_images == got["images"]).all():
        found.compare(where, "mean", got["mean"], group[metric].mean(), EXACT)
        found.compare(where, "seed_std_dev", got["seed_std_dev"], group[metric].std(), EXACT)


def compare_pairs(found, where, got, want):
    if got["images"] != want["pairs"]:
        found.add(f"{where}: {got['images']} images, computed here {want['pairs']}")
    compare_difference(found, where, got, want)


def compare(found, where, got, want):
    for column in ("diagonal", "images", "left_out", "perturbations"):
        if got[column] != want[column]:
            found.add(f"{where}: {column} is {got[column]}, computed here {want[column]}")
    for column in ("mean", "std_error", "seed_std_dev"):
        found.compare(where, column, got[column], want[column], EXACT)
    compare_difference(found, where, got, want)


def compare_difference(found, where, got, want):
    found.compare(where, "difference", got["difference"], want["difference"], EXACT)
    if np.isnan(want["difference"]):
        return
    # Resampling differs from one generator to the next: the interval must be where theory puts it, up to its own noise and
    # to what a few images weigh.
    half = 1.96 * want["difference_error"]
    for column, bound in [("low", want["difference"] - half), ("high", want["difference"] + half)]:
        if not abs(got[column] - bound) <= 0.35 * half + 2 * want["one_image"] + EXACT:
            found.add(f"{where}: {column} is {got[column]:.5g}, an interval of normal theory has {bound:.5g}")


def places(checker):
    """The kind of attack of each method, source, target, explanation, norm and eps."""
    known = {}
    for attack, key, _ in checker.expected():
        method, source, explanation, norm, eps, _ = key
        for target in checker.targets(source, attack["kind"]):
            known[method, source, target, explanation, norm, eps] = attack["kind"]
    return known


def rows_of(checker, names, place):
    """The scores of a place."""
    method, source, target, *rest = place
    return checker.scores[checker.scores.perturbation.isin(names[method, source, *rest]) & (checker.scores.model == target)]


def cells(checker):
    """Each cell's key and numbers."""
    known, names = places(checker), names_of(checker)
    for place, kind in known.items():
        method, source, target, explanation, norm, eps = place
        rows = rows_of(checker, names, place)
        # Those of the same source, or else of the target itself.
        for chance_source in (source, target):
            like = (chance_source, *place[2:])
            randoms = [m for (m, *rest), k in known.items() if k == "random" and tuple(rest) == like]
            if randoms:
                break
        chance = None
        if randoms and kind != "random":
            chance = rows_of(checker, names, (randoms[0], chance_source, *place[2:]))
        total = len(checker.images(target, "test").ids)
        for metric in checker.metrics:
            yield (*place, metric), dict(summary(rows, chance, metric, total), diagonal=target in source.split("+"))


def names_of(checker):
    """The ids of the perturbations that share a table's row; check_run.py holds the columns to perturbations.parquet."""
    columns = ["method", "source", "explanation", "norm", "eps"]
    named = checker.scores[["perturbation", *columns]].drop_duplicates()
    return collections.defaultdict(set, {key: set(rows.perturbation) for key, rows in named.groupby(columns)})


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
        cell["pairs"] = len(difference)
        cell["difference"] = difference.mean()
        cell["difference_error"] = difference.std() / np.sqrt(max(len(difference), 1))
        cell["one_image"] = difference.abs().max() / max(len(difference), 1)
    return cell
