#!/bin/sh
# Lists the packages that have tests and link no libtensorflow, tests included: those that can be run under the race detector.
# Packages of tests alone, which run the built command, are left out.
# usage: packages.sh
set -eu

# The binary of a package's tests is listed as PACKAGE.test; Deps are all that it links.
{
    go list -f '{{if or .GoFiles .CgoFiles}}code {{.ImportPath}}.test{{end}}' ./...
    go list -test -f '{{.ImportPath}} {{join .Deps " "}}' ./...
} | awk '$1 == "code" { code[$2] = 1; next } ($1 in code) && !/ github\.com\/wamuir\/graft\// { sub(/\.test$/, "", $1); print $1 }'
