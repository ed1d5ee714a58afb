"""Check a run against TensorFlow's own gradients: every number of its scores and tables, computed again without its code.

    python check_run.py RUN_DIR [--root DIR] [--tolerance 1e-3] [--fit-signs]

Reads config.yaml, perturbations.parquet, the image shards and the SavedModels (relative paths in the configuration are
relative to DIR, the working directory by default), and recomputes each image's metrics, the set of images that may be in the
scores, the choice of sign, and the tables' means. Exits with 1 and one line per disagreement if there is any.

The map of a network of ReLU and max-pooling jumps where a unit switches, and rounding decides on which side an image lies. A
number that is off by more than the tolerance is therefore looked at again: it is said to lie at a jump if TensorFlow itself gives
it, within the tolerance, for images that are brighter or darker by about JITTER of their values (which leaves the ties of a plain
background as they are). Such numbers are counted and shown, and may be one for a thousand rows.
"""

import argparse
import glob
import hashlib
import io
import itertools
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import yaml
from PIL import Image

import check_maps
import check_tables
import reference_math

SHOWN = 20  # disagreements that are printed in full
JITTER, DRAWS = 1e-6, 16  # a float32 has seven digits, a sum of thousands of products six


class Disagreements:
    """What does not agree, and how far apart the rest is."""

    def __init__(self):
        self.lines, self.jumps = [], []
        self.largest = {}
        self.compared = 0

    def add(self, line):
        self.lines.append(line)

    def compare(self, where, name, got, want, tolerance, at_jump=lambda: False):
        """One number of the run, got, with the one computed here; at_jump tells whether rounding decides on it."""
        missing = [x is None or np.isnan(x) for x in (got, want)]
        if all(missing):
            return
        if any(missing):
            self.add(f"{where}: {name} is {got}, computed here {want}")
            return
        difference = abs(got - want)
        if not difference <= tolerance and at_jump():
            self.jumps.append(f"{where}: {name} is {got:.7g}, computed here {want:.7g}")
            return
        if difference > self.largest.get(name, (-1, ""))[0]:
            self.largest[name] = (difference, where)
        if not difference <= tolerance:
            self.add(f"{where}: {name} is {got:.7g}, computed here {want:.7g}")


class Images:
    """The images of a split: pixels n x H x W x C float32, labels and ids."""

    def __init__(self, root, split):
        pixels, self.labels, self.ids, self.hashes = [], [], [], {}
        limit = split["limit"] or sys.maxsize
        for path in sorted(glob.glob(str(root / split["path"]))):
            if len(pixels) == limit:
                break
            self.hashes[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            for row in pq.read_table(path).slice(0, limit - len(pixels)).to_pylist():
                picture = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
                self.ids.append(row.get("id", len(pixels)))
                self.labels.append(row["label"])
                pixels.append(picture if picture.ndim == 3 else picture[..., None])
        self.pixels = np.stack(pixels).astype(np.float32)
        self.labels, self.ids = np.array(self.labels), np.array(self.ids)


class Clean:
    """What a network says of the clean images of a split, and which of them may be scored."""

    def __init__(self, network, explanation, images, keep):
        self.logits, self.probabilities = network.answers(images.pixels)
        self.predicted = self.logits.argmax(axis=1)
        self.classes = images.labels if explanation["class"] == "label" else self.predicted
        self.maps, self.norm = network.maps(explanation, images.pixels, self.classes, images.ids)
        self.right = self.predicted == images.labels
        self.mapped = has_map(self.norm)
        self.positions = np.flatnonzero(self.right) if keep == "correct" else np.arange(len(images.labels))


def has_map(norm):
    return (norm > 0) & np.isfinite(norm)


# What a network says of an image: the classes that it answers, and the probabilities of the class that the map explains.
ANSWERS = ["clean_class", "perturbed_class", "clean_probability", "perturbed_probability"]


class Checker:
    def __init__(self, run, root, tolerance):
        self.run, self.root, self.tolerance = run, root, tolerance
        self.config = yaml.safe_load((run / "config.yaml").read_text())
        self.metrics = self.config["evaluation"]["metrics"]
        self.perturbations = pd.read_parquet(run / "perturbations.parquet")
        self.scores = pd.concat([pd.read_parquet(f) for f in sorted((run / "scores").glob("*.parquet"))])
        self.scores = self.scores[self.scores.fitted_for == self.scores.explanation]
        self.models = {m["name"]: dict(m, path=str(root / m["path"])) for m in self.config["models"]}
        self.explanations = {e["name"]: e for e in self.config["explanations"]}
        self.found = Disagreements()
        self.memo = {}

    def once(self, *key, build):
        if key not in self.memo:
            self.memo[key] = build()
        return self.memo[key]

    def split(self, model, name):
        data = self.models[model].get("data") or self.config["data"]
        return data[name]

    def images(self, model, name):
        split = self.split(model, name)
        return self.once("images", split["path"], split["limit"], build=lambda: Images(self.root, split))

    def network(self, model):
        return self.once("network", model, build=lambda: check_maps.Network(self.models[model]))

    def explanation(self, model, name):
        """An explanation with what it takes of the model: the layer, or the images that baselines are drawn from."""
        settings = self.explanations[name]
        if settings["kind"] == "grad_cam":
            return {**settings, "layer": settings.get("layer") or self.models[model].get("layer", "")}
        if settings["kind"] != "expected_gradients":
            return settings
        fit = self.images(model, "fit").pixels
        order = self.once("baselines", len(fit), build=lambda: reference_math.Stream(0, "baselines", 0, 0).perm(len(fit)))
        return {**settings, "images": fit[order[: settings["baseline_images"]]]}

    def clean(self, model, explanation, name):
        return self.once(
            "clean", model, explanation, name,
            build=lambda: Clean(self.network(model), self.explanation(model, explanation), self.images(model, name),
                                self.config["evaluation"]["filter"]))

    def perturbed(self, row, model, name, sign):
        """Metrics of the images of a split under a perturbation: a table by image id."""
        images, clean = self.images(model, name), self.clean(model, row.explanation, name)
        network, explanation = self.network(model), self.explanation(model, row.explanation)
        at = clean.positions
        pixels = self.add_delta(images.pixels[at], row, sign)
        logits, probabilities = network.answers(pixels)
        maps, norm = network.maps(explanation, pixels, clean.classes[at], images.ids[at])
        rows = []
        metrics = self.metrics if name == "test" else ["normalized_l2"]
        for k, i in enumerate(at):
            # A map that is missing takes the metrics of maps alone.
            both = clean.mapped[i] and has_map(norm[k])
            values = {m: self.metric(m, clean.maps[i], maps[k], model) if both else np.nan for m in metrics if self.of_maps(m)}
            values["prediction_changed"] = float(logits[k].argmax() != clean.predicted[i])
            if values["prediction_changed"]:
                values["kept_l2"] = np.nan
            c = clean.classes[i]
            values["probability_drop"] = clean.probabilities[i, c] - probabilities[k, c]
            answers = [clean.predicted[i], logits[k].argmax(), clean.probabilities[i, c], probabilities[k, c]]
            rows.append({"image_id": images.ids[i], "label": images.labels[i], **dict(zip(ANSWERS, answers)), **values})
        return pd.DataFrame(rows).set_index("image_id")

    def add_delta(self, pixels, row, sign):
        perturbed = pixels + np.float32(sign) * np.asarray(row.delta, np.float32).reshape(tuple(row["shape"]))
        return np.clip(perturbed, 0, 255) if self.config["evaluation"]["clip"] == "pixels" else perturbed

    def of_maps(self, name):
        return name == "kept_l2" or name in check_maps.MAP_METRICS or name in check_maps.GOAL_METRICS

    def metric(self, name, clean, perturbed, model):
        if name in check_maps.GOAL_METRICS:
            settings = self.models[model].get("goal") or self.config["goal"]
            goal = self.once("goal", model, build=lambda: check_maps.Goal(settings, self.root))
            return check_maps.GOAL_METRICS[name](clean, perturbed, goal)
        name = "normalized_l2" if name == "kept_l2" else name
        return check_maps.MAP_METRICS[name](clean, perturbed, self.config["evaluation"]["top_k"])

    def at_jump(self, row, model, image, name, got):
        """Whether TensorFlow gives the metric of a map, too, for images that differ by rounding."""
        if not self.of_maps(name) or got is None:
            return False
        images, clean = self.images(model, "test"), self.clean(model, row.explanation, "test")
        i = int(np.flatnonzero(images.ids == image)[0])
        scales = (1 + JITTER * np.linspace(-2, 2, DRAWS + 1)).astype(np.float32)[:, None, None, None]
        alike = [np.repeat(value, len(scales)) for value in (clean.classes[i], image)]
        pixels = images.pixels[i : i + 1]
        maps = [
            self.network(model).maps(self.explanation(model, row.explanation), scales * x, *alike)[0]
            for x in (pixels, self.add_delta(pixels, row, row.sign))
        ]
        return any(abs(self.metric(name, a, b, model) - got) <= self.tolerance for a, b in itertools.product(*maps))

    def expected(self):
        """The perturbations that the configuration asks for: method, model, explanation, norm, eps, seed, number of draws."""
        for attack in self.config["attacks"]:
            budgets = attack.get("eps", [0])
            together = attack.get("sources") or []
            sources = ["+".join(m for m in self.models if m in together)] if together else list(self.models)
            explanations = attack.get("explanations") or list(self.explanations)
            seeds = attack.get("seeds") or self.config["seeds"]
            seeds = seeds if "eps" in attack else seeds[:1]
            for key in itertools.product(sources, explanations, [attack.get("norm", "l2")], budgets, seeds):
                yield attack, (attack["name"], *key), attack.get("draws", 1)

    def targets(self, model, kind=None):
        """The models on which a perturbation is to be scored; one per image belongs to its source."""
        sources = model.split("+")
        if kind == "per_image" or not self.config["evaluation"]["transfer"]:
            return sources
        splits = lambda m: (self.split(m, "fit"), self.split(m, "test"))
        return [m for m in self.models if splits(m) == splits(sources[0])]

    def check_inputs(self):
        """The shards are those that the run has read."""
        manifest = json.loads((self.run / "manifest.json").read_text())
        read = {f["sha256"] for f in manifest["inputs"]}
        for model, split in itertools.product(self.models, ("fit", "test")):
            for path, digest in self.images(model, split).hashes.items():
                if digest not in read:
                    self.found.add(f"manifest.json: {path} is not what the run has read")

    def check_perturbations(self):
        columns = ["method", "model", "explanation", "norm", "eps", "seed"]
        have = self.perturbations.groupby(columns).size().to_dict()
        for attack, key, draws in self.expected():
            if attack["kind"] != "per_image" and have.pop(key, 0) != draws:
                self.found.add(f"perturbations.parquet: not {draws} of {key}")
        for key in have:
            self.found.add(f"perturbations.parquet: nobody asked for {key}")
        for _, row in self.perturbations.iterrows():
            if row.role != check_tables.role_of(row.kind):
                self.found.add(f"{row.id}: a {row.kind} attack has the role {row.role}")
            delta = np.asarray(row.delta, np.float64)
            norm = np.abs(delta).max() if row.norm == "linf" else np.linalg.norm(delta)
            if not norm <= row.eps * (1 + 1e-5):
                self.found.add(f"{row.id}: the perturbation's {row.norm} norm is {norm:.7g}, eps is {row.eps}")

    def check_scores(self):
        left = {key: rows for key, rows in self.scores.groupby(["perturbation", "model"])}
        for _, row in self.perturbations.iterrows():
            for model in self.targets(row.model):
                got = left.pop((row.id, model), pd.DataFrame(columns=self.scores.columns)).set_index("image_id")
                self.check_rows(row, model, got)
        per_image = {key for a, key, _ in self.expected() if a["kind"] == "per_image"}
        have = {tuple(rows.iloc[0][["method", "source", "explanation", "norm", "eps", "seed"]]) for rows in left.values()}
        if have != per_image or len(left) != len(per_image):
            self.found.add(f"scores: rows without a perturbation of {sorted(have)}, asked for per image: {sorted(per_image)}")
        for (perturbation, model), rows in left.items():
            # A perturbation per image is not kept: only its set of images can be checked.
            clean = self.clean(model, rows.explanation.iloc[0], "test")
            self.same_images(f"{perturbation} on {model}", rows.image_id, self.images(model, "test").ids[clean.positions])
        return sum(len(rows) for rows in left.values())

    def same_images(self, where, got, want):
        for what, ids in [("missing", set(want) - set(got)), ("not to be scored", set(got) - set(want))]:
            if ids:
                self.found.add(f"{where}: {len(ids)} images {what}, such as {sorted(ids)[:5]}")
        if len(set(got)) != len(got):
            self.found.add(f"{where}: images are there twice")

    def check_rows(self, row, model, got):
        where = f"{row.id} on {model}"
        want = self.perturbed(row, model, "test", row.sign)
        self.same_images(where, got.index, want.index)
        own = {column: row[column] for column in ("method", "kind", "role", "norm", "eps", "seed", "draw", "sign", "explanation")}
        for column, value in dict(own, source=row.model, target=model, clip=self.config["evaluation"]["clip"]).items():
            if not (got[column] == value).all():
                self.found.add(f"{where}: {column} is not {value} throughout")
        both = got.index.intersection(want.index)
        self.found.compared += len(both)
        for metric in ["label"] + ANSWERS + self.metrics:
            for image, a, b in zip(both, got.loc[both, metric], want.loc[both, metric]):
                self.found.compare(f"{where}, image {image}", metric, a, b, self.tolerance,
                                   lambda: self.at_jump(row, model, image, metric, a))

    def sign_images(self, row, model):
        """The ids of the fit images that decide a sign: of those that the attack looks at, the first in an order keyed by the seed."""
        attack = next(a for a in self.config["attacks"] if a["name"] == row.method)
        ids = self.images(model, "fit").ids[: attack.get("fit_images") or None]
        most = check_tables.most_sign_images(self.config)
        if most >= len(ids):
            return ids
        order = self.once("order", row.seed, len(ids),
                          build=lambda: reference_math.Stream(int(row.seed), "sign images", 0, 0).perm(len(ids)))
        return ids[order[:most]]

    def check_signs(self, name):
        """The sign is the one that does better on the split of that name, over the sources."""
        for _, row in self.perturbations.iterrows():
            if row.eps == 0 or check_tables.is_directed(next(a for a in self.config["attacks"] if a["name"] == row.method)):
                continue
            both = []
            for model in row.model.split("+"):
                # Only an image that has a map under either sign counts.
                signs = pd.DataFrame({sign: self.perturbed(row, model, name, sign).normalized_l2 for sign in (1, -1)}).dropna()
                looked_at = self.images(model, name).ids if name == "test" else self.sign_images(row, model)
                both.append(signs[signs.index.isin(looked_at)])
            mean = pd.concat(both).mean()
            if name == "fit":
                self.found.compare(row.id, "fit_plus", row.fit_plus, mean[1], self.tolerance)
                self.found.compare(row.id, "fit_minus", row.fit_minus, mean[-1], self.tolerance)
            if mean[row.sign] < mean[-row.sign] - self.tolerance / 10:
                self.found.add(f"{row.id}: sign {row.sign:+d} scores {mean[row.sign]:.5f} on the {name} split, "
                               f"the other {mean[-row.sign]:.5f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path())
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--fit-signs", action="store_true", help="score both signs of each perturbation on the fit split too")
    options = parser.parse_args()
    checker = Checker(options.run, options.root, options.tolerance)
    found = checker.found
    checker.check_inputs()
    checker.check_perturbations()
    unchecked = checker.check_scores()
    rule = checker.config["evaluation"]["sign"]
    if rule == "test" or rule == "fit" and options.fit_signs:
        checker.check_signs(rule)
    cells = check_tables.check(options.run, checker, found)
    for name, (difference, where) in found.largest.items():
        print(f"{name}: largest difference {difference:.2g} ({where})")
    print(f"{found.compared} rows of {len(checker.perturbations)} perturbations and {cells} cells compared; "
          f"{unchecked} rows per image only counted; {len(found.jumps)} numbers lie at a jump of the map")
    for line in found.jumps[:SHOWN]:
        print("at a jump:", line)
    if len(found.jumps) > max(1, found.compared / 1000):
        found.add(f"{len(found.jumps)} numbers lie at a jump: too many for rounding")
    for line in found.lines[:SHOWN]:
        print("disagreement:", line, file=sys.stderr)
    if found.lines:
        sys.exit(f"check_run: {len(found.lines)} disagreements between {options.run} and TensorFlow, tolerance {options.tolerance}")


if __name__ == "__main__":
    main()
