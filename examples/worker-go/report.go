package main

import (
	"context"
	"log"
	"net/http"
	"strconv"
	"time"
)

// seen is what the upstream said of the credential. The names of the headers are
// GitHub's; others have their own.
type seen struct {
	status    int
	remaining string // requests left, "" where not told
	resetAt   time.Time
	resource  string
	// limited is set if it is enough for now, and goOn is then when to go on.
	limited bool
	goOn    time.Time
}

// shortWait is assumed where the upstream limits and does not say for how long.
const shortWait = time.Minute

func observe(response *http.Response, now time.Time) seen {
	s := seen{status: response.StatusCode}
	if s.status == http.StatusUnauthorized {
		return s // its headers tell of the quota of strangers
	}
	header := response.Header
	s.remaining, s.resource = header.Get("X-RateLimit-Remaining"), header.Get("X-RateLimit-Resource")
	if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		s.resetAt = time.Unix(reset, 0)
	}
	wait, err := strconv.Atoi(header.Get("Retry-After"))
	told := err == nil && wait >= 0
	// GitHub limits with 429 and with 403. A 403 without these is a missing right.
	s.limited = s.status == http.StatusTooManyRequests || s.status == http.StatusForbidden && (told || s.remaining == "0")
	switch {
	case told:
		s.goOn = now.Add(time.Duration(wait) * time.Second)
	case s.remaining == "0" && s.resetAt.After(now):
		s.goOn = s.resetAt
	default:
		s.goOn = now.Add(shortWait)
	}
	return s
}

// report tells the engine. A worker with many requests need not tell of each: every
// tenth will do, and each 401 and 429. A report that fails is no reason to stop.
func (w *worker) report(ctx context.Context, creds *credential, s seen) {
	body := map[string]any{"fingerprint": creds.fingerprint, "status_code": s.status}
	if s.limited {
		body["status_code"] = http.StatusTooManyRequests // also for a 403 that means it
	}
	if s.remaining != "" {
		body["remaining"] = s.remaining
	}
	if !s.resetAt.IsZero() {
		body["reset_at"] = s.resetAt.Unix()
	}
	if s.resource != "" {
		body["resource"] = s.resource
	}
	if _, err := w.vault.WriteWithContext(ctx, w.path+"/report", body); err != nil {
		log.Print("report: ", err)
	}
}
