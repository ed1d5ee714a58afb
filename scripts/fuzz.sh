#!/bin/sh
# Runs every fuzz target of the tree for a few seconds. A failing input is left in the package's testdata/fuzz, to be kept as a test.
# usage: fuzz.sh SECONDS
set -eu

seconds=$1
found=$(grep -rE --include='*_test.go' --exclude-dir='.?*' -o '^func Fuzz[A-Za-z0-9_]+' . | sort)
[ -n "$found" ] || { echo "upi: there is no fuzz target" >&2; exit 1; }
echo "$found" | while IFS=: read -r file target; do
    go test -run '^$' -fuzz "^${target#func }\$" -fuzztime "${seconds}s" "$(dirname "$file")" </dev/null
done
