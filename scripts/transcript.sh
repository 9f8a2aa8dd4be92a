#!/usr/bin/env bash
# Writes docs/demo.md: what the demo prints, with ports and temporary folders that
# do not change from run to run. Run by make transcript.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/demo.md
text=$(NO_COLOR=1 scripts/demo.sh | sed -E \
  -e 's#127\.0\.0\.1:[0-9]+#127.0.0.1:PORT#g' \
  -e "s#${TMPDIR:-/tmp}/[A-Za-z0-9._-]+#/tmp/demo#g" \
  -e 's/[[:space:]]+$//')
{
  printf '# What the demo prints\n\n'
  printf 'Written by `make transcript`. `make demo` tells the same on your machine, on a real Vault, and\n'
  printf 'checks every output. A test holds the commands below against those of the demo.\n\n'
  printf '```console transcript\n%s\n```\n' "$text"
} >"$page.new"
mv "$page.new" "$page"
