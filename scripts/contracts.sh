#!/usr/bin/env bash
# Print the path of what make contracts needs:
#
#   scripts/contracts.sh prism        the program of Prism, which serves a description
#   scripts/contracts.sh github       a vendor's description of its API; there are
#                                     more, see below
#
# Everything else goes to standard error. Where it is neither in the user's cache
# folder nor to be had, as without npm or a network, the exit status is 1.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vault-plugin-secrets-sei
raw=https://raw.githubusercontent.com
microsoft=$raw/MicrosoftDocs/vsts-rest-api-specs/adb28786a3e9349d5b3deb43eb2134b682c33bb2/specification

say() { printf 'contracts.sh: %s\n' "$*" >&2; }

# sum is the SHA-512 of a file, in base64.
sum() {
  node -e 'const {createHash} = require("crypto"), {readFileSync} = require("fs");
    console.log(createHash("sha512").update(readFileSync(process.argv[1])).digest("base64"))' "$1"
}

# prism is the program of Prism.
prism() {
  local folder
  folder=$("$here/npm.sh" @stoplight/prism-cli) || return $?
  if ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
    say 'Prism takes Node 20 or newer'
    return 1
  fi
  printf '%s\n' "$folder/node_modules/@stoplight/prism-cli/dist/index.js"
}

# github is a file of GitHub's package in npm.
github() {
  local folder
  folder=$("$here/npm.sh" @octokit/openapi) || return $?
  printf '%s\n' "$folder/generated/$1"
}

# public fetches a file of a public repository at a commit. What it refers to beside it are
# examples, which are of no use here and would be looked for: they are left out.
public() {
  local name=$1 url=$2 sha512=$3 target temp
  if ! command -v node >/dev/null || ! command -v curl >/dev/null; then
    say "$name takes node and curl"
    return 1
  fi
  target=$cache/contract-$(tr -dc 'a-zA-Z0-9' <<<"$sha512" | head -c 16)-$name
  if [ ! -f "$target" ]; then
    mkdir -p "$cache"
    temp=$(mktemp "$cache/fetch.XXXXXX")
    # shellcheck disable=SC2064 # the file is known now
    trap "rm -f '$temp'" EXIT
    if ! curl --fail --silent --show-error --location --connect-timeout 10 --max-time 120 -o "$temp" "$url"; then
      say "cannot fetch $url"
      return 1
    fi
    if [ "$(sum "$temp")" != "$sha512" ]; then
      say "what was fetched from $url is something else: its SHA-512 differs"
      exit 2
    fi
    node -e 'const {readFileSync, writeFileSync} = require("fs"), path = process.argv[1];
      let text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
      if (text.startsWith("{")) {
        text = JSON.stringify(JSON.parse(text, (name, value) => name === "x-ms-examples" ? undefined : value));
      }
      writeFileSync(path, text);' "$temp"
    mv "$temp" "$target"
  fi
  printf '%s\n' "$target"
}

# Of each file the SHA-512: whoever serves it has to serve this one.
case ${1-} in
  prism) prism ;;
  github) github api.github.com.json ;;
  github_enterprise) github ghes-3.19.json ;;
  # Microsoft's own.
  azure_core)
    public azure_core.json "$microsoft/core/7.1/core.json" \
      XOeDlZUITndrDGirej8/A21Yv16dXREISMS4tc3DjhAG6uLlcJwx7Y5GMQJQ7X5TW1kg4XpXfxWMX3cdWTkY4w==
    ;;
  azure_boards)
    public azure_boards.json "$microsoft/wit/7.1/workItemTracking.json" \
      mGwVzl7ER8VEy5TlxgkWYAA0lxTwEwR4F0kj1R/fTqPZnoID3fi+xPUl91OMTM+JcMe4eUqlMBFzRXlk86uWpA==
    ;;
  azure_repos)
    public azure_repos.json "$microsoft/git/7.1/git.json" \
      KbHW97j5I8AkUP/TJVrHvDHyGf7Xbr5cOQr6Bsgn6sVsv2pgA7dUg0I2DunCfkG+kEgawv54/I3nx2WKXN5Ozw==
    ;;
  azure_pipelines)
    public azure_pipelines.json "$microsoft/build/7.1/build.json" \
      AS8JLQm6kx93pGneJdpxSjXZ5mpRTdwTk6f2bJi0pMaQLrtvwuJa6nHPGzXWdU41RlBs5pFliJvG6xlNiEsIaQ==
    ;;
  # A copy of Atlassian's of July 2022: Atlassian's address has no versions to pin.
  jira)
    public jira.json $raw/salto-io/jira-swaggers/e9edd0efc751bbc5b2a2c33f8755f9ed04e14158/platform-swagger.v3.json \
      l6DDqoboz0v0+mEMbGp+nTQCurfbKnxOV9NnP5psYVILUPSiI2Z2yVYDDzkRPvRIPvuc5tGq3s49Folu4SgPwA==
    ;;
  # Atlassian's, made valid by a client's author: as it is served it is not.
  bitbucket)
    public bitbucket.yml $raw/tomasbjerre/bitbucket-cloud-java-rest-api/80415d0632b685dd8b5b80fcdc06a501564e476f/openapi.yml \
      naK4R7oJPEzj8bk4VehZFQYCvJxPOWbtOcrN0yOtwAwt6mY/XQ4GeRoXpnZbddEkWMCQnOt6fo9p7Z4Z5p3s/g==
    ;;
  *)
    say 'which program or description?'
    exit 2
    ;;
esac
