#!/bin/sh
# Builds the command as it is given to others, on top of the libtensorflow of PREFIX: it looks for libtensorflow in ../lib from its own
# folder, as in the archive, and in ../../tensorflow, as in Python's site-packages. The same sources give the same bytes.
# usage: binary.sh PREFIX OUT
set -eu

export CGO_CFLAGS="-I$1/include"
# shellcheck disable=SC2016 # $ORIGIN is the dynamic linker's
export CGO_LDFLAGS="-L$1/lib -ltensorflow_framework -Wl,--build-id=none -Wl,-rpath,"'$ORIGIN/../lib:$ORIGIN/../../tensorflow'
go build -trimpath -buildvcs=false -ldflags "-s -w -X upi/internal/command.release=$(scripts/version.sh)" -o "$2" ./cmd/upi
