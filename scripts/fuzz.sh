#!/usr/bin/env bash
# Run every fuzz target of the module for a while: scripts/fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

time=${1:-30s}
found=0
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package"); do
    case $target in
      Fuzz*)
        found=1
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
        ;;
    esac
  done
done
if [ "$found" = 0 ]; then
  echo 'fuzz.sh: there are no fuzz targets' >&2
  exit 1
fi
