#!/bin/sh
# Builds the wheel: the command, which takes its libtensorflow from the environment's TensorFlow, and python/package/upi.
# The platform's tag names the newest symbol version of glibc that the command asks for. The same sources give the same bytes.
# usage: wheel.sh PREFIX OUT
set -eu
cd "$(dirname "$0")/.."

prefix=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
for tool in python3 objdump; do
    command -v $tool >/dev/null || { echo "upi: $tool is missing" >&2; exit 1; }
done
UPI_VERSION=$(scripts/version.sh)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}
export UPI_VERSION SOURCE_DATE_EPOCH

tools=$out/build-tools
if ! cmp -s python/package/requirements-build.txt "$tools/requirements.txt"; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r python/package/requirements-build.txt
    cp python/package/requirements-build.txt "$tools/requirements.txt"
fi

stage=$out/wheel
rm -rf "$stage" "$out"/upi_maps-*.whl
mkdir -p "$stage/upi/bin" "$stage/upi/independent"
cp python/package/pyproject.toml python/package/setup.py python/package/README.md "$stage"
cp python/package/upi/*.py "$stage/upi"
cp python/check_run.py python/check_maps.py python/check_inside.py python/check_tables.py python/reference_math.py "$stage/upi/independent"
: >"$stage/upi/independent/__init__.py"
scripts/licences.sh "$stage/licences"
scripts/binary.sh "$prefix" "$stage/upi/bin/upi"
chmod -R u+rwX,go+rX,go-w "$stage"

glibc=$(objdump -T "$stage/upi/bin/upi" | grep -o 'GLIBC_2\.[0-9]*' | sort -t. -k2 -n | tail -1)
UPI_PLATFORM=manylinux_$(echo "${glibc#GLIBC_}" | tr . _)_x86_64
export UPI_PLATFORM
"$tools/bin/python" -m build --wheel --no-isolation --outdir "$out" "$stage" >"$out/wheel.log" 2>&1 || { cat "$out/wheel.log" >&2; exit 1; }
ls "$out"/upi_maps-*.whl
