#!/bin/sh
# Lists the packages that link no libtensorflow, tests included, so that their tests can run under the race detector; or the rest.
# Packages of tests alone, which run the built command, are of the rest.
# usage: packages.sh pure|rest
set -eu

# The binary of a package's tests is listed as PACKAGE.test; Deps are all that it links.
{
    go list -f 'package {{.ImportPath}} {{if or .GoFiles .CgoFiles}}code{{end}}' ./...
    go list -test -f '{{.ImportPath}} {{join .Deps " "}}' ./...
} | awk -v wanted="$1" '
    $1 == "package" { all[$2] = 1; if ($3 == "code") code[$2 ".test"] = 1; next }
    ($1 in code) && !/ github\.com\/wamuir\/graft\// { sub(/\.test$/, "", $1); pure[$1] = 1 }
    END { for (p in all) if ((p in pure) == (wanted == "pure")) print p }' | sort
