#!/usr/bin/env bash
# Make the plugin's image of a release, for each platform that is named, and print its digest:
#
#   scripts/image.sh VERSION [RELEASE [FOLDER [OS/ARCH...]]]
#
# RELEASE is a folder that scripts/release.sh wrote. FOLDER gets the image in OCI's layout.
# No container runtime is needed. From the environment, all of it optional:
#
#   IMAGE           push to this name, such as registry.example.com/team/plugin:v0.1.0
#   IMAGE_SOURCE    the URL of the sources, which the image names
#   IMAGE_REVISION  the commit that the release was built from
#   IMAGE_BUILDER   the URI of what runs this, for the statement of provenance
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
  esac
}

version=${1:?VERSION, such as v0.1.0}
release=$(absolute "${2:-$root/build/release}")
out=$(absolute "${3:-$root/build/image}")
shift "$(($# < 3 ? $# : 3))"
platforms=("$@")
if [ "${#platforms[@]}" = 0 ]; then
  platforms=(linux/amd64 linux/arm64)
fi
if [ ! -e "$release/SHA256SUMS" ]; then
  printf 'image.sh: %s holds no release: make release VERSION=%s\n' "$release" "$version" >&2
  exit 1
fi
cd "$root/tools/image"
GOWORK=off GOOS='' GOARCH='' CGO_ENABLED=0 exec go run -trimpath . -release "$release" -version "$version" -out "$out" \
  -push "${IMAGE:-}" -source "${IMAGE_SOURCE:-}" -revision "${IMAGE_REVISION:-}" -builder "${IMAGE_BUILDER:-}" "${platforms[@]}"
