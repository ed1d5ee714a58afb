#!/usr/bin/env bash
# Puts Flink and Beam's job server for it into a folder, pinned, from the package registries: Flink is what PyPI's
# apache-flink-libraries holds, the job server is jars from Maven. Needs Java 17, Maven and Python 3.
# usage: setup.sh DIR
set -euo pipefail

flink=1.19.3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [[ -f $dir/complete && $(<"$dir/complete") == "$flink $(sha256sum <"$here/pom.xml")" ]]; then
	exit 0
fi
for tool in java mvn python3; do
	command -v $tool >/dev/null || { echo "upi: $tool is missing: Flink needs Java 17, Maven and Python 3" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ ! -f $dir/jobserver/complete ]]; then
	mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$dir/jobserver" >&2
	touch "$dir/jobserver/complete"
fi
if [[ ! -f $dir/flink/lib/flink-dist-$flink.jar ]]; then
	# The package is only a source archive, of which nothing is to be built. pip looks at its metadata, with these two.
	python3 -m venv "$work/venv"
	"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<70' wheel
	"$work/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation \
		--dest "$work" "apache-flink-libraries==$flink"
	tar -xzf "$work/apache-flink-libraries-$flink.tar.gz" -C "$work"
	mkdir -p "$dir/flink"
	rm -rf "$dir/flink/lib"
	cp -r "$work/apache-flink-libraries-$flink/deps/lib" "$dir/flink/lib"
fi
echo "$flink $(sha256sum <"$here/pom.xml")" >"$dir/complete"
