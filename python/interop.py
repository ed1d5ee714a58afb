"""What other libraries write, for the Go tests to read, and what they make of what Go has written.

    interop.py write-columns DIR   Parquet files in many encodings (pyarrow)
    interop.py write-encrypted DIR a file with an encrypted column, and one with an encrypted footer (pyarrow)
    interop.py write-images DIR    the same few images as pandas, polars, DuckDB, datasets and pyarrow write them
    interop.py write-others DIR    the same images under other names and types, as pyarrow and datasets write them
    interop.py write-arrow DIR     the same images as datasets keeps them on disk, and in Arrow files with columns of every type
    interop.py read-images GLOB    prints a JSON list of what each library reads from shards
    interop.py read-table FILE     prints a JSON list of what each library reads from a table

The values are formulas (value_* and pixels below) that the tests know too.
"""
import glob
import io
import json
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

ROWS = 3000
IMAGES, HEIGHT, WIDTH = 8, 5, 7


def columns():
    i = np.arange(ROWS, dtype=np.int64)
    null = i % 11 == 0
    names = [f"name-{k % 50}-{k * k}" for k in range(ROWS)]
    lists = [None if k % 13 == 0 else [k * 3 + j for j in range(k % 4)] for k in range(ROWS)]
    return pa.table({
        "i64": pa.array(i * 2654435761 % 2**40 - 2**39, pa.int64(), mask=null),
        "i32": pa.array((i * 7919 % 100003 - 50000).astype(np.int32), pa.int32(), mask=null),
        "f64": pa.array(i * 0.5 - 3, mask=null),
        "f32": pa.array((i * 0.25 - 7).astype(np.float32), mask=null),
        "b": pa.array(i % 3 == 0, mask=null),
        "s": pa.array(names, pa.string(), mask=null),
        "fsb": pa.array([int(k).to_bytes(3, "little") for k in i], pa.binary(3), mask=null),
        "l": pa.array(lists, pa.list_(pa.int32())),
        "r": pa.array(i, pa.int64()),
    }, schema=pa.schema([
        ("i64", pa.int64()), ("i32", pa.int32()), ("f64", pa.float64()), ("f32", pa.float32()), ("b", pa.bool_()),
        ("s", pa.string()), ("fsb", pa.binary(3)), ("l", pa.list_(pa.int32())), pa.field("r", pa.int64(), nullable=False)]))


def write_columns(folder):
    table = columns()
    common = dict(row_group_size=1100, data_page_size=2000, write_batch_size=100)
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        for version in ["1.0", "2.0"]:
            pq.write_table(table, f"{folder}/{codec}-v{version[0]}.parquet", compression=codec, data_page_version=version,
                           use_dictionary=codec in ("snappy", "zstd"), write_page_checksum=codec == "gzip", **common)
    delta = {"i64": "DELTA_BINARY_PACKED", "i32": "DELTA_BINARY_PACKED", "r": "DELTA_BINARY_PACKED",
             "f64": "BYTE_STREAM_SPLIT", "f32": "BYTE_STREAM_SPLIT", "fsb": "BYTE_STREAM_SPLIT", "b": "RLE"}
    for name, text in [("delta-length", "DELTA_LENGTH_BYTE_ARRAY"), ("delta-shared", "DELTA_BYTE_ARRAY")]:
        for version in ["1.0", "2.0"]:
            pq.write_table(table, f"{folder}/{name}-v{version[0]}.parquet", data_page_version=version, use_dictionary=False,
                           column_encoding={**delta, "s": text}, **common)


def write_encrypted(folder):
    import base64
    import pyarrow.parquet.encryption as pe

    class Keys(pe.KmsClient):
        """Wraps keys in nothing: what is encrypted shall not be read anyway."""

        def __init__(self, _):
            super().__init__()

        def wrap_key(self, key, _):
            return base64.b64encode(key)

        def unwrap_key(self, wrapped, _):
            return base64.b64decode(wrapped)

    factory = pe.CryptoFactory(Keys)
    table = pa.table({"open": pa.array([1, 2], pa.int64()), "secret": pa.array([3, 4], pa.int64())})
    for name, plain in [("column", True), ("footer", False)]:
        config = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["secret"]}, plaintext_footer=plain)
        properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
        with pq.ParquetWriter(f"{folder}/{name}.parquet", table.schema, encryption_properties=properties) as w:
            w.write_table(table)


def pixels():
    i, y, x, c = np.ogrid[:IMAGES, :HEIGHT, :WIDTH, :3]
    return ((i * 37 + y * 11 + x * 5 + c * 3) % 256).astype(np.uint8)


def encode(a, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(a).save(out, kind, **options)
    return out.getvalue()


def write_images(folder):
    import datasets
    import duckdb
    import pandas as pd
    import polars as pl

    x, labels = pixels(), [k % 3 for k in range(IMAGES)]
    png = [encode(a) for a in x]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pictures = [{"bytes": b, "path": f"{k}.png"} for k, b in enumerate(png)]
    image = pa.array(pictures, struct)

    def arrow(name, columns, fields=None, metadata=None, **options):
        t = pa.table(columns, schema=pa.schema(fields, metadata=metadata)) if fields else pa.table(columns)
        pq.write_table(t, f"{folder}/{name}.parquet", **options)

    for kind in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]:
        arrow(f"pyarrow-{kind}", {"image": image, "label": pa.array(labels, kind)})
    label = pa.array(labels, pa.int64())
    arrow("pyarrow-ids", {"image": image, "label": label, "id": pa.array(range(100, 100 + IMAGES), pa.int32())}, row_group_size=3)
    arrow("pyarrow-binary", {"image": pa.array(png, pa.binary()), "label": label}, compression="gzip", data_page_version="2.0")
    arrow("pyarrow-large-binary", {"image": pa.array(png, pa.large_binary()), "label": label}, compression="brotli")
    arrow("pyarrow-view", {"image": pa.array(png, pa.binary_view()), "label": label})
    arrow("pyarrow-dictionary", {"image": image, "label": label.dictionary_encode()})
    arrow("pyarrow-img", {"img": image, "label": label}, use_dictionary=False,
          column_encoding={"img.bytes": "DELTA_BYTE_ARRAY", "label": "DELTA_BINARY_PACKED"})
    arrow("pyarrow-palette", {"image": pa.array([encode_palette(a) for a in x], pa.binary()), "label": label})
    arrow("pyarrow-opaque", {"image": pa.array([encode(np.dstack([a, np.full(a.shape[:2], 255, np.uint8)])) for a in x], pa.binary()), "label": label})
    arrow("jpeg", {"image": pa.array([encode(a, "JPEG", quality=100, subsampling=0) for a in x], pa.binary()), "label": label})
    flat = x.reshape(IMAGES, -1)
    shape = {"shape": f"{HEIGHT},{WIDTH},3"}
    size = HEIGHT * WIDTH * 3
    for name, values, kind in [
            ("fixed-size-binary", [a.tobytes() for a in flat], pa.binary(size)), ("binary", [a.tobytes() for a in flat], pa.binary()),
            ("list", flat.tolist(), pa.list_(pa.uint8())), ("fixed-size-list", flat.tolist(), pa.list_(pa.uint8(), size))]:
        arrow(f"pixels-{name}", {"pixels": pa.array(values, kind), "label": label},
              [pa.field("pixels", kind, metadata=shape), pa.field("label", pa.int64())])
    arrow("pixels-shape-in-file", {"pixels": pa.array(flat.tolist(), pa.list_(pa.uint8())), "label": label},
          [("pixels", pa.list_(pa.uint8())), ("label", pa.int64())], {"upi.shape": json.dumps([HEIGHT, WIDTH, 3])})

    frame = pd.DataFrame({"image": pictures, "label": labels})
    frame.to_parquet(f"{folder}/pandas.parquet")
    frame.assign(label=frame.label.astype("Int64")).to_parquet(f"{folder}/pandas-nullable.parquet")
    frame.assign(label=frame.label.astype("category")).to_parquet(f"{folder}/pandas-category.parquet")
    pl.DataFrame({"image": pictures, "label": labels}).write_parquet(f"{folder}/polars.parquet")
    pl.DataFrame({"image": png, "label": labels}, schema={"image": pl.Binary, "label": pl.UInt8}).write_parquet(
        f"{folder}/polars-binary.parquet", compression="lz4", row_group_size=3)
    db = duckdb.connect()
    db.register("t", pa.table({"image": image, "label": label}))
    db.execute(f"COPY (SELECT image, label FROM t) TO '{folder}/duckdb.parquet' (FORMAT parquet)")
    db.execute(f"COPY (SELECT image.bytes AS image, label::UTINYINT AS label FROM t) TO '{folder}/duckdb-v2.parquet' "
               "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "frog"])})
    datasets.Dataset.from_dict({"image": [Image.fromarray(a) for a in x], "label": labels}, features=features).to_parquet(
        f"{folder}/datasets.parquet")


def write_columns_of_others(folder):
    """The eight images under other names and types than the usual: what the Go test of the same names expects of each file."""
    import uuid

    import datasets

    x, labels = pixels(), [k % 3 for k in range(IMAGES)]
    image = pa.array([{"bytes": encode(a), "path": None} for a in x], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    label, texts = pa.array(labels, pa.int64()), [f"img_{k}.png" for k in range(IMAGES)]
    names = pa.array(["zebra", "Ameise", "bär"]).take(label)

    def write(name, **columns):
        pq.write_table(pa.table(columns), f"{folder}/{name}.parquet")

    write("text-ids", image=image, label=label, id=pa.array(texts))
    write("text-ids-binary", image=image, label=label, id=pa.array([t.encode() for t in texts], pa.binary()))
    write("text-ids-dictionary", image=image, label=label, id=pa.array(texts).dictionary_encode())
    write("uuid-ids", image=image, label=label, id=pa.array([uuid.UUID(int=k).bytes for k in range(IMAGES)], pa.uuid()))
    write("float-ids", image=image, label=label, id=pa.array([float(k) for k in range(IMAGES)]))
    write("date-ids", image=image, label=label, id=pa.array(range(IMAGES), pa.int32()).cast(pa.date32()))
    write("text-ids-twice", image=image, label=label, id=pa.array(texts[:7] + texts[:1]))
    write("other-names", photo=image, fine_label=label, file=pa.array(texts), id=pa.array([9] * IMAGES))
    write("text-labels", image=image, label=names)
    write("text-labels-dictionary", image=image, label=names.dictionary_encode())
    write("number-texts", image=image, label=pa.array(["10", "2", "0"]).take(label))
    write("float-labels", image=image, label=label.cast(pa.float64()))
    write("bool-labels", image=image, label=pa.array([k % 2 == 1 for k in range(IMAGES)]))
    write("half-labels", image=image, label=pa.array([k + 0.5 for k in range(IMAGES)]))
    for kind in ["uint8", "int64"]:
        nested = pa.array(x.tolist(), pa.list_(pa.list_(pa.list_(getattr(pa, kind)()))))
        write(f"nested-{kind}", image=nested, label=label)
    write("nested-grey", image=pa.array(x[..., 0].tolist(), pa.list_(pa.list_(pa.uint8()))), label=label)
    write("nested-ragged", image=pa.array([[[[1, 2, 3]], [[1, 2, 3], [4, 5, 6]]]] * IMAGES, pa.list_(pa.list_(pa.list_(pa.uint8())))), label=label)
    write("nested-floats", image=pa.array((x / 255).tolist(), pa.list_(pa.list_(pa.list_(pa.float32())))), label=label)
    write("nested-planes", image=pa.array(x.transpose(0, 3, 1, 2).tolist(), pa.list_(pa.list_(pa.list_(pa.uint8())))), label=label)
    write("tensor", image=pa.FixedShapeTensorArray.from_numpy_ndarray(x), label=label)
    features = {"label": datasets.ClassLabel(names=["cat", "dog", "frog"])}
    for shape, kind in [(x.shape[1:], datasets.Array3D(x.shape[1:], "uint8")), (x.shape[1:3], datasets.Array2D(x.shape[1:3], "uint8"))]:
        d = datasets.Dataset.from_dict({"pixels": list(x if len(shape) == 3 else x[..., 0]), "label": labels},
                                       features=datasets.Features({"pixels": kind, **features}))
        d.to_parquet(f"{folder}/array{len(shape)}d.parquet")
    paths = pa.array([{"bytes": None, "path": f"{folder}/pictures/{k}.png" if k % 2 else f"pictures/{k}.png"} for k in range(IMAGES)],
                     pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    write("paths", image=paths, label=label)
    write("path-texts", image=pa.array([p["path"] for p in paths.to_pylist()]), label=label)
    os.mkdir(f"{folder}/pictures")
    for k, a in enumerate(x):
        with open(f"{folder}/pictures/{k}.png", "wb") as f:
            f.write(encode(a))


def write_arrow(folder):
    """Sets as datasets keeps them on disk, and Arrow files with a column of every type beside those that are read."""
    import datetime
    import decimal

    import datasets

    x, labels = pixels(), [k % 3 for k in range(IMAGES)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "frog"]), "file": datasets.Value("string")})

    def made(rows):
        return datasets.Dataset.from_dict({"image": [Image.fromarray(x[k]) for k in rows], "label": [labels[k] for k in rows],
                                           "file": [f"img_{k}.png" for k in rows]}, features=features)

    made(range(IMAGES)).save_to_disk(f"{folder}/saved", num_shards=3)
    datasets.DatasetDict({"train": made(range(4)), "validation": made(range(4, 6)), "test": made(range(6, 8))}).save_to_disk(f"{folder}/dict")
    os.mkdir(f"{folder}/source")
    made(range(IMAGES)).to_parquet(f"{folder}/source/train-00000-of-00001.parquet")
    datasets.load_dataset("parquet", data_files={"train": f"{folder}/source/*.parquet"}, cache_dir=f"{folder}/cache")

    n = IMAGES
    null = [k % 5 == 4 for k in range(n)]
    columns = {
        "nothing": pa.nulls(n), "time": pa.array([datetime.datetime(2026, 1, 1 + k) for k in range(n)]),
        "decimal": pa.array([decimal.Decimal(k) for k in range(n)], pa.decimal128(9, 2)), "half": pa.array(np.arange(n, dtype=np.float16)),
        "map": pa.array([[("a", k)] for k in range(n)], pa.map_(pa.string(), pa.int8())),
        "union": pa.UnionArray.from_dense(pa.array([0, 1] * (n // 2), pa.int8()), pa.array([k // 2 for k in range(n)], pa.int32()),
                                          [pa.array(range(n // 2)), pa.array(["u"] * (n // 2))]),
        "sparse": pa.UnionArray.from_sparse(pa.array([0, 1] * (n // 2), pa.int8()), [pa.array(range(n)), pa.array(["u"] * n)]),
        "category": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([3, n], pa.int32()), pa.array(["x", "y"])),
        "structs": pa.array([{"a": k, "b": [k]} for k in range(n)]),
        "fixed": pa.array([[k, k] for k in range(n)], pa.list_(pa.int16(), 2)),
        "image": pa.array([{"bytes": None if null[k] else encode(x[k]), "path": None} for k in range(n)],
                          pa.struct([("bytes", pa.large_binary()), ("path", pa.string())])),
        "label": pa.array([None if null[k] else labels[k] for k in range(n)], pa.uint16()),
        "id": pa.array([f"img_{k}.png" for k in range(n)], pa.large_string()),
        "names": pa.array(["zebra", "Ameise", "bär"]).take(pa.array(labels)),
        "float": pa.array([float(k) for k in labels], pa.float32()), "flag": pa.array([k % 2 == 1 for k in range(n)]),
        "small": pa.array([k - 4 for k in range(n)], pa.int8()),
        "array": pa.array(x.tolist(), pa.list_(pa.list_(pa.list_(pa.uint8())))),
        "tensor": pa.array(x.tolist(), pa.list_(pa.list_(pa.large_list(pa.int64()), WIDTH), HEIGHT)),
        "grey": pa.array(x[..., 0].tolist(), pa.list_(pa.list_(pa.uint8()))),
        "holes": pa.array([[[[None, 1, 2]] * WIDTH] * HEIGHT] * n, pa.list_(pa.list_(pa.list_(pa.uint8())))),
        "ragged": pa.array([[[[1, 2, 3]], [[1, 2, 3], [4, 5, 6]]]] * n, pa.list_(pa.list_(pa.list_(pa.uint8())))),
        "end": pa.array(range(n), pa.int64()),
    }
    table = pa.table(columns)
    with pa.ipc.new_stream(f"{folder}/stream.arrow", table.schema) as w:
        w.write_table(table, max_chunksize=3)
    with pa.ipc.new_file(f"{folder}/file.arrow", table.schema) as w:
        w.write_table(table, max_chunksize=3)
    small = table.select(["image", "label"])
    with pa.ipc.new_stream(f"{folder}/packed.arrow", small.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as w:
        w.write_table(small)


def encode_palette(a):
    # Every colour of these tiny pictures gets a place of its own, so nothing is lost.
    colours, index = np.unique(a.reshape(-1, 3), axis=0, return_inverse=True)
    picture = Image.fromarray(index.reshape(a.shape[:2]).astype(np.uint8), "P")
    picture.putpalette(colours.astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def read_images(pattern):
    import datasets
    import duckdb
    import pandas as pd
    import polars as pl

    paths = sorted(glob.glob(pattern))

    def rows(images, labels, ids):
        return [{"id": int(i), "label": int(k), "pixels": np.asarray(Image.open(io.BytesIO(b["bytes"]))).reshape(-1).tolist()}
                for b, k, i in zip(images, labels, ids)]

    def frame(f):
        return rows(f["image"], f["label"], f["id"])

    d = datasets.load_dataset("parquet", data_files=paths, split="train")
    db = duckdb.sql(f"SELECT image, label, id FROM read_parquet({paths!r})").fetchall()
    return {
        "datasets": [{"id": r["id"], "label": r["label"], "pixels": np.asarray(r["image"]).reshape(-1).tolist()} for r in d],
        "pandas": frame(pd.concat([pd.read_parquet(p) for p in paths])),
        "polars": frame(pl.read_parquet(paths).to_dict(as_series=False)),
        "duckdb": rows(*zip(*db)),
        "pyarrow": frame(pa.concat_tables([pq.read_table(p) for p in paths]).to_pydict()),
        "features": {k: type(v).__name__ for k, v in d.features.items()},
        "names": d.features["label"].names,
    }


def read_table(path):
    import duckdb
    import pandas as pd
    import polars as pl

    def plain(v):
        if isinstance(v, bytes):
            return np.frombuffer(v, "<f4").tolist()
        if isinstance(v, np.ndarray):
            return v.tolist()
        return None if v is None or isinstance(v, float) and np.isnan(v) else v

    def rows(records):
        return [{k: plain(v) for k, v in r.items()} for r in records]

    column = pq.read_table(path)["delta"].combine_chunks()
    relation = duckdb.sql(f"SELECT * FROM '{path}'")
    return {
        "pandas": rows(pd.read_parquet(path).to_dict("records")),
        "polars": rows(pl.read_parquet(path).to_dicts()),
        "duckdb": rows(dict(zip(relation.columns, r)) for r in relation.fetchall()),
        "pyarrow": rows(pq.read_table(path).to_pylist()),
        "flattened": column.flatten().to_numpy().tolist(),
        "metadata": {k.decode(): v.decode() for k, v in pq.read_schema(path).metadata.items()},
    }


if __name__ == "__main__":
    command, where = sys.argv[1:]
    result = {"write-columns": write_columns, "write-encrypted": write_encrypted, "write-images": write_images, "write-others": write_columns_of_others,
              "write-arrow": write_arrow,
              "read-images": read_images, "read-table": read_table}[command](where)
    if result is not None:
        json.dump(result, sys.stdout)
