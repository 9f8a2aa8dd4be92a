package gitlabtest

import (
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// GitLabToken is an access token and its user. Of the zero values, UserID is made up
// from Username.
type GitLabToken struct {
	Token    string `json:"token"`
	Username string `json:"username"`
	UserID   int64  `json:"user_id,omitempty"`
	// Bot users belong to project and group tokens.
	Bot bool `json:"bot,omitempty"`
	// Scopes of a token with legacy scopes.
	Scopes []string `json:"scopes,omitempty"`
	// FineGrained tokens have Permissions in place of scopes.
	FineGrained bool     `json:"fine_grained,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	// Expires is a date, or "" for never.
	Expires string `json:"expires,omitempty"`
	// Is is a state that refuses every request: expired, revoked, blocked,
	// pending, terms, deactivated, password_expired, unconfirmed, oauth.
	Is string `json:"is,omitempty"`
	// State is what GET /user tells; active where empty.
	State string `json:"state,omitempty"`
	// Name is "Test Token" where empty; a successor has the same.
	Name string `json:"name,omitempty"`
	// Created is RFC 3339; some day in 2020 where empty.
	Created string `json:"created,omitempty"`

	id, previous int64
	made         bool
}

// GitLabOptions say which GitLab a fake is.
type GitLabOptions struct {
	// RelativeRoot is where it lives, such as /gitlab.
	RelativeRoot string
	// Old is set for a version before 15.5, which knows no /personal_access_tokens/self.
	Old bool
}

// GitLab is a fake of GitLab.
type GitLab struct {
	providertest.Base
	providertest.Renewer
	options GitLabOptions
	mux     *http.ServeMux
	tokens  map[string]GitLabToken
	lastID  int64
}

var _ providertest.Fake = (*GitLab)(nil)

// NewGitLab returns a fake without tokens.
func NewGitLab(o GitLabOptions) *GitLab {
	g := &GitLab{options: o, mux: http.NewServeMux(), tokens: map[string]GitLabToken{}}
	api := strings.TrimRight(o.RelativeRoot, "/") + "/api/v4"
	if !o.Old {
		g.mux.HandleFunc("GET "+api+"/personal_access_tokens/self", g.self)
		g.mux.HandleFunc("POST "+api+"/personal_access_tokens/self/rotate", g.rotate)
	}
	g.mux.HandleFunc("GET "+api+"/user", g.user)
	g.mux.HandleFunc("GET "+api+"/version", g.version)
	return g
}

// AddToken adds a personal access token with legacy scopes.
func (g *GitLab) AddToken(username, token string, scopes ...string) {
	g.Add(GitLabToken{Token: token, Username: username, Scopes: append([]string{}, scopes...)})
}

// Add adds a token.
func (g *GitLab) Add(t GitLabToken) {
	g.Note("token", t.Token)
	if t.UserID == 0 {
		t.UserID = int64(crc32.ChecksumIEEE([]byte(t.Username))) + 1
	}
	if t.Name == "" {
		t.Name = "Test Token"
	}
	if t.Created == "" {
		t.Created = "2020-07-23T14:31:47.729Z"
	}
	g.Mu.Lock()
	defer g.Mu.Unlock()
	g.lastID++
	t.id = g.lastID
	g.tokens[t.Token] = t
}

// AddJSON adds the GitLabToken that body describes.
func (g *GitLab) AddJSON(body []byte) error {
	var t GitLabToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	g.Add(t)
	return nil
}

// Revoke makes a token unknown.
func (g *GitLab) Revoke(token string) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	delete(g.tokens, token)
}

// ServeHTTP answers as GitLab does.
func (g *GitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := g.token(r)
	g.Serve(w, r, t.Username, http.HandlerFunc(g.route))
}

// route answers unknown paths of the API in JSON, all others with a page.
func (g *GitLab) route(w http.ResponseWriter, r *http.Request) {
	_, pattern := g.mux.Handler(r)
	switch {
	case pattern != "":
		tellGitLabLimit(w, 1999)
		g.mux.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, g.options.RelativeRoot+"/api/v4/"):
		providertest.WriteJSON(w, http.StatusNotFound, providertest.Object{"error": "404 Not Found"})
	default:
		providertest.WriteText(w, http.StatusNotFound, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>404: page not found</body></html>")
	}
}

// tellGitLabLimit: gitlabhq doc/administration/settings/user_and_ip_rate_limits.md, documented.
func tellGitLabLimit(w http.ResponseWriter, remaining int) {
	h := w.Header()
	h.Set("RateLimit-Limit", "2000")
	h.Set("RateLimit-Name", "throttle_authenticated_api")
	h.Set("RateLimit-Observed", strconv.Itoa(2000-remaining))
	h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))
}

func (g *GitLab) token(r *http.Request) (GitLabToken, bool) {
	secret := r.Header.Get("Private-Token")
	if secret == "" {
		secret, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	g.Mu.Lock()
	defer g.Mu.Unlock()
	t, ok := g.tokens[secret]
	if t.Is == "" && g.Ended(gitlabDate(t.Expires), t.made) {
		t.Is = "expired"
	}
	return t, ok && secret != ""
}

// enter demands a token that works, with one of scopes, none being any, or with the
// permission if it is fine-grained. It returns false if the request is answered.
func (g *GitLab) enter(w http.ResponseWriter, r *http.Request, permission string, scopes ...string) (GitLabToken, bool) {
	t, ok := g.token(r)
	switch {
	case !ok:
		// doc/api/rest/authentication.md, documented.
		providertest.WriteJSON(w, http.StatusUnauthorized, providertest.Object{"message": "401 Unauthorized"})
	case gitlabDenials()[t.Is] != nil:
		gitlabDenials()[t.Is](w)
	case t.FineGrained && !slices.Contains(t.Permissions, permission):
		// A public client's test.
		providertest.WriteJSON(w, http.StatusForbidden, providertest.Object{
			"error":             "insufficient_granular_scope",
			"error_description": "Access denied: This operation requires a fine-grained personal access token with the following user permissions: [" + permission + "].",
		})
	case !t.FineGrained && len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.Scopes, s) }):
		// fh1ch/passport-gitlab2 issue 5, recorded.
		providertest.WriteJSON(w, http.StatusForbidden, providertest.Object{
			"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": strings.Join(scopes, " "),
		})
	default:
		return t, true
	}
	return t, false
}

// gitlabDenials are the answers to tokens in a state: gitlabhq lib/api/api_guard.rb
// and lib/gitlab/auth/user_access_denied_reason.rb; revoked and terms recorded.
func gitlabDenials() map[string]func(http.ResponseWriter) {
	invalid := func(description string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="The API", error="invalid_token"`)
			providertest.WriteJSON(w, http.StatusUnauthorized, providertest.Object{"error": "invalid_token", "error_description": description})
		}
	}
	forbidden := func(reason string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			providertest.WriteJSON(w, http.StatusForbidden, providertest.Object{"message": "403 Forbidden - " + reason})
		}
	}
	return map[string]func(http.ResponseWriter){
		"expired":          invalid("Token is expired. You can either do re-authorization or token refresh."),
		"revoked":          invalid("Token was revoked. You have to re-authorize from the user."),
		"blocked":          forbidden("Your account has been blocked."),
		"pending":          forbidden("Your account is pending approval from your administrator and hence blocked."),
		"terms":            forbidden("You (@mia) must accept the Terms of Service in order to perform this action. To accept these terms, please access GitLab from a web browser at https://gitlab.example.com/gitlab."),
		"deactivated":      forbidden("Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account at https://gitlab.example.com/gitlab"),
		"password_expired": forbidden("Your password expired. Please access GitLab from a web browser to update your password."),
		"unconfirmed":      forbidden("Your primary email address is not confirmed. Please check your inbox for the confirmation instructions."),
		"oauth": func(w http.ResponseWriter) {
			// lib/api/personal_access_tokens/self_information.rb
			providertest.WriteJSON(w, http.StatusBadRequest, providertest.Object{"message": "400 Bad request - This endpoint requires token type to be a personal access token"})
		},
	}
}

// self: doc/api/personal_access_tokens.md, documented. Any legacy scope will do.
func (g *GitLab) self(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "read_personal_access_token")
	if !ok {
		return
	}
	body := t.describe()
	body["last_used_at"] = "2021-10-06T17:58:37.550Z"
	providertest.WriteJSON(w, http.StatusOK, body)
}

// describe is the object that GitLab tells of a token that works.
func (t GitLabToken) describe() providertest.Object {
	body := providertest.Object{
		"id": t.id, "name": t.Name, "revoked": false, "created_at": t.Created, "description": "Test Token description",
		"scopes": t.Scopes, "user_id": t.UserID, "last_used_at": nil, "active": true, "expires_at": nil,
	}
	if t.Expires != "" {
		body["expires_at"] = t.Expires
	}
	if t.FineGrained {
		body["scopes"] = []string{"granular"}
		body["granular_scopes"] = []any{providertest.Object{"access": "user", "permissions": t.Permissions, "project_id": nil, "group_id": nil}}
	}
	return body
}

// user: doc/api/users.md, documented.
func (g *GitLab) user(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "read_user", "read_user", "read_api", "api")
	if !ok {
		return
	}
	state := t.State
	if state == "" {
		state = "active"
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"id": t.UserID, "username": t.Username, "email": t.Username + "@example.com", "name": "Example User", "state": state, "bot": t.Bot,
		"created_at": "2012-05-23T08:00:58Z", "two_factor_enabled": true, "external": false, "private_profile": false,
	})
}

// version demands a login: doc/api/version.md, documented.
func (g *GitLab) version(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.enter(w, r, "read_instance_version", "read_user", "read_api", "api"); ok {
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"version": "18.10.0", "revision": "0000000000a"})
	}
}
