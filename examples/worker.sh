#!/usr/bin/env bash
# How a worker uses a credential that the engine keeps: read it, use it, report what
# the upstream said of it, and go on with the next as soon as there is one, or when the
# upstream refuses it.
#
#   export VAULT_ADDR=https://vault.example.com VAULT_TOKEN=...
#   examples/worker.sh sei/creds/github-prod https://api.github.com/user 20
#
#   worker.sh CREDS URL [REQUESTS [SECONDS_BETWEEN [RESOURCE]]]
#
# It needs bash 4.4, curl 7.55 or newer, and the vault CLI; a policy with read on CREDS and
# update on CREDS/report. It does not need jq; where you have it, field() and headers()
# can be: jq -r .data.NAME, and jq -r '.data.headers | to_entries[] | "\(.key): \(.value)"'.
set -euo pipefail

if (($# < 2 || $# > 5)); then
  echo "usage: worker.sh CREDS URL [REQUESTS [SECONDS_BETWEEN [RESOURCE]]]" >&2
  exit 2
fi
path=$1 url=$2 requests=${3:-20} every=${4:-1} resource=${5:-core}
creds='' fingerprint='' read_again=0 # creds is secret: it is never printed
waiter='' have='' asked=0 again=0    # the read that waits for the next one
readonly wait_for=20                 # seconds: the CLI gives up after 60
shopt -s nocasematch                 # for the names of headers

say() { printf '%s\n' "$*" >&2; }

# field NAME and headers take apart what the CLI writes: one key a line.
field() { sed -n 's/^    "'"$1"'": "\{0,1\}\([^",]*\)"\{0,1\},\{0,1\}$/\1/p' <<<"$creds"; }
headers() { sed -n '/^    "headers": {/,/^    }/ s/^      "\(.*\)": "\(.*\)",\{0,1\}$/\1: \2/p' <<<"$creds"; }

# read_creds reads the credential. While every token's quota is used up it waits: ttl
# is then the time until one has quota again.
read_creds() {
  local ttl
  while true; do
    creds=$(vault read -format=json "$path" resource="$resource")
    fingerprint=$(field fingerprint) ttl=$(field ttl)
    read_again=$((SECONDS + ttl))
    [[ $creds == *'"the quota of every token'* ]] || return 0
    say "the quota of every token is used up; waiting $ttl s"
    sleep "$ttl"
  done
}

# await has a read wait, in the background, for another token than the one in use.
await() {
  have=$fingerprint asked=$SECONDS
  exec 3< <(exec vault read -format=json "$path" resource="$resource" fingerprint="$have" wait="${wait_for}s" 2>/dev/null)
  waiter=$!
}

# hear reads once that read was answered with another token. The answer may be older than what
# was read and reported since, so it is only a reason to read. An older engine does not wait, and
# neither does one in which too many wait already: then the same comes back early, and ttl
# says when to ask again. So it does where the read failed.
hear() {
  local answer before=$creds
  if [[ -z $waiter ]]; then
    ((SECONDS < again)) || await
    return 0
  fi
  read -r -t 0 -u 3 || return 0
  answer=$(cat <&3)
  exec 3<&-
  waiter='' again=0
  creds=$answer
  if [[ -z $answer || $(field fingerprint) == "$have" || $answer == *'"the quota of every token'* ]]; then
    creds=$before
    ((SECONDS - asked >= wait_for - 1)) || again=$((SECONDS + $(field ttl)))
    return 0
  fi
  read_creds
}
trap '[[ -z $waiter ]] || kill "$waiter" 2>/dev/null || true' EXIT

# get sends one request. The headers of the credential go to curl by standard input,
# where the list of processes does not show them. It sets status, and what the upstream
# says of the quota.
get() {
  local line value answer
  status='' remaining='' reset_at='' limit='' retry_after=''
  answer=$(headers | curl --silent --show-error --max-time 30 --output /dev/null --dump-header - --header @- "$url")
  while IFS= read -r line; do
    line=${line%$'\r'} value=${line#*: }
    case $line in
      HTTP/*) status=${line#* } status=${status%% *} ;;
      x-ratelimit-remaining:*) remaining=$value ;;
      x-ratelimit-reset:*) reset_at=$value ;;
      x-ratelimit-resource:*) limit=$value ;;
      retry-after:*) retry_after=${value%%[!0-9]*} ;;
    esac
  done <<<"$answer"
  limited=''
  case $status in
    401) remaining='' reset_at='' limit='' ;; # they tell of the quota of strangers
    429) limited=yes ;;
    403) [[ -z $retry_after && $remaining != 0 ]] || limited=yes ;; # else a right is missing
  esac
}

# report tells the engine. One that fails is no reason to stop.
report() {
  local code=$status
  [[ -z $limited ]] || code=429 # also for a 403 that means it
  vault write "$path/report" fingerprint="$fingerprint" status_code="$code" \
    ${remaining:+remaining="$remaining"} ${reset_at:+reset_at="$reset_at"} ${limit:+resource="$limit"} \
    >/dev/null || say "the report failed"
}

# yield makes room after the upstream said that it is enough for now: it goes on with
# another token of the pool, or waits.
yield() {
  local before=$fingerprint wait
  read_creds
  if [[ $fingerprint == "$before" ]]; then
    wait=${retry_after:-60}
    if [[ -z $retry_after && $remaining == 0 && -n $reset_at ]]; then
      wait=$((reset_at - $(date +%s)))
    fi
    ((wait > 0)) || wait=1
    say "the upstream limits token $before; waiting $wait s"
    sleep "$wait"
    read_creds
  fi
}

# work does one piece of work. A credential that is refused is read again at once, and
# only once: who goes on with a bad credential gets the account locked.
work() {
  local refused=''
  while true; do
    ((SECONDS < read_again)) || read_creds
    hear
    get
    say "request $1: HTTP $status with token $fingerprint"
    report
    case $status in
      401)
        if [[ -n $refused ]]; then
          say "the upstream refuses what $path hands out; vault read sei/health/NAME says more"
          return 1
        fi
        refused=yes
        read_creds
        ;;
      2* | 3*) return 0 ;;
      *)
        [[ -n $limited ]] || return 1 # not the credential's fault
        yield
        ;;
    esac
  done
}

for ((n = 1; n <= requests; n++)); do
  ((n == 1)) || sleep "$every"
  work "$n"
done
