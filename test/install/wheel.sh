#!/bin/bash
# Installs the wheel in a new virtual environment, and takes the way of a user: her Keras network and folder of pictures are imported,
# inspected, attacked and read again from Python; a run of this repository is checked against TensorFlow.
# usage: wheel.sh WHEEL. It ends with 77 where the packages cannot be had.
set -euo pipefail

wheel=$(realpath "$1")
cd "$(dirname "$0")/../.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
python=$work/venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check "$wheel" || {
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" tensorflow-cpu==2.18.1 && exit 1
    echo "upi: the wheel is not tried: TensorFlow cannot be had" >&2
    exit 77
}
export PATH=$work/venv/bin:/usr/bin:/bin
unset LD_LIBRARY_PATH PYTHONPATH TF_CPP_MIN_LOG_LEVEL
cd "$work"
upi version 2>err
[[ ! -s err ]] || { cat err >&2; echo "upi: the command is not quiet" >&2; exit 1; }

"$python" "$here/test/install/researcher.py" pictures network
upi import image-folder shards --from pictures
upi inspect network --data 'shards/test-*.parquet'
upi run "$here/test/install/researcher.yaml" >out 2>err || { cat out err >&2; exit 1; }
if grep -E 'tensorflow/|absl::|oneDNN' err; then exit 1; fi
"$python" "$here/test/install/read.py" runs/researcher

"$python" -m pip install --quiet --disable-pip-version-check "$wheel[check]"
"$python" "$here/test/install/read.py" runs/researcher
ln -s "$here/data" "$here/savedmodels" .
upi run "$here/test/install/check.yaml" >out 2>err || { cat out err >&2; exit 1; }
"$python" "$here/test/install/check.py" runs/check
