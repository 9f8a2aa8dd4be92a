#!/usr/bin/env bash
# Print the path of a Vault server. Everything else goes to standard error.
#
#   scripts/vault.sh          find one, or build it into the user's cache folder
#   scripts/vault.sh --find   only look: print nothing and exit 1 when there is none
#
# The order: $VAULT_BIN; vault on PATH; the cached build; a new build from the
# module in tools/vault.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=github.com/hashicorp/vault

say() { printf 'vault.sh: %s\n' "$*" >&2; }

# The version is the one that tools/vault/go.mod requires, and is written nowhere else.
required_version() {
  local path version rest
  while read -r path version rest; do
    if [ "$path" = "$module" ]; then
      printf '%s\n' "${version#v}"
      return 0
    fi
  done <"$root/tools/vault/go.mod"
  say "tools/vault/go.mod does not require $module"
  return 1
}

is_vault() {
  local out
  out=$("$1" version 2>/dev/null) || return 1
  case $out in
    'Vault v'*) return 0 ;;
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

build() {
  local target=$1 version=$2 dir temp started=$SECONDS
  dir=$(dirname "$target")
  mkdir -p "$dir"
  # Built beside the target and moved into place, so that nobody sees half a
  # server, even when two of these run at once.
  temp=$(mktemp -d "$dir/build.XXXXXX")
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$temp'" EXIT
  say "no Vault server found in \$VAULT_BIN, on PATH or in $dir"
  say "building Vault $version from its Go module: 6 to 12 minutes on two cores,"
  say "about 0.7 GB of downloads and 6 GB in Go's caches; this happens once"
  (cd "$root/tools/vault" && GOWORK=off go build -trimpath -ldflags='-s -w' -o "$temp/vault" "$module") >&2
  mv -f "$temp/vault" "$target"
  say "built $target in $((SECONDS - started)) s"
}

main() {
  local version cached
  version=$(required_version)
  cached=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei/vault-$version/vault
  find_vault "$cached" && return 0
  if [ "${1:-}" = --find ]; then
    return 1
  fi
  build "$cached" "$version"
  printf '%s\n' "$cached"
}

main "$@"
