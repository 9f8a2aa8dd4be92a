package sei

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// teller is an upstream that tells ends and scopes, and a mount that has an integration x
// of it.
type teller struct {
	*mount
	settings, credential body
	// tells changes what it tells of the token; the zero time is no end, nil no scopes.
	tells func(end time.Time, scopes []string)
	// scopes are some that it would tell; nil where it tells none.
	scopes []string
	// exact is the precision of its ends.
	exact time.Duration
}

// known demands an end in every answer that has one, and a status.
func (u *teller) known(t *testing.T, status string, end time.Time) {
	t.Helper()
	want, listed := "", 0
	if !end.IsZero() {
		want = timestamp(end.Truncate(u.exact))
		listed = 1
	}
	for _, path := range []string{"health/x", "integrations/x", "creds/x"} {
		assert.Equal(t, want, u.read(t, path)["expires_at"], path)
	}
	assert.Equal(t, status, u.read(t, "health/x")["status"])
	fleet := u.read(t, "status")
	require.Len(t, fleet["expires_next"], listed)
}

// tellers are the upstreams that tell when a token ends.
func tellers(t *testing.T) map[string]func(*testing.T) *teller {
	t.Helper()
	serve := func(t *testing.T, h http.Handler) string {
		t.Helper()
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	github := func(provider string) func(*testing.T) *teller {
		return func(t *testing.T) *teller {
			t.Helper()
			m := newMount(t)
			return &teller{
				mount: m, settings: body{"provider": provider, "url": m.githubURL}, credential: body{"pat": "token-1"}, exact: time.Second, scopes: []string{"read:org", "repo"},
				tells: func(end time.Time, scopes []string) {
					token := githubtest.GitHubToken{Token: "token-1", Login: "mia", Scopes: append([]string{}, scopes...)}
					if !end.IsZero() {
						token.Expires = end.UTC().Format("2006-01-02 15:04:05 UTC")
					}
					m.github.Add(token)
				},
			}
		}
	}
	return map[string]func(*testing.T) *teller{
		"github": github("github"), "github_actions": github("github_actions"),
		"gitlab": func(t *testing.T) *teller {
			t.Helper()
			fake := gitlabtest.NewGitLab(gitlabtest.GitLabOptions{})
			return &teller{
				mount: newMount(t), settings: body{"provider": "gitlab", "url": serve(t, fake)}, credential: body{"pat": "glpat-1"}, exact: 24 * time.Hour, scopes: []string{"read_api", "read_user"},
				tells: func(end time.Time, scopes []string) {
					token := gitlabtest.GitLabToken{Token: "glpat-1", Username: "mia", Scopes: append([]string{"read_user"}, scopes...)}
					if !end.IsZero() {
						token.Expires = end.UTC().Format(time.DateOnly)
					}
					fake.Add(token)
				},
			}
		},
		"harness": func(t *testing.T) *teller {
			t.Helper()
			fake := harnesstest.NewHarness()
			return &teller{
				mount: newMount(t), settings: body{"provider": "harness", "url": serve(t, fake), "account_id": harnesstest.DefaultHarnessAccount},
				credential: body{"email": email, "api_key": "pat.x.y.z"}, exact: time.Second,
				tells: func(end time.Time, _ []string) {
					token := harnesstest.HarnessToken{Token: "pat.x.y.z", Email: email, Identifier: "token"}
					if !end.IsZero() {
						token.ValidTo = end.Truncate(time.Second).UnixMilli()
					}
					fake.Add(token)
				},
			}
		},
		"sonarqube": func(t *testing.T) *teller {
			t.Helper()
			fake := sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "2025.1.0.102418"})
			return &teller{
				mount: newMount(t), settings: body{"provider": "sonarqube", "url": serve(t, fake)}, credential: body{"username": "mia", "api_key": "squ_1"}, exact: time.Second,
				tells: func(end time.Time, _ []string) {
					token := sonarqubetest.SonarQubeToken{Token: "squ_1", Login: "mia", Name: "token"}
					if !end.IsZero() {
						token.Expires = end.Format("2006-01-02T15:04:05-0700")
					}
					fake.Add(token)
				},
			}
		},
	}
}

// withTeller has integration x with a credential of which end was told.
func withTeller(t *testing.T, make func(*testing.T) *teller, end time.Time) *teller {
	t.Helper()
	u := make(t)
	u.write(t, "integrations/x", u.settings)
	u.tells(end, u.scopes)
	u.write(t, "reauth/x", u.credential)
	return u
}

func days(n int) time.Time { return time.Now().Add(time.Duration(n) * 24 * time.Hour) }

// What a check is told later counts as what was told at the swap: the end, and what
// follows from it.
func TestACheckBringsTheEnd(t *testing.T) {
	for name, upstream := range tellers(t) {
		t.Run(name, func(t *testing.T) {
			u := withTeller(t, upstream, time.Time{})
			u.known(t, "healthy", time.Time{})
			history := u.read(t, "history/x")

			end := days(5)
			u.tells(end, u.scopes)
			assert.Equal(t, "expiring", u.write(t, "health/x", nil).data["status"])
			u.known(t, "expiring", end)
			u.restart(t, u.storage, nil)
			u.known(t, "expiring", end)

			end = days(300)
			u.tells(end, u.scopes)
			u.write(t, "health/x", nil)
			u.known(t, "healthy", end)

			u.tells(days(5), u.scopes)
			u.write(t, "health/x", nil)
			u.tells(time.Time{}, u.scopes)
			u.write(t, "health/x", nil)
			u.known(t, "healthy", time.Time{})

			assert.EqualValues(t, 1, u.read(t, "integrations/x")["version"])
			assert.Equal(t, history, u.read(t, "history/x"), "which is of the swap")
		})
	}
}

// Rights that were given or taken away in place show, be they none; that none are told is
// another thing.
func TestACheckBringsTheScopes(t *testing.T) {
	for name, upstream := range tellers(t) {
		t.Run(name, func(t *testing.T) {
			u := upstream(t)
			u.write(t, "integrations/x", u.settings)
			in := u.read(t, "integrations/x")
			assert.Equal(t, []string{}, in["scopes"])
			assert.Equal(t, false, in["scopes_known"])
			u.tells(time.Time{}, u.scopes)
			for _, path := range []string{"validate/x", "reauth/x"} {
				answer := u.write(t, path, u.credential).data
				assert.Equal(t, append([]string{}, u.scopes...), answer["scopes"], path)
				assert.Equal(t, u.scopes != nil, answer["scopes_known"], path)
			}
			if u.scopes == nil {
				u.write(t, "health/x", nil)
				assert.Equal(t, false, u.read(t, "integrations/x")["scopes_known"])
				return
			}
			for _, scopes := range [][]string{u.scopes[:1], {}} {
				u.tells(time.Time{}, scopes)
				u.write(t, "health/x", nil)
				want := scopes
				if name == "gitlab" {
					want = []string{"read_user"} // without it nobody could ask
					if len(scopes) == 1 {
						want = []string{"read_api", "read_user"}
					}
				}
				for range 2 {
					in = u.read(t, "integrations/x")
					assert.Equal(t, want, in["scopes"])
					assert.Equal(t, true, in["scopes_known"])
					u.restart(t, u.storage, nil) // as it is stored
				}
			}
		})
	}
}

// A token that lost a scope which is required works all the same, so what is told of it
// counts.
func TestACheckThatMissesAScopeBringsWhatItWasTold(t *testing.T) {
	for _, name := range []string{"github", "github_actions", "gitlab"} {
		t.Run(name, func(t *testing.T) {
			u := withTeller(t, tellers(t)[name], time.Time{})
			u.write(t, "integrations/x", body{"required_scopes": u.scopes[0]})
			end := days(5)
			u.tells(end, u.scopes[1:])
			h := u.write(t, "health/x", nil).data
			assert.Equal(t, "insufficient_scope", h["code"])
			assert.Equal(t, u.scopes[1:], u.read(t, "integrations/x")["scopes"])
			u.known(t, "degraded", end)
		})
	}
}

// Storage is written when something is told that is not known, once, and a storage that
// refuses keeps nobody from the answer, in which it is all the same.
func TestWhatIsKnownIsWrittenOnce(t *testing.T) {
	for name, upstream := range tellers(t) {
		t.Run(name, func(t *testing.T) {
			u := withTeller(t, upstream, time.Time{})
			disk := &failing{Storage: u.storage}
			u.restart(t, disk, nil)
			u.write(t, "health/x", nil)
			disk.arm(0, false)
			u.write(t, "health/x", nil)
			assert.Empty(t, disk.made())

			end := days(5)
			u.tells(end, u.scopes)
			disk.arm(1, false)
			r := u.write(t, "health/x", nil)
			assert.Equal(t, []string{"Put credentials/x", "Get credentials/x"}, disk.made())
			assert.Equal(t, "expiring", r.data["status"])
			require.Len(t, r.warnings, 1)
			assert.Contains(t, r.warnings[0], "could not be stored")
			u.known(t, "expiring", end)
			disk.arm(0, false)
			u.write(t, "health/x", nil)
			assert.Equal(t, []string{"Put credentials/x"}, disk.made())
			u.known(t, "expiring", end)
			disk.arm(0, false)
			u.write(t, "health/x", nil)
			assert.Empty(t, disk.made())
		})
	}
}

// Upstreams that do not tell an end leave the one that was entered.
func TestAnEnteredEndStays(t *testing.T) {
	m := withJira(t)
	end := days(5).UTC().Truncate(time.Second)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2", "expires_at": timestamp(end)})
	for range 2 {
		assert.Equal(t, "expiring", m.write(t, "health/jira", nil).data["status"])
		assert.Equal(t, timestamp(end), m.read(t, "integrations/jira")["expires_at"])
	}
}

// An end at or before about now beside a success cannot be right: it is ignored, with a
// warning, and what was known stays.
func TestAnEndAboutNowIsNone(t *testing.T) {
	for name, upstream := range tellers(t) {
		for when, wrong := range map[string]time.Time{
			"now": time.Now(), "a minute ahead": time.Now().Add(time.Minute), "an hour ago": time.Now().Add(-time.Hour), "long ago": days(-3000),
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				u := upstream(t)
				u.write(t, "integrations/x", u.settings)
				u.tells(wrong, u.scopes)
				for _, path := range []string{"validate/x", "reauth/x", "health/x"} {
					data := u.credential
					if path == "health/x" {
						data = nil
					}
					r := u.write(t, path, data)
					assert.Empty(t, r.data["expires_at"], path)
					require.NotEmpty(t, r.warnings, path)
					assert.Contains(t, r.warnings[len(r.warnings)-1], "the end is ignored")
				}
				u.known(t, "healthy", time.Time{})

				end := days(200)
				u.tells(end, u.scopes)
				u.write(t, "health/x", nil)
				u.known(t, "healthy", end)
				u.tells(wrong, u.scopes)
				u.write(t, "health/x", nil)
				u.known(t, "healthy", end)
			})
		}
	}
}

// GitHub's header came with an offset that no place on earth has.
func TestAWrongOffsetIsNoEnd(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "github", "url": m.githubURL})
	m.github.Add(githubtest.GitHubToken{Token: "token-1", Login: "mia", Scopes: []string{"repo", "read:org"}, Expires: time.Now().UTC().Format(time.DateTime) + " +2000"})
	r := m.write(t, "reauth/x", body{"pat": "token-1"})
	assert.Empty(t, r.data["expires_at"])
	require.Len(t, r.warnings, 1)
	assert.Equal(t, "healthy", m.read(t, "health/x")["status"])
}

// Once an end that was told has passed and a check finds that the token works, what is told
// then counts. Nobody entered an end.
func TestAnEndThatPassedAndWasWrong(t *testing.T) {
	for name, upstream := range tellers(t) {
		for then, next := range map[string]time.Time{"another": days(400), "none": {}, "the same": days(30)} {
			t.Run(name+" "+then, func(t *testing.T) {
				u := withTeller(t, upstream, days(30))
				var ahead atomic.Int64
				u.restart(t, u.storage, &ahead)
				ahead.Store(int64(40 * 24 * time.Hour))
				h := u.read(t, "health/x")
				assert.Equal(t, "needs_reauth", h["status"])
				u.tells(next, u.scopes)
				h = u.write(t, "health/x", nil).data
				assert.Equal(t, "healthy", h["status"], h["message"])
				assert.NotContains(t, h["message"], "entered")
				if then != "another" {
					next = time.Time{}
				}
				u.known(t, "healthy", next)
			})
		}
	}
}

// The tokens of a pool are known each by itself.
func TestACheckBringsWhatIsToldOfAPool(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "github", "url": m.githubURL})
	tells := func(token, login string, end time.Time, scopes ...string) {
		told := githubtest.GitHubToken{Token: token, Login: login, ID: int64(len(token)), Scopes: append([]string{}, scopes...)}
		if !end.IsZero() {
			told.Expires = end.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		m.github.Add(told)
	}
	tells("token-a", "mia", time.Time{}, "repo", "read:org")
	tells("token-bb", "noah", time.Time{}, "repo", "read:org")
	m.write(t, "reauth/x", body{"pat": []any{"token-a", "token-bb"}})

	end := days(5)
	tells("token-bb", "noah-renamed", end, "repo")
	h := m.write(t, "health/x", nil).data
	assert.Equal(t, "expiring", h["status"])
	assert.Equal(t, timestamp(end), h["expires_at"])
	members, _ := h["members"].([]map[string]any)
	require.Len(t, members, 2)
	assert.Equal(t, []any{"healthy", "", "mia"}, []any{members[0]["status"], members[0]["expires_at"], members[0]["identity"]})
	assert.Equal(t, []any{"expiring", timestamp(end), "noah-renamed"}, []any{members[1]["status"], members[1]["expires_at"], members[1]["identity"]})
	in := m.read(t, "integrations/x")
	assert.Equal(t, "mia, noah-renamed", in["identity"])
	assert.Equal(t, []string{"repo"}, in["scopes"])
	next, _ := m.read(t, "status")["expires_next"].([]map[string]any)
	require.Len(t, next, 1)
	assert.Equal(t, "noah-renamed", next[0]["identity"])
	assert.False(t, m.write(t, "validate/x", body{"pat": []any{"token-a", "token-bb"}}).data["identity_changed"].(bool), "it is the same account") //nolint:forcetypeassert // it is

	m.github.Revoke("token-bb")
	m.write(t, "health/x", nil)
	assert.Equal(t, timestamp(end), m.read(t, "health/x")["expires_at"], "nothing was told")
}

// A token that outlived a wrong end is handed out like any other.
func TestAPoolHandsOutATokenPastAWrongEnd(t *testing.T) {
	m := newMount(t)
	var ahead atomic.Int64
	m.restart(t, m.storage, &ahead)
	m.write(t, "integrations/x", body{"provider": "github", "url": m.githubURL})
	m.github.AddClassic("mia", "token-a", "repo", "read:org")
	wrong := githubtest.GitHubToken{Token: "token-b", Login: "noah", Scopes: []string{"repo", "read:org"}, Expires: time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04:05 UTC")}
	m.github.Add(wrong)
	m.write(t, "reauth/x", body{"pat": []any{"token-a", "token-b"}})
	ahead.Store(int64(2 * time.Hour))
	creds := m.read(t, "creds/x")
	require.Equal(t, "token-a", creds["pat"], "the other one has ended as far as is known")
	spent := body{"fingerprint": creds["fingerprint"], "status_code": 200, "remaining": 0, "reset_at": timestamp(time.Now().Add(150 * time.Minute))}
	m.write(t, "creds/x/report", spent)
	require.Len(t, m.ok(t, logical.ReadOperation, "creds/x", nil).warnings, 1)

	m.write(t, "health/x", nil) // the header is as wrong as before, and the token works
	m.write(t, "creds/x/report", spent)
	r := m.ok(t, logical.ReadOperation, "creds/x", nil)
	assert.Equal(t, "token-b", r.data["pat"])
	assert.Empty(t, r.warnings)
}

// A hostile upstream that has seen all tokens of a pool cannot have one shown by naming it
// in what it tells of another.
func TestWhatIsLearntIsNoToken(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "github", "url": m.githubURL})
	m.github.Add(githubtest.GitHubToken{Token: "ghp_canary-aaaaaaaaaa", Login: "mia", ID: 1, Scopes: []string{"repo", "read:org"}})
	m.github.Add(githubtest.GitHubToken{Token: "ghp_canary-bbbbbbbbbb", Login: "noah", ID: 2, Scopes: []string{"repo", "read:org"}})
	m.write(t, "reauth/x", body{"pat": []any{"ghp_canary-aaaaaaaaaa", "ghp_canary-bbbbbbbbbb"}})
	m.github.Add(githubtest.GitHubToken{Token: "ghp_canary-bbbbbbbbbb", Login: "ghp_canary-aaaaaaaaaa", ID: 2, Scopes: []string{"repo", "read:org"}})
	m.write(t, "health/x", nil)
	for _, path := range []string{"health/x", "integrations/x", "status"} {
		assert.NotContains(t, jsonOf(t, m.read(t, path)), "canary", path)
	}
}

// restart makes a new engine over the storage, whose clock is ahead by so many nanoseconds.
func (m *mount) restart(t *testing.T, storage logical.Storage, ahead *atomic.Int64) {
	t.Helper()
	now := time.Now
	if ahead != nil {
		now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}
	m.engine = newEngine(storage, m.registry, now)
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: storage, System: &logical.StaticSystemView{}}))
	e := m.engine
	t.Cleanup(func() { e.Cleanup(context.Background()) })
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}
