#!/usr/bin/env bash
# Print the folder of a package of npm that tests need:
#
#   scripts/npm.sh swagger-ui-dist        of which Vault's API explorer is made
#   scripts/npm.sh axe-core               which finds what keeps people from using a page
#   scripts/npm.sh node-vault             which reads from Vault, with all that it depends on
#   scripts/npm.sh @stoplight/prism-cli   which serves descriptions of APIs, with the same
#   scripts/npm.sh @octokit/openapi       GitHub's description of its API
#
# Everything else goes to standard error. Where it is neither in the user's cache
# folder nor to be had, as without npm, the exit status is 1.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Of each archive the SHA-512: whoever serves it has to serve this one. Where a package needs
# others, the sums are in a lock file, in the folder of its name beside this script. Of a
# large one only some files are kept.
only=()
case ${1-} in
  node-vault)
    package=$1 version=0.12.0 witness=node_modules/node-vault/package.json sha512=
    ;;
  swagger-ui-dist)
    package=$1 version=5.35.0 witness=swagger-ui-bundle.js
    sha512=U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
    ;;
  axe-core)
    package=$1 version=4.14.1 witness=axe.min.js
    sha512=FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
    ;;
  @stoplight/prism-cli)
    package=$1 version=5.16.0 witness=node_modules/@stoplight/prism-cli/dist/index.js sha512=
    ;;
  @octokit/openapi)
    package=$1 version=23.0.2 witness=generated/api.github.com.json
    sha512=pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==
    only=(package/generated/api.github.com.json package/generated/ghes-3.19.json)
    ;;
  *)
    printf 'npm.sh: which package?\n' >&2
    exit 2
    ;;
esac

# name is that of the package, as a file's can be.
name=${package#@}
name=${name//\//-}

say() { printf 'npm.sh: %s\n' "$*" >&2; }

sum() {
  node -e 'const {createHash} = require("crypto"), {readFileSync} = require("fs");
    console.log(createHash("sha512").update(readFileSync(process.argv[1])).digest("base64"))' "$1"
}

# archived unpacks one package into a folder, and fetches nothing that it depends on.
archived() {
  local archive=$1/$name-$version.tgz
  (cd "$1" && npm pack --ignore-scripts --silent "$package@$version") >/dev/null || return 1
  if [ "$(sum "$archive")" != "$sha512" ]; then
    say "what npm fetched as $package $version is something else: its SHA-512 differs"
    exit 2
  fi
  tar -xzf "$archive" -C "$1" ${only[@]+"${only[@]}"}
}

# locked installs what a lock file has.
locked() {
  mkdir "$1/package"
  cp "$root/scripts/$name/package.json" "$root/scripts/$name/package-lock.json" "$1/package"
  (cd "$1/package" && npm ci --ignore-scripts --no-audit --no-fund --silent) >&2
}

# fetch unpacks beside the target and moves it into place, so that nobody sees half
# of it. No script of any package runs.
fetch() {
  local target=$1 dir temp how=archived
  if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    say "$package $version is not in $target, and there is no npm to fetch it"
    return 1
  fi
  dir=$(dirname "$target")
  mkdir -p "$dir"
  temp=$(mktemp -d "$dir/fetch.XXXXXX")
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$temp'" EXIT
  [ -n "$sha512" ] || how=locked
  if ! "$how" "$temp"; then
    say "npm cannot fetch $package $version"
    return 1
  fi
  # Another one may have been faster.
  mv "$temp/package" "$target" 2>/dev/null || [ -f "$target/$witness" ]
}

main() {
  local target=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei/$name-$version
  if [ ! -f "$target/$witness" ]; then
    fetch "$target" || return 1
  fi
  printf '%s\n' "$target"
}

main
