package githubtest

import (
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
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
	// NoActions is set for fine-grained tokens that may not read Actions: forbidden is
	// answered with 403, hidden with 404.
	NoActions string `json:"no_actions,omitempty"`
	// NoMembers is set for fine-grained tokens that may not read members.
	NoMembers bool `json:"no_members,omitempty"`
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

// GitHub is a fake of GitHub: at the root of api.github.com and api.*.ghe.com,
// below /api/v3 of every other host.
type GitHub struct {
	providertest.Base
	mux    *http.ServeMux
	tokens map[string]GitHubToken
	orgs   map[string]GitHubOrganization // by lower-case login
}

var _ providertest.Fake = (*GitHub)(nil)

// NewGitHub returns a fake without tokens and organisations.
func NewGitHub() *GitHub {
	g := &GitHub{mux: http.NewServeMux(), tokens: map[string]GitHubToken{}, orgs: map[string]GitHubOrganization{}}
	g.mux.HandleFunc("GET /user", g.user)
	g.mux.HandleFunc("GET /user/orgs", g.userOrgs)
	g.mux.HandleFunc("GET /user/memberships/orgs/{org}", g.membership)
	g.mux.HandleFunc("GET /orgs/{org}", g.org)
	g.mux.HandleFunc("GET /orgs/{org}/repos", g.orgRepos)
	g.mux.HandleFunc("GET /repos/{org}/{repo}/actions/runs", g.actionsRuns)
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
	g.Note("token", t.Token)
	if t.ID == 0 {
		t.ID = int64(crc32.ChecksumIEEE([]byte(t.Login))) + 1
	}
	g.Mu.Lock()
	defer g.Mu.Unlock()
	g.tokens[t.Token] = t
}

// AddOrganization adds or replaces an organisation.
func (g *GitHub) AddOrganization(o GitHubOrganization) {
	if o.ID == 0 {
		o.ID = int64(crc32.ChecksumIEEE([]byte(o.Login))) + 1
	}
	g.Mu.Lock()
	defer g.Mu.Unlock()
	g.orgs[strings.ToLower(o.Login)] = o
}

// Revoke makes a token unknown.
func (g *GitHub) Revoke(token string) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	delete(g.tokens, token)
}

// ServeHTTP answers as GitHub does.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := g.login(r)
	g.Serve(w, r, t.Login, http.HandlerFunc(g.route))
}

// route demands what GitHub demands of every request.
func (g *GitHub) route(w http.ResponseWriter, r *http.Request) {
	host, path := providertest.Hostname(r.Host), r.URL.Path
	dataResidency := strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com")
	if host != "api.github.com" && !dataResidency {
		rest, ok := strings.CutPrefix(path, "/api/v3")
		if !ok {
			providertest.WriteText(w, http.StatusNotFound, "text/html; charset=utf-8", "<html><body>Not Found</body></html>")
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
	if !providertest.Knows(g.mux, r) {
		refuse(w, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
		return
	}
	g.mux.ServeHTTP(w, r)
}

// refuse answers with GitHub's form of a refusal.
func refuse(w http.ResponseWriter, status int, message, documentation string) {
	providertest.WriteJSON(w, status, providertest.Object{"message": message, "documentation_url": documentation, "status": strconv.Itoa(status)})
}

func (g *GitHub) login(r *http.Request) (GitHubToken, bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return GitHubToken{}, false
	}
	g.Mu.Lock()
	defer g.Mu.Unlock()
	t, ok := g.tokens[secret]
	return t, ok
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
