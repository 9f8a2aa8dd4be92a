package gitlab

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func TestParseGitLabDate(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-15": "2026-12-15T00:00:00Z", "2024-02-29": "2024-02-29T00:00:00Z",
		"2025-02-29": "", "2026-12-15T00:00:00Z": "", "15.12.2026": "", "": "", "null": "",
	} {
		got := parseGitLabDate(text)
		if want == "" {
			assert.True(t, got.IsZero(), text)
			continue
		}
		assert.Equal(t, want, got.Format(time.RFC3339))
	}
}

func FuzzGitLabDate(f *testing.F) {
	seeds := []string{"2026-12-15", "9999-12-31", "0000-01-01", "2026-13-01", "", "2026-12-15T00:00:00Z"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := parseGitLabDate(text)
		assert.Equal(t, time.UTC, got.Location())
		if !got.IsZero() {
			assert.Equal(t, text, got.Format(time.DateOnly), "it reads back")
			_, err := got.MarshalJSON()
			assert.NoError(t, err)
		}
	})
}

func TestGitLabCovers(t *testing.T) {
	cases := []struct {
		granted, want string
		covered       bool
	}{
		{"api", "read_api", true},
		{"api", "read_user", true},
		{"api", "self_rotate", true},
		{"read_api", "read_user", true},
		{"read_api", "read_api", true},
		{"read_api", "self_rotate", false},
		{"read_api", "api", false},
		{"read_user", "read_api", false},
		{"write_repository", "read_repository", false},
		{"api", "sudo", false},
		{"sudo", "api", false},
	}
	for _, c := range cases {
		assert.Equal(t, c.covered, gitlabCovers([]string{c.granted}, c.want), "%s covers %s", c.granted, c.want)
	}
}

func TestGitLabScopes(t *testing.T) {
	assert.Nil(t, gitlabScopes(nil))
	assert.Nil(t, gitlabScopes([]string{"granular"}))
	assert.Nil(t, gitlabScopes([]string{"granular", "api"}))
	assert.Equal(t, []string{}, gitlabScopes([]string{}))
	assert.Equal(t, []string{"api", "read_user"}, gitlabScopes([]string{"read_user", "api", "api", "<b>", "a b"}))
}

func TestGitLabPause(t *testing.T) {
	now := time.Date(2021, 1, 5, 10, 59, 0, 0, time.UTC)
	pause := func(pairs ...string) time.Duration {
		h := http.Header{}
		for i := 0; i+1 < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return gitlabPause(&upstream.Response{Header: h}, now)
	}
	assert.Equal(t, time.Minute, pause("RateLimit-ResetTime", "Tue, 05 Jan 2021 11:00:00 GMT"))
	assert.Equal(t, time.Minute, pause("RateLimit-Reset", "1609844400"))
	assert.Equal(t, time.Minute, pause("RateLimit-ResetTime", "soon", "RateLimit-Reset", "1609844400"))
	assert.Equal(t, 24*time.Hour, pause("RateLimit-Reset", "9223372036854775807"))
	assert.Zero(t, pause("RateLimit-Reset", "1600000000"))
	assert.Zero(t, pause("RateLimit-Reset", "-1"))
	assert.Zero(t, pause())
}

func FuzzGitLabPause(f *testing.F) {
	seeds := []string{"Tue, 05 Jan 2021 11:00:00 GMT", "1609844400", "-1", "9223372036854775807", ""}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s, "1609844400", int64(1609844340))
	}
	f.Fuzz(func(t *testing.T, when, epoch string, now int64) {
		res := &upstream.Response{Header: http.Header{"Ratelimit-Resettime": {when}, "Ratelimit-Reset": {epoch}}}
		got := gitlabPause(res, time.Unix(now%(1<<35), 0))
		assert.GreaterOrEqual(t, got, time.Duration(0))
		assert.LessOrEqual(t, got, 24*time.Hour)
		assert.Zero(t, got%time.Second)
	})
}

// FuzzGitLabRefusal judges anything: only a 401 may reject, and nothing is quoted.
func FuzzGitLabRefusal(f *testing.F) {
	const canary = "sqUirrel"
	seeds := []string{
		`{"message":"401 Unauthorized"}`, `{"error":"invalid_token","error_description":"Token is expired. sqUirrel"}`,
		`{"error":"insufficient_granular_scope","error_description":"[sqUirrel]"}`, `{"message":"403 Forbidden - Your account has been blocked."}`,
		`{"message":{"error":["sqUirrel"]}}`, `<html>sqUirrel`, "Retry later\n", ``, `null`, `[]`, `{"message":"400 requires token type"}`,
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		for _, status := range []int{200, 400, 401, 403, 404, 429} {
			f.Add(status, "application/json", s)
		}
	}
	c := gitlabCheck{Probe: probe.Probe{Title: "GitLab", TokenField: "pat"}, root: "https://host.example.com"}
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		err := c.judge(&upstream.Response{Host: "host.example.com", Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}, "read_personal_access_token")
		if status == http.StatusOK {
			assert.Nil(t, err)
			return
		}
		require.NotNil(t, err)
		assert.NotContains(t, err.Detail, canary)
		if err.Outcome == providers.Rejected {
			assert.Equal(t, http.StatusUnauthorized, status)
		}
	})
}
