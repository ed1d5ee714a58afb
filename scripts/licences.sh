#!/bin/sh
# Gathers the licences of all that the command is made of in OUT: of Go, of the modules, and of the libtensorflow of PREFIX if one is named.
# usage: licences.sh OUT [PREFIX]
set -eu

out=$1
mkdir -p "$out/go"
cp LICENSE "$out/UPI"
cp "$(go env GOROOT)/LICENSE" "$out/go/LICENSE"
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/upi | sort -u | while read -r module folder; do
    mkdir -p "$out/go/$module"
    find "$folder" -maxdepth 1 -type f \( -iname '*licen[sc]e*' -o -iname 'notice*' -o -iname 'copying*' -o -iname 'patents*' \) \
        -exec cp {} "$out/go/$module/" \;
    # Some have it in their README.
    [ -n "$(ls "$out/go/$module")" ] || ! grep -qi '^#* *licen[sc]e\|^[a-z]* licen[sc]e$' "$folder/README.md" || cp "$folder/README.md" "$out/go/$module/"
    [ -n "$(ls "$out/go/$module")" ] || { echo "upi: $module has no licence" >&2; exit 1; }
done
if [ $# -gt 1 ]; then
    mkdir -p "$out/tensorflow"
    cp "$2/site/tensorflow/THIRD_PARTY_NOTICES.txt" "$2/include/LICENSE" "$out/tensorflow/"
fi
chmod -R u+w "$out"
