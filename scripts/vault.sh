#!/usr/bin/env bash
# Print the path of a Vault server. Everything else goes to standard error.
#
#   scripts/vault.sh            find one, or build it into the user's cache folder
#   scripts/vault.sh --find     only look: print nothing and exit 1 when there is none
#   scripts/vault.sh --newest   that of the module in tools/vault, and no other
#   scripts/vault.sh --oldest   that of the module in tools/vault-1.19, and no other
#
# The order: $VAULT_BIN, which may be OpenBao as well; vault on PATH; the cached build; a
# new build from the module in tools/vault.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=github.com/hashicorp/vault

tools=tools/vault
if [ "${1:-}" = --oldest ]; then
  tools=tools/vault-1.19
fi

say() { printf 'vault.sh: %s\n' "$*" >&2; }

# The version is the one that the module requires, and is written nowhere else.
required_version() {
  local path version rest
  while read -r path version rest; do
    if [ "$path" = require ]; then # the only one of its block
      path=$version version=$rest
    fi
    if [ "$path" = "$module" ]; then
      printf '%s\n' "${version#v}"
      return 0
    fi
  done <"$root/$tools/go.mod"
  say "$tools/go.mod does not require $module"
  return 1
}

is_vault() {
  local out
  out=$("$1" version 2>/dev/null) || return 1
  case $out in
    'Vault v'* | 'OpenBao v'*) return 0 ;;
    *) return 1 ;;
  esac
}

# A server that the user names but that does not run is an error: falling back
# to another one would test what nobody asked for.
named() {
  local path
  if path=$(command -v "$VAULT_BIN") && is_vault "$path"; then
    case $path in
      /*) printf '%s\n' "$path" ;;
      *) printf '%s\n' "$PWD/$path" ;;
    esac
    return 0
  fi
  say "VAULT_BIN=$VAULT_BIN does not run as a Vault server"
  exit 2
}

find_vault() {
  local on_path
  if [ -n "${VAULT_BIN:-}" ]; then
    named
    return
  fi
  if on_path=$(command -v vault) && is_vault "$on_path"; then
    printf '%s\n' "$on_path"
    return 0
  fi
  if is_vault "$1"; then
    printf '%s\n' "$1"
    return 0
  fi
  return 1
}

# What the server is built with. The tag leaves out the plugins of clouds and databases,
# which the tests do not use: 21 processor minutes instead of 33, and 139 MB instead of
# 361. Without cgo, and without paths, most of what the plugin's own build compiled is
# taken from Go's cache.
flags=(-trimpath -tags=minimal)
export CGO_ENABLED=0

# packages_left counts the packages that are not in Go's cache yet. What it needs of the
# modules is downloaded on the way.
packages_left() {
  go list -deps "${flags[@]}" \
    -f '{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}' \
    "$module" 2>"$1/download" | { grep -c . || true; }
}

# clock prints seconds as minutes and seconds.
clock() { printf '%d:%02d' "$(($1 / 60))" "$(($1 % 60))"; }

# progress says how far the build is: progress DONE TOTAL SECONDS
progress() {
  local text="$1 of $2 packages, $(clock "$3") gone"
  if [ "$1" -ge "$2" ]; then
    text="$text, linking"
  elif [ "$1" -ge 20 ]; then
    text="$text, about $(clock "$(($3 * ($2 - $1) / $1))") left"
  fi
  printf '%s' "$text"
}

# follow tells of a job until it has ended: one line that moves on a terminal, and a line
# a minute elsewhere. follow PID COMMAND... runs the command for the text.
follow() {
  local pid=$1 started=$SECONDS told=0 text
  shift
  while kill -0 "$pid" 2>/dev/null; do
    text=$("$@" "$((SECONDS - started))")
    if [ -t 2 ]; then
      printf '\r\033[Kvault.sh: %s' "$text" >&2
    elif [ "$((SECONDS - told))" -ge 60 ]; then
      told=$SECONDS
      say "$text"
    fi
    sleep 1
  done
  if [ -t 2 ]; then
    printf '\r\033[K' >&2
  fi
  wait "$pid"
}

downloading() {
  printf 'looking at what there is to build, %s modules downloaded, %s gone' \
    "$(grep -c '^go: downloading' "$temp/download" || true)" "$(clock "$1")"
}

compiling() { progress "$(grep -vc '^go: ' "$temp/log" || true)" "$total" "$1"; }

# ended ends what is still running, with all that it started, and leaves nothing half.
ended() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$job" ]; then
    kill -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  fi
  rm -rf "$temp"
  exit "$status"
}

build() {
  local target=$1 version=$2 dir started=$SECONDS
  dir=$(dirname "$target")
  mkdir -p "$dir"
  # Built beside the target and moved into place, so that nobody sees half a
  # server, even when two of these run at once.
  temp=$(mktemp -d "$dir/build.XXXXXX")
  job=''
  trap ended EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir "$temp/go"
  : >"$temp/download" >"$temp/log"
  export GOTMPDIR=$temp/go GOWORK=off
  case ${3:-} in
    --newest | --oldest) say "no Vault $version in $dir" ;;
    *) say "no Vault server found in \$VAULT_BIN, on PATH or in $dir" ;;
  esac
  say "building Vault $version from its Go module, once: about 0.7 GB of downloads and 4 GB"
  say "in Go's caches. Ctrl-C is safe, the next build goes on from there."
  cd "$root/$tools"
  set -m # a job is a group of processes, which ends as one
  packages_left "$temp" >"$temp/total" &
  job=$!
  follow "$job" downloading || true
  total=$(<"$temp/total")
  go build -v "${flags[@]}" -ldflags='-s -w' -o "$temp/vault" "$module" 2>"$temp/log" &
  job=$!
  if ! follow "$job" compiling; then
    grep -v '^[a-z0-9./_-]*$' "$temp/log" | tail -n 20 >&2
    say 'the build failed'
    exit 1
  fi
  job=''
  mv -f "$temp/vault" "$target"
  say "built $target in $(clock "$((SECONDS - started))")"
}

main() {
  local version cached
  case ${1:-} in
    '' | --find | --newest | --oldest) ;;
    *)
      say "what is $1? --find, --newest or --oldest"
      exit 2
      ;;
  esac
  version=$(required_version)
  cached=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei/vault-$version/vault
  case ${1:-} in
    --newest | --oldest)
      if is_vault "$cached"; then
        printf '%s\n' "$cached"
        return 0
      fi
      ;;
    *)
      find_vault "$cached" && return 0
      if [ "${1:-}" = --find ]; then
        return 1
      fi
      ;;
  esac
  build "$cached" "$version" "${1:-}"
  printf '%s\n' "$cached"
}

main "$@"
