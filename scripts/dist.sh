#!/bin/sh
# Packs what runs on a bare x86-64 Linux: the command, libtensorflow, the configurations with the images and networks that they name, and the
# documentation. The same sources give the same bytes; SOURCE_DATE_EPOCH is the time of all files, the commit's by default.
# usage: dist.sh PREFIX OUT [FORMAT...]: formats are zst and gz.
set -eu
cd "$(dirname "$0")/.."

prefix=$1
out=$2
shift 2
for tool in strip tar; do
    command -v $tool >/dev/null || { echo "upi: $tool is missing" >&2; exit 1; }
done
version=$(scripts/version.sh)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
name=upi-$version-linux-x86_64
root=$out/$name
rm -rf "$out"/upi-*-linux-x86_64 "$out"/upi-*-linux-x86_64.tar.*
mkdir -p "$root/bin" "$root/lib" "$root/completions"

scripts/binary.sh "$prefix" "$root/bin/upi"
for library in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do
    strip --strip-unneeded -o "$root/lib/$library" "$prefix/lib/$library"
done
cp README.md LICENSE "$root"
# What is not in git, as a run or an editor's file, is nobody else's.
git ls-files -z configs docs data/README.md 'data/*.parquet' 'savedmodels/cifar10_*' 'savedmodels/mnist_*' |
    grep -zv '\.go$\|/testdata/' | xargs -0 cp --parents -t "$root"
scripts/licences.sh "$root/licences" "$prefix"
"$root/bin/upi" completion bash >"$root/completions/upi.bash"
"$root/bin/upi" completion zsh >"$root/completions/_upi"
"$root/bin/upi" completion fish >"$root/completions/upi.fish"
chmod -R u+rwX,go+rX,go-w "$root"

pack() {
    tar --directory "$out" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu --create "$name"
}
for format in "$@"; do
    archive=$root.tar.$format
    case $format in
        zst)
            command -v zstd >/dev/null || { echo "upi: zstd is missing, which packs $archive" >&2; exit 1; }
            pack | zstd -q -T0 -12 -o "$archive"
            ;;
        gz) pack | gzip -n -6 >"$archive" ;;
        *) echo "upi: there is no format $format" >&2; exit 1 ;;
    esac
    (cd "$out" && sha256sum "$name.tar.$format" >"$name.tar.$format.sha256")
    echo "$archive ($(du -h "$archive" | cut -f1))"
done
rm -rf "$root"
