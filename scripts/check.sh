#!/usr/bin/env bash
# The gate: everything that must pass before a change lands, run by make check. All parts
# run, so that one round shows everything that is wrong, and at the end the tests that
# were run are compared with those that there are.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

parts=(lint unit fuzz contracts acceptance browser)
records=build/check

rm -rf "$records"
failed=()
times=()
for part in "${parts[@]}"; do
  printf '\n== make %s\n' "$part"
  started=$SECONDS
  make --no-print-directory "$part" FUZZTIME=20s RECORDS="$records" || failed+=("make $part")
  times+=("$part $((SECONDS - started)) s")
done

printf '\n== what was run\n'
go run ./scripts/suite -missing "$records" || failed+=('the comparison of what was run')
printf 'check: %s\n' "${times[@]}"
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'check: %s failed\n' "${failed[@]}"
  exit 1
fi
