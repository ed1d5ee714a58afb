#!/bin/sh
# Checks and measures UPI on a GPU, in at most five minutes after the set-up: the device is there, its gradients of first and second order
# are the CPU's, its speed by batch, calls at once and precision, its memory, and the quickstart on it and on the CPU.
# usage: scripts/gpu-check.sh
# DEVICE=gpu:1 takes another GPU; DEVICE=cpu tries the script itself where there is none. TENSORFLOW=gpu|cpu chooses the build, by
# default that of the device. SECONDS_EACH=2 is how long each speed is measured.
set -eu
cd "$(dirname "$0")/.."

DEVICE=${DEVICE:-gpu}
case $DEVICE in cpu) kind=cpu ;; *) kind=gpu ;; esac
TENSORFLOW=${TENSORFLOW:-$kind}
each=${SECONDS_EACH:-2}
out=$(mktemp -d)
watching=
trap '[ -z "$watching" ] || kill "$watching" 2>/dev/null; rm -rf "$out"' EXIT

section() { printf '\n== %s\n' "$1"; }
fail() { echo "gpu-check: $1" >&2; exit 1; }

if [ "$kind" = gpu ]; then
    # The driver and its tool come together; without them there is no need to download TensorFlow's CUDA build.
    command -v nvidia-smi >/dev/null && nvidia-smi -L >"$out/gpus" 2>&1 && grep -q '^GPU ' "$out/gpus" ||
        fail "there is no GPU here: nvidia-smi lists none (DEVICE=cpu tries this script on the CPU)"
    cat "$out/gpus"
fi

section build
make build TENSORFLOW="$TENSORFLOW"
prefix=$PWD/.deps/tensorflow-$TENSORFLOW
export CGO_CFLAGS="-I$prefix/include" CGO_LDFLAGS="-L$prefix/lib -ltensorflow_framework -Wl,-rpath,$prefix/lib"
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"

section doctor
cat >"$out/device.yaml" <<END
extends: $PWD/configs/quickstart.yaml
device: $DEVICE
END
bin/upi doctor --config "$out/device.yaml" || fail "TensorFlow does not see the device $DEVICE: its driver must fit CUDA 12"

# memory_of COMMAND...: runs it, and says the most memory that the GPU had in use meanwhile.
memory_of() {
    if [ "$kind" = gpu ]; then
        (while :; do nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits; sleep 0.2; done) >"$out/memory" 2>/dev/null &
        watching=$!
    fi
    "$@" || fail "$* has failed"
    [ "$kind" = gpu ] || return 0
    kill "$watching"
    watching=
    echo "most memory in use on a GPU: $(sort -n "$out/memory" | tail -1) MiB"
}

# measured runs the tests of test/gpu, and shows what they print without TensorFlow's own log.
measured() {
    code=0
    UPI_GPU_CHECK="$DEVICE" UPI_GPU_SECONDS="${each}s" go test -count=1 -timeout 10m -v ./test/gpu >"$out/test" 2>&1 || code=$?
    grep -vE '^[IWE]0000 |^WARNING: All log messages|^=== RUN' "$out/test"
    return $code
}

section "parity and speed"
memory_of measured

# quickstart DEVICE: runs it without a cache, and keeps its summary.
quickstart() {
    bin/upi run configs/quickstart.yaml --set device="$1" --set output="$out" --set name="$2" --set cache="$out/cache-$2" >"$out/$2.txt" 2>"$out/$2.log" ||
        { tail -5 "$out/$2.log" >&2; return 1; }
}

section quickstart
for device in "$DEVICE" cpu; do
    name=$(echo "$device" | tr -d :)
    [ ! -e "$out/$name.txt" ] || continue
    begin=$(date +%s)
    memory_of quickstart "$device" "$name"
    echo "quickstart on $device: $(($(date +%s) - begin)) s"
    cat "$out/$name.txt"
done
section done
echo "gpu-check: $DEVICE is as the CPU, to the differences above"
