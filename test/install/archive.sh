#!/bin/bash
# Installs the archive in a bare Debian without Python, compiler or sources, runs a cut of the quickstart there as a user from a folder of
# her own, and compares every score, bit for bit, with those of the command that was built here.
# usage: archive.sh UPI ARCHIVE.tar.gz. It ends with 77 where such a system cannot be set up.
set -euo pipefail

upi=$(realpath "$1")
archive=$(realpath "$2")
cd "$(dirname "$0")/../.."
cannot() {
    echo "upi: the archive is not tried on a bare system: $1" >&2
    exit 77
}
[[ $(id -u) == 0 ]] || cannot "that takes root"
for tool in debootstrap unshare chroot; do
    command -v $tool >/dev/null || cannot "$tool is missing"
done
# The Debian that this machine's apt is set to.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v name="$codename" '$2 == name && $3 == "main" { print $1; exit }')
[[ -n $mirror ]] || cannot "this machine's apt has no Debian of its own name"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
debootstrap --variant=minbase "$codename" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -3 "$work/debootstrap.log" >&2
    cannot "debootstrap has failed"
}
cp "$archive" "$root/tmp/upi.tar.gz"
chroot "$root" sh -c 'mkdir /opt/upi && tar -xzf /tmp/upi.tar.gz -C /opt/upi --strip-components=1 && rm /tmp/upi.tar.gz'
mkdir -p "$root/home/researcher/work"

cut=(--set 'models.mnist_cnn.data.fit.limit=64' --set 'models.mnist_cnn.data.test.limit=64' --set 'attacks.upi_grad.steps=4'
    --set 'models.cifar10_vgg.data.fit.limit=32' --set 'models.cifar10_vgg.data.test.limit=32')
cat >"$root/home/researcher/try.sh" <<'TRY'
set -eu
cd /home/researcher/work
for tool in python3 cc go; do
    if command -v $tool; then echo "this system is not bare"; exit 1; fi
done
quiet() {
    "$@" >out 2>err || { cat out err; echo "$* has failed"; exit 1; }
    [ ! -s err ] || { cat err; echo "$* is not quiet"; exit 1; }
}
quiet upi version
grep '^tensorflow  *2\.18\.1$' out
quiet upi doctor
grep '^device .*(CPU)$' out
ln -s /opt/upi/data /opt/upi/savedmodels .
quiet upi inspect savedmodels/mnist_cnn
upi run /opt/upi/configs/quickstart.yaml "$@" >out 2>err || { cat out err; exit 1; }
if grep -E 'tensorflow/|absl::|oneDNN' err; then exit 1; fi
grep -c upi_grad out
upi verify runs/quickstart
. /opt/upi/completions/upi.bash
TRY
chown -R 12345:12345 "$root/home/researcher"
chmod -R a-w "$root/opt/upi"
# Mounts and processes end with the command.
unshare --mount --pid --fork sh -c 'mount -t proc proc "$0/proc" && exec "$@"' "$root" \
    chroot --userspec=12345:12345 "$root" env -i HOME=/home/researcher PATH=/opt/upi/bin:/usr/bin:/bin bash /home/researcher/try.sh "${cut[@]}"

"$upi" run configs/quickstart.yaml "${cut[@]}" --set output="$work/here" --set cache="$work/cache" >"$work/run.log" 2>&1 || {
    cat "$work/run.log" >&2
    exit 1
}
files=0
for here in "$work"/here/quickstart/{perturbations.parquet,scores/*.parquet}; do
    cmp "$here" "$root/home/researcher/work/runs/quickstart/${here#"$work"/here/quickstart/}"
    files=$((files + 1))
done
[[ $files == 3 ]] || { echo "upi: $files files compared, not 3" >&2; exit 1; }
echo "archive: on a bare $codename the quickstart gives the bytes that it gives here ($files files of perturbations and scores)"
