package githubtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// enter demands a token and sets the headers that tell of it. It returns false if
// the request is answered.
func (g *GitHub) enter(w http.ResponseWriter, r *http.Request, accepted string) (GitHubToken, bool) {
	t, ok := g.login(r)
	if !ok && r.Header.Get("Authorization") == "" {
		// activebridge/projectr issue 89, recorded.
		quota(w, 60, 55)
		refuse(w, http.StatusUnauthorized, "Requires authentication", "https://docs.github.com/rest")
		return t, false
	}
	if !ok {
		// hub4j/github-api invalidJWTTokenRaisesException, recorded.
		quota(w, 60, 55)
		refuse(w, http.StatusUnauthorized, "Bad credentials", "https://docs.github.com/rest")
		return t, false
	}
	tell(w, t, accepted)
	if t.Limited && t.Remaining <= 0 {
		// google/go-github TestDo_rateLimit_rateLimitError, and zerocracy/judges-action issue 589.
		quota(w, 5000, 0)
		refuse(w, http.StatusForbidden, "API rate limit exceeded for user ID "+strconv.FormatInt(t.ID, 10)+".", "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api")
		return t, false
	}
	left := 4999
	if t.Limited {
		left = t.Remaining
	}
	quota(w, 5000, left)
	return t, true
}

// tell sets the headers by which GitHub describes a token: PyGithub Branch.setUp
// (classic), hub4j testGetMembership (fine-grained), PyGithub
// testAppUserAuthentication (ghu_), all recorded.
func tell(w http.ResponseWriter, t GitHubToken, accepted string) {
	h := w.Header()
	h.Set("x-github-api-version-selected", "2022-11-28")
	if t.Expires != "" {
		h.Set("github-authentication-token-expiration", t.Expires)
	}
	if t.ClientID != "" {
		h.Set("x-oauth-client-id", t.ClientID)
	}
	if t.FineGrained || t.Installation {
		h.Set("x-accepted-github-permissions", "allows_permissionless_access=true")
		return
	}
	h.Set("X-OAuth-Scopes", strings.Join(t.Scopes, ", "))
	h.Set("X-Accepted-OAuth-Scopes", accepted)
}

func quota(w http.ResponseWriter, limit, remaining int) {
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-RateLimit-Used", strconv.Itoa(limit-remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Minute).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

func (g *GitHub) user(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "")
	if !ok {
		return
	}
	if t.Installation {
		// actions/create-github-app-token issue 258, recorded.
		refuse(w, http.StatusForbidden, "Resource not accessible by integration", "https://docs.github.com/rest/users/users#get-the-authenticated-user")
		return
	}
	body := providertest.Object{"login": t.Login, "id": t.ID, "type": "User", "site_admin": false, "name": "Example User", "email": nil}
	if t.Email != "" {
		body["email"] = t.Email
	}
	providertest.WriteJSON(w, http.StatusOK, body)
}

// webHost is the host that people see.
func webHost(r *http.Request) string {
	return strings.TrimPrefix(r.Host, "api.")
}

// rateLimit: PyGithub RateLimitOverview.setUp, recorded.
func (g *GitHub) rateLimit(w http.ResponseWriter, r *http.Request) {
	t, ok := g.login(r)
	if !ok {
		g.enter(w, r, "")
		return
	}
	tell(w, t, "")
	left := 5000
	if t.Limited {
		left = t.Remaining
	}
	core := providertest.Object{"limit": 5000, "used": 5000 - left, "remaining": left, "reset": time.Now().Add(30 * time.Minute).Unix()}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"resources": providertest.Object{"core": core}, "rate": core})
}
