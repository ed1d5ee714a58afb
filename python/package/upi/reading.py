"""The directory of a run."""

import collections.abc
import functools
import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from . import showing


def read(run):
    """Read the directory of a run, RUN of the command line. Tables are read when they are asked for.

    Raises FileNotFoundError where there are no results, and ValueError where the manifest is not one of upi's.
    """
    return Run(run)


class Run:
    """What a run has left.

    path           its directory
    manifest       manifest.json: versions, hashes of inputs, stages, warnings
    config         the configuration as resolved, with every default
    tables         name -> table: "models", "summary", "sign", and "transfer" and "against_NAME" where the run has them
    scores         a row for each image of the test split under each perturbation on each target model
    perturbations  the perturbations, in the order of the file; by id too, as run.perturbations["net.sg.upi_grad.l2-510.s0"]
    examples       a few images with their maps, clean and perturbed
    maps           "PERTURBATION.TARGET" -> the maps of all images, where the run has kept them

    A table is a pandas.DataFrame, or a pyarrow.Table where pandas is not installed. docs/outputs.md says what the columns are.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        try:
            self.manifest = json.loads((self.path / "manifest.json").read_text())
            self.config = self.manifest["config"]
        except FileNotFoundError as problem:
            raise FileNotFoundError(f"{self.path}: there are no results of a run ({problem.filename} is missing)") from None
        except (json.JSONDecodeError, KeyError, TypeError) as problem:
            raise ValueError(f"{self.path / 'manifest.json'} is not a run's manifest: {problem!r}") from None

    @property
    def name(self):
        return self.manifest["run"]

    @property
    def status(self):
        """done, or partial where tasks have failed: cells without a number then say so."""
        return self.manifest["status"]

    @functools.cached_property
    def tables(self):
        return Tables(self.path / "tables")

    @functools.cached_property
    def scores(self):
        # Ids of images may be integers in the one file and texts in the other, where models have data of their own.
        parts = [frame(pq.read_table(f)) for f in parquet_files(self.path / "scores")]
        if not parts:
            raise FileNotFoundError(f"{self.path / 'scores'}: there are no scores")
        return joined(parts)

    @functools.cached_property
    def perturbations(self):
        return Perturbations(pq.read_table(self.path / "perturbations.parquet").to_pylist())

    @functools.cached_property
    def examples(self):
        file = self.path / "figures" / "examples.parquet"
        return [Example(row) for row in pq.read_table(file).to_pylist()] if file.exists() else []

    @functools.cached_property
    def maps(self):
        return Maps(self.path / "maps")

    def __repr__(self):
        return f"upi.Run({str(self.path)!r}: {self.status}, {len(self.perturbations)} perturbations, tables {', '.join(self.tables)})"

    def _repr_html_(self):
        return showing.run(self)


class Files(collections.abc.Mapping):
    """Parquet files of a folder, by their names without .parquet. Each is read once, when it is asked for."""

    def __init__(self, folder):
        self.files = {f.stem: f for f in parquet_files(folder)}
        self.read = {}

    def __getitem__(self, name):
        if name not in self.files:
            raise KeyError(f"{name!r} is not there; there are {', '.join(self.files) or 'none'}")
        if name not in self.read:
            self.read[name] = self.load(self.files[name])
        return self.read[name]

    def load(self, file):
        return frame(pq.read_table(file))

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)


class Tables(Files):
    def warnings(self, name):
        """What the run says about numbers of a table that rest on little: a list of sentences."""
        self[name]
        footer = pq.read_schema(self.files[name]).metadata or {}
        return json.loads(footer.get(b"upi.warnings", b"[]"))


class Maps(Files):
    """The maps that a run has kept (evaluation.maps: true), by PERTURBATION.TARGET: each a KeptMaps."""

    def load(self, file):
        return KeptMaps(file)


class KeptMaps:
    """Maps of images, clean and perturbed: images x height x width, float32. image_ids says whose. A map that is missing is NaN."""

    def __init__(self, file):
        table = pq.read_table(file)
        height, width = json.loads(table.schema.metadata[b"upi.shape"])
        self.image_ids = table["image_id"].to_numpy()
        self.clean, self.perturbed = (self._unpacked(table, name, height, width) for name in ("clean", "perturbed"))

    @staticmethod
    def _unpacked(table, name, height, width):
        maps = np.full((len(table), height, width), np.nan, np.float32)
        for i, (values, scale) in enumerate(zip(table[name].to_pylist(), table[name + "_scale"].to_pylist())):
            if values is not None and scale is not None:
                maps[i] = np.float32(scale) * np.frombuffer(values, "<f2").astype(np.float32).reshape(height, width)
        return maps


class Perturbation:
    """A pattern that is added to images.

    id, method, kind, role, model, explanation, norm, eps, seed, draw and the other columns of perturbations.parquet are
    attributes. shape is (height, width, channels).
    """

    def __init__(self, row):
        self._row = row
        self.shape = tuple(row["shape"])

    def __getattr__(self, name):
        try:
            return self.__dict__["_row"][name]
        except KeyError:
            raise AttributeError(f"a perturbation has no {name}") from None

    def __dir__(self):
        return sorted({*super().__dir__(), *self._row})

    @functools.cached_property
    def delta(self):
        """height x width x channels, float32, in pixel units (0..255): what is added to an image, its sign applied."""
        unsigned = np.asarray(self._row["delta"], np.float32).reshape(self.shape)
        return np.float32(self._row["sign"]) * unsigned

    def on(self, images):
        """Images (n x height x width x channels or one of them, pixel values 0..255) with the pattern, float32, not clipped."""
        return np.asarray(images, np.float32) + self.delta

    def __repr__(self):
        return f"upi.Perturbation({self.id}: {' x '.join(map(str, self.shape))}, sign {self.sign:+d})"

    def _repr_html_(self):
        return showing.perturbation(self)


class Perturbations(collections.abc.Sequence):
    """Perturbations by number or id."""

    def __init__(self, rows):
        self._all = [Perturbation(row) for row in rows]
        self._by_id = {p.id: p for p in self._all}

    def __getitem__(self, which):
        if not isinstance(which, str):
            return self._all[which]
        if which not in self._by_id:
            raise KeyError(f"there is no perturbation {which!r}; there are {', '.join(self._by_id) or 'none'}")
        return self._by_id[which]

    def __len__(self):
        return len(self._all)

    def of(self, **values):
        """The perturbations with these values, as of(method="upi_grad", eps=510)."""
        return [p for p in self._all if all(getattr(p, name) == value for name, value in values.items())]

    def __repr__(self):
        return "[" + ",\n ".join(map(repr, self._all)) + "]"


class Example:
    """An image with its maps. image and perturbed are height x width x channels (pixel units), the maps height x width; float32."""

    def __init__(self, row):
        self._row = row
        height, width, channels = row["shape"]
        for name in ("image", "perturbed"):
            setattr(self, name, np.asarray(row[name], np.float32).reshape(height, width, channels))
        for name in ("clean_map", "perturbed_map"):
            setattr(self, name, np.asarray(row[name], np.float32).reshape(height, width))

    __getattr__, __dir__ = Perturbation.__getattr__, Perturbation.__dir__

    def __repr__(self):
        return f"upi.Example({self._row.get('name', self._row.get('id'))})"

    def _repr_html_(self):
        return showing.example(self)


def parquet_files(folder):
    return sorted(folder.glob("*.parquet"))


def frame(table):
    try:
        import pandas  # noqa: F401
    except ImportError:
        return table
    return table.to_pandas()


def joined(parts):
    if isinstance(parts[0], pa.Table):
        try:
            return pa.concat_tables(parts, promote_options="default")
        except pa.ArrowInvalid:
            return pa.concat_tables(map(with_text_ids, parts), promote_options="default")
    import pandas

    return pandas.concat(parts, ignore_index=True)


def with_text_ids(table):
    at = table.schema.get_field_index("image_id")
    return table.set_column(at, "image_id", table.column(at).cast(pa.string()))
