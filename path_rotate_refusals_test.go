package sei

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// between is an upstream before which answer is asked; true for whatever it answered.
func between(t *testing.T, upstream http.Handler, answer func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			upstream.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// gitlabRotated has rotated GitLab's token, the successor of which is met with these
// statuses at first.
func gitlabRotated(t *testing.T, statuses ...int) (*mount, reply) {
	t.Helper()
	fake := gitlabtest.NewGitLab(gitlabtest.GitLabOptions{})
	fake.Add(gitlabtest.GitLabToken{Token: "glpat-1", Username: "mia", Scopes: []string{"api"}, Expires: days(40).UTC().Format("2006-01-02")})
	var next atomic.Int64
	next.Store(-1)
	url := between(t, fake, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/rotate") {
			next.Store(0)
			return false
		}
		if next.Load() < 0 || int(next.Load()) >= len(statuses) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Gitlab-Meta", "{}")
		w.WriteHeader(statuses[next.Add(1)-1])
		_, _ = io.WriteString(w, `{"message":"401 Unauthorized"}`)
		return true
	})
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "gitlab", "url": url})
	m.write(t, "reauth/x", body{"pat": "glpat-1"})
	return m, m.write(t, "rotate/x", nil)
}

// A replica that does not know the successor yet refuses it once: that is no verdict.
func TestOneRefusalAfterARotationIsNoVerdict(t *testing.T) {
	m, rotated := gitlabRotated(t, 401)
	assert.Empty(t, rotated.warnings)
	health := m.read(t, "health/x")
	assert.Equal(t, "healthy", health["status"], health["message"])
	assert.Equal(t, 2, health["version"])
}

// Nor is a refusal that could not be confirmed; a check by hand decides.
func TestAnUnconfirmedRefusalAfterARotationIsNoVerdict(t *testing.T) {
	m, rotated := gitlabRotated(t, 401, 503, 503, 503)
	require.Len(t, rotated.warnings, 1)
	assert.Contains(t, rotated.warnings[0], "checked again soon")
	assert.Equal(t, "healthy", m.read(t, "health/x")["status"])
	assert.Equal(t, "healthy", m.write(t, "health/x", nil).data["status"])
}

// Two refusals are one.
func TestARefusedSuccessorNeedsAPerson(t *testing.T) {
	m, rotated := gitlabRotated(t, 401, 401, 401, 401)
	require.NotEmpty(t, rotated.warnings)
	assert.Equal(t, "needs_reauth", m.read(t, "health/x")["status"])
}

// sonarRotation has a SonarQube at which the answer to a rotation is lost if lost, and that
// refuses the next refusals questions afterwards.
func sonarRotation(t *testing.T, lost bool, refusals int64) (*mount, *sonarqubetest.SonarQube) {
	t.Helper()
	fake := sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "2025.1.0.102418"})
	fake.Add(sonarqubetest.SonarQubeToken{Token: "squ_1", Login: "mia", Name: "token"})
	var left atomic.Int64
	var begun atomic.Bool
	url := between(t, fake, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/generate") && begun.CompareAndSwap(false, true):
			left.Store(refusals)
			if lost {
				w.WriteHeader(http.StatusBadGateway)
			}
			return lost
		case strings.HasSuffix(r.URL.Path, "/current") && left.Add(-1) >= 0:
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	})
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "sonarqube", "url": url})
	m.write(t, "reauth/x", body{"username": "mia", "api_key": "squ_1"})
	return m, fake
}

// A refusal while a rotation that was cut off is looked at is confirmed, too.
func TestOneRefusalInACutOffRotationIsNoVerdict(t *testing.T) {
	m, _ := sonarRotation(t, true, 1)
	r := m.do(t, logical.UpdateOperation, "rotate/x", nil)
	assert.Contains(t, r.message, "upstream_error: ")
	health := m.read(t, "health/x")
	assert.Equal(t, "healthy", health["status"], health["message"])
	assert.Equal(t, 2, m.write(t, "rotate/x", nil).data["version"])
}

// Where both overlap, a rotation does not replace, and nobody says so.
func TestARotationThatOverlapsReplacesNothing(t *testing.T) {
	m, _ := sonarRotation(t, true, 1000)
	r := m.refused(t, logical.UpdateOperation, "rotate/x", nil, 400, "credential_rejected")
	assert.NotContains(t, r.message, "replaced")
	assert.Contains(t, r.message, "refuses the credential in use")
	assert.Equal(t, "needs_reauth", m.read(t, "health/x")["status"])
}

// A successor that is refused once is not given up.
func TestASuccessorRefusedOnceIsTaken(t *testing.T) {
	m, fake := sonarRotation(t, false, 1)
	assert.Equal(t, 2, m.write(t, "rotate/x", nil).data["version"])
	assert.Equal(t, "healthy", m.read(t, "health/x")["status"])
	assert.Len(t, fake.Living("mia"), 2, "no third was made")
}
