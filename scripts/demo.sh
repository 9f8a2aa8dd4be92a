#!/usr/bin/env bash
# The engine's story, told with the real vault CLI on a development server and
# fake upstreams. Every output is checked: the script exits 0 only if each step
# did what it says. Usually run by make demo.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
VERSION=${VERSION:-v0.1.0-dev}

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' plain=$'\033[0m'
fi

# out is what the last command wrote.
out=''

chapter() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

say() { printf '\n%s\n' "$*" | fold -s -w 80; }

# quoted prints a command as one would type it.
quoted() {
  local line='' word
  for word in "$@"; do
    case $word in
      *=*[!A-Za-z0-9_./:=@,+-]*) word="${word%%=*}='${word#*=}'" ;;
      *[!A-Za-z0-9_./:=@,+-]*) word="'$word'" ;;
    esac
    if [ $((${#line} + ${#word})) -gt 86 ]; then
      printf '%s \\\n' "$line"
      line='     '
    fi
    line="$line${line:+ }$word"
  done
  printf '%s\n' "$line"
}

show() { perform "$(quoted "$@")" "$@"; }

# perform runs a command and shows it as the line before it: perform LINE COMMAND...
perform() {
  local status=0
  printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
  shift
  out=$("$@" 2>&1) || status=$?
  shortened "$out" | fold -s -w 98
  return "$status"
}

# shortened prints a text without the state of an address: whoever has it can consent.
shortened() {
  local pattern='^(.*&state=)[A-Za-z0-9_-]{6,}(.*)$'
  if [[ $1 =~ $pattern ]]; then
    printf '%s...%s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  else
    printf '%s\n' "$1"
  fi
}

# run shows a command that must succeed, refused one that must not.
run() { show "$@" || fail "the command failed"; }

refused() {
  if show "$@"; then
    fail 'the command was not refused'
  fi
}

# quietly runs a command that is none of the story's.
quietly() { out=$("$@" 2>&1) || fail "$* failed: $out"; }

# expect fails unless the last output holds each text.
expect() {
  local text
  for text in "$@"; do
    case $out in
      *"$text"*) ;;
      *) fail "the output lacks: $text" ;;
    esac
  done
}

# expect_row fails unless the last output, a table, has a row with that key and value.
expect_row() {
  local key value
  while read -r key value; do
    if [ "$key" = "$1" ] && [ "$value" = "$2" ]; then
      return 0
    fi
  done <<<"$out"
  fail "the output lacks the row: $1 $2"
}

# value_of prints the value of a row of the last output.
value_of() {
  local key value
  while read -r key value; do
    if [ "$key" = "$1" ]; then
      printf '%s\n' "$value"
      return 0
    fi
  done <<<"$out"
  fail "the output lacks the row: $1"
}

# configuration prints what the operator wrote, without the engine's own state.
configuration() {
  local key value
  vault read "sei/integrations/$1" | while read -r key value; do
    case $key in
      provider | auth_type | url | description) printf '%s %s\n' "$key" "$value" ;;
    esac
  done
}

# secrets are the credentials of this story; none may show up in the audit file.
secrets='ATATT-demo-first ATATT-demo-second ATATT-demo-mistyped ATATT-demo-sneaked ghp_demo_first ghp_demo_second
  ATATT-demo-bitbucket github_pat_demo_actions glpat-demo-gitlab pat.acme.demo.harness squ_demo_sonarqube
  ado-demo-first ado-demo-second ado-demo-no-pipelines demo-consumer-secret'

assert_no_secret_in_audit() {
  local log secret
  log=$(<"$(audit_log)")
  for secret in $secrets; do
    case $log in
      *"$secret"*) fail "the audit file holds the credential $secret" ;;
    esac
  done
}

# audit_line puts the last line of the audit file that holds all texts into out.
audit_line() {
  local line text
  out=''
  while IFS= read -r line; do
    for text in "$@"; do
      case $line in
        *"$text"*) ;;
        *) continue 2 ;;
      esac
    done
    out=$line
  done <"$(audit_log)"
  [ -n "$out" ] || fail "the audit file has no line with: $*"
}

# show_audit prints time, path and answer of the audit line in out, hashes cut short.
show_audit() {
  local line=$out time path data short='' quote='"' break=$'\n    '
  time=${line#*'"time":"'}
  path=${line#*'"path":"'}
  data=${line#*'"response":{"data":{'}
  data=${data#'"data":{'}
  data=${data%%'}'*}
  while [ "${data#*hmac-sha256:}" != "$data" ]; do
    short="$short${data%%hmac-sha256:*}hmac-sha256:"
    data=${data#*hmac-sha256:}
    short="$short${data:0:6}.."
    data=$quote${data#*"$quote"}
  done
  data=$short$data
  printf '\n  %s, response to %s:\n' "${time%%"$quote"*}" "${path%%"$quote"*}"
  printf '    %s\n' "${data//,$quote/$break$quote}"
}

set_up() {
  make_work
  build_all
  start_server
  start_fakes

  chapter 'An operator sets up the mount'
  if is_openbao; then
    say 'The audit device, which OpenBao has from its configuration, and the engine with the few' \
      'keys that audit may write readably:'
    run vault audit list
    expect file/
  else
    say 'The audit device, and the engine with the few keys that audit may write readably:'
    run vault audit enable file file_path="$(audit_log)"
  fi
  # shellcheck disable=SC2046 # one flag per line
  run vault secrets enable -path=sei $(audit_flags) sei
  say 'The engine calls only public https addresses by default. The fake upstreams of' \
    'this demo listen on loopback, Bitbucket behind a proxy, so the operator allows that:'
  run vault write sei/config allowed_hosts="$allowed_hosts"
}

integrations() {
  chapter 'Two integrations: configuration only, no credential'
  run vault write sei/integrations/jira-prod provider=jira auth_type=api_key url="$JIRA_URL" \
    description='Issue tracker of the platform team'
  run vault write sei/integrations/github-prod provider=github auth_type=pat url="$GITHUB_URL" \
    organizations=acme
  run vault list sei/integrations
  expect jira-prod github-prod
  say 'Without a credential there is nothing to hand out:'
  refused vault read sei/creds/jira-prod
  expect 'No value found'
}

reauthentication() {
  chapter 'Re-authentication: checked upstream, then swapped in'
  run vault write sei/reauth/jira-prod email=ada@example.com api_key=ATATT-demo-first
  expect_row version 1
  run vault write sei/reauth/github-prod pat=ghp_demo_first,ghp_demo_second
  expect_row version 1
  say 'Before that key expires, a new one takes its place:'
  run vault write sei/reauth/jira-prod email=ada@example.com api_key=ATATT-demo-second
  expect_row version 2
  expect_row previous_version 1
  say 'A worker reads the credential, ready to set on a request:'
  run vault read sei/creds/jira-prod
  expect_row api_key ATATT-demo-second
  expect_row version 2
}

refusals() {
  local before
  before=$(configuration jira-prod)
  [ -n "$before" ] || fail 'there is no configuration'
  chapter 'What is refused'
  say 'A mistyped key: Jira does not know it, so the working one stays.'
  refused vault write sei/reauth/jira-prod email=ada@example.com api_key=ATATT-demo-mistyped
  expect credential_rejected 'version 2 stays in use'
  say 'Somebody who may re-authenticate tries to send the key elsewhere:'
  refused vault write sei/reauth/jira-prod email=ada@example.com api_key=ATATT-demo-sneaked \
    url=https://jira.evil.example
  expect field_not_allowed url
  say 'Nothing changed:'
  run vault read sei/creds/jira-prod
  expect_row api_key ATATT-demo-second
  expect_row version 2
  [ "$(configuration jira-prod)" = "$before" ] || fail 'the configuration changed'
}

# joins configures an integration and re-authenticates it: joins NAME IDENTITY
# SETTING... -- CREDENTIAL...
joins() {
  local name=$1 identity=$2 settings=()
  shift 2
  while [ "$1" != -- ]; do
    settings+=("$1")
    shift
  done
  shift
  run vault write "sei/integrations/$name" "${settings[@]}"
  run vault write -field=identity "sei/reauth/$name" "$@"
  [ "$out" = "$identity" ] || fail "the identity is not $identity"
  quietly vault read "sei/creds/$name"
  expect_row version 1
  expect "${@##*=}"
}

others() {
  chapter 'The other six'
  say 'Each in its own terms. What is printed after a credential is whose it is, as the' \
    'upstream says. Bitbucket is one host in the world, here behind a proxy:'
  joins bitbucket-prod ada@example.com provider=bitbucket auth_type=api_key workspace=acme \
    proxy_url="$PROXY_URL" ca_cert=@"$UPSTREAM_CA" -- email=ada@example.com api_key=ATATT-demo-bitbucket
  joins actions-prod monalisa provider=github_actions url="$GITHUB_URL" organizations=acme \
    -- pat=github_pat_demo_actions
  joins gitlab-prod ada provider=gitlab url="$GITLAB_URL" -- pat=glpat-demo-gitlab
  joins harness-prod ada@example.com provider=harness url="$HARNESS_URL" account_id=acme \
    -- email=ada@example.com api_key=pat.acme.demo.harness
  joins sonarqube-prod ada provider=sonarqube url="$SONARQUBE_URL" -- username=ada api_key=squ_demo_sonarqube
  joins ado-boards ada@example.com provider=azure_devops auth_type=pat url="$AZURE_DEVOPS_URL" \
    organization=acme service=boards -- email=ada@example.com pat=ado-demo-first
}

# by_browser is what a person does at a browser.
by_browser() {
  # shellcheck disable=SC2016 # shown as it is
  perform 'consent "$authorize_url"' consent "$authorize_url"
}

oauth() {
  local authorize_url token
  chapter 'OAuth: a person consents in a browser'
  say 'An OAuth consumer of Bitbucket. Its secret is stored, and never read back:'
  run vault write sei/integrations/bitbucket-oauth provider=bitbucket auth_type=oauth workspace=acme \
    client_id=demo-consumer client_secret=demo-consumer-secret \
    redirect_uri="$VAULT_ADDR/v1/sei/oauth/callback" authorize_url="$BITBUCKET_URL/site/oauth2/authorize" \
    proxy_url="$PROXY_URL" ca_cert=@"$UPSTREAM_CA"
  quietly vault read sei/integrations/bitbucket-oauth
  expect_row client_secret_set true
  say 'Whoever may re-authenticate asks for an address to open. It works once, for ten minutes:'
  run vault write -f sei/oauth/authorize/bitbucket-oauth
  authorize_url=$(value_of authorize_url)
  say 'A stand-in for the person opens it and presses "Grant access". A page of the engine,' \
    'which needs no token, says what for, and by whom it was begun; its button confirms:'
  by_browser || fail 'the consent failed'
  expect 'Connect your account to bitbucket-oauth?' 'Asked for by: token' Re-authenticated 'Integration: bitbucket-oauth' 'Version: 1'
  say 'The same address again changes nothing:'
  if by_browser; then
    fail 'a state worked twice'
  fi
  expect 'HTTP 400' oauth_state_invalid
  say 'A worker reads an access token, which is renewed before it ends:'
  run vault read sei/creds/bitbucket-oauth
  expect_row version 1
  token=$(value_of access_token)
  expect "Authorization:Bearer $token"
  secrets="$secrets $token"
  say 'How it came here:'
  run vault read -format=json sei/history/bitbucket-oauth
  expect '"cause": "reauth"' '"via": "oauth/callback"' '"display_name": "token"'
}

azure_devops() {
  local name fingerprint
  chapter 'One Azure DevOps re-authentication updates three integrations'
  say 'Boards, repos and pipelines of one organization share one credential. Integrations' \
    'that are made later have it at once:'
  for name in repos pipelines; do
    run vault write "sei/integrations/ado-$name" provider=azure_devops auth_type=pat \
      url="$AZURE_DEVOPS_URL" organization=acme service="$name"
  done
  run vault read -field=pat sei/creds/ado-repos
  expect ado-demo-first
  say 'The next one must work for all three. This token cannot read pipelines:'
  refused vault write sei/reauth/ado-boards email=ada@example.com pat=ado-demo-no-pipelines
  expect insufficient_scope ado-pipelines 'version 1 stays in use'
  say 'This one can, and replaces the one before in a single write:'
  run vault write sei/reauth/ado-boards email=ada@example.com pat=ado-demo-second
  expect_row also_updated '[ado-pipelines ado-repos]'
  expect_row version 2
  quietly vault read -field=fingerprint sei/creds/ado-boards
  fingerprint=$out
  for name in repos pipelines; do
    quietly vault read "sei/creds/ado-$name"
    expect_row version 2
    expect_row fingerprint "$fingerprint"
    expect_row pat ado-demo-second
  done
}

witnesses() {
  chapter 'The witnesses'
  say "Vault's audit file has the swap, readable where it matters and hashed elsewhere:"
  audit_line '"type":"response"' '"path":"sei/reauth/jira-prod"' '"version":2'
  expect '"name":"jira-prod"' '"previous_version":1' '"fingerprint":"'
  show_audit
  say 'and the refusal of the mistyped key:'
  audit_line '"type":"response"' '"path":"sei/reauth/jira-prod"' '"code":"credential_rejected"'
  show_audit
  assert_no_secret_in_audit
  say 'No key of this story is anywhere in that file.'
  say "The engine's own history:"
  run vault read -format=json sei/history/jira-prod
  expect '"version": 2' '"version": 1' '"cause": "reauth"'
}

set_up
integrations
reauthentication
refusals
others
oauth
azure_devops
witnesses
printf '\n%sDone: every step did what it says (%s s).%s\n' "$bold" "$SECONDS" "$plain"
