package bitbuckettest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// BitbucketToken is an API token and its account. Of the zero values, Username,
// AccountID and UUID are made up from Email.
type BitbucketToken struct {
	Token     string `json:"token"`
	Email     string `json:"email"`
	Username  string `json:"username,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	UUID      string `json:"uuid,omitempty"`
	// Scopes of the token; one without any for Bitbucket is refused.
	Scopes []string `json:"scopes,omitempty"`
	// TellScopes sends them in a header, as is known of other tokens.
	TellScopes bool `json:"tell_scopes,omitempty"`
	// Limited tokens have spent their quota.
	Limited bool `json:"limited,omitempty"`
	// Kind is set for access tokens, and is what answers call them: repo_access_token,
	// project_access_token or workspace_access_token.
	Kind string `json:"kind,omitempty"`
	// Of is what an access token belongs to: a workspace, or a project or repository as
	// workspace/name.
	Of string `json:"of,omitempty"`
	// Quiet access tokens are called by their kind only where they are refused a user.
	Quiet bool `json:"quiet,omitempty"`
	// consented tokens were issued by OAuth, and name their scopes as it does.
	consented bool
}

// BitbucketWorkspace is a workspace.
type BitbucketWorkspace struct {
	Slug string `json:"slug"`
	// Members are the e-mail addresses of those in it.
	Members []string `json:"members,omitempty"`
	// Public workspaces are shown to anybody.
	Public bool `json:"public,omitempty"`
	// Repositories are those in it, as PROJECT/repository.
	Repositories []string `json:"repositories,omitempty"`
	// Permission is what members have: member where empty.
	Permission string `json:"permission,omitempty"`
	// Listed workspaces let in listed addresses only, and the caller's is not.
	Listed bool `json:"listed,omitempty"`
}

// The rights that the fake demands.
const (
	BitbucketReadUser       = "read:user:bitbucket"
	BitbucketReadWorkspace  = "read:workspace:bitbucket"
	BitbucketReadRepository = "read:repository:bitbucket"
)

// Where Bitbucket answers: the host of the API, and the path of OAuth on bitbucket.org.
const (
	BitbucketAPIHost    = "api.bitbucket.org"
	BitbucketOAuthPath  = "/site/oauth2/"
	bitbucketAccessLife = 7200 * time.Second
)

// Bitbucket is a fake of Bitbucket Cloud: the API on api.bitbucket.org, and the
// pages and the token endpoint of OAuth on any other host.
type Bitbucket struct {
	providertest.Base
	*authserver.Server[BitbucketToken]
	mux         *http.ServeMux
	oauth       *http.ServeMux
	scopesField string
	tokens      map[string]BitbucketToken
	workspaces  map[string]BitbucketWorkspace // by lower-case slug
}

var _ providertest.Fake = (*Bitbucket)(nil)

// NewBitbucket returns a fake without tokens, workspaces and clients.
func NewBitbucket() *Bitbucket {
	b := &Bitbucket{
		Server: newBitbucketAuthorization(), scopesField: "scope",
		mux: http.NewServeMux(), oauth: http.NewServeMux(), tokens: map[string]BitbucketToken{}, workspaces: map[string]BitbucketWorkspace{},
	}
	b.serveOAuth(b.oauth)
	b.mux.HandleFunc("GET /2.0/user", b.user)
	b.mux.HandleFunc("GET /2.0/user/emails", b.emails)
	b.mux.HandleFunc("GET /2.0/user/workspaces", b.userWorkspaces)
	b.mux.HandleFunc("GET /2.0/user/workspaces/{workspace}/permission", b.permission)
	b.mux.HandleFunc("GET /2.0/workspaces/{workspace}", b.workspace)
	b.mux.HandleFunc("GET /2.0/repositories/{workspace}", b.repositories)
	b.mux.HandleFunc("GET /2.0/repositories/{workspace}/{repository}", b.repository)
	b.mux.HandleFunc("GET /2.0/workspaces/{workspace}/projects/{project}", b.project)
	for _, gone := range []string{"/2.0/workspaces", "/2.0/repositories", "/2.0/user/permissions/workspaces", "/2.0/user/permissions/repositories"} {
		b.mux.HandleFunc("GET "+gone, bitbucketGone)
	}
	return b
}

// AddAPIToken adds an API token with scopes.
func (b *Bitbucket) AddAPIToken(email, token string, scopes ...string) {
	b.Add(BitbucketToken{Token: token, Email: email, Scopes: scopes})
}

// Add adds a token.
func (b *Bitbucket) Add(t BitbucketToken) {
	b.Note("token", t.Token)
	t = t.complete()
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.tokens[t.Token] = t
}

// complete makes up what is missing.
func (t BitbucketToken) complete() BitbucketToken {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(t.Email)))
	if t.AccountID == "" {
		t.AccountID = "5c00" + sum[:20]
	}
	if t.UUID == "" {
		t.UUID = "{" + providertest.MadeUpGUID(sum) + "}"
	}
	if t.Username == "" {
		t.Username, _, _ = strings.Cut(t.Email, "@")
	}
	return t
}

// AddWorkspace adds or replaces a workspace.
func (b *Bitbucket) AddWorkspace(w BitbucketWorkspace) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.workspaces[strings.ToLower(w.Slug)] = w
}

// AddJSON adds the BitbucketToken that body describes.
func (b *Bitbucket) AddJSON(body []byte) error {
	var t BitbucketToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	b.Add(t)
	return nil
}

// AddOrganizationJSON adds the BitbucketWorkspace that body describes.
func (b *Bitbucket) AddOrganizationJSON(body []byte) error {
	var w BitbucketWorkspace
	if err := json.Unmarshal(body, &w); err != nil {
		return err
	}
	b.AddWorkspace(w)
	return nil
}

// Revoke makes a token unknown, whether added or issued.
func (b *Bitbucket) Revoke(token string) {
	b.Drop(token)
	b.Mu.Lock()
	defer b.Mu.Unlock()
	delete(b.tokens, token)
}

// ServeHTTP answers as Bitbucket does.
func (b *Bitbucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := b.login(r)
	if of, ok := b.accessOf(r); ok {
		t.Email = of.Of
	}
	b.Serve(w, r, t.Email, http.HandlerFunc(b.route))
}

// route serves the API on its own host only, and OAuth on all others.
func (b *Bitbucket) route(w http.ResponseWriter, r *http.Request) {
	switch {
	case providertest.Hostname(r.Host) != BitbucketAPIHost && strings.HasPrefix(r.URL.Path, BitbucketOAuthPath):
		b.oauth.ServeHTTP(w, r)
	case providertest.Hostname(r.Host) == "bitbucket.org":
		providertest.WriteText(w, http.StatusNotFound, "text/html; charset=utf-8", "<html><body>Not found</body></html>")
	case !strings.HasPrefix(r.URL.Path, "/2.0/"):
		// avivsinai/bitbucket-cli issue 70, reported.
		bitbucketRefuse(w, http.StatusForbidden, "Forbidden", nil)
	case r.ContentLength > 0:
		bitbucketRefuse(w, http.StatusBadRequest, "Bad request", nil)
	case !providertest.Knows(b.mux, r):
		// gildas/bitbucket-cli testdata/error-noapi.json, recorded.
		bitbucketRefuse(w, http.StatusNotFound, "Resource not found", "There is no API hosted at this URL")
	default:
		b.callByKind(w, r)
		b.mux.ServeHTTP(w, r)
	}
}

// bitbucketRefuse answers with Bitbucket's form of a refusal.
func bitbucketRefuse(w http.ResponseWriter, status int, message string, detail any) {
	said := providertest.Object{"message": message}
	if detail != nil {
		said["detail"] = detail
	}
	providertest.WriteJSON(w, status, providertest.Object{"type": "error", "error": said})
}

// bitbucketGone: ktrysmt/go-bitbucket issue 357, recorded.
func bitbucketGone(w http.ResponseWriter, _ *http.Request) {
	bitbucketRefuse(w, http.StatusGone, "CHANGE-2770 - Functionality has been deprecated", "Please read the changelog entry for more details.")
}

// login finds an access token of OAuth, or an API token: of that, the user is the
// e-mail address and not the user name (nextflow-io/nextflow issue 7279, reported).
func (b *Bitbucket) login(r *http.Request) (BitbucketToken, bool) {
	if t, v := b.consented(r); v == authserver.GrantAccepted {
		return t, true
	}
	user, secret, ok := r.BasicAuth()
	b.Mu.Lock()
	defer b.Mu.Unlock()
	t, known := b.tokens[secret]
	if !ok || !known || t.Kind != "" || !strings.EqualFold(t.Email, user) {
		return BitbucketToken{}, false
	}
	return t, true
}

// enter demands a token with a scope. It returns false if the request is answered.
func (b *Bitbucket) enter(w http.ResponseWriter, r *http.Request, scope string) (BitbucketToken, bool) {
	t, ok := b.login(r)
	_, v := b.consented(r)
	of, isAccess := b.accessOf(r)
	switch {
	case isAccess:
		refuseUser(w, of)
		return t, false
	case !ok && v == authserver.GrantExpired:
		// lemurheavy/coveralls-public issue 1541, recorded.
		bitbucketRefuse(w, http.StatusUnauthorized, "Access token expired.", nil)
		return t, false
	case !ok, len(t.Scopes) == 0 && !t.consented:
		// avivsinai/bitbucket-cli issues 30 and 174, recorded: also without scopes.
		bitbucketRefuse(w, http.StatusUnauthorized, "Token is invalid, expired, or not supported for this endpoint.", nil)
		return t, false
	case t.Limited:
		// MitjaBezensek/SharpBucket issue 108, recorded.
		providertest.WriteText(w, http.StatusTooManyRequests, "text/plain", "Rate limit for this resource has been exceeded")
		return t, false
	}
	if t.TellScopes {
		w.Header().Set("X-OAuth-Scopes", strings.Join(t.Scopes, ", "))
	}
	has := slices.Contains(t.Scopes, scope)
	if t.consented {
		scope, has = oauthName(scope, t.Scopes)
	}
	if !has {
		// gildas/bitbucket-cli testdata/error-privileges.json and issue 56, recorded.
		bitbucketRefuse(w, http.StatusForbidden, "Your credentials lack one or more required privilege scopes.",
			providertest.Object{"required": []string{scope}, "granted": t.Scopes})
		return t, false
	}
	return t, true
}

// user: a comment in a public OAuth client, recorded. It has no e-mail address.
func (b *Bitbucket) user(w http.ResponseWriter, r *http.Request) {
	t, ok := b.enter(w, r, BitbucketReadUser)
	if !ok {
		return
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"username": t.Username, "display_name": "User " + t.Username, "nickname": t.Username, "has_2fa_enabled": nil,
		"account_id": t.AccountID, "uuid": t.UUID, "type": "user", "account_status": "active", "is_staff": false,
		"created_on": "2019-02-19T10:36:46.361566-08:00",
	})
}

// emails: developer.atlassian.com/cloud/bitbucket/rest/api-group-users, documented.
func (b *Bitbucket) emails(w http.ResponseWriter, r *http.Request) {
	t, ok := b.enter(w, r, BitbucketReadUser)
	if !ok {
		return
	}
	bitbucketPage(w, providertest.Object{"type": "email", "email": t.Email, "is_primary": true, "is_confirmed": true})
}

func bitbucketPage(w http.ResponseWriter, values ...any) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"pagelen": 10, "page": 1, "size": len(values), "values": append([]any{}, values...)})
}

// userWorkspaces: gildas/bitbucket-cli testdata/workspace-access.json, recorded.
func (b *Bitbucket) userWorkspaces(w http.ResponseWriter, r *http.Request) {
	t, ok := b.enter(w, r, BitbucketReadWorkspace)
	if !ok {
		return
	}
	var values []any
	b.Mu.Lock()
	for _, ws := range b.workspaces {
		if slices.Contains(ws.Members, t.Email) {
			values = append(values, providertest.Object{"type": "workspace_access", "administrator": false, "workspace": ws.Body("workspace_base")})
		}
	}
	b.Mu.Unlock()
	bitbucketPage(w, values...)
}

// Body describes the workspace as the type kind, in the form of the API.
func (ws BitbucketWorkspace) Body(kind string) providertest.Object {
	return providertest.Object{"type": kind, "slug": ws.Slug, "uuid": "{" + providertest.MadeUpGUID(fmt.Sprintf("%x", sha256.Sum256([]byte(ws.Slug)))) + "}"}
}

// find returns the workspace of the path, by slug or UUID.
func (b *Bitbucket) find(r *http.Request) (BitbucketWorkspace, bool) {
	name := r.PathValue("workspace")
	b.Mu.Lock()
	defer b.Mu.Unlock()
	for slug, ws := range b.workspaces {
		if strings.EqualFold(slug, name) || ws.Body("")["uuid"] == name {
			return ws, true
		}
	}
	return BitbucketWorkspace{}, false
}

func noWorkspace(w http.ResponseWriter, r *http.Request) {
	bitbucketRefuse(w, http.StatusNotFound, "No workspace with identifier '"+r.PathValue("workspace")+"'.", nil)
}

// permission: Atlassian's swagger, documented; that a workspace which does not exist is
// answered like one that the account is no member of is a guess.
func (b *Bitbucket) permission(w http.ResponseWriter, r *http.Request) {
	t, ok := b.enter(w, r, BitbucketReadWorkspace)
	if !ok {
		return
	}
	ws, known := b.find(r)
	switch {
	case !known || !slices.Contains(ws.Members, t.Email):
		bitbucketRefuse(w, http.StatusForbidden, "The requesting user does not have access to the workspace.", nil)
		return
	case ws.Listed:
		// Of git operations: Atlassian's knowledge base 1155479141.
		bitbucketRefuse(w, http.StatusForbidden, "To access this workspace, an admin must whitelist your IP.", nil)
		return
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"type": "workspace_membership", "permission": cmp.Or(ws.Permission, "member"),
		"user": providertest.Object{"type": "user", "uuid": t.UUID}, "workspace": ws.Body("workspace"),
	})
}

// visible demands a right to see a workspace, which nobody needs for a public one.
func (b *Bitbucket) visible(w http.ResponseWriter, r *http.Request, scope string) (BitbucketWorkspace, bool) {
	ws, known := b.find(r)
	if t, ok := b.accessOf(r); ok {
		return ws, b.reaches(w, r, t, ws, scope)
	}
	if known && ws.Public {
		return ws, true
	}
	t, ok := b.enter(w, r, scope)
	if !ok {
		return ws, false
	}
	if !known || !slices.Contains(ws.Members, t.Email) {
		noWorkspace(w, r)
		return ws, false
	}
	return ws, true
}

// workspace: the reference page of the resource, documented.
func (b *Bitbucket) workspace(w http.ResponseWriter, r *http.Request) {
	if ws, ok := b.visible(w, r, BitbucketReadWorkspace); ok {
		providertest.WriteJSON(w, http.StatusOK, ws.Body("workspace"))
	}
}

// repositories: the reference page of the resource, documented.
func (b *Bitbucket) repositories(w http.ResponseWriter, r *http.Request) {
	ws, ok := b.visible(w, r, BitbucketReadRepository)
	switch {
	case !ok:
	case ws.Repositories == nil:
		bitbucketPage(w, providertest.Object{"type": "repository", "full_name": ws.Slug + "/example", "is_private": !ws.Public})
	case len(ws.Repositories) == 0:
		bitbucketPage(w)
	default:
		_, name, _ := strings.Cut(ws.Repositories[0], "/")
		bitbucketPage(w, ws.repository(name))
	}
}
