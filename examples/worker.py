#!/usr/bin/env python3
"""How a worker uses a credential that the engine keeps: read it, use it, report what
the upstream said of it, and go on with the next as soon as there is one, or when the
upstream refuses it.

    export VAULT_ADDR=https://vault.example.com VAULT_TOKEN=...
    examples/worker.py sei/creds/github-prod https://api.github.com/user --requests 20

It needs Python 3.8 or newer and nothing else, and a policy with read on the path of the
credential and update on its /report. VAULT_NAMESPACE and VAULT_CACERT are followed, and
VAULT_TOKEN is used as it is: where it must be renewed, let Vault Agent do it.
"""

import argparse
import json
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 30  # seconds of one request
WAIT = 20  # seconds for which one read waits for another credential: less than TIMEOUT
RETRY = 5  # seconds after such a read has failed
SHORT_WAIT = 60  # seconds, where the upstream limits and does not say for how long


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The headers hold a credential: they go to the address that was meant, and to no
    other that it points to."""

    def redirect_request(self, *_args):
        return None


def say(text):
    print(text, file=sys.stderr, flush=True)


def send(method, url, headers, body=None, context=None):
    """Sends a request, and returns status, headers and body of whatever came back."""
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()


class Vault:
    def __init__(self):
        self.address = os.environ.get("VAULT_ADDR", "https://127.0.0.1:8200").rstrip("/")
        self.headers = {"X-Vault-Token": os.environ["VAULT_TOKEN"], "X-Vault-Request": "true"}
        if os.environ.get("VAULT_NAMESPACE"):
            self.headers["X-Vault-Namespace"] = os.environ["VAULT_NAMESPACE"]
        self.context = ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT") or None)

    def request(self, method, path, body=None):
        sent = None if body is None else json.dumps(body).encode()
        status, _, answer = send(method, f"{self.address}/v1/{path}", self.headers, sent, self.context)
        if status >= 300:
            raise RuntimeError(f"vault: {path}: HTTP {status}: {reasons(answer)}")
        return json.loads(answer) if answer else {}


def reasons(answer):
    """What Vault says in errors, which never quotes a secret."""
    try:
        return "; ".join(json.loads(answer)["errors"]) or "there is nothing"
    except (ValueError, KeyError, TypeError):
        return "not an answer of Vault"


class Credential:
    """What the engine handed out. Nothing of it but the fingerprint may be printed."""

    def __init__(self, answer):
        data = answer["data"]
        self.headers, self.fingerprint, self.ttl = data["headers"], data["fingerprint"], data["ttl"]
        self.read_again = time.monotonic() + self.ttl
        warnings = answer.get("warnings") or []
        self.exhausted = any(w.startswith("the quota of every token") for w in warnings)


class Seen:
    """What the upstream said of the credential. The names of the headers are GitHub's;
    others have their own."""

    def __init__(self, status, headers):
        self.status, self.remaining, self.reset_at, self.resource, self.limited = status, None, None, None, False
        if status == 401:
            return  # its headers tell of the quota of strangers
        self.remaining = number(headers.get("X-RateLimit-Remaining"))
        self.reset_at = number(headers.get("X-RateLimit-Reset"))
        self.resource = headers.get("X-RateLimit-Resource")
        retry_after = number(headers.get("Retry-After"))
        # GitHub limits with 429 and with 403. A 403 without these is a missing right.
        self.limited = status == 429 or status == 403 and (retry_after is not None or self.remaining == 0)
        self.wait = SHORT_WAIT
        if retry_after is not None:
            self.wait = retry_after
        elif self.remaining == 0 and self.reset_at:
            self.wait = self.reset_at - time.time()

    def report(self, fingerprint):
        status = 429 if self.limited else self.status  # also for a 403 that means it
        told = {"remaining": self.remaining, "reset_at": self.reset_at, "resource": self.resource}
        return {"fingerprint": fingerprint, "status_code": status, **{k: v for k, v in told.items() if v is not None}}


def number(text):
    return int(text) if text and text.isdecimal() else None


class Worker:
    def __init__(self, vault, path, url, resource):
        self.vault, self.path, self.url, self.resource = vault, path, url, resource
        self.creds = None  # read before the next request
        self.news = threading.Event()  # watch heard of another than the one in use
        self.watching = False

    def read(self, **query):
        query = urllib.parse.urlencode({"resource": self.resource, **query})
        return Credential(self.vault.request("GET", f"{self.path}?{query}"))

    def watch(self, have):
        """Waits, beside the work, for the credential that is to be used next. An older
        engine does not wait, and neither does one in which too many wait already: then the
        same comes back early, and ttl says when to ask again."""
        while True:
            asked = time.monotonic()
            try:
                creds = self.read(fingerprint=have, wait=WAIT)
            except (OSError, RuntimeError, ValueError, KeyError) as problem:
                say(f"waiting: {problem}")
                time.sleep(RETRY)
                continue
            if creds.fingerprint != have:
                have = creds.fingerprint
                if not creds.exhausted:
                    self.news.set()
            elif time.monotonic() - asked < WAIT - 1:
                time.sleep(creds.ttl)

    def credential(self):
        """The one to use now. What watch heard may be older than what was read and reported
        since, so it is only a reason to read. While every token's quota is used up it waits:
        ttl is then the time until one has quota again."""
        if self.news.is_set():
            self.news.clear()  # first: what it hears from now on is news again
            self.creds = None
        while self.creds is None or time.monotonic() >= self.creds.read_again:
            creds = self.read()
            if creds.exhausted:
                say(f"the quota of every token is used up; waiting {creds.ttl} s")
                time.sleep(creds.ttl)
                continue
            self.creds = creds
        if not self.watching:
            self.watching = True
            threading.Thread(target=self.watch, args=(self.creds.fingerprint,), daemon=True).start()
        return self.creds

    def report(self, creds, seen):
        """Tells the engine. A worker with many requests need not tell of each: every tenth
        will do, and each 401 and 429. A report that fails is no reason to stop."""
        try:
            self.vault.request("POST", f"{self.path}/report", seen.report(creds.fingerprint))
        except (OSError, RuntimeError) as problem:
            say(f"the report failed: {problem}")

    def make_room(self, before, seen):
        """After the upstream said that it is enough for now: goes on with another token of
        the pool, or waits."""
        self.creds = None
        if self.credential().fingerprint != before.fingerprint:
            return
        wait = max(1, seen.wait)
        say(f"the upstream limits token {before.fingerprint}; waiting {wait:.0f} s")
        self.creds = None
        time.sleep(wait)

    def work(self, n):
        """Does one piece of work. A credential that is refused is read again at once, and
        only once: who goes on with a bad credential gets the account locked."""
        refused = False
        while True:
            creds = self.credential()
            status, headers, _ = send("GET", self.url, creds.headers)
            seen = Seen(status, headers)
            say(f"request {n}: HTTP {status} with token {creds.fingerprint}")
            self.report(creds, seen)
            if status == 401 and refused:
                raise RuntimeError(f"the upstream refuses what {self.path} hands out; see vault read sei/health/NAME")
            if status == 401:
                refused, self.creds = True, None
            elif seen.limited:
                self.make_room(creds, seen)
            elif status >= 400:
                raise RuntimeError(f"request {n}: HTTP {status}")  # not the credential's fault
            else:
                return


def main():
    parser = argparse.ArgumentParser(description="Uses a credential that the engine keeps.")
    parser.add_argument("creds", help="path of the credential, such as sei/creds/github-prod")
    parser.add_argument("url", help="address to get")
    parser.add_argument("--requests", type=int, default=20, help="how many requests to send")
    parser.add_argument("--every", type=float, default=1, help="seconds between two requests")
    parser.add_argument("--resource", default="core", help="what the requests count for: core, graphql, search")
    args = parser.parse_args()
    worker = Worker(Vault(), args.creds, args.url, args.resource)
    for n in range(args.requests):
        if n:
            time.sleep(args.every)
        worker.work(n + 1)


if __name__ == "__main__":
    try:
        main()
    except KeyError as missing:
        sys.exit(f"{missing} is missing, in the environment or in the answer of Vault")
    except (OSError, RuntimeError, ValueError) as problem:
        sys.exit(f"worker.py: {problem}")
    except KeyboardInterrupt:
        pass  # told to end
