package sei

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/github/githubtest"
)

// withPool has the pool gh of tokens ghp_of_one and ghp_of_two.
func withPool(t *testing.T) *mount {
	t.Helper()
	m := newMount(t)
	for _, login := range []string{"one", "two", "three"} {
		m.github.AddClassic(login, "ghp_of_"+login, "repo", "read:org")
	}
	m.write(t, "integrations/gh", body{"provider": "github", "url": m.githubURL})
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
	return m
}

// prints are the fingerprints of the pool by token.
func (m *mount) prints(t *testing.T) map[string]string {
	t.Helper()
	pats, _ := m.read(t, "creds/gh")["pats"].([]string)
	members, _ := m.read(t, "health/gh")["members"].([]map[string]any)
	require.Len(t, members, len(pats))
	found := map[string]string{}
	for i, member := range members {
		found[pats[i]], _ = member["fingerprint"].(string)
	}
	return found
}

// limits sets what GitHub says of the quota of ghp_of_<login>.
func (m *mount) limits(login string, remaining int) {
	m.github.Add(githubtest.GitHubToken{Token: "ghp_of_" + login, Login: login, Scopes: []string{"repo", "read:org"}, Limited: true, Remaining: remaining})
}

// One false report of a worker rules nobody for long: neither a check nor a newer report
// is outweighed by it, and no worker waits longer than creds_ttl.
func TestAFalseReportRulesNobodyForLong(t *testing.T) {
	falseReports := map[string]body{
		"used up for years":      {"remaining": 0, "reset_at": "2099-01-01T00:00:00Z"},
		"used up for a day":      {"remaining": 0, "reset_at": float64(time.Now().Add(24 * time.Hour).Unix())},
		"used up for an hour":    {"remaining": 0, "reset_at": float64(time.Now().Add(50 * time.Minute).Unix())},
		"used up without end":    {"remaining": 0},
		"limited for years":      {"status_code": 429, "reset_at": "2099-01-01T00:00:00Z"},
		"limited without an end": {"status_code": 429},
	}
	for name, lie := range falseReports {
		t.Run(name, func(t *testing.T) {
			m := withPool(t)
			prints := m.prints(t)
			tell := func() reply {
				for _, fingerprint := range prints {
					sent := body{"fingerprint": fingerprint}
					for key, value := range lie {
						sent[key] = value
					}
					m.write(t, "creds/gh/report", sent)
				}
				return m.ok(t, logical.ReadOperation, "creds/gh", nil)
			}
			spent := tell()
			assert.Len(t, spent.warnings, 1)
			assert.LessOrEqual(t, spent.data["ttl"], int64(300))
			assert.Equal(t, "healthy", m.write(t, "health/gh", nil).data["status"], "a check knows better")
			assert.Empty(t, m.ok(t, logical.ReadOperation, "creds/gh", nil).warnings)

			tell()
			if lie["status_code"] == nil && lie["reset_at"] != nil { // a pause ends by itself, after a minute
				honest := body{"fingerprint": prints["ghp_of_two"], "status_code": 200, "remaining": 4000, "reset_at": float64(time.Now().Add(30 * time.Minute).Unix())}
				m.write(t, "creds/gh/report", honest)
				creds := m.ok(t, logical.ReadOperation, "creds/gh", nil)
				assert.Empty(t, creds.warnings)
				assert.Equal(t, "ghp_of_two", creds.data["pat"])
			}
		})
	}
}

// A quota that no vendor gives does not draw all workers to one token.
func TestAQuotaThatNobodyHasDrawsNobody(t *testing.T) {
	m := withPool(t)
	prints := m.prints(t)
	reset := float64(time.Now().Add(30 * time.Minute).Unix())
	m.write(t, "creds/gh/report", body{"fingerprint": prints["ghp_of_one"], "remaining": 10, "reset_at": reset})
	assert.Equal(t, "ghp_of_two", m.read(t, "creds/gh")["pat"])
	m.write(t, "creds/gh/report", body{"fingerprint": prints["ghp_of_two"], "remaining": 1 << 50, "reset_at": "2099-01-01T00:00:00Z"})
	m.write(t, "creds/gh/report", body{"fingerprint": prints["ghp_of_two"], "remaining": 3, "reset_at": reset})
	assert.Equal(t, "ghp_of_one", m.read(t, "creds/gh")["pat"], "what is honest counts")
	m.write(t, "creds/gh/report", body{"fingerprint": prints["ghp_of_one"], "remaining": 1 << 50, "reset_at": reset})
	members, _ := m.read(t, "health/gh")["members"].([]map[string]any)
	quotas, _ := members[0]["quotas"].(map[string]any)
	core, _ := quotas["core"].(map[string]any)
	assert.LessOrEqual(t, core["remaining"], int64(15_000))
}

// Resources that are made up crowd out none that workers use.
func TestResourcesThatAreMadeUpCrowdOutNone(t *testing.T) {
	m := withPool(t)
	one := m.prints(t)["ghp_of_one"]
	reset := float64(time.Now().Add(30 * time.Minute).Unix())
	tell := func(resource string, remaining int) {
		m.write(t, "creds/gh/report", body{"fingerprint": one, "remaining": remaining, "reset_at": reset, "resource": resource})
	}
	pat := func(resource string) any {
		return m.ok(t, logical.ReadOperation, "creds/gh", body{"resource": resource}).data["pat"]
	}
	flood := func() {
		for n := range 100 {
			tell(fmt.Sprintf("made_up_%d", n), 5000)
		}
	}
	flood()
	assert.Equal(t, "ghp_of_one", pat("graphql"))
	tell("graphql", 1)
	tell("core", 1)
	assert.Equal(t, "ghp_of_two", pat("graphql"), "an honest report comes in")
	flood()
	assert.Equal(t, "ghp_of_two", pat("core"), "and stays")
	assert.Equal(t, "ghp_of_two", pat("graphql"))
	for n := range 100 {
		pat(fmt.Sprintf("wanted_%d", n))
	}
	tell("core", 1)
	assert.Equal(t, "ghp_of_two", pat("core"))
}

// What the engine's own check learns of quotas counts like a report.
func TestAQuotaThatACheckFinds(t *testing.T) {
	for name, remaining := range map[string]int{"used up": 0, "nearly": 20} {
		t.Run(name, func(t *testing.T) {
			m := withPool(t)
			assert.Equal(t, "ghp_of_one", m.read(t, "creds/gh")["pat"])
			m.limits("one", remaining)
			m.write(t, "health/gh", nil)
			creds := m.ok(t, logical.ReadOperation, "creds/gh", nil)
			assert.Equal(t, "ghp_of_two", creds.data["pat"])
			assert.Empty(t, creds.warnings)
			members, _ := m.read(t, "health/gh")["members"].([]map[string]any)
			quotas, _ := members[0]["quotas"].(map[string]any)
			core, _ := quotas["core"].(map[string]any)
			assert.EqualValues(t, remaining, core["remaining"])

			m.limits("two", 0)
			m.limits("one", 0)
			m.write(t, "health/gh", nil)
			creds = m.ok(t, logical.ReadOperation, "creds/gh", nil)
			require.Len(t, creds.warnings, 1)
			assert.Contains(t, creds.warnings[0], "used up")
			m.limits("one", 4000)
			m.write(t, "health/gh", nil)
			creds = m.ok(t, logical.ReadOperation, "creds/gh", nil)
			assert.Equal(t, "ghp_of_one", creds.data["pat"], "and a later one that it is full again")
			assert.Empty(t, creds.warnings)
		})
	}
}

// So does what a re-authentication learns.
func TestAQuotaThatAReauthenticationFinds(t *testing.T) {
	m := withPool(t)
	m.limits("one", 7)
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
	assert.Equal(t, "ghp_of_two", m.read(t, "creds/gh")["pat"])
}

// A pool that is used up can be extended: its tokens were verified when they came in.
func TestAPoolThatIsUsedUpCanBeExtended(t *testing.T) {
	all := []any{"ghp_of_one", "ghp_of_two", "ghp_of_three"}
	m := withPool(t)
	m.limits("one", 0)
	m.limits("two", 0)
	for _, path := range []string{"validate/gh", "reauth/gh"} {
		r := m.write(t, path, body{"pat": all})
		assert.Equal(t, "one, two, three", r.data["identity"])
		require.Len(t, r.warnings, 3, "%v", r.warnings)
		assert.Contains(t, r.warnings[0], "the account changed")
		assert.Contains(t, r.warnings[1], "token 1 of 3 is limited")
	}
	creds := m.ok(t, logical.ReadOperation, "creds/gh", nil)
	assert.Equal(t, "ghp_of_three", creds.data["pat"])
	assert.Empty(t, creds.warnings)

	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": []any{"ghp_of_two", "ghp_of_one"}}, 400, "upstream_rate_limited")
	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": all[:1]}, 400, "upstream_rate_limited")
	m.limits("four", 0)
	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": append(all, "ghp_of_four")}, 400, "upstream_rate_limited")
	assert.EqualValues(t, 2, m.read(t, "integrations/gh")["version"])
}

// What is not sure of a token that is limited refuses it.
func TestWhatKeepsAPoolFromBeingExtended(t *testing.T) {
	all := []any{"ghp_of_one", "ghp_of_two", "ghp_of_three"}
	cases := map[string]struct {
		before    func(t *testing.T, m *mount)
		code, why string
	}{
		"a token in use is dead": {func(_ *testing.T, m *mount) { m.github.Revoke("ghp_of_two") }, "credential_rejected", ""},
		"a worker says that it was refused": {func(t *testing.T, m *mount) {
			t.Helper()
			m.write(t, "creds/gh/report", body{"fingerprint": m.prints(t)["ghp_of_one"], "status_code": 401})
		}, "upstream_rate_limited", "token 1 is in use, but a worker reported that it was refused, so it must answer"},
		"an organisation is demanded since": {func(t *testing.T, m *mount) {
			t.Helper()
			m.github.AddOrganization(githubtest.GitHubOrganization{Login: "acme"})
			m.write(t, "integrations/gh", body{"organizations": "acme"})
		}, "upstream_rate_limited", "token 1 is in use, but the settings that decide what it must be able to do are not those"},
		"a scope is demanded since that it has not": {func(t *testing.T, m *mount) {
			t.Helper()
			m.github.AddClassic("three", "ghp_of_three", "repo", "read:org", "gist")
			m.write(t, "integrations/gh", body{"required_scopes": "gist"})
		}, "insufficient_scope", ""},
		"a check found fault with it": {func(t *testing.T, m *mount) {
			t.Helper()
			m.write(t, "integrations/gh", body{"required_scopes": "gist"})
			m.write(t, "health/gh", nil)
			m.write(t, "integrations/gh", body{"required_scopes": ""})
		}, "upstream_rate_limited", "token 1 is in use, but the last check found fault with it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := withPool(t)
			c.before(t, m)
			m.limits("one", 0)
			r := m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": all}, 400, c.code)
			assert.Contains(t, r.message, c.why)
			assert.Equal(t, c.why != "", strings.Contains(r.message, "is in use, but"), r.message)
			assert.EqualValues(t, 1, m.read(t, "integrations/gh")["version"])
		})
	}
}

// Where all are used up it is the one that is full first.
func TestTheTokenThatIsFullFirst(t *testing.T) {
	m := withPool(t)
	for login, left := range map[string]time.Duration{"one": 25 * time.Minute, "two": 10 * time.Minute} {
		reset := time.Now().Add(left).Unix()
		m.write(t, "creds/gh/report", body{"fingerprint": m.prints(t)["ghp_of_"+login], "remaining": 0, "reset_at": float64(reset)})
	}
	creds := m.ok(t, logical.ReadOperation, "creds/gh", nil)
	assert.Equal(t, "ghp_of_two", creds.data["pat"])
	assert.Len(t, creds.warnings, 1)
}

// A check that finds that a token works voids what was reported of any resource before.
func TestACheckVoidsReportsOfAllResources(t *testing.T) {
	for name, lie := range map[string]body{
		"used up": {"remaining": 0, "reset_at": "2099-01-01T00:00:00Z"}, "limited": {"status_code": 429},
	} {
		t.Run(name, func(t *testing.T) {
			m := withPool(t)
			graphql := func() reply { return m.ok(t, logical.ReadOperation, "creds/gh", body{"resource": "graphql"}) }
			tell := func() {
				for _, fingerprint := range m.prints(t) {
					report := maps.Clone(lie)
					report["fingerprint"], report["resource"] = fingerprint, "graphql"
					m.write(t, "creds/gh/report", report)
				}
			}
			tell()
			require.Len(t, graphql().warnings, 1)
			m.write(t, "health/gh", nil)
			assert.Empty(t, graphql().warnings)
			tell()
			m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
			assert.Empty(t, graphql().warnings, "a re-authentication is a check")
		})
	}
}
