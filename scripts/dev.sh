#!/usr/bin/env bash
# A Vault with the engine mounted at sei/ and fake upstreams, to try things out.
# Stays up until Ctrl-C. Usually run by make dev.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
VERSION=${VERSION:-v0.1.0-dev}

set_up() {
  make_work
  build_all
  start_server
  start_fakes
  is_openbao || vault audit enable file file_path="$(audit_log)" >/dev/null
  # shellcheck disable=SC2046 # one flag per line
  vault secrets enable -path=sei $(audit_flags) sei >/dev/null
  vault write sei/config allowed_hosts="$allowed_hosts" >/dev/null
}

# exports is the environment that another terminal needs.
exports() {
  local key value
  printf "export VAULT_ADDR='%s' VAULT_TOKEN='%s'\n" "$VAULT_ADDR" "$VAULT_TOKEN"
  while IFS='=' read -r key value; do
    case $key in
      *_URL) printf "export %s='%s'\n" "$key" "$value" ;;
    esac
  done <"$work/fakes.env"
  printf "export UPSTREAM_CA='%s'\n" "$UPSTREAM_CA"
  printf "export SEI_AUDIT_LOG='%s'\n" "$(audit_log)"
  printf "export PATH='%s':\"\$PATH\"\n" "$work/bin"
}

# credentials is what the fake upstreams said of themselves.
credentials() {
  local line
  while IFS= read -r line; do
    case $line in
      '# '*) printf '%s\n' "${line#??}" ;;
    esac
  done <"$work/fakes.env"
}

set_up
cat <<TEXT

The engine is mounted at sei/. In another terminal:

$(exports)

The fake upstreams know these credentials:

$(credentials)

To consent in a browser, open the address that this prints; it works once, for ten
minutes:

vault write sei/integrations/bitbucket-browser provider=bitbucket auth_type=oauth \\
    workspace=acme client_id=demo-consumer client_secret=demo-consumer-secret \\
    redirect_uri="\$VAULT_ADDR/v1/sei/oauth/callback" \\
    authorize_url="\$BITBUCKET_URL/site/oauth2/authorize" \\
    proxy_url="\$PROXY_URL" ca_cert=@"\$UPSTREAM_CA"
vault write -f -field=authorize_url sei/oauth/authorize/bitbucket-browser

Ctrl-C ends everything.
TEXT
# Not a foreground wait: bash runs traps only between commands.
while :; do
  sleep 1 &
  wait "$!"
  for pid in $started; do
    kill -0 "$pid" 2>/dev/null || fail "a server ended by itself; its last words: $(tail -n 5 "$work/server.log" "$work/fakes.log")"
  done
done
