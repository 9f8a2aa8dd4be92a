# Shared by demo.sh and dev.sh: a Vault development server with the engine
# mounted at sei/ and fake upstreams, all on loopback. What is started here ends
# with the script, by its process id. Needs bash 3.2, Go and make only.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
plugin=vault-plugin-secrets-sei
work=
started=''

fail() {
  printf '\n%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# end_process asks a process to end, and kills it if it does not within 10 seconds.
end_process() {
  local pid=$1 left=100
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    left=$((left - 1))
    if [ "$left" = 0 ]; then
      kill -9 "$pid" 2>/dev/null || true
    fi
    sleep 0.1
  done
}

clean_up() {
  local status=$? pid
  trap - EXIT INT TERM HUP
  for pid in $started; do
    end_process "$pid"
    wait "$pid" 2>/dev/null || true
  done
  if [ -n "$work" ]; then
    rm -rf "$work"
  fi
  exit "$status"
}

# make_work makes the folder that holds everything these scripts write.
make_work() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  work=$(cd "$(mktemp -d "${TMPDIR:-/tmp}/sei.XXXXXX")" && pwd -P)
  mkdir "$work/bin" "$work/plugins" "$work/home"
}

# build_all finds or builds the server, and builds the plugin, the fakes and consent
# beside it. All are built with the same flags, so that Go compiles nothing twice.
build_all() {
  local server
  "$root/scripts/vault.sh" >"$work/server" &
  server=$!
  started="$server $started"
  printf 'Building the plugin and the fake upstreams ...\n'
  make --no-print-directory -s -C "$root" build VERSION="$VERSION"
  (cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/bin/" ./scripts/fakes ./scripts/consent)
  # A development server puts each program into its catalogue under the name of its file.
  cp "$root/build/$plugin" "$work/plugins/sei"
  wait "$server" || fail 'there is no Vault server'
  started=''
  ln -s "$(<"$work/server")" "$work/bin/vault"
  PATH=$work/bin:$PATH
  printf 'Server: %s\n' "$(vault version)"
}

# free_port prints a port from its argument on that nothing listens on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    port=$((port + 1))
  done
  printf '%s\n' "$port"
}

# start_fakes starts the upstreams and exports the addresses that they print, and
# the authority of those behind the proxy. The server is up by then: browsers are sent
# back to it.
start_fakes() {
  local key value left=100
  export UPSTREAM_CA=$work/ca.pem
  "$work/bin/fakes" "$UPSTREAM_CA" "$VAULT_ADDR/v1/sei/oauth/callback" >"$work/fakes.env" 2>"$work/fakes.log" &
  started="$! $started"
  while [ "$(tail -n 1 "$work/fakes.env")" != ready ]; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "the fake upstreams did not start: $(tail -n 5 "$work/fakes.log")"
    sleep 0.1
  done
  while IFS='=' read -r key value; do
    case $key in
      *_URL) export "$key=$value" ;;
    esac
  done <"$work/fakes.env"
}

# is_openbao says whether the server is OpenBao, of which the same programs and flags are.
is_openbao() {
  case $(vault version) in
    'OpenBao v'*) return 0 ;;
    *) return 1 ;;
  esac
}

# start_server starts Vault beside whatever runs on its usual port 8200. The
# names of the user's own Vault are hidden from it and from the CLI.
start_server() {
  local port left=300 pid config=()
  # shellcheck disable=SC2086 # one name per word
  unset ${!VAULT_*} ${!BAO_*}
  if is_openbao; then # which takes audit devices from its configuration only
    printf 'audit "file" "file" {\n  options = { file_path = "%s" }\n}\n' "$(audit_log)" >"$work/audit.hcl"
    config=(-config="$work/audit.hcl")
  fi
  port=$(free_port 18200)
  export VAULT_ADDR=http://127.0.0.1:$port VAULT_TOKEN=root HOME=$work/home
  TMPDIR=$work vault server -dev -dev-no-store-token -dev-root-token-id="$VAULT_TOKEN" \
    -dev-listen-address="127.0.0.1:$port" -dev-plugin-dir="$work/plugins" ${config[@]+"${config[@]}"} >"$work/server.log" 2>&1 &
  pid=$!
  started="$pid $started"
  until vault status >/dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" = 0 ] || ! kill -0 "$pid" 2>/dev/null; then
      fail "the Vault server did not start: $(tail -n 20 "$work/server.log")"
    fi
    sleep 0.1
  done
}

# The hosts that the engine may call here: the fakes, which are on loopback or
# behind a proxy there.
allowed_hosts=http://127.0.0.1,https://api.bitbucket.org,https://bitbucket.org

# The answers' keys that the audit device writes readably; it hashes all others.
# A secret is under none of them.
audit_keys='code integration name provider version previous_version fingerprint'

audit_flags() {
  local key
  for key in $audit_keys; do
    printf -- '-audit-non-hmac-response-keys=%s\n' "$key"
  done
}

audit_log() { printf '%s\n' "$work/audit.log"; }
