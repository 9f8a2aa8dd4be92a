package mounted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/providers"
)

// health is what is known of "a".
func (w *world) health(t *testing.T) health.Health {
	t.Helper()
	assessed, err := w.Watch.Health(t.Context(), "a")
	require.NoError(t, err)
	return assessed.Health
}

// check asks the upstream about "a" now. It is for bubbles: a rejection is looked at
// again after a pause.
func (w *world) check(t *testing.T) health.Health {
	t.Helper()
	assessed, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	return assessed.Health
}

// withKey has integration "a" with a key that ends after life, 0 for never.
func withKey(t *testing.T, w *world, life time.Duration) {
	t.Helper()
	w.create(t, "a", "key")
	e := entry("mia@example.com", "k1")
	if life > 0 {
		e.ExpiresAt = w.clock.now().Add(life)
	}
	w.reauth(t, e)
}

// tokens answer for the tokens of a pool, each by itself; those that are not in it are
// good.
type tokens map[string]providers.Outcome

func (f tokens) answer(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
	var v providers.Verified
	for _, token := range cred.Values("pat") {
		if o, bad := f[token.Reveal()]; bad {
			return providers.Verified{}, failure(o)
		}
		v.Members = append(v.Members, providers.Member{Identity: "user-" + token.Reveal(), AccountID: "id-" + token.Reveal()})
	}
	return v, nil
}

func withPool(t *testing.T, w *world, names ...string) *backend.Change {
	t.Helper()
	w.create(t, "a", "pool")
	w.upstream.answers(tokens{}.answer)
	return w.reauth(t, pool(names...))
}

func TestWhatACheckMakesOfEachOutcome(t *testing.T) {
	for outcome, status := range map[providers.Outcome]backend.Status{
		providers.Rejected:          backend.StatusNeedsReauth,
		providers.IdentityMismatch:  backend.StatusDegraded,
		providers.InsufficientScope: backend.StatusDegraded,
		providers.SSORequired:       backend.StatusDegraded,
		providers.CaptchaRequired:   backend.StatusDegraded,
		providers.AccountBlocked:    backend.StatusDegraded,
		providers.InvalidField:      backend.StatusDegraded,
		providers.RateLimited:       backend.StatusDegraded,
		providers.Unreachable:       backend.StatusUnreachable,
		providers.UpstreamError:     backend.StatusUnreachable,
		providers.AddressNotAllowed: backend.StatusUnreachable,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				withKey(t, w, 0)
				verified := time.Now().UTC()
				assert.Equal(t, health.Health{Status: backend.StatusHealthy, CheckedAt: verified, Since: verified}, w.health(t))
				time.Sleep(time.Hour)
				w.upstream.refuses(failure(outcome))
				h := w.check(t)
				assert.Equal(t, status, h.Status)
				assert.Equal(t, string(outcome), h.Code)
				assert.Contains(t, h.Message, "as the test wants")
				assert.Equal(t, time.Now().UTC(), h.Since.UTC())
				assert.Equal(t, time.Now().UTC(), h.CheckedAt.UTC())
				assert.Equal(t, h, w.restarted().health(t), "it is stored")
				sent := w.events.of(backend.EventHealthChanged)
				assert.Empty(t, sent, "nobody has seen it healthy")

				time.Sleep(time.Hour)
				w.upstream.answers(nil)
				h = w.check(t)
				assert.Equal(t, backend.StatusHealthy, h.Status)
				assert.Empty(t, h.Code)
				assert.Empty(t, h.Message)
				assert.Equal(t, time.Now().UTC(), h.Since.UTC())
				sent = w.events.of(backend.EventHealthChanged)
				require.Len(t, sent, 1)
				assert.Equal(t, backend.Event{Type: backend.EventHealthChanged, Integration: "a", Provider: "fake", Version: 1, Status: backend.StatusHealthy}, sent[0])
			})
		})
	}
}

// A check that could not tell does not take back what one before it could.
func TestCouldNotTellTakesNoVerdictBack(t *testing.T) {
	for _, blind := range []providers.Outcome{providers.Unreachable, providers.UpstreamError, providers.RateLimited, providers.AddressNotAllowed} {
		for _, known := range []providers.Outcome{providers.Rejected, providers.InsufficientScope} {
			t.Run(fmt.Sprintf("%s after %s", blind, known), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := sleepy(&storage{})
					withKey(t, w, 0)
					w.upstream.refuses(failure(known))
					before := w.check(t)
					w.upstream.refuses(failure(blind))
					after := w.check(t)
					assert.Equal(t, before.Status, after.Status)
					assert.Equal(t, before.Code, after.Code)
					assert.Equal(t, before.Since, after.Since)
					w.upstream.answers(nil)
					assert.Equal(t, backend.StatusHealthy, w.check(t).Status)
				})
				synctest.Test(t, func(t *testing.T) {
					w := sleepy(&storage{})
					withPool(t, w, "one", "two")
					w.upstream.answers(tokens{"two": known}.answer)
					before := w.check(t)
					w.upstream.answers(tokens{"two": blind}.answer)
					after := w.check(t)
					for i := range after.Members {
						after.Members[i].Quotas = nil // of which a limit says something
					}
					assert.Equal(t, before.Members, after.Members)
					assert.Equal(t, before.Code, after.Code)
					assert.Equal(t, string(known), after.Code)
				})
			})
		}
	}
}

func TestSinceIsOfTheStatusNotOfTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		withKey(t, w, 0)
		w.upstream.refuses(failure(providers.Unreachable))
		before := w.check(t)
		time.Sleep(time.Hour)
		w.upstream.refuses(failure(providers.UpstreamError))
		after := w.check(t)
		assert.Equal(t, string(providers.UpstreamError), after.Code)
		assert.Equal(t, before.Since.UTC(), after.Since.UTC())
	})
}

func TestWithoutACredential(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	h := w.health(t)
	assert.Equal(t, backend.StatusNeedsReauth, h.Status)
	assert.Equal(t, backend.CodeNoCredential, h.Code)
	assert.Contains(t, h.Message, "reauth/a")
	assert.Zero(t, h.Since)
	assert.Equal(t, h, w.check(t), "nothing is sent")
	w.reauth(t, entry("mia@example.com", "k1"))
	w.clock.advance(time.Hour)
	_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, w.clock.now(), w.health(t).Since)
}

func TestWhatCannotBeChecked(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "app")
	w.upstream.refuses(failure(providers.Rejected))
	assert.Equal(t, health.Health{Status: backend.StatusNotChecked}, w.check(t))
}

func TestExpiring(t *testing.T) {
	w := newWorld(&storage{})
	withKey(t, w, 30*24*time.Hour)
	end := w.clock.now().Add(30 * 24 * time.Hour)
	assert.Equal(t, end, w.health(t).ExpiresAt)
	w.clock.advance(16*24*time.Hour - time.Second)
	assert.Equal(t, backend.StatusHealthy, w.health(t).Status)
	w.clock.advance(time.Second)
	h := w.health(t)
	assert.Equal(t, backend.StatusExpiring, h.Status)
	assert.Equal(t, w.clock.now(), h.Since)
	assert.Contains(t, h.Message, end.Format(time.RFC3339))
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"expiry_warning": 3600}}))
	assert.Equal(t, backend.StatusHealthy, w.health(t).Status)
}

// What has ended needs no answer of the upstream to be known.
func TestEnded(t *testing.T) {
	w := newWorld(&storage{})
	end := w.clock.now().Add(30*24*time.Hour + 17*time.Second).UTC()
	w.create(t, "a", "key")
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia", AccountID: "1", ExpiresAt: end}, nil
	})
	w.reauth(t, entry("mia@example.com", "k1"))
	w.clock.advance(end.Sub(w.clock.now()) - time.Second)
	assert.Equal(t, backend.StatusExpiring, w.health(t).Status)
	w.clock.advance(time.Second)
	h := w.health(t)
	assert.Equal(t, backend.StatusNeedsReauth, h.Status)
	assert.Equal(t, "credential_rejected", h.Code)
	assert.Equal(t, end, h.Since)
	assert.Contains(t, h.Message, "reauth/a")
	w.upstream.refuses(failure(providers.Unreachable))
	assert.Equal(t, backend.StatusNeedsReauth, w.check(t).Status, "it has ended all the same")
}

// An end that a person entered can be wrong. Once a check has shown that, neither an
// outage nor a restart makes it right again.
func TestAnEnteredEndThatACheckContradicts(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	withKey(t, w, time.Hour)
	w.clock.advance(2 * time.Hour)
	assert.Equal(t, backend.StatusNeedsReauth, w.health(t).Status)
	h := w.check(t)
	assert.Equal(t, backend.StatusExpiring, h.Status)
	assert.Contains(t, h.Message, "still takes")
	store.reset(nil)
	w.check(t)
	assert.Empty(t, store.made(), "it is stored once")
	w = w.restarted()
	assert.Equal(t, backend.StatusExpiring, w.health(t).Status)
	w.upstream.refuses(failure(providers.UpstreamError))
	assert.Equal(t, backend.StatusUnreachable, w.check(t).Status)
	w.upstream.answers(nil)
	assert.Equal(t, backend.StatusExpiring, w.restarted().check(t).Status)
}

func TestARefusedRefreshNeedsAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(50 * time.Minute)
		w.server.fails(failure(providers.Rejected))
		assessed, err := w.Watch.Check(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Status)
		assert.Equal(t, "credential_rejected", assessed.Health.Code)
		assert.Equal(t, w.clock.now(), assessed.Health.Since)
		assert.Contains(t, assessed.Health.Message, "oauth/authorize/app")
		w.server.fails(nil)
		w.consent(t)
		assert.Equal(t, backend.StatusHealthy, w.status(t, "app"))
	})
}

// The check of an access token renews it; a token server that is down says nothing of
// the credential.
func TestTheCheckOfAnAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(2 * time.Hour)
		w.server.fails(failure(providers.Unreachable))
		assessed, err := w.Watch.Check(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusUnreachable, assessed.Health.Status)
		w.server.fails(nil)
		w.clock.advance(time.Minute)
		assessed, err = w.Watch.Check(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusHealthy, assessed.Health.Status)
		assert.Equal(t, "access-2", w.token(t))
		assert.Equal(t, "health/app", assessed.Record.History[0].Via)
		w.upstream.refuses(failure(providers.Rejected))
		assessed, err = w.Watch.Check(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Status)
	})
}

func TestAPoolIsAsGoodAsItsTokens(t *testing.T) {
	const rejected, scope, limited, away = providers.Rejected, providers.InsufficientScope, providers.RateLimited, providers.UpstreamError
	for name, c := range map[string]struct {
		upstream tokens
		status   backend.Status
		code     providers.Outcome
		named    []string
		replace  bool
	}{
		"all good":           {tokens{}, backend.StatusHealthy, "", nil, false},
		"one rejected":       {tokens{"two": rejected}, backend.StatusDegraded, rejected, []string{"token 2", "user-two"}, true},
		"one without rights": {tokens{"two": scope}, backend.StatusDegraded, scope, []string{"token 2"}, true},
		"one limited":        {tokens{"two": limited}, backend.StatusDegraded, limited, []string{"token 2"}, false},
		"one unreachable":    {tokens{"two": away}, backend.StatusUnreachable, away, []string{"token 2"}, false},
		"the worst counts":   {tokens{"one": limited, "two": away, "three": rejected}, backend.StatusDegraded, rejected, []string{"token 1", "token 3"}, true},
		"all dead":           {tokens{"one": rejected, "two": rejected, "three": rejected}, backend.StatusNeedsReauth, rejected, []string{"token 1", "token 2", "token 3"}, true},
		"two dead, one away": {tokens{"one": rejected, "two": away, "three": rejected}, backend.StatusDegraded, rejected, []string{"token 1", "token 3"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				change := withPool(t, w, "one", "two", "three")
				w.upstream.answers(c.upstream.answer)
				h := w.check(t)
				assert.Equal(t, c.status, h.Status)
				assert.Equal(t, string(c.code), h.Code)
				for _, named := range c.named {
					assert.Contains(t, h.Message, named)
				}
				if c.replace {
					assert.Contains(t, h.Message, "reauth/a")
				} else {
					assert.NotContains(t, h.Message, "reauth/a")
				}
				require.Len(t, h.Members, 3)
				for i, m := range h.Members {
					assert.Equal(t, i+1, m.Position)
					assert.Equal(t, change.After.Current.Members[i].Fingerprint, m.Fingerprint)
				}
				for i := range h.Members {
					h.Members[i].Quotas = nil // which are kept in memory
				}
				assert.Equal(t, h, w.restarted().health(t))
			})
		})
	}
}

// The time limit of each token in turn would be too long for whoever waits.
func TestAPoolWhoseHostIsAwayIsAskedAboutOnce(t *testing.T) {
	w := newWorld(&storage{})
	withPool(t, w, "one", "two", "three")
	asked := 0
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		asked++
		return providers.Verified{}, failure(providers.Unreachable)
	})
	h := w.check(t)
	assert.Equal(t, 1, asked)
	for _, m := range h.Members {
		assert.Equal(t, backend.StatusUnreachable, m.Status)
	}
}

func TestTheEndsOfAPool(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "pool")
	begun := w.clock.now()
	ends := map[string]time.Time{"one": begun.Add(10 * 24 * time.Hour), "two": begun.Add(90 * 24 * time.Hour)}
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		var v providers.Verified
		for _, token := range cred.Values("pat") {
			v.Members = append(v.Members, providers.Member{Identity: token.Reveal(), AccountID: token.Reveal(), ExpiresAt: ends[token.Reveal()]})
		}
		v.ExpiresAt = ends["one"]
		return v, nil
	})
	w.reauth(t, pool("one", "two"))
	h := w.health(t)
	assert.Equal(t, backend.StatusExpiring, h.Status)
	assert.Contains(t, h.Message, "token 1")
	assert.NotContains(t, h.Message, "token 2")
	w.clock.advance(10 * 24 * time.Hour)
	w.upstream.answers(tokens{"one": providers.UpstreamError}.answer)
	assert.Equal(t, backend.StatusDegraded, w.check(t).Status, "it has ended, whoever cannot be asked")
	assert.Equal(t, "credential_rejected", w.health(t).Members[0].Code)
	w.upstream.answers(tokens{}.answer)
	h = w.check(t)
	assert.Equal(t, backend.StatusExpiring, h.Status, "the upstream takes it all the same")
	w.upstream.answers(tokens{"one": providers.UpstreamError}.answer)
	assert.Equal(t, backend.StatusUnreachable, w.check(t).Status, "and that is remembered")
}

func TestAPoolWhoseQuotasAreSpent(t *testing.T) {
	w := newWorld(&storage{})
	change := withPool(t, w, "one", "two")
	none := int64(0)
	for i, m := range change.After.Current.Members {
		assert.Equal(t, backend.StatusHealthy, w.health(t).Status, "%d spent", i)
		require.NoError(t, w.Handouts.Report(t.Context(), "a", backend.Report{
			Fingerprint: m.Fingerprint, Remaining: &none, ResetAt: w.clock.now().Add(time.Hour), Resource: backend.DefaultResource,
		}))
	}
	h := w.health(t)
	assert.Equal(t, backend.StatusDegraded, h.Status)
	assert.Equal(t, "upstream_rate_limited", h.Code)
	w.clock.advance(time.Hour)
	assert.Equal(t, backend.StatusHealthy, w.health(t).Status)
}

// A finding of an older version says nothing of the new one.
func TestHealthyRightAfterReauth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		withKey(t, w, 0)
		w.check(t) // so that it was seen healthy
		w.upstream.refuses(failure(providers.Rejected))
		w.check(t)
		w.upstream.answers(nil)
		change := w.reauth(t, entry("mia@example.com", "k2"))
		assessed := w.Watch.Swapped(t.Context(), change)
		require.Len(t, assessed, 1)
		assert.Equal(t, backend.StatusHealthy, assessed[0].Health.Status)
		assert.Equal(t, assessed[0].Health, w.health(t))
		assert.Equal(t, backend.StatusHealthy, w.restarted().health(t).Status)
		var told []backend.Status
		for _, e := range w.events.of(backend.EventHealthChanged) {
			told = append(told, e.Status)
		}
		assert.Equal(t, []backend.Status{backend.StatusNeedsReauth, backend.StatusHealthy}, told)

		// The suspicion of an old credential is none of the new one.
		spurious := 1
		w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
			if spurious--; spurious >= 0 {
				return providers.Verified{}, failure(providers.Rejected)
			}
			return providers.Verified{}, nil
		})
		assert.Equal(t, backend.StatusHealthy, w.check(t).Status)
	})
}

// Statuses has the worst last and misses none.
func TestStatuses(t *testing.T) {
	all := backend.Statuses()
	assert.Len(t, all, 6)
	for _, s := range all {
		assert.Equal(t, s == backend.StatusNeedsReauth || s == backend.StatusDegraded, s.NeedsPerson())
	}
}
