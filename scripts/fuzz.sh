#!/usr/bin/env bash
# Run every fuzz target of the module for a while, two at a time with one worker
# each: scripts/fuzz.sh [TIME]
set -euo pipefail

# one runs a target of a package's instrumented test binary, in the folder of the
# package, so that a failing input is kept there. It prints everything if it fails.
one() {
  local time=$1 binary=$2 folder=$3 target=$4 said executions status=0
  cd "$folder"
  said=$("$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" \
    -test.parallel 1 -test.fuzzminimizetime 1s -test.fuzzcachedir "$(dirname "$binary")/corpus" 2>&1) || status=$?
  case $said in
    *'Failing input written'*) ;;
    # Go before 1.27 now and then takes the end of the time for a failure, without
    # an input to show for it: https://go.dev/issue/75804.
    *"--- FAIL: $target ("*"    context deadline exceeded"*) status=0 ;;
  esac
  if [ "$status" = 0 ]; then
    executions=${said##*execs: }
    case $said in
      *'execs: '*) printf 'ok    %s: %s executions\n' "$target" "${executions%% *}" ;;
      *) printf 'ok    %s: the seeds took all of the time\n' "$target" ;;
    esac
    return 0
  fi
  printf '%s\nFAIL  %s in %s\n' "$said" "$target" "$folder"
  return 1
}

if [ "${1:-}" = --one ]; then
  shift
  one "$@"
  exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
self=$PWD/scripts/fuzz.sh
time=${1:-30s}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As everything else is built, so that Go compiles nothing twice.
export CGO_ENABLED=0

while read -r package folder; do
  # go test -list would link each package's tests to say the same.
  names=$(sed -n 's/^func \(Fuzz[A-Z][A-Za-z0-9_]*\)(.*/\1/p' "$folder"/*_test.go 2>/dev/null || true)
  if [ -z "$names" ]; then
    continue
  fi
  mkdir -p "$work/$package"
  go test -c -trimpath -fuzz '^Fuzz' -o "$work/$package/fuzz.test" "$package"
  for name in $names; do
    printf '%s %s %s\n' "$work/$package/fuzz.test" "$folder" "$name" >>"$work/targets"
  done
done < <(go list -f '{{.ImportPath}} {{.Dir}}' ./...)

if [ ! -s "$work/targets" ]; then
  echo 'fuzz.sh: there are no fuzz targets' >&2
  exit 1
fi
printf 'fuzz: %s targets, %s each, two at a time\n' "$(grep -c . "$work/targets")" "$time"
xargs -n 3 -P 2 "$self" --one "$time" <"$work/targets"
