"""Writes shards of pictures and times how others read them, in one thread.

    python bench_pictures.py write DIR    # DIR/jpeg-224.parquet, jpeg-500x375.parquet, png-224.parquet
    python bench_pictures.py read FILE    # seconds per picture: pyarrow and Pillow, then datasets
"""
import io
import json
import os
import sys
import tempfile
import time

import numpy as np

KINDS = {"jpeg-224": (224, 224, "JPEG"), "jpeg-500x375": (375, 500, "JPEG"), "png-224": (224, 224, "PNG")}


def write(path):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    for name, (h, w, kind) in KINDS.items():
        files = []
        for i in range(100):
            y, x = np.mgrid[0:h, 0:w]
            waves = np.stack([127 + 90 * np.sin(x / (9 + i % 7) + c * 2 + i) * np.cos(y / (13 + c)) for c in range(3)], -1)
            noisy = waves + np.random.default_rng(i).normal(0, 6, waves.shape)
            out = io.BytesIO()
            options = {"quality": 90} if kind == "JPEG" else {}
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(out, kind, **options)
            files.append({"bytes": out.getvalue(), "path": None})
        features = {"info": {"features": {"image": {"_type": "Image"}, "label": {"dtype": "int64", "_type": "Value"}}}}
        images = pa.array(files, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
        columns = {"image": images, "label": pa.array(range(100), pa.int64())}
        table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(features)})
        pq.write_table(table, os.path.join(path, name + ".parquet"), row_group_size=50, compression="zstd")


def best(read):
    """The least seconds per picture of twelve passes."""
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        n = read()
        times.append((time.perf_counter() - begin) / n)
    return min(times)


def read(path):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)

    def plain():
        n = 0
        for batch in pq.ParquetFile(path).iter_batches(batch_size=50, columns=["image", "label"], use_threads=False):
            for image in batch.column("image").field("bytes"):
                np.asarray(Image.open(io.BytesIO(image.as_buffer())).convert("RGB"))
                n += 1
        return n

    print(best(plain))
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.Dataset.from_parquet(path, cache_dir=cache)

        def rows():
            for row in loaded:
                np.asarray(row["image"].convert("RGB"))
            return len(loaded)

        print(best(rows))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
