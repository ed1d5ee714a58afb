#!/bin/sh
# Lays out libtensorflow 2.18.1 for cgo under PREFIX, from the wheels that scripts/tensorflow-KIND.txt pins by hash.
# usage: libtensorflow.sh cpu|gpu PREFIX. A finished prefix is left alone.
set -eu

kind=$1
prefix=$2
here=$(cd "$(dirname "$0")" && pwd)
[ ! -e "$prefix/complete" ] || exit 0

need() {
    command -v "$1" >/dev/null 2>&1 || { echo "upi: $1 is missing: $2" >&2; exit 1; }
}
need python3 "install Python 3"
need cc "install a C compiler"
python3 -m pip --version >/dev/null 2>&1 || { echo "upi: pip is missing: install Python's pip" >&2; exit 1; }
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || {
    echo "upi: libtensorflow is pinned for Linux on x86-64, this is $(uname -s) on $(uname -m)" >&2
    exit 1
}

rm -rf "$prefix.part"
mkdir -p "$prefix.part/wheels"
echo "upi: downloading libtensorflow ($kind), once" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
    --python-version 3.11 --implementation cp --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --dest "$prefix.part/wheels" -r "$here/tensorflow-$kind.txt"
for wheel in "$prefix.part"/wheels/*.whl; do
    python3 -m zipfile -e "$wheel" "$prefix.part/site"
done
rm -r "$prefix.part/wheels"

mkdir "$prefix.part/lib"
cd "$prefix.part/lib"
ln -s ../site/tensorflow/libtensorflow_cc.so.2 libtensorflow_cc.so.2
ln -s libtensorflow_cc.so.2 libtensorflow.so
ln -s ../site/tensorflow/libtensorflow_framework.so.2 libtensorflow_framework.so.2
ln -s libtensorflow_framework.so.2 libtensorflow_framework.so
# TensorFlow's CUDA build looks for NVIDIA's libraries beside itself, or in ../nvidia.
for library in ../site/nvidia/*/lib/*.so*; do
    [ ! -e "$library" ] || ln -s "$library" .
done
[ ! -e ../site/nvidia ] || ln -s site/nvidia ../nvidia
ln -s site/tensorflow/include ../include
touch ../complete
mv "$prefix.part" "$prefix"
