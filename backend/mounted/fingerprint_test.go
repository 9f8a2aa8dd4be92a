package mounted_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// told is all that a refusal says.
func told(t *testing.T, err error) string {
	t.Helper()
	var refusal *backend.Error
	require.ErrorAs(t, err, &refusal)
	return fmt.Sprintf("%s %+v", refusal.Error(), *refusal)
}

func (w *world) creates(t *testing.T, name, authType string) {
	t.Helper()
	require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "fake", AuthType: authType}))
}

func (w *world) swaps(t *testing.T, name string, e backend.Entry) *backend.Stored {
	t.Helper()
	change, err := w.Swaps.Reauth(t.Context(), name, e, backend.Actor{})
	require.NoError(t, err)
	return change.After.Current
}

// Whoever may send guesses to one integration learns nothing of another's credential,
// whatever the upstream says of them.
func TestAFingerprintSaysNothingOfAnotherIntegration(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.creates(t, "victim", "pool")
	w.creates(t, "single", "key")
	w.creates(t, "a", "pool")
	shown := []string{w.swaps(t, "single", entry("mia@example.com", "secret")).Fingerprint}
	victim := w.swaps(t, "victim", pool("secret", "other"))
	shown = append(shown, victim.Fingerprint, victim.Members[0].Fingerprint, victim.Members[1].Fingerprint)

	guesses := pool("guess", "secret", "other")
	for _, outcome := range []providers.Outcome{providers.Unreachable, providers.UpstreamError, providers.RateLimited, providers.Rejected, providers.InsufficientScope} {
		w.upstream.refuses(&providers.Error{Outcome: outcome, Detail: "no", Bad: []providers.BadMember{{Position: 1, Outcome: outcome}, {Position: 2, Outcome: outcome}, {Position: 3, Outcome: outcome}}})
		_, err := w.Swaps.Reauth(t.Context(), "a", guesses, backend.Actor{})
		_, validated := w.Credentials.Validate(t.Context(), "a", guesses)
		for _, fingerprint := range shown {
			assert.NotContains(t, told(t, err), fingerprint, outcome)
			assert.NotContains(t, told(t, validated), fingerprint, outcome)
		}
	}
	w.upstream.answers(nil)
	for _, s := range []*backend.Stored{w.swaps(t, "a", guesses), w.swaps(t, "a", pool("secret", "other")), w.swaps(t, "a", pool("secret"))} {
		for _, m := range append(s.Members, backend.StoredMember{Fingerprint: s.Fingerprint}) {
			assert.NotContains(t, shown, m.Fingerprint)
		}
	}
}

// Nor of the credential in use, while the upstream judges no guess.
func TestATokenThatNobodyJudgedHasNoFingerprint(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "pool")
	inUse := w.reauth(t, pool("secret", "other"))
	w.upstream.refuses(&providers.Error{Outcome: providers.Rejected, Detail: "no", Bad: []providers.BadMember{
		{Position: 1, Outcome: providers.Unreachable}, {Position: 2, Outcome: providers.Rejected}, {Position: 3, Outcome: providers.RateLimited},
	}})
	for _, try := range []func(context.Context) error{
		func(ctx context.Context) error {
			return of(w.Credentials.Validate(ctx, "a", pool("secret", "guess", "other")))
		},
		reauthOf(w, pool("secret", "guess", "other")),
	} {
		err := try(t.Context())
		refusal := requireCode(t, err, string(providers.Rejected))
		for _, m := range inUse.After.Current.Members {
			assert.NotContains(t, told(t, err), m.Fingerprint)
		}
		require.Len(t, refusal.Members, 3)
		assert.Empty(t, refusal.Members[0].Fingerprint)
		assert.Len(t, refusal.Members[1].Fingerprint, 16, "the upstream judged this one")
		assert.Contains(t, refusal.Message, "token 1 (upstream_unreachable), token 2 (fingerprint "+refusal.Members[1].Fingerprint)
	}
}

func reauthOf(w *world, e backend.Entry) func(context.Context) error {
	return func(ctx context.Context) error { return of(w.Swaps.Reauth(ctx, "a", e, backend.Actor{})) }
}

// Whoever may lead an integration to a host of their own cannot test guesses there
// against what was shown before, or will be afterwards.
func TestFingerprintsOfAnotherAddressSayNothing(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	move := func(team string) {
		require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Create: true, Provider: "fake", AuthType: "key", Settings: texts("team", team)}))
	}
	secret := entry("mia@example.com", "secret")
	marks := map[string]string{}
	note := func(when, fingerprint string) {
		assert.Empty(t, marks[fingerprint], when)
		marks[fingerprint] = when
	}
	move("elsewhere")
	before, err := w.Credentials.Validate(t.Context(), "a", secret)
	require.NoError(t, err)
	note("validated elsewhere before", before.After.Current.Fingerprint)
	move("home")
	note("at home", w.swaps(t, "a", secret).Fingerprint)
	_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	move("elsewhere")
	note("forgotten and moved", w.swaps(t, "a", secret).Fingerprint)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	move("home")
	note("made anew", w.swaps(t, "a", secret).Fingerprint)
}

// Within a record a credential keeps its fingerprint: validated, in use, gone back to,
// and under another plugin process.
func TestACredentialKeepsItsFingerprintInItsRecord(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	for range 2 {
		old := entry("mia@example.com", "old")
		tried, err := w.Credentials.Validate(t.Context(), "a", old)
		require.NoError(t, err)
		fingerprint := w.swaps(t, "a", old).Fingerprint
		assert.Equal(t, tried.After.Current.Fingerprint, fingerprint, "validating tells it")
		w.reauth(t, entry("mia@example.com", "new"))
		w = w.restarted()
		back, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, fingerprint, back.After.Current.Fingerprint)
		_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
	}
}

// ofFirstRelease gives what is stored under the key the fingerprints of the first
// release, which knew no salts. It returns that of the text.
func (w *world) ofFirstRelease(t *testing.T, texts ...string) func(text string) string {
	t.Helper()
	key, err := salt.NewSalt(t.Context(), w.storage, nil)
	require.NoError(t, err)
	first := func(text string) string { return key.GetHMAC(text)[:16] }
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	names := []string{`,?"salt":"[0-9a-f]+"`, ""}
	for i, s := range []*backend.Stored{record.Current, record.Previous} {
		if s == nil {
			continue
		}
		names = append(names, s.Fingerprint, first(texts[i]))
		for j, m := range s.Members {
			if len(s.Members) > 1 {
				names = append(names, m.Fingerprint, first(s.Credential.Values("pat")[j].Reveal()))
			}
		}
	}
	for _, key := range []string{"credentials/a", "rotating/a"} {
		entry, err := w.storage.Get(t.Context(), key)
		require.NoError(t, err)
		if entry == nil {
			continue
		}
		for pair := range slices.Chunk(names, 2) {
			entry.Value = regexp.MustCompile(pair[0]).ReplaceAll(entry.Value, []byte(pair[1]))
		}
		require.NotContains(t, string(entry.Value), `"salt"`)
		require.NoError(t, w.storage.Put(t.Context(), entry))
	}
	return first
}

// Tokens keep the fingerprints that the first release gave them: workers report them.
func TestTokensOfTheFirstReleaseKeepTheirFingerprints(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "pool")
	w.reauth(t, pool("one", "two"))
	first := w.ofFirstRelease(t, "one\ntwo")
	w = w.restarted()
	for _, tokens := range [][]string{{"two", "three"}, {"three", "two", "four"}} {
		members := w.reauth(t, pool(tokens...)).After.Current.Members
		for i, token := range tokens {
			if token == "two" {
				assert.Equal(t, first("two"), members[i].Fingerprint)
				w.report(t, backend.Report{Fingerprint: first("two"), StatusCode: 200, Resource: backend.DefaultResource})
				continue
			}
			assert.NotEqual(t, first(token), members[i].Fingerprint)
		}
	}
}

// Nor is a token removed upstream that a rotation of the first release had replaced and
// that somebody went back to.
func TestGoingBackAfterARotationOfTheFirstRelease(t *testing.T) {
	for name, back := range map[string]func(*world) error{
		"rolled back": func(w *world) error { return of(w.Swaps.Rollback(t.Context(), "a", backend.Actor{})) },
		"entered": func(w *world) error {
			return of(w.Swaps.Reauth(t.Context(), "a", backend.Entry{Credential: keyOnly("first-key")}, backend.Actor{}))
		},
		"entered later": func(w *world) error {
			w.bank.living["of a person"] = ""
			for _, key := range []string{"of a person", "first-key"} {
				if _, err := w.Swaps.Reauth(t.Context(), "a", backend.Entry{Credential: keyOnly(key)}, backend.Actor{}); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := rotatingWorld(t, &storage{}, true)
			_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
			require.NoError(t, err)
			w.ofFirstRelease(t, "made-key-1", "first-key")
			w = w.restarted()
			require.NoError(t, back(w))
			for range 2 {
				w.clock.advance(24 * time.Hour)
				sweep := w.Sweeper.Sweep()
				require.NoError(t, sweep.Step(t.Context()))
				sweep.Wait()
			}
			assert.Contains(t, w.bank.living, "first-key")
			assert.Equal(t, "first-key", w.key(t))
			assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
		})
	}
}

// A rotation that the first release had begun is gone on with under the name that it had.
func TestARotationOfTheFirstReleaseIsAdopted(t *testing.T) {
	w := newWorld(&storage{})
	cutOffWorld(t, w)
	w.ofFirstRelease(t, "first-key")
	w = w.restarted()
	change, err := w.Rotations.Resume(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, change)
	assert.Equal(t, "made-key-1", w.key(t))
	again, err := w.restarted().Rotations.Resume(t.Context(), "a")
	require.NoError(t, err)
	assert.Nil(t, again)
	assert.Contains(t, w.bank.living, "made-key-1")
}
