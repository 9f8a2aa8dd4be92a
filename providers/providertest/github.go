package providertest

import (
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GitHubToken is a token and its account. Of the zero values, ID is made up from
// Login.
type GitHubToken struct {
	Token string `json:"token"`
	Login string `json:"login"`
	ID    int64  `json:"id,omitempty"`
	// Email is the public address; "" where the user shows none.
	Email string `json:"email,omitempty"`
	// FineGrained tokens tell no scopes.
	FineGrained bool `json:"fine_grained,omitempty"`
	// Scopes of a classic token.
	Scopes []string `json:"scopes,omitempty"`
	// ClientID is set for tokens made through an app (ghu_).
	ClientID string `json:"client_id,omitempty"`
	// Installation tokens belong to no user.
	Installation bool `json:"installation,omitempty"`
	// Expires is the header github-authentication-token-expiration as it is sent.
	Expires string `json:"expires,omitempty"`
	// Authorized lists the organisations whose single sign-on knows the token.
	Authorized []string `json:"authorized,omitempty"`
	// Remaining is what is left of the quota, if Limited.
	Remaining int  `json:"remaining,omitempty"`
	Limited   bool `json:"limited,omitempty"`
}

// GitHubOrganization is an organisation.
type GitHubOrganization struct {
	Login string `json:"login"`
	ID    int64  `json:"id,omitempty"`
	// Members are the logins that see it; empty means that everybody does.
	Members []string `json:"members,omitempty"`
	// SSO demands classic tokens to be authorised: required answers 403, partial
	// only leaves the organisation out of lists.
	SSO string `json:"sso,omitempty"`
	// Forbids is a kind of token that is refused: classic, fine_grained or lifetime.
	Forbids string `json:"forbids,omitempty"`
}

// GitHub is a fake of GitHub: at the root of api.github.com and api.*.ghe.com,
// below /api/v3 of every other host.
type GitHub struct {
	fake
	mux    *http.ServeMux
	tokens map[string]GitHubToken
	orgs   map[string]GitHubOrganization // by lower-case login
}

var _ Fake = (*GitHub)(nil)

// NewGitHub returns a fake without tokens and organisations.
func NewGitHub() *GitHub {
	g := &GitHub{mux: http.NewServeMux(), tokens: map[string]GitHubToken{}, orgs: map[string]GitHubOrganization{}}
	g.mux.HandleFunc("GET /user", g.user)
	g.mux.HandleFunc("GET /user/orgs", g.userOrgs)
	g.mux.HandleFunc("GET /orgs/{org}", g.org)
	g.mux.HandleFunc("GET /rate_limit", g.rateLimit)
	return g
}

// AddClassic adds a classic token with scopes.
func (g *GitHub) AddClassic(login, token string, scopes ...string) {
	g.Add(GitHubToken{Token: token, Login: login, Scopes: append([]string{}, scopes...)})
}

// AddFineGrained adds a fine-grained token.
func (g *GitHub) AddFineGrained(login, token string) {
	g.Add(GitHubToken{Token: token, Login: login, FineGrained: true})
}

// Add adds a token.
func (g *GitHub) Add(t GitHubToken) {
	if t.ID == 0 {
		t.ID = int64(crc32.ChecksumIEEE([]byte(t.Login))) + 1
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[t.Token] = t
}

// AddOrganization adds or replaces an organisation.
func (g *GitHub) AddOrganization(o GitHubOrganization) {
	if o.ID == 0 {
		o.ID = int64(crc32.ChecksumIEEE([]byte(o.Login))) + 1
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.orgs[strings.ToLower(o.Login)] = o
}

// Revoke makes a token unknown.
func (g *GitHub) Revoke(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tokens, token)
}

// ServeHTTP answers as GitHub does.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := g.login(r)
	g.serve(w, r, t.Login, http.HandlerFunc(g.route))
}

// route demands what GitHub demands of every request.
func (g *GitHub) route(w http.ResponseWriter, r *http.Request) {
	host, path := hostname(r.Host), r.URL.Path
	if host != "api.github.com" && !(strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com")) {
		rest, ok := strings.CutPrefix(path, "/api/v3")
		if !ok {
			writeText(w, http.StatusNotFound, "text/html; charset=utf-8", "<html><body>Not Found</body></html>")
			return
		}
		path = rest
	}
	w.Header().Set("X-GitHub-Request-Id", "0686:6B69:1973B39:3A65994:62D6351D")
	version := r.Header.Get("X-GitHub-Api-Version")
	switch {
	case r.UserAgent() == "":
		// PyGithub SpecificExceptions.testBadUserAgent, recorded.
		w.Header().Set("Content-Type", "application/octet-stream")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message":"Missing or invalid User Agent string. See http://developer.github.com/v3/#user-agent-required"}`))
	case version != "" && version != "2022-11-28" && version != "2026-03-10":
		refuse(w, http.StatusBadRequest, "This API version is not supported.", "https://docs.github.com/rest")
	case r.ContentLength > 0:
		refuse(w, http.StatusBadRequest, "Problems parsing JSON", "https://docs.github.com/rest")
	default:
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = path, ""
		g.serveAPI(w, r)
	}
}

// serveAPI turns the mux's texts into GitHub's JSON.
func (g *GitHub) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !knows(g.mux, r) {
		refuse(w, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
		return
	}
	g.mux.ServeHTTP(w, r)
}

// refuse answers with GitHub's form of a refusal.
func refuse(w http.ResponseWriter, status int, message, documentation string) {
	writeJSON(w, status, object{"message": message, "documentation_url": documentation, "status": strconv.Itoa(status)})
}

func (g *GitHub) login(r *http.Request) (GitHubToken, bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return GitHubToken{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, ok := g.tokens[secret]
	return t, ok
}

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
	g.mu.Lock()
	defer g.mu.Unlock()
	var hidden []string
	listed := []any{}
	for _, o := range g.orgs {
		if o.SSO != "" && !t.FineGrained && !o.authorized(t) {
			hidden = append(hidden, strconv.FormatInt(o.ID, 10))
			continue
		}
		listed = append(listed, object{"login": o.Login, "id": o.ID})
	}
	slices.Sort(hidden)
	if len(hidden) > 0 {
		w.Header().Set("X-GitHub-SSO", "partial-results; organizations="+strings.Join(hidden, ","))
	}
	writeJSON(w, http.StatusOK, listed)
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

// AddJSON adds the GitHubToken that body describes.
func (g *GitHub) AddJSON(body []byte) error {
	var t GitHubToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	g.Add(t)
	return nil
}

// AddOrganizationJSON adds the GitHubOrganization that body describes.
func (g *GitHub) AddOrganizationJSON(body []byte) error {
	var o GitHubOrganization
	if err := json.Unmarshal(body, &o); err != nil {
		return err
	}
	g.AddOrganization(o)
	return nil
}
