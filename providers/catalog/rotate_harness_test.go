package catalog_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestHarnessEndIsPutOff looks at what is written, and when.
func TestHarnessEndIsPutOff(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	const week = 7 * 24 * time.Hour
	for _, c := range []struct {
		name       string
		from, to   int64
		lengthened int
		life       time.Duration // 0 is for ever
	}{
		{"a token without end needs nothing", at(-week), 0, 0, 0},
		{"nor does a new one", at(0), at(week), 0, week},
		{"an old one lives as long again", at(-week), at(24 * time.Hour), 1, 8 * 24 * time.Hour},
		{"also one that has as long to live still", at(-week), at(week), 1, 2 * week},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := rotatedOnes()["Harness"]
			one.arrange = func(w *catalogtest.World) {
				w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: c.from, ValidTo: c.to, Name: "the robot's"})
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now}))
			assert.Equal(t, c.lengthened, r.made.Renewals().Lengthened)
			assert.True(t, made.ExpiresAt.IsZero(), "it is not told")
			v, err := provider(t, "harness").Validate(t.Context(), r.target, made.Credential)
			require.NoError(t, err)
			if c.life == 0 {
				assert.True(t, v.ExpiresAt.IsZero())
				return
			}
			assert.WithinDuration(t, now.Add(c.life), v.ExpiresAt, time.Second)
		})
	}
	t.Run("a policy may be against it, and nothing is rotated", func(t *testing.T) {
		one := rotatedOnes()["Harness"]
		one.arrange = func(w *catalogtest.World) {
			w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: at(-week), ValidTo: at(time.Hour)})
			w.Harness.SetRules(providertest.RenewalRules{MaxDays: 1})
		}
		r := rotating(t, one)
		_, err := r.by.Rotate(t.Context(), r.target, r.cred, r.prepare(providers.RotationWish{}))
		assert.Equal(t, providers.InsufficientScope, asError(t, err).Outcome)
		assert.Zero(t, r.asked())
	})
	t.Run("a token that was rotated meanwhile is left alone", func(t *testing.T) {
		one := rotatedOnes()["Harness"]
		one.arrange = func(w *catalogtest.World) {
			w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: at(-week), ValidTo: at(time.Hour)})
		}
		r := rotating(t, one)
		prepared := r.prepare(providers.RotationWish{})
		r.rotate(prepared)
		_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
		assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
		assert.Equal(t, 1, r.asked())
	})
}

// TestHarnessRotatesAgain has a lost successor, and one that was refused after the end
// of the token was set.
func TestHarnessRotatesAgain(t *testing.T) {
	for name, fail := range map[string]func(r *rotation, prepared providers.Rotation){
		"the answer was lost": func(r *rotation, prepared providers.Rotation) { r.lose(prepared) },
		"the API key was full": func(r *rotation, prepared providers.Rotation) {
			r.made.SetRules(providertest.RenewalRules{MaxTokens: 1})
			_, err := r.by.Rotate(r.t.Context(), r.target, r.cred, prepared)
			assert.Equal(r.t, providers.UpstreamError, asError(r.t, err).Outcome, "it may have changed something, and has")
			r.made.SetRules(providertest.RenewalRules{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := rotatedOnes()["Harness"]
			one.arrange = func(w *catalogtest.World) {
				w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: time.Now().Add(-time.Hour).UnixMilli(), ValidTo: time.Now().Add(96 * time.Hour).UnixMilli()})
			}
			r := rotating(t, one)
			fail(r, r.prepare(providers.RotationWish{}))
			lives, err := r.by.Recover(t.Context(), r.target, r.cred, nil)
			require.NoError(t, err)
			require.True(t, lives)
			v, err := provider(t, "harness").Validate(t.Context(), r.target, r.cred)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(time.Hour), v.ExpiresAt, time.Minute, "its check tells that it ends soon")
			// A day later it is old: its successor is to live for 97 hours, as it was to itself.
			prepared := r.prepare(providers.RotationWish{Now: time.Now().Add(25 * time.Hour)})
			assert.Regexp(t, `^rotated_[A-Za-z]{15}$`, prepared["identifier"])
			r.changes = prepared["identifier"]
			made := r.rotate(prepared)
			v, err = provider(t, "harness").Validate(t.Context(), r.target, made.Credential)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(122*time.Hour), v.ExpiresAt, time.Minute)
		})
	}
}

// TestHarnessNames are what a rotation needs of a check.
func TestHarnessNames(t *testing.T) {
	good := map[string]any{
		"valid": true, "accountIdentifier": harnesstest.DefaultHarnessAccount, "email": email, "identifier": "token", "name": "token",
		"apiKeyIdentifier": "key", "parentIdentifier": "mia", "apiKeyType": "USER", "validTo": 0,
	}
	for _, c := range []struct {
		name, value string
		want        providers.Outcome
	}{
		{"apiKeyType", "SSH_KEY", providers.InvalidField},
		{"apiKeyType", "", providers.InvalidField},
		{"identifier", "", providers.UpstreamError},
		{"identifier", "..", providers.UpstreamError},
		{"identifier", "a/b", providers.UpstreamError},
		{"apiKeyIdentifier", "", providers.UpstreamError},
		{"parentIdentifier", "", providers.UpstreamError},
		{"name", "another", ""},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			r := rotating(t, rotatedOnes()["Harness"])
			data := maps.Clone(good)
			data[c.name] = c.value
			body, err := json.Marshal(map[string]any{"status": "SUCCESS", "data": data})
			require.NoError(t, err)
			r.made.Behave(providertest.Fault{Path: "/validate", Status: http.StatusOK, Body: string(body)})
			_, err = r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, c.want, asError(t, err).Outcome)
		})
	}
}

// TestHarnessEndNotPutOff breaks the request that puts off the end: nothing is rotated.
func TestHarnessEndNotPutOff(t *testing.T) {
	for _, fault := range []string{"reset", "server_error", "redirect", "login_page", "empty_object", "unauthorized_empty", "rate_limited"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			one := rotatedOnes()["Harness"]
			one.arrange = func(w *catalogtest.World) {
				w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, Identifier: "mine", ValidFrom: 1, ValidTo: time.Now().Add(time.Hour).UnixMilli()})
			}
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			f, _ := providertest.NamedFault(fault, catalogtest.ElsewhereURL)
			f.Path, f.Times = "/ng/api/token/mine", 1
			r.made.Behave(f)
			_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
			require.Error(t, err)
			wellFormed(t, asError(t, err))
			assert.Equal(t, providertest.Renewals{}, r.made.Renewals())
		})
	}
}
