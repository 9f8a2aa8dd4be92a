#!/usr/bin/env bash
# Print the path of a Go program, installed into the user's cache folder on first
# use: scripts/tool.sh PACKAGE@VERSION
#
# Unlike go run PACKAGE@VERSION, this works offline from the second time on.
set -euo pipefail

package=$1
name=${package%@*}
name=${name##*/}
# By Go version too: a linter built by an older Go refuses newer code.
dir=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei/tools/$(go env GOVERSION)/$name@${package##*@}

if [ ! -x "$dir/$name" ]; then
  printf 'tool.sh: installing %s into %s\n' "$package" "$dir" >&2
  GOBIN=$dir go install "$package" >&2
fi
printf '%s\n' "$dir/$name"
