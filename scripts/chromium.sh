#!/usr/bin/env bash
# Print the path of a Chromium or Chrome. Everything else goes to standard error.
#
#   scripts/chromium.sh          find one, or install Debian's package as root
#   scripts/chromium.sh --find   only look: print nothing and exit 1 when there is none
#
# The order: $CHROMIUM_BIN; a browser on PATH; a new installation by apt-get.
set -euo pipefail

names=(chromium chromium-browser google-chrome google-chrome-stable chrome)

say() { printf 'chromium.sh: %s\n' "$*" >&2; }

# Asking for the version also tells a browser from the stand-ins of some
# distributions, which only say how to install one.
is_chromium() {
  local out
  out=$("$1" --version 2>/dev/null) || return 1
  case $out in
    *Chrom*) return 0 ;;
    *) return 1 ;;
  esac
}

# A browser that the user names but that does not run is an error: falling back
# to another one would test what nobody asked for.
named() {
  local path
  if path=$(command -v "$CHROMIUM_BIN") && is_chromium "$path"; then
    case $path in
      /*) printf '%s\n' "$path" ;;
      *) printf '%s\n' "$PWD/$path" ;;
    esac
    return 0
  fi
  say "CHROMIUM_BIN=$CHROMIUM_BIN does not run as a Chromium"
  exit 2
}

find_chromium() {
  local name on_path
  if [ -n "${CHROMIUM_BIN:-}" ]; then
    named
    return
  fi
  for name in "${names[@]}"; do
    if on_path=$(command -v "$name") && is_chromium "$on_path"; then
      printf '%s\n' "$on_path"
      return 0
    fi
  done
  return 1
}

# The fonts are there because a browser without any draws boxes instead of text.
install_chromium() {
  local started=$SECONDS
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "no Chromium found in \$CHROMIUM_BIN or on PATH; install one, for example by"
    say "apt-get install chromium fonts-dejavu-core, or set CHROMIUM_BIN to its path"
    return 1
  fi
  say "no Chromium found in \$CHROMIUM_BIN or on PATH"
  say "installing Debian's package: 1 to 3 minutes, about 0.1 GB of downloads; this happens once"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update >&2
  apt-get install -y --no-install-recommends chromium fonts-dejavu-core >&2
  say "installed in $((SECONDS - started)) s"
}

main() {
  find_chromium && return 0
  if [ "${1:-}" = --find ]; then
    return 1
  fi
  install_chromium || return 1
  if ! find_chromium; then
    say "apt-get has installed chromium, but none on PATH runs: ${names[*]}"
    return 1
  fi
}

main "$@"
