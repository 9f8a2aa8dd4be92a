#!/usr/bin/env bash
# Print the paths of prometheus, promtool and an Alertmanager, one on each line. Everything
# else goes to standard error.
#
#   scripts/prometheus.sh          find them, or fetch Debian's packages into the cache folder
#   scripts/prometheus.sh --find   only look: print nothing and exit 1 when one is missing
#   scripts/prometheus.sh --fetch  fetch them although they may be there
#
# The order: PATH; what was fetched before; the packages, by apt-get. They are unpacked and
# not installed: that needs no root, and starts no service.
set -euo pipefail

packages=(prometheus prometheus-alertmanager)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei/prometheus

say() { printf 'prometheus.sh: %s\n' "$*" >&2; }

# first prints the path of the first program that there is.
first() {
  local name
  for name in "$@"; do
    command -v "$name" && return 0
  done
  return 1
}

find_all() {
  local server tool manager
  server=$(first prometheus) && tool=$(first promtool) && manager=$(first prometheus-alertmanager alertmanager) || return 1
  printf '%s\n' "$server" "$tool" "$manager"
}

find_fetched() { PATH=$cache/usr/bin find_all; }

# as_root runs a command as root where that needs no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

fetch() {
  local work started=$SECONDS
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "no prometheus, promtool and alertmanager found on PATH; install them from https://prometheus.io/download/"
    return 1
  fi
  say "fetching Debian's packages: half a minute, 30 MB of downloads; this happens once"
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$work'" EXIT
  if ! (cd "$work" && apt-get download "${packages[@]}") >&2; then
    as_root apt-get update >&2
    (cd "$work" && apt-get download "${packages[@]}") >&2
  fi
  mkdir -p "$cache"
  for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$cache"
  done
  say "fetched in $((SECONDS - started)) s"
}

main() {
  if [ "${1:-}" != --fetch ]; then
    find_all && return 0
    find_fetched && return 0
    [ "${1:-}" != --find ] || return 1
  fi
  fetch || return 1
  if ! find_fetched; then
    say "the packages hold no prometheus, promtool and alertmanager: ${packages[*]}"
    return 1
  fi
}

main "$@"
