package providers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/providertest"
)

// renewable is a fake whose tokens can have successors made.
type renewable interface {
	providertest.Fake
	Living(account string) []string
	Renewals() providertest.Renewals
	SetClock(now func() time.Time)
	SetRules(rules providertest.RenewalRules)
}

// rotated is a credential that can be rotated, and where.
type rotated struct {
	provider, account string
	arrange           func(w *providertest.World)
	fake              func(w *providertest.World) renewable
	target            providers.Target
	cred              providers.Credential
	field             string // of the token
	// changes ends the path of the request that makes the successor.
	changes string
	// overlaps is whether the token before stays alive.
	overlaps bool
}

// Tokens that the fakes know in these tests.
const (
	gitlabToken  = "glpat-aTokenOfMiaAtGitLab"
	harnessToken = "pat." + providertest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfMiaAtHarness"
	harnessSAT   = "sat." + providertest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfAServiceAccount"
	sonarToken   = "squ_aTokenOfMiaAtSonarQube"
)

func rotatedOnes() map[string]rotated {
	harnessTarget := providers.Target{URL: providertest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", providertest.DefaultHarnessAccount)}
	sonar := func(url string, fake func(w *providertest.World) *providertest.SonarQube) rotated {
		return rotated{
			provider: "sonarqube", account: "mia", field: "api_key", changes: "/api/user_tokens/generate", overlaps: true,
			arrange: func(w *providertest.World) { fake(w).AddToken("mia", sonarToken) },
			fake:    func(w *providertest.World) renewable { return fake(w) },
			target:  providers.Target{URL: url, AuthType: "api_key"},
			cred:    secrets("username", "mia", "api_key", sonarToken),
		}
	}
	return map[string]rotated{
		"GitLab": {
			provider: "gitlab", account: "mia", field: "pat", changes: "/personal_access_tokens/self/rotate",
			arrange: func(w *providertest.World) { w.GitLab.AddToken("mia", gitlabToken, "read_api", "self_rotate") },
			fake:    func(w *providertest.World) renewable { return w.GitLab },
			target:  providers.Target{URL: providertest.GitLabURL, AuthType: "pat"}, cred: secrets("pat", gitlabToken),
		},
		"Harness": {
			provider: "harness", account: email, field: "api_key", changes: "/token", overlaps: true,
			arrange: func(w *providertest.World) { w.Harness.AddToken(email, harnessToken) },
			fake:    func(w *providertest.World) renewable { return w.Harness },
			target:  harnessTarget, cred: secrets("email", email, "api_key", harnessToken),
		},
		"a service account of Harness": {
			provider: "harness", account: "bot@service.harness.io", field: "api_key", changes: "/robot", overlaps: true,
			arrange: func(w *providertest.World) {
				w.Harness.Add(providertest.HarnessToken{Token: harnessSAT, Email: "bot@service.harness.io", ServiceAccount: true, Org: "acme", Project: "web", Identifier: "robot"})
			},
			fake:   func(w *providertest.World) renewable { return w.Harness },
			target: harnessTarget, cred: secrets("email", "bot@service.harness.io", "api_key", harnessSAT),
		},
		"SonarQube":       sonar(providertest.SonarQubeURL, func(w *providertest.World) *providertest.SonarQube { return w.SonarQube }),
		"an old one":      sonar(providertest.SonarQubeOldURL, func(w *providertest.World) *providertest.SonarQube { return w.SonarQubeOld }),
		"SonarQube Cloud": sonar(providertest.SonarQubeCloudURL, func(w *providertest.World) *providertest.SonarQube { return w.SonarQubeCloud }),
	}
}

// rotation is one under way.
type rotation struct {
	rotated
	t      *testing.T
	world  *providertest.World
	target providers.Target
	by     providers.Rotator
	made   renewable
}

func rotating(t *testing.T, r rotated) *rotation {
	t.Helper()
	w := newWorld(t)
	r.arrange(w)
	by, ok := provider(t, r.provider).(providers.Rotator)
	require.True(t, ok)
	assert.Empty(t, by.RotationUnsupported(r.target))
	return &rotation{rotated: r, t: t, world: w, target: w.Wire(r.target), by: by, made: r.fake(w)}
}

func (r *rotation) prepare(want providers.RotationWish) providers.Rotation {
	r.t.Helper()
	prepared, err := r.by.Prepare(r.t.Context(), r.target, r.cred, wishing(want))
	require.NoError(r.t, err)
	return prepared
}

func wishing(want providers.RotationWish) providers.RotationWish {
	if want.Now.IsZero() {
		want.Now = time.Now()
	}
	if want.Overlap == 0 {
		want.Overlap = time.Hour
	}
	return want
}

func (r *rotation) rotate(prepared providers.Rotation) providers.Successor {
	r.t.Helper()
	made, err := r.by.Rotate(r.t.Context(), r.target, r.cred, prepared)
	require.NoError(r.t, err)
	return made
}

// lose rotates while answers do not come back.
func (r *rotation) lose(prepared providers.Rotation) {
	r.t.Helper()
	fault, _ := providertest.NamedFault("late", "")
	fault.Path, fault.Times = r.changes, 1
	r.made.Behave(fault)
	target := r.target
	target.Timeout = 400 * time.Millisecond
	made, err := r.by.Rotate(r.t.Context(), target, r.cred, prepared)
	r.made.Behave(providertest.Fault{})
	require.Error(r.t, err)
	assert.Zero(r.t, made)
	assert.Equal(r.t, providers.Unreachable, asError(r.t, err).Outcome)
	assert.Equal(r.t, 1, r.made.Renewals().Made, "it was carried out")
}

// asked is how often a successor was asked for, on whatever path.
func (r *rotation) asked() int {
	n := 0
	for _, req := range r.made.Requests() {
		if req.Method == http.MethodPost && strings.HasSuffix(req.Path, r.changes) {
			n++
		}
	}
	return n
}

func (r *rotation) validates(cred providers.Credential) error {
	_, err := provider(r.t, r.provider).Validate(r.t.Context(), r.target, cred)
	return err
}

func TestRotation(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			assert.Equal(t, one.overlaps, r.by.Overlaps())
			prepared := r.prepare(providers.RotationWish{})
			for _, req := range r.made.Requests() {
				assert.True(t, req.Method == "GET" || strings.HasSuffix(req.Path, "/token/validate"), "only questions before")
			}
			made := r.rotate(prepared)
			assert.Equal(t, 1, r.asked())
			assert.Equal(t, one.cred.Fields(), made.Credential.Fields())
			assert.NotEqual(t, one.cred.Value(one.field).Reveal(), made.Credential.Value(one.field).Reveal())
			require.NoError(t, r.validates(made.Credential))
			assert.Equal(t, one.overlaps, r.validates(one.cred) == nil)
			require.NoError(t, r.by.Finish(t.Context(), r.target, made.Credential, prepared))
			require.NoError(t, r.by.Finish(t.Context(), r.target, made.Credential, prepared), "again")
			assert.Equal(t, one.overlaps, r.validates(one.cred) == nil, "what a person entered is left alone")
			assert.Contains(t, r.made.Living(one.account), made.Credential.Value(one.field).Reveal())
			assert.Zero(t, r.made.Renewals().Revoked)
			assert.Zero(t, r.made.Renewals().FamiliesRevoked)
			stored, err := json.Marshal(prepared)
			require.NoError(t, err)
			for _, form := range append(formsOf(one.cred), formsOf(made.Credential)...) {
				assert.NotContains(t, string(stored)+fmt.Sprintf("%v %+v %#v", made, made, made), form)
			}
		})
	}
}

// TestRotationAgain goes on for years: the life of no successor shrinks.
func TestRotationAgain(t *testing.T) {
	begin := time.Now().UTC().Truncate(24 * time.Hour)
	const life = 60 * 24 * time.Hour
	for name, arrange := range map[string]func(w *providertest.World){
		"GitLab": func(w *providertest.World) {
			w.GitLab.Add(providertest.GitLabToken{Token: gitlabToken, Username: "mia", Scopes: []string{"api"}, Created: begin.Format(time.RFC3339), Expires: begin.Add(life).Format(time.DateOnly)})
		},
		"Harness": func(w *providertest.World) {
			w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: begin.UnixMilli(), ValidTo: begin.Add(life).UnixMilli()})
		},
		"SonarQube": func(w *providertest.World) {
			w.SonarQube.Add(providertest.SonarQubeToken{Token: sonarToken, Login: "mia", Created: begin.Format("2006-01-02T15:04:05-0700"), Expires: begin.Add(life).Format("2006-01-02T15:04:05-0700")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := rotatedOnes()[name]
			one.arrange = arrange
			r, now := rotating(t, one), begin
			r.made.SetClock(func() time.Time { return now })
			var before providers.Rotation
			for range 20 {
				now = now.Add(45 * 24 * time.Hour)
				prepared := r.prepare(providers.RotationWish{Now: now, Made: before})
				made := r.rotate(prepared)
				v, err := provider(t, r.provider).Validate(t.Context(), r.target, made.Credential)
				require.NoError(t, err)
				assert.InDelta(t, life.Hours(), v.ExpiresAt.Sub(now).Hours(), 24)
				if !made.ExpiresAt.IsZero() {
					assert.Equal(t, v.ExpiresAt, made.ExpiresAt)
				}
				require.NoError(t, r.by.Finish(t.Context(), r.target, made.Credential, prepared))
				r.cred, before = made.Credential, prepared
			}
			now = now.Add(24 * time.Hour)
			assert.Equal(t, []string{r.cred.Value(r.field).Reveal()}, r.made.Living(r.account), "nothing is left behind")
			assert.Equal(t, 20, r.made.Renewals().Made)
		})
	}
}

func TestRotationLife(t *testing.T) {
	now := time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)
	days := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	cases := []struct {
		name, created, expires string
		wish                   time.Duration
		want                   string
	}{
		{"as long as the one before", "2095-12-01T23:00:00Z", "2096-03-10", 0, days(100)},
		{"a year where it had no end", "2095-12-01T23:00:00Z", "", 0, days(365)},
		{"a year at most", "2094-12-01T23:00:00Z", "2096-03-10", 0, days(365)},
		{"two days at least", "2096-03-01T01:00:00Z", "2096-03-02", 0, days(2)},
		{"as wished", "2095-12-01T23:00:00Z", "2096-03-10", 30 * 24 * time.Hour, days(30)},
		{"whole days", "2095-12-01T23:00:00Z", "2096-03-10", 30*24*time.Hour - time.Minute, days(30)},
		{"a year where the beginning is not told", "yesterday", "2096-03-10", 0, days(365)},
	}
	for _, c := range cases {
		t.Run("GitLab: "+c.name, func(t *testing.T) {
			one := rotatedOnes()["GitLab"]
			one.arrange = func(w *providertest.World) {
				w.GitLab.SetClock(func() time.Time { return now })
				w.GitLab.Add(providertest.GitLabToken{Token: gitlabToken, Username: "mia", Scopes: []string{"api"}, Created: c.created, Expires: c.expires})
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now, Lifetime: c.wish}))
			assert.Equal(t, c.want, made.ExpiresAt.Format(time.DateOnly))
		})
	}
	at := func(days int) string { return now.AddDate(0, 0, days).Format("2006-01-02T15:04:05-0700") }
	for _, c := range []struct {
		name   string
		tokens []providertest.SonarQubeToken // the first is in use
		wish   time.Duration
		want   string
	}{
		{"no end", []providertest.SonarQubeToken{{}}, 0, ""},
		{"as long as the one before", []providertest.SonarQubeToken{{Created: at(-80), Expires: at(20)}}, 0, days(100)},
		{"the shortest of several that end together", []providertest.SonarQubeToken{{Created: at(-80), Expires: at(20)}, {Created: at(-10), Expires: at(20)}, {Created: at(-1), Expires: at(2)}}, 0, days(30)},
		{"90 days where it does not tell since when it lives", []providertest.SonarQubeToken{{Created: "x", Expires: at(20)}}, 0, days(90)},
		{"as wished", []providertest.SonarQubeToken{{Created: at(-80), Expires: at(20)}}, 30 * 24 * time.Hour, days(30)},
		{"two days at least", []providertest.SonarQubeToken{{Created: at(-80), Expires: at(20)}}, time.Hour, days(2)},
	} {
		t.Run("SonarQube: "+c.name, func(t *testing.T) {
			one := rotatedOnes()["SonarQube"]
			one.arrange = func(w *providertest.World) {
				w.SonarQube.SetClock(func() time.Time { return now })
				for i, token := range c.tokens {
					token.Login, token.Token = "mia", sonarToken+strings.Repeat("x", i)
					w.SonarQube.Add(token)
				}
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now, Lifetime: c.wish}))
			if c.want == "" {
				assert.True(t, made.ExpiresAt.IsZero())
				return
			}
			assert.Equal(t, c.want, made.ExpiresAt.Format(time.DateOnly))
		})
	}
}

// TestHarnessEndIsPutOff looks at what is written, and when.
func TestHarnessEndIsPutOff(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	const week = 7 * 24 * time.Hour
	for _, c := range []struct {
		name       string
		from, to   int64
		wish       time.Duration
		lengthened int
		life       time.Duration // 0 is for ever
	}{
		{"a token without end needs nothing", at(-week), 0, 0, 0, 0},
		{"nor does a new one", at(0), at(week), 0, 0, week},
		{"an old one lives as long again", at(-week), at(24 * time.Hour), 0, 1, 8 * 24 * time.Hour},
		{"or as wished", at(-week), at(24 * time.Hour), 3 * week, 1, 3 * week},
		{"but is never made to end sooner", at(-week), at(week), 24 * time.Hour, 0, week},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := rotatedOnes()["Harness"]
			one.arrange = func(w *providertest.World) {
				w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: c.from, ValidTo: c.to, Name: "the robot's"})
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now, Lifetime: c.wish}))
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
		one.arrange = func(w *providertest.World) {
			w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: at(-week), ValidTo: at(time.Hour)})
			w.Harness.SetRules(providertest.RenewalRules{MaxDays: 1})
		}
		r := rotating(t, one)
		_, err := r.by.Rotate(t.Context(), r.target, r.cred, r.prepare(providers.RotationWish{}))
		assert.Equal(t, providers.InsufficientScope, asError(t, err).Outcome)
		assert.Zero(t, r.asked())
	})
	t.Run("a token that was rotated meanwhile is left alone", func(t *testing.T) {
		one := rotatedOnes()["Harness"]
		one.arrange = func(w *providertest.World) {
			w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: at(-week), ValidTo: at(time.Hour)})
		}
		r := rotating(t, one)
		prepared := r.prepare(providers.RotationWish{})
		r.rotate(prepared)
		_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
		assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
		assert.Equal(t, 1, r.asked())
	})
}

// TestRotationOverlap waits for its end.
func TestRotationOverlap(t *testing.T) {
	now := time.Now()
	r := rotating(t, rotatedOnes()["Harness"])
	r.made.SetClock(func() time.Time { return now })
	made := r.rotate(r.prepare(providers.RotationWish{Now: now, Overlap: 2 * time.Hour}))
	v, err := provider(t, "harness").Validate(t.Context(), r.target, r.cred)
	require.NoError(t, err)
	assert.WithinDuration(t, now.Add(2*time.Hour), v.ExpiresAt, time.Second)
	assert.Len(t, r.made.Living(email), 2)
	now = now.Add(2 * time.Hour)
	assert.Equal(t, providers.Rejected, asError(t, r.validates(r.cred)).Outcome)
	require.NoError(t, r.validates(made.Credential))
	assert.Len(t, r.made.Living(email), 1)
}

// refusedRotation is a state of the upstream and how Prepare or Rotate must fail.
type refusedRotation struct {
	name, of string
	arrange  func(w *providertest.World)
	// between comes after Prepare; where nil, Prepare must fail.
	between func(w *providertest.World)
	want    providers.Outcome
	missing string
	says    string
}

func refusedRotations() []refusedRotation {
	gitlab := func(token providertest.GitLabToken) func(w *providertest.World) {
		token.Token, token.Username = gitlabToken, "mia"
		return func(w *providertest.World) { w.GitLab.Add(token) }
	}
	rules := func(of func(w *providertest.World) renewable, rules providertest.RenewalRules) func(w *providertest.World) {
		return func(w *providertest.World) { of(w).SetRules(rules) }
	}
	all := rotatedOnes()
	legacy := []string{"api"}
	known, harness, sonar := all["GitLab"], all["Harness"], all["SonarQube"]
	return []refusedRotation{
		{"a token without the scope", "GitLab", gitlab(providertest.GitLabToken{Scopes: []string{"read_api"}}), nil, providers.InsufficientScope, "self_rotate", "self_rotate"},
		{
			"a fine-grained token without the permission", "GitLab", gitlab(providertest.GitLabToken{FineGrained: true, Permissions: []string{"read_personal_access_token"}}), nil,
			providers.InsufficientScope, "rotate_personal_access_token", "rotate_personal_access_token",
		},
		{"a token that has been revoked", "GitLab", gitlab(providertest.GitLabToken{Scopes: legacy, Is: "revoked"}), nil, providers.Rejected, "", "revoked"},
		{"an OAuth token", "GitLab", gitlab(providertest.GitLabToken{Scopes: legacy, Is: "oauth"}), nil, providers.InvalidField, "", "OAuth"},
		{"a blocked account", "GitLab", gitlab(providertest.GitLabToken{Scopes: legacy, Is: "blocked"}), nil, providers.AccountBlocked, "", "blocked"},
		{"an account blocked meanwhile", "GitLab", known.arrange, gitlab(providertest.GitLabToken{Scopes: legacy, Is: "blocked"}), providers.AccountBlocked, "", "blocked"},
		{"a token that expired meanwhile", "GitLab", known.arrange, gitlab(providertest.GitLabToken{Scopes: legacy, Is: "expired"}), providers.Rejected, "", "expired"},
		{"a kind that cannot", "GitLab", known.arrange, gitlab(providertest.GitLabToken{Is: "oauth"}), providers.InvalidField, "", "405"},
		{"scopes that were taken away", "GitLab", known.arrange, gitlab(providertest.GitLabToken{Scopes: []string{"read_api"}}), providers.InsufficientScope, "self_rotate", "self_rotate"},
		{"legacy tokens disabled", "GitLab", known.arrange, rules(known.fake, providertest.RenewalRules{NoLegacy: true}), providers.InsufficientScope, "", "fine-grained"},
		{"a life that is too long", "GitLab", known.arrange, rules(known.fake, providertest.RenewalRules{MaxDays: 30}), providers.InsufficientScope, "", "shorter"},
		{"a key that nobody knows", "Harness", func(*providertest.World) {}, nil, providers.Rejected, "", "refused"},
		{"a policy", "Harness", harness.arrange, rules(harness.fake, providertest.RenewalRules{Deny: true}), providers.InsufficientScope, "", "policy"},
		{"a service account without the right", "a service account of Harness", all["a service account of Harness"].arrange, func(w *providertest.World) {
			w.Harness.Add(providertest.HarnessToken{Token: harnessSAT, Email: "bot@service.harness.io", ServiceAccount: true, Org: "acme", Project: "web", Identifier: "robot", Unmanaged: true})
		}, providers.InsufficientScope, "", "manage service accounts"},
		{"a token of another user", "SonarQube", func(w *providertest.World) { w.SonarQube.AddToken("noah", sonarToken) }, nil, providers.IdentityMismatch, "", "another user"},
		{"a token revoked meanwhile", "SonarQube", sonar.arrange, func(w *providertest.World) { w.SonarQube.Revoke(sonarToken) }, providers.Rejected, "", "refused"},
		{"an end that is demanded", "SonarQube", sonar.arrange, rules(sonar.fake, providertest.RenewalRules{MaxDays: 30}), providers.InsufficientScope, "", "shorter"},
	}
}

func TestRotationRefused(t *testing.T) {
	for _, c := range refusedRotations() {
		t.Run(c.of+": "+c.name, func(t *testing.T) {
			t.Parallel()
			one := rotatedOnes()[c.of]
			one.arrange = c.arrange
			r := rotating(t, one)
			prepared, err := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
			asked := 0
			if c.between != nil {
				require.NoError(t, err)
				c.between(r.world)
				_, err = r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				asked = 1
			}
			require.Error(t, err)
			failure := asError(t, err)
			assert.Equal(t, c.want, failure.Outcome, failure.Detail)
			assert.Contains(t, failure.Detail, c.says)
			assert.Equal(t, c.missing, strings.Join(failure.Missing, " "))
			wellFormed(t, failure)
			keepsSecrets(t, r.cred, providers.Verified{}, err)
			assert.Equal(t, asked, r.asked())
			assert.Zero(t, r.made.Renewals().Made)
			assert.Zero(t, r.made.Renewals().FamiliesRevoked)
		})
	}
}

func TestRotationAnswers(t *testing.T) {
	wants := map[string]map[string]providers.Outcome{
		"GitLab": {
			"token_self_rotate_success": providers.UpstreamError, // of another account
			"legacy_disabled":           providers.InsufficientScope, "already_revoked": providers.InsufficientScope,
			"expires_at_refused": providers.InsufficientScope, "expires_at_invalid": providers.InsufficientScope,
			"not_allowed": providers.InvalidField, "not_found": providers.UpstreamError,
		},
		"Harness": {
			"token_rotate_success_shape": providers.UpstreamError, // no token
			"policy_denied":              providers.InsufficientScope, "token_limit": providers.UpstreamError, "access_denied": providers.InsufficientScope,
		},
		"SonarQube": {
			"user_tokens_generate_success":       providers.UpstreamError, // of another user
			"user_tokens_generate_duplicate_400": providers.UpstreamError,
			"expiration_too_soon":                providers.InsufficientScope, "name_too_long": providers.InsufficientScope,
		},
	}
	for name, answers := range wants {
		one := rotatedOnes()[name]
		known := providertest.RotationAnswers()[one.provider]
		require.Len(t, answers, len(known), "every answer that is kept has a case")
		for answer, want := range answers {
			t.Run(name+" "+answer, func(t *testing.T) {
				t.Parallel()
				require.Contains(t, known, answer)
				r := rotating(t, one)
				prepared := r.prepare(providers.RotationWish{})
				r.made.Behave(known[answer].At(r.changes))
				_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				failure := asError(t, err)
				require.Error(t, err)
				assert.Equal(t, want, failure.Outcome, failure.Detail)
				wellFormed(t, failure)
				assert.Equal(t, 1, r.asked())
			})
		}
	}
}

// TestSuccessorsAreJudged demands what is documented of a 200.
func TestSuccessorsAreJudged(t *testing.T) {
	account := providertest.DefaultHarnessAccount
	for name, bodies := range map[string][]string{
		"GitLab": {
			`{"id":5,"user_id":%d,"active":true,"revoked":false}`, `{"id":5,"user_id":%d,"active":true,"token":""}`, `{"id":5,"user_id":%d,"active":true,"token":"` + gitlabToken + `"}`,
			`{"id":5,"user_id":%d,"active":true,"token":"a b"}`, `{"id":5,"user_id":%d,"active":false,"token":"new"}`, `{"id":5,"user_id":%d,"token":"new"}`,
			`{"id":5,"user_id":%d,"active":true,"revoked":true,"token":"new"}`, `{"active":true,"token":"new"}`, `{"user_id":7,"active":true,"token":"new"}`, `{"token":7}`, `[]`,
		},
		"Harness": {
			`{"status":"SUCCESS","data":null}`, `{"status":"SUCCESS","data":""}`, `{"status":"SUCCESS","data":{"token":"x"}}`, `{"status":"SUCCESS"}`, `{"status":"ERROR","data":"x"}`, `{}`,
			`{"status":"SUCCESS","data":"` + harnessToken + `"}`, `{"status":"SUCCESS","data":"pat.another.0123456789abcdef01234567.secret"}`,
			`{"status":"SUCCESS","data":"sat.` + account + `.0123456789abcdef01234567.secret"}`, `{"status":"SUCCESS","data":"pat.` + account + `.secret"}`,
			`{"status":"SUCCESS","data":"pat.` + account + `.id.sec ret"}`, `{"data":"pat.` + account + `.id.secret"}`, `[]`,
		},
		"SonarQube": {
			`{"login":"mia","name":"%s"}`, `{"login":"mia","name":"%s","token":""}`, `{"login":"noah","name":"%s","token":"squ_new"}`, `{"login":"mia","name":"other","token":"squ_new"}`,
			`{"login":"mia","name":"%s","token":"sqa_new","type":"USER_TOKEN"}`, `{"login":"mia","name":"%s","token":"squ_new","type":"GLOBAL_ANALYSIS_TOKEN"}`,
			`{"login":"mia","name":"%s","token":"` + sonarToken + `"}`, `{"name":"%s","token":"squ_new"}`, `[]`,
		},
	} {
		for i, body := range bodies {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				t.Parallel()
				r := rotating(t, rotatedOnes()[name])
				prepared := r.prepare(providers.RotationWish{})
				switch {
				case strings.Contains(body, "%d"):
					id, err := strconv.Atoi(prepared["user_id"])
					require.NoError(t, err)
					body = fmt.Sprintf(body, id)
				case strings.Contains(body, "%s"):
					body = fmt.Sprintf(body, prepared["name"])
				}
				r.made.Behave(providertest.Fault{Path: r.changes, Status: http.StatusOK, Body: body})
				made, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				require.Error(t, err, body)
				assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
				assert.Zero(t, made)
				assert.Equal(t, 1, r.asked())
			})
		}
	}
}

// TestRotationFaults breaks the request that makes the successor in every known way. It
// is sent once, and only what says so tells that nothing was changed.
func TestRotationFaults(t *testing.T) {
	wants := providertest.FaultOutcomes()
	wants["late"] = providers.Unreachable
	for name, one := range rotatedOnes() {
		for _, fault := range providertest.FaultNames() {
			if fault == "none" {
				continue
			}
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				r := rotating(t, one)
				prepared := r.prepare(providers.RotationWish{})
				f, _ := providertest.NamedFault(fault, providertest.ElsewhereURL)
				f.Path = r.changes
				r.made.Behave(f)
				target, want := r.target, wants[fault]
				if want == "" {
					want = providers.UpstreamError
				}
				if want == providers.Unreachable {
					target.Timeout = 400 * time.Millisecond
				}
				made, err := r.by.Rotate(t.Context(), target, r.cred, prepared)
				require.Error(t, err)
				failure := asError(t, err)
				assert.Equal(t, want, failure.Outcome, failure.Detail)
				wellFormed(t, failure)
				keepsSecrets(t, r.cred, providers.Verified{}, err)
				assert.Zero(t, made)
				assert.Equal(t, 1, r.asked(), "never twice")
				r.made.Behave(providertest.Fault{})
				lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
				require.NoError(t, err)
				assert.Equal(t, one.overlaps || fault != "late", lives)
				assert.Zero(t, r.made.Renewals().FamiliesRevoked)
				assert.Equal(t, 1, r.asked(), "nor by looking what became of it")
				assert.NotContains(t, strings.Join(r.world.Dialled(), " "), "elsewhere")
			})
		}
	}
}

// TestRotationQuotesNobody answers every status to each of its requests.
func TestRotationQuotesNobody(t *testing.T) {
	for name, paths := range map[string][]string{
		"GitLab": {"/self", "/rotate"}, "Harness": {"/token/validate", "/token"}, "SonarQube": {"/users/current", "/search", "/generate", "/revoke"},
	} {
		for _, path := range paths {
			for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 429, 500} {
				for _, kind := range []string{"application/json", "text/html"} {
					t.Run(fmt.Sprintf("%s %s %d %s", name, path, status, kind), func(t *testing.T) {
						t.Parallel()
						one := rotatedOnes()[name]
						if name == "SonarQube" {
							one.arrange = func(w *providertest.World) {
								w.SonarQube.Add(providertest.SonarQubeToken{Login: "mia", Token: sonarToken, Expires: "2096-12-31T15:44:27+0200"})
							}
						}
						r := rotating(t, one)
						fault := hostile(status, kind)
						fault.Path = path
						prepared := r.prepare(providers.RotationWish{Made: providers.Rotation{"name": "vault-sei-0123456789abcdef"}})
						r.made.Behave(fault)
						_, first := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
						_, second := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
						third := r.by.Finish(t.Context(), r.target, r.cred, prepared)
						_, fourth := r.by.Recover(t.Context(), r.target, r.cred, prepared)
						for _, err := range []error{first, second, third, fourth} {
							if err != nil {
								wellFormed(t, asError(t, err))
								keepsSecrets(t, r.cred, providers.Verified{}, err)
								assert.NotContains(t, fmt.Sprintf("%+v %#v", *asError(t, err), *asError(t, err)), canary)
							}
						}
					})
				}
			}
		}
	}
}

// TestRecover loses answers and looks what became of the rotation.
func TestRecover(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name+": not carried out", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
			require.NoError(t, err)
			assert.True(t, lives)
			assert.Zero(t, r.asked())
			assert.Len(t, r.made.Living(r.account), 1)
		})
		t.Run(name+": carried out and lost", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			r.lose(prepared)
			for range 2 {
				lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
				require.NoError(t, err)
				assert.Equal(t, one.overlaps, lives)
			}
			assert.Equal(t, 1, r.asked())
			assert.Zero(t, r.made.Renewals().FamiliesRevoked)
			if one.provider == "sonarqube" {
				assert.Equal(t, []string{sonarToken}, r.made.Living(r.account), "nobody has the other, and it is gone")
			}
		})
		t.Run(name+": the upstream is away", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			fault, _ := providertest.NamedFault("unavailable", "")
			r.made.Behave(fault)
			_, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
			assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
		})
	}
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
			one.arrange = func(w *providertest.World) {
				w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: time.Now().Add(-time.Hour).UnixMilli(), ValidTo: time.Now().Add(96 * time.Hour).UnixMilli()})
			}
			r := rotating(t, one)
			fail(r, r.prepare(providers.RotationWish{Lifetime: time.Hour}))
			lives, err := r.by.Recover(t.Context(), r.target, r.cred, nil)
			require.NoError(t, err)
			require.True(t, lives)
			v, err := provider(t, "harness").Validate(t.Context(), r.target, r.cred)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(time.Hour), v.ExpiresAt, time.Minute, "its check tells that it ends soon")
			prepared := r.prepare(providers.RotationWish{Lifetime: 200 * time.Hour})
			assert.Regexp(t, `^rotated_[A-Za-z]{15}$`, prepared["identifier"])
			r.changes = prepared["identifier"]
			made := r.rotate(prepared)
			v, err = provider(t, "harness").Validate(t.Context(), r.target, made.Credential)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(200*time.Hour), v.ExpiresAt, time.Minute)
		})
	}
}

// TestFinishRevokesWhatTheEngineMade and nothing else.
func TestFinishRevokesWhatTheEngineMade(t *testing.T) {
	r := rotating(t, rotatedOnes()["SonarQube"])
	r.world.SonarQube.Add(providertest.SonarQubeToken{Token: "squ_another", Login: "mia", Name: "dashboard"})
	first := r.prepare(providers.RotationWish{})
	made := r.rotate(first)
	require.NoError(t, r.by.Finish(t.Context(), r.target, made.Credential, first))
	assert.Len(t, r.made.Living("mia"), 3)

	entered := r.cred
	r.cred = made.Credential
	second := r.prepare(providers.RotationWish{Made: first})
	assert.Equal(t, first["name"], second["replaces"])
	next := r.rotate(second)
	assert.Len(t, r.made.Living("mia"), 4)
	require.NoError(t, r.by.Finish(t.Context(), r.target, next.Credential, second))
	require.NoError(t, r.by.Finish(t.Context(), r.target, next.Credential, second), "again")
	assert.NotContains(t, r.made.Living("mia"), made.Credential.Value("api_key").Reveal())
	assert.Contains(t, r.made.Living("mia"), entered.Value("api_key").Reveal())
	assert.Len(t, r.made.Living("mia"), 3)

	r.cred = next.Credential
	for _, other := range []string{"dashboard", "vault-sei-", "vault-sei-0123456789ABCDEF", second["name"]} {
		r.made.Forget()
		require.NoError(t, r.by.Finish(t.Context(), r.target, next.Credential, providers.Rotation{"name": second["name"], "replaces": other}))
		assert.Empty(t, r.made.Requests(), "%q is not the engine's to revoke", other)
		assert.NotContains(t, r.prepare(providers.RotationWish{Made: providers.Rotation{"name": strings.ToUpper(other)}}), "replaces")
	}
	r.made.Behave(providertest.Fault{Path: "/revoke", Status: http.StatusNotFound, Body: `{"errors":[{"msg":"no such token"}]}`})
	require.NoError(t, r.by.Finish(t.Context(), r.target, next.Credential, second), "gone is gone")
	r.made.Behave(providertest.Fault{Path: "/revoke", Status: http.StatusOK, Body: `{}`})
	assert.Error(t, r.by.Finish(t.Context(), r.target, next.Credential, second))
}

// TestUnprepared sends nothing that Prepare did not choose.
func TestUnprepared(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name, func(t *testing.T) {
			r := rotating(t, one)
			for _, prepared := range []providers.Rotation{nil, {"expires_at": "soon", "name": "dashboard", "identifier": "token"}} {
				_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				assert.Equal(t, providers.InvalidField, asError(t, err).Outcome)
			}
			assert.Empty(t, r.made.Requests())
			r.target.URL = "nowhere"
			_, err := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
			require.Error(t, err)
			_, err = r.by.Rotate(t.Context(), r.target, r.cred, nil)
			require.Error(t, err)
			_, err = r.by.Recover(t.Context(), r.target, r.cred, nil)
			require.Error(t, err)
			err = r.by.Finish(t.Context(), r.target, r.cred, providers.Rotation{"replaces": "vault-sei-0123456789abcdef"})
			assert.Equal(t, one.provider == "sonarqube", err != nil)
		})
	}
}

// TestRotators are those whose upstreams can.
func TestRotators(t *testing.T) {
	var can []string
	for _, name := range registry(t).Names() {
		p := provider(t, name)
		if _, ok := p.(providers.Rotator); ok {
			can = append(can, name)
			continue
		}
		assert.Contains(t, p.Spec().Rotation, "None", "%s says why not", name)
	}
	slices.Sort(can)
	assert.Equal(t, []string{"gitlab", "harness", "sonarqube"}, can)
}

// TestFineGrainedTokensRotate by a permission, which may be taken away meanwhile.
func TestFineGrainedTokensRotate(t *testing.T) {
	token := providertest.GitLabToken{Token: gitlabToken, Username: "mia", FineGrained: true, Permissions: []string{"read_personal_access_token", "read_user", "rotate_personal_access_token"}}
	one := rotatedOnes()["GitLab"]
	one.arrange = func(w *providertest.World) { w.GitLab.Add(token) }
	r := rotating(t, one)
	made := r.rotate(r.prepare(providers.RotationWish{}))
	require.NoError(t, r.validates(made.Credential))

	r = rotating(t, one)
	prepared := r.prepare(providers.RotationWish{})
	token.Permissions = token.Permissions[:2]
	r.world.GitLab.Add(token)
	_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
	assert.Equal(t, []string{"rotate_personal_access_token"}, asError(t, err).Missing)
}

// TestGitLabTakesReuseForTheft says so, once it has happened.
func TestGitLabTakesReuseForTheft(t *testing.T) {
	r := rotating(t, rotatedOnes()["GitLab"])
	prepared := r.prepare(providers.RotationWish{})
	r.rotate(prepared)
	_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
	assert.Equal(t, providers.Rejected, asError(t, err).Outcome)
	assert.ErrorContains(t, err, "theft")
	assert.Equal(t, 1, r.made.Renewals().FamiliesRevoked, "the fake would notice")
}

// TestHarnessNames are what a rotation needs of a check.
func TestHarnessNames(t *testing.T) {
	good := map[string]any{
		"valid": true, "accountIdentifier": providertest.DefaultHarnessAccount, "email": email, "identifier": "token", "name": "token",
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
			one.arrange = func(w *providertest.World) {
				w.Harness.Add(providertest.HarnessToken{Token: harnessToken, Email: email, Identifier: "mine", ValidFrom: 1, ValidTo: time.Now().Add(time.Hour).UnixMilli()})
			}
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			f, _ := providertest.NamedFault(fault, providertest.ElsewhereURL)
			f.Path, f.Times = "/ng/api/token/mine", 1
			r.made.Behave(f)
			_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
			require.Error(t, err)
			wellFormed(t, asError(t, err))
			assert.Equal(t, providertest.Renewals{}, r.made.Renewals())
		})
	}
}
