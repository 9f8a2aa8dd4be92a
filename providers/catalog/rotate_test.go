package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
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
	arrange           func(w *catalogtest.World)
	fake              func(w *catalogtest.World) renewable
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
	harnessToken = "pat." + harnesstest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfMiaAtHarness"
	harnessSAT   = "sat." + harnesstest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfAServiceAccount"
	sonarToken   = "squ_aTokenOfMiaAtSonarQube"
)

func rotatedOnes() map[string]rotated {
	harnessTarget := providers.Target{URL: catalogtest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", harnesstest.DefaultHarnessAccount)}
	sonar := func(url string, fake func(w *catalogtest.World) *sonarqubetest.SonarQube) rotated {
		return rotated{
			provider: "sonarqube", account: "mia", field: "api_key", changes: "/api/user_tokens/generate", overlaps: true,
			arrange: func(w *catalogtest.World) { fake(w).AddToken("mia", sonarToken) },
			fake:    func(w *catalogtest.World) renewable { return fake(w) },
			target:  providers.Target{URL: url, AuthType: "api_key"},
			cred:    secrets("username", "mia", "api_key", sonarToken),
		}
	}
	return map[string]rotated{
		"GitLab": {
			provider: "gitlab", account: "mia", field: "pat", changes: "/personal_access_tokens/self/rotate",
			arrange: func(w *catalogtest.World) { w.GitLab.AddToken("mia", gitlabToken, "read_api", "self_rotate") },
			fake:    func(w *catalogtest.World) renewable { return w.GitLab },
			target:  providers.Target{URL: catalogtest.GitLabURL, AuthType: "pat"}, cred: secrets("pat", gitlabToken),
		},
		"Harness": {
			provider: "harness", account: email, field: "api_key", changes: "/token", overlaps: true,
			arrange: func(w *catalogtest.World) { w.Harness.AddToken(email, harnessToken) },
			fake:    func(w *catalogtest.World) renewable { return w.Harness },
			target:  harnessTarget, cred: secrets("email", email, "api_key", harnessToken),
		},
		"a service account of Harness": {
			provider: "harness", account: "bot@service.harness.io", field: "api_key", changes: "/robot", overlaps: true,
			arrange: func(w *catalogtest.World) {
				w.Harness.Add(harnesstest.HarnessToken{Token: harnessSAT, Email: "bot@service.harness.io", ServiceAccount: true, Org: "acme", Project: "web", Identifier: "robot"})
			},
			fake:   func(w *catalogtest.World) renewable { return w.Harness },
			target: harnessTarget, cred: secrets("email", "bot@service.harness.io", "api_key", harnessSAT),
		},
		"SonarQube":       sonar(catalogtest.SonarQubeURL, func(w *catalogtest.World) *sonarqubetest.SonarQube { return w.SonarQube }),
		"an old one":      sonar(catalogtest.SonarQubeOldURL, func(w *catalogtest.World) *sonarqubetest.SonarQube { return w.SonarQubeOld }),
		"SonarQube Cloud": sonar(catalogtest.SonarQubeCloudURL, func(w *catalogtest.World) *sonarqubetest.SonarQube { return w.SonarQubeCloud }),
	}
}

// rotation is one under way.
type rotation struct {
	rotated
	t      *testing.T
	world  *catalogtest.World
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
	for name, arrange := range map[string]func(w *catalogtest.World){
		"GitLab": func(w *catalogtest.World) {
			w.GitLab.Add(gitlabtest.GitLabToken{Token: gitlabToken, Username: "mia", Scopes: []string{"api"}, Created: begin.Format(time.RFC3339), Expires: begin.Add(life).Format(time.DateOnly)})
		},
		"Harness": func(w *catalogtest.World) {
			w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, ValidFrom: begin.UnixMilli(), ValidTo: begin.Add(life).UnixMilli()})
		},
		"SonarQube": func(w *catalogtest.World) {
			w.SonarQube.Add(sonarqubetest.SonarQubeToken{Token: sonarToken, Login: "mia", Created: begin.Format("2006-01-02T15:04:05-0700"), Expires: begin.Add(life).Format("2006-01-02T15:04:05-0700")})
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
		want                   string
	}{
		{"as long as the one before", "2095-12-01T23:00:00Z", "2096-03-10", days(100)},
		{"a year where it had no end", "2095-12-01T23:00:00Z", "", days(365)},
		{"a year at most", "2094-12-01T23:00:00Z", "2096-03-10", days(365)},
		{"two days at least", "2096-03-01T01:00:00Z", "2096-03-02", days(2)},
		{"a year where the beginning is not told", "yesterday", "2096-03-10", days(365)},
	}
	for _, c := range cases {
		t.Run("GitLab: "+c.name, func(t *testing.T) {
			one := rotatedOnes()["GitLab"]
			one.arrange = func(w *catalogtest.World) {
				w.GitLab.SetClock(func() time.Time { return now })
				w.GitLab.Add(gitlabtest.GitLabToken{Token: gitlabToken, Username: "mia", Scopes: []string{"api"}, Created: c.created, Expires: c.expires})
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now}))
			assert.Equal(t, c.want, made.ExpiresAt.Format(time.DateOnly))
		})
	}
	at := func(days int) string { return now.AddDate(0, 0, days).Format("2006-01-02T15:04:05-0700") }
	for _, c := range []struct {
		name   string
		tokens []sonarqubetest.SonarQubeToken // the first is in use
		want   string
	}{
		{"no end", []sonarqubetest.SonarQubeToken{{}}, ""},
		{"as long as the one before", []sonarqubetest.SonarQubeToken{{Created: at(-80), Expires: at(20)}}, days(100)},
		{"the shortest of several that end together", []sonarqubetest.SonarQubeToken{{Created: at(-80), Expires: at(20)}, {Created: at(-10), Expires: at(20)}, {Created: at(-1), Expires: at(2)}}, days(30)},
		{"90 days where it does not tell since when it lives", []sonarqubetest.SonarQubeToken{{Created: "x", Expires: at(20)}}, days(90)},
		{"two days at least", []sonarqubetest.SonarQubeToken{{Created: at(0), Expires: at(1)}}, days(2)},
	} {
		t.Run("SonarQube: "+c.name, func(t *testing.T) {
			one := rotatedOnes()["SonarQube"]
			one.arrange = func(w *catalogtest.World) {
				w.SonarQube.SetClock(func() time.Time { return now })
				for i, token := range c.tokens {
					token.Login, token.Token = "mia", sonarToken+strings.Repeat("x", i)
					w.SonarQube.Add(token)
				}
			}
			r := rotating(t, one)
			made := r.rotate(r.prepare(providers.RotationWish{Now: now}))
			if c.want == "" {
				assert.True(t, made.ExpiresAt.IsZero())
				return
			}
			assert.Equal(t, c.want, made.ExpiresAt.Format(time.DateOnly))
		})
	}
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

// TestFinishRevokesWhatTheEngineMade and nothing else.
func TestFinishRevokesWhatTheEngineMade(t *testing.T) {
	r := rotating(t, rotatedOnes()["SonarQube"])
	r.world.SonarQube.Add(sonarqubetest.SonarQubeToken{Token: "squ_another", Login: "mia", Name: "dashboard"})
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
	token := gitlabtest.GitLabToken{Token: gitlabToken, Username: "mia", FineGrained: true, Permissions: []string{"read_personal_access_token", "read_user", "rotate_personal_access_token"}}
	one := rotatedOnes()["GitLab"]
	one.arrange = func(w *catalogtest.World) { w.GitLab.Add(token) }
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
