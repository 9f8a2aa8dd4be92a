#!/usr/bin/env bash
# Build what a release has into a folder that holds nothing else: the plugin and the console
# for each platform, beside each an SBOM and an archive of it, and SHA256SUMS of all.
#
#   scripts/release.sh VERSION [FOLDER [OS/ARCH...]]
#
# Each program is built twice, the second time from a copy of the sources in another
# folder; a release whose builds differ fails. The same sources, version and Go give the
# same bytes on any machine: docs/install.md says how to compare.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=(vault-plugin-secrets-sei sei-console)
sbom=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

version=${1:?VERSION, such as v0.1.0}
out=${2:-$root/build/release}
shift "$(($# < 2 ? $# : 2))"
platforms=("$@")
if [ "${#platforms[@]}" = 0 ]; then
  for os in linux darwin windows freebsd; do
    platforms+=("$os/amd64" "$os/arm64")
  done
fi

fail() {
  printf 'release.sh: %s\n' "$*" >&2
  exit 1
}

sums() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# build makes the programs of a source folder, whose names go between two parts of a path.
# What in the user's environment would change the bytes is set to its default.
build() {
  local sources=$1 platform=$2 before=$3 after=$4
  GOENV=off GOFLAGS= GOWORK=off GOEXPERIMENT= GOFIPS140=off GOAMD64=v1 GOARM64=v8.0 GOOS="${platform%/*}" GOARCH="${platform#*/}" \
    make --no-print-directory -s -C "$sources" build VERSION="$version" PLUGIN="$before${programs[0]}$after" CONSOLE="$before${programs[1]}$after"
}

[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
  fail "$version is no version that Vault takes: v1.2.3, or v1.2.3-rc1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sources"
(cd "$root" && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C "$work/sources"
sbom=$("$root/scripts/tool.sh" "$sbom")
(cd "$root" && GOOS= GOARCH= go build -o "$work/archive" ./scripts/archive)
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ] && [ ! -e "$out/SHA256SUMS" ]; then
  fail "$out holds something else than a release"
fi
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)

for platform in "${platforms[@]}"; do
  after=_${version}_${platform/\//_}
  exe=
  case $platform in windows/*) exe=.exe ;; esac
  build "$root" "$platform" "$out/" "$after$exe"
  build "$work/sources" "$platform" "$work/" .again
  for program in "${programs[@]}"; do
    name=$program$after$exe
    cmp -s "$out/$name" "$work/$program.again" || fail "two builds of $name differ"
    "$sbom" bin -json -noserial -notimestamp -version "$version" -output "$out/$name.cdx.json" "$out/$name" 2>"$work/log" ||
      fail "no SBOM of $name: $(<"$work/log")"
    "$work/archive" "$out/$program$after.zip" "$out/$name=$program$exe" "$root/LICENSE=LICENSE"
    printf 'built twice, equal: %s\n' "$name"
  done
done
(cd "$out" && sums -- *_"$version"_* >SHA256SUMS)
printf '%s\n' "$out/SHA256SUMS"
