#!/usr/bin/env bash
# Sign releases, and the images that were made of them, with cosign:
#
#   scripts/sign.sh RELEASE|IMAGE@DIGEST...
#
# RELEASE is a folder that scripts/release.sh wrote. SHA256SUMS.sigstore.json, beside SHA256SUMS,
# gets its signature. That of an image, and of the image for each platform in it, goes to its registry.
# docs/install.md has how to verify both. From the environment:
#
#   COSIGN_KEY       sign with this key: a file, or the address of one in a KMS. Nothing but the registry
#                    and the KMS is called. Without it, whoever runs this signs as who they are: Sigstore
#                    certifies the workflow, or the person who logs in, and logs the signature in public
#   COSIGN_PASSWORD  the key's
#   COSIGN_BIN       the cosign to use in place of that of scripts/cosign.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  printf 'sign.sh: %s\n' "$*" >&2
  exit 1
}

sums() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# check fails unless something may be signed. A tag may name another image by the time that it is.
check() {
  case $1 in
    *@sha256:*) [[ $1 =~ @sha256:[0-9a-f]{64}$ ]] || fail "$1 is no image with its digest" ;;
    *)
      [ -e "$1/SHA256SUMS" ] || fail "$1 is neither a release nor an image with its digest, NAME@sha256:..."
      (cd "$1" && sums --check --strict SHA256SUMS >/dev/null) || fail "$1 is not what its SHA256SUMS says"
      ;;
  esac
}

sign() {
  case $1 in
    *@sha256:*) "$cosign" sign "${how[@]}" --recursive "$1" ;;
    *)
      "$cosign" sign-blob "${how[@]}" --bundle "$1/SHA256SUMS.sigstore.json" "$1/SHA256SUMS"
      chmod 0644 "$1/SHA256SUMS.sigstore.json"
      ;;
  esac
}

[ $# -gt 0 ] || fail 'what? A release, such as build/release, or an image'
for what in "$@"; do check "$what"; done
cosign=$("$root/scripts/cosign.sh")
how=(--yes)
if [ -n "${COSIGN_KEY:-}" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # Without these cosign asks Sigstore for the addresses and keys of its services, none of which a key needs.
  "$cosign" signing-config create --out "$work/services.json"
  "$cosign" trusted-root create --out "$work/roots.json"
  how+=(--key "$COSIGN_KEY" --signing-config "$work/services.json" --trusted-root "$work/roots.json")
fi
for what in "$@"; do sign "$what"; done
