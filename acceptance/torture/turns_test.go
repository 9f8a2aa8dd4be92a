package torture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/histories"
)

const (
	// turnsMount is a mount of its own: there replaced credentials are kept, to go back to.
	turnsMount = "turns"
	// guestsAt is the public address of its invitations, which no test resolves.
	guestsAt = "http://localhost"
	// turnsWait is for how long its workers wait for another version at a time.
	turnsWait = 2 * time.Second
)

// turns is a record that everything happens to: people re-authenticate it, guests use
// invitations, it is rolled back and forgotten, and workers wait for what comes next. Versions
// alone do not say what is right there; the check of its history does.
type turns struct {
	*subject
	guests http.Client
	// invited counts invitations that were used, heard new versions that somebody waited for.
	invited, heard atomic.Int64
}

// startTurns configures the mount and begins.
func (l *load) startTurns(t *testing.T) *turns {
	t.Helper()
	turned := &turns{subject: jiraSubject(l.fakes, "turns"), guests: http.Client{Timeout: askLimit, Transport: &http.Transport{}}}
	t.Cleanup(turned.guests.CloseIdleConnections)
	l.servers[0].Mount(t, turnsMount)
	client := l.servers[0].Client(t).Logical()
	harness.Write(t, client, turnsMount+"/config", map[string]any{
		"allowed_hosts": "http://127.0.0.1", "public_address": guestsAt, "rollback_window": "720h", "health_check_interval": 0, "request_timeout": 5, "history_limit": 100,
	})
	harness.Write(t, client, turnsMount+"/integrations/turns", turned.integrations["turns"])
	for _, do := range []func(*turns){l.keepTurning, l.keepInviting, l.keepWatching, l.keepWaiting} {
		l.running.Go(func() { do(turned) })
	}
	return turned
}

// keepTurning re-authenticates, rolls back and forgets.
func (l *load) keepTurning(u *turns) {
	for l.pause(160 * time.Millisecond) {
		client := l.anyClient()
		switch rand.N(12) {
		case 0:
			l.forget(client, u)
		case 1, 2, 3:
			l.rollBack(client, u)
		default:
			n := u.number()
			l.turn(client, u, "/reauth/turns", fmt.Sprintf("-n%d", n), u.enter(n))
		}
	}
}

func (l *load) rollBack(client *api.Client, u *turns) {
	l.turn(client, u, "/rollback/turns", "", nil)
}

// turn is a write. What it is refused for must be of the record, or of what went first.
func (l *load) turn(client *api.Client, u *turns, path, label string, body map[string]any) {
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	ended := l.begins(client, u.subject, turnsMount+path)
	answer, err := client.Logical().WriteWithContext(ctx, turnsMount+path, body)
	switch {
	case err == nil && answer == nil:
		ended(histories.Operation{Outcome: histories.Unknown, Credential: label})
	case err == nil:
		ended(answered(u.subject, told(answer.Data), "", nil))
	case says(err, "nothing_to_roll_back", "no_credential"):
		ended(histories.Operation{Outcome: histories.Done})
	default:
		ended(answered(u.subject, swap{}, label, err))
		l.complainOf(u, path, err)
	}
}

// complainOf notes a refusal that there was no reason for.
func (l *load) complainOf(u *turns, path string, err error) {
	if l.ctx.Err() == nil && blamed(err) && !says(err, "busy") && !l.unmounted(err) {
		u.refuse("turns"+path, err)
	}
}

func says(err error, codes ...string) bool {
	for _, code := range codes {
		if strings.Contains(err.Error(), code+": ") {
			return true
		}
	}
	return false
}

func (l *load) forget(client *api.Client, u *turns) {
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	ended := l.recorder.Begin(u.name, client.Address(), histories.Forget)
	_, err := client.Logical().DeleteWithContext(ctx, turnsMount+"/creds/turns")
	if err == nil || says(err, "no_credential") {
		ended(histories.Operation{Outcome: histories.Done})
		return
	}
	ended(answered(u.subject, swap{}, "", err))
	l.complainOf(u, "/creds/turns", err)
}

// keepInviting invites guests of any account, who use their links at any node.
func (l *load) keepInviting(u *turns) {
	for l.pause(300 * time.Millisecond) {
		link := l.invite(u)
		if link == "" {
			continue
		}
		n := u.number()
		l.useInvitation(u, link, fmt.Sprintf("-n%d", n), u.enter(n))
	}
}

// invite returns the path of a link, "" where there is none.
func (l *load) invite(u *turns) string {
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	made, err := l.anyClient().Logical().WriteWithContext(ctx, turnsMount+"/invites/turns", map[string]any{"any_identity": true, "ttl": "168h"})
	if err != nil || made == nil {
		// Links whose answer was lost stay open, and there may be 20 of them.
		if err != nil && !says(err, "too_many_invitations") {
			l.complainOf(u, "/invites/turns", err)
		}
		return ""
	}
	text, _ := made.Data["url"].(string)
	return strings.TrimPrefix(text, guestsAt)
}

// useInvitation sends a form once. The page of a success tells no version. One that says that the
// link has ended may follow a success without an answer: Vault asks a plugin again that died.
func (l *load) useInvitation(u *turns, link, label string, body map[string]any) {
	client := l.anyClient()
	form := url.Values{}
	for name, value := range body {
		form.Set(name, fmt.Sprint(value))
	}
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, client.Address()+link, strings.NewReader(form.Encode()))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ended := l.begins(client, u.subject, turnsMount+"/invite/")
	answer, err := u.guests.Do(request)
	outcome := histories.Unknown
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			outcome = histories.Done
			u.invited.Add(1)
		}
	} else if notCarriedOut(err) {
		outcome = histories.Refused
	}
	ended(histories.Operation{Outcome: outcome, Credential: label})
}

// keepWatching reads credential and history at any node.
func (l *load) keepWatching(u *turns) {
	for n := 0; l.pause(80 * time.Millisecond); n++ {
		path := turnsMount + "/creds/turns"
		if n%2 == 1 {
			path = turnsMount + "/history/turns"
		}
		l.ask(l.anyClient(), u.subject, path)
	}
}

// keepWaiting waits for another version than the one it has.
func (l *load) keepWaiting(u *turns) {
	for known := 0; l.pause(20 * time.Millisecond); {
		data := l.askFor(l.anyClient(), u.subject, turnsMount+"/creds/turns", map[string][]string{
			"version": {strconv.Itoa(known)}, "wait": {turnsWait.String()},
		})
		if data == nil {
			continue
		}
		if version := told(data).version; version != known {
			known = version
			u.heard.Add(1)
		}
	}
}

// turning demands that invitations are used and waiting reads answered, soon.
func (r *torture) turning(t *testing.T) {
	t.Helper()
	invited, heard := r.turned.invited.Load(), r.turned.heard.Load()
	r.soon(t, "take an invitation", func() bool { return r.turned.invited.Load() > invited })
	r.soon(t, "tell who waits of a swap", func() bool { return r.turned.heard.Load() > heard })
}

// noCredential reports whether the engine says that there is no credential.
func noCredential(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && says(err, "no_credential")
}
