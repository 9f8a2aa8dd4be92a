package github

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func TestParseGitHubExpiry(t *testing.T) {
	cases := []struct{ name, header, want string }{
		{"letters UTC", "2026-12-01 00:00:00 UTC", "2026-12-01T00:00:00Z"},
		{"a negative offset", "2026-12-01 00:00:00 -0500", "2026-12-01T05:00:00Z"},
		{"a positive offset", "2024-06-17 10:06:09 +0100", "2024-06-17T09:06:09Z"},
		{"white space around", " 2026-12-01 00:00:00 UTC ", "2026-12-01T00:00:00Z"},
		{"another zone's letters", "2026-12-01 00:00:00 PST", ""},
		{"GMT", "2026-12-01 00:00:00 GMT", ""},
		{"no zone", "2026-12-01 00:00:00", ""},
		{"RFC 3339", "2026-12-01T00:00:00Z", ""},
		{"before there was GitHub", "0000-01-01 00:00:00 +0100", ""},
		{"beyond four digits", "9999-12-31 23:00:00 -0500", ""},
		{"beyond four digits by its zone alone", "9999-12-31 23:59:59 -0500", ""},
		{"an offset beyond all places", "2026-12-01 00:00:00 +1401", ""},
		{"an offset below all places", "2026-12-01 00:00:00 -2000", ""},
		{"the furthest offset", "2026-12-01 14:00:00 +1400", "2026-12-01T00:00:00Z"},
		{"no such day", "2026-02-30 00:00:00 UTC", ""},
		{"nothing", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := parseGitHubExpiry(c.header)
			if c.want == "" {
				assert.True(t, got.IsZero())
				return
			}
			assert.Equal(t, c.want, got.Format(time.RFC3339))
		})
	}
}

func FuzzExpiry(f *testing.F) {
	seeds := []string{"2026-12-01 00:00:00 UTC", "2026-12-01 00:00:00 -0500", "2026-12-01 00:00:00 PST", "", " UTC", "9999-99-99 99:99:99 UTC"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := parseGitHubExpiry(header)
		assert.Equal(t, time.UTC, got.Location())
		if !got.IsZero() {
			zone := strings.Fields(header)
			last := zone[len(zone)-1]
			assert.True(t, last == "UTC" || strings.ContainsAny(last[:1], "+-"), "only UTC and offsets are understood")
			assert.Equal(t, got, parseGitHubExpiry(got.Format("2006-01-02 15:04:05 UTC")), "it reads back")
		}
	})
}

func TestResetIn(t *testing.T) {
	now := time.Unix(1_795_000_000, 0)
	answer := func(remaining, reset string) *upstream.Response {
		return &upstream.Response{Header: http.Header{"X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}}}
	}
	assert.Equal(t, 90*time.Second, resetIn(answer("0", "1795000090"), now))
	assert.Equal(t, time.Duration(0), resetIn(answer("0", "1794000000"), now), "a clock that differs gives no negative pause")
	assert.Equal(t, 24*time.Hour, resetIn(answer("0", "9223372036854775807"), now))
	assert.Equal(t, time.Minute, resetIn(answer("14", "1795000090"), now), "the quota is not what is spent")
	assert.Equal(t, time.Minute, resetIn(answer("0", "soon"), now))
}

func TestGitHubCovers(t *testing.T) {
	cases := []struct {
		granted, want string
		covered       bool
	}{
		{"repo", "repo", true},
		{"repo", "repo:status", true},
		{"repo", "public_repo", true},
		{"repo", "security_events", true},
		{"public_repo", "repo", false},
		{"admin:org", "read:org", true},
		{"admin:org", "write:org", true},
		{"write:org", "read:org", true},
		{"read:org", "write:org", false},
		{"admin:org", "admin:org_hook", false},
		{"user", "read:user", true},
		{"user", "user:email", true},
		{"read:user", "user:email", false},
		{"admin:repo_hook", "read:repo_hook", true},
		{"write:packages", "read:packages", true},
		{"write:discussion", "read:discussion", true},
		{"admin:enterprise", "manage_billing:enterprise", true},
		{"admin:enterprise", "read:enterprise", true},
		{"copilot", "manage_billing:copilot", true},
		{"codespace", "codespace:secrets", true},
		{"audit_log", "read:audit_log", true},
		{"project", "read:project", true},
		{"repo", "workflow", false},
		{"", "repo", false},
	}
	for _, c := range cases {
		assert.Equal(t, c.covered, githubCovers([]string{c.granted}, c.want), "%s covers %s", c.granted, c.want)
	}
}

func TestGitHubScopes(t *testing.T) {
	of := func(header ...string) []string {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return githubScopes(&upstream.Response{Header: h})
	}
	assert.Nil(t, of())
	assert.Nil(t, of("X-OAuth-Scopes", "", "X-OAuth-Client-Id", "Iv1.0"))
	assert.Equal(t, []string{}, of("X-OAuth-Scopes", ""), "a classic token without scopes")
	assert.Equal(t, []string{"read:org", "repo"}, of("X-OAuth-Scopes", "repo,  read:org, repo"))
	assert.Equal(t, []string{"repo"}, of("X-OAuth-Scopes", "repo, <script>, a b, "+strings.Repeat("x", 100)))
	assert.Equal(t, []string{"repo"}, of("X-OAuth-Scopes", "repo", "X-OAuth-Client-Id", "x"))
}

func TestCommonScopes(t *testing.T) {
	m := func(scopes ...string) providers.Member {
		return providers.Member{Scopes: append([]string{}, scopes...)}
	}
	assert.Equal(t, []string{"public_repo"}, providers.SumOf(github{}, []providers.Member{m("repo"), m("public_repo")}).Scopes)
	assert.Equal(t, []string{}, providers.SumOf(github{}, []providers.Member{m("gist"), m("repo")}).Scopes)
	assert.Nil(t, providers.SumOf(github{}, []providers.Member{m("repo"), {}}).Scopes)
}
