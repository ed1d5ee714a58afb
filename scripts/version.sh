#!/bin/sh
# Prints the version, as Python's and Go's rules both read it: of the last tag vX.Y.Z, +N.gHASH for N commits since, .dirty if files differ.
set -eu
cd "$(dirname "$0")/.."

described=$(git describe --tags --match 'v[0-9]*' --long --dirty --always 2>/dev/null) || described=unknown
case $described in
    v*-*-g*)
        tag=${described%-*-g*}
        since=${described#"$tag"-}
        ;;
    unknown) echo 0.0.0; exit ;;
    *)
        tag=v0.0.0
        since=$(git rev-list --count HEAD)-g$described
        ;;
esac
case $since in
    0-g*-dirty) echo "${tag#v}+dirty" ;;
    0-g*) echo "${tag#v}" ;;
    *) echo "${tag#v}+$(echo "$since" | tr - .)" ;;
esac
