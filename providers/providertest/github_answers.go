package providertest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// enter demands a token and sets the headers that tell of it. It returns false if
// the request is answered.
func (g *GitHub) enter(w http.ResponseWriter, r *http.Request, accepted string) (GitHubToken, bool) {
	t, ok := g.login(r)
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
	quota(w, 5000, 4999)
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
	body := object{"login": t.Login, "id": t.ID, "type": "User", "site_admin": false, "name": "Example User", "email": nil}
	if t.Email != "" {
		body["email"] = t.Email
	}
	writeJSON(w, http.StatusOK, body)
}

// org: octokit/fixtures get-organization, recorded.
func (g *GitHub) org(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	g.mu.Lock()
	o, known := g.orgs[strings.ToLower(r.PathValue("org"))]
	g.mu.Unlock()
	classic := !t.FineGrained && !t.Installation
	switch {
	case !known, len(o.Members) > 0 && !slices.Contains(o.Members, t.Login):
		refuse(w, http.StatusNotFound, "Not Found", "https://docs.github.com/rest/orgs/orgs#get-an-organization")
	case o.SSO == "required" && classic && !o.authorized(t):
		// scala-steward-org/scala-steward-action issue 173, recorded.
		w.Header().Set("X-GitHub-SSO", "required; url=https://"+webHost(r)+"/orgs/"+o.Login+"/sso?authorization_request=AAAAAAAAAAAAAAAA")
		refuse(w, http.StatusForbidden, "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
			"https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/")
	case o.Forbids == "classic" && classic:
		// refined-github issue 6951, reported.
		refuse(w, http.StatusForbidden, "`"+o.Login+"` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.", "https://docs.github.com/rest")
	case o.Forbids == "lifetime" && t.FineGrained:
		// GladysAssistant/v4-website pull 408, recorded.
		refuse(w, http.StatusForbidden, "The '"+o.Login+"' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/personal-access-tokens/12345678", "https://docs.github.com/rest")
	case o.Forbids == "fine_grained" && t.FineGrained:
		refuse(w, http.StatusForbidden, "`"+o.Login+"` forbids access via a fine-grained personal access token.", "https://docs.github.com/rest")
	default:
		writeJSON(w, http.StatusOK, object{"login": o.Login, "id": o.ID, "type": "Organization", "url": "https://" + r.Host + r.URL.Path})
	}
}

func (o GitHubOrganization) authorized(t GitHubToken) bool {
	return slices.ContainsFunc(t.Authorized, func(a string) bool { return strings.EqualFold(a, o.Login) })
}

// webHost is the host that people see.
func webHost(r *http.Request) string {
	return strings.TrimPrefix(r.Host, "api.")
}

// userOrgs leaves out organisations that want single sign-on and tells their ids:
// github/docs content/rest/authentication/authenticating-to-the-rest-api.md.
func (g *GitHub) userOrgs(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	listed, hidden := g.visible(t)
	if len(hidden) > 0 {
		w.Header().Set("X-GitHub-SSO", "partial-results; organizations="+strings.Join(hidden, ","))
	}
	writeJSON(w, http.StatusOK, listed)
}

// visible tells organisations that want single sign-on of the token from others.
func (g *GitHub) visible(t GitHubToken) (listed []any, hidden []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	listed = []any{}
	for _, o := range g.orgs {
		if o.SSO != "" && !t.FineGrained && !o.authorized(t) {
			hidden = append(hidden, strconv.FormatInt(o.ID, 10))
			continue
		}
		listed = append(listed, object{"login": o.Login, "id": o.ID})
	}
	slices.Sort(hidden)
	return listed, hidden
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
	core := object{"limit": 5000, "used": 5000 - left, "remaining": left, "reset": time.Now().Add(30 * time.Minute).Unix()}
	writeJSON(w, http.StatusOK, object{"resources": object{"core": core}, "rate": core})
}
