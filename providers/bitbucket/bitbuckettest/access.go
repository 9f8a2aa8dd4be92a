package bitbuckettest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// Kinds of access tokens, as answers tell them.
const (
	RepositoryToken = "repo_access_token"
	ProjectToken    = "project_access_token"
	WorkspaceToken  = "workspace_access_token"
)

// AddAccessToken adds an access token of that kind, of a workspace, or of a project or
// repository as workspace/name, with rights as OAuth names them.
func (b *Bitbucket) AddAccessToken(kind, of, token string, scopes ...string) {
	b.Add(BitbucketToken{Token: token, Kind: kind, Of: of, Scopes: scopes})
}

// accessOf finds the access token of a request, which is taken as Bearer only.
func (b *Bitbucket) accessOf(r *http.Request) (BitbucketToken, bool) {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	b.Mu.Lock()
	defer b.Mu.Unlock()
	t := b.tokens[secret]
	return t, bearer && t.Kind != ""
}

// callByKind tells the kind and the rights of an access token beside whatever is answered:
// support.atlassian.com/bitbucket-cloud/kb/how-to-fetch-the-scope-of-a-token-via-command-line.
func (b *Bitbucket) callByKind(w http.ResponseWriter, r *http.Request) {
	t, ok := b.accessOf(r)
	if !ok || t.Quiet && r.URL.Path != "/2.0/user" {
		return
	}
	w.Header().Set("X-Credential-Type", t.Kind)
	w.Header().Set("X-OAuth-Scopes", strings.Join(t.Scopes, ", "))
}

// refuseUser refuses what only a user may see. The status and the headers are those of
// trufflesecurity/trufflehog pkg/analyzer/analyzers/bitbucket; the body is a guess.
func refuseUser(w http.ResponseWriter, t BitbucketToken) {
	bitbucketRefuse(w, http.StatusForbidden, "Your credentials lack one or more required privilege scopes.",
		providertest.Object{"required": []string{"account"}, "granted": t.Scopes})
}

// reaches demands that an access token has the right and is for what is asked. How one is
// refused that is not is in no source: as if there were nothing, also of what is public.
func (b *Bitbucket) reaches(w http.ResponseWriter, r *http.Request, t BitbucketToken, ws BitbucketWorkspace, scope string) bool {
	name, has := oauthName(scope, t.Scopes)
	project, repository := r.PathValue("project"), r.PathValue("repository")
	of, inside, _ := strings.Cut(t.Of, "/")
	if project != "" {
		name, has = "project", slices.Contains(t.Scopes, "project")
	}
	all := t.Kind == WorkspaceToken
	switch {
	case t.Limited:
		providertest.WriteText(w, http.StatusTooManyRequests, "text/plain", "Rate limit for this resource has been exceeded")
	case ws.Slug == "" || !strings.EqualFold(of, ws.Slug):
		noWorkspace(w, r)
	case ws.Listed:
		bitbucketRefuse(w, http.StatusForbidden, "To access this workspace, an admin must whitelist your IP.", nil)
	case !has:
		bitbucketRefuse(w, http.StatusForbidden, "Your credentials lack one or more required privilege scopes.",
			providertest.Object{"required": []string{name}, "granted": t.Scopes})
	case project != "" && !all && (t.Kind != ProjectToken || !strings.EqualFold(inside, project)):
		bitbucketRefuse(w, http.StatusNotFound, "Project not found", nil)
	case repository != "" && !all && !ws.holds(t.Kind, inside, repository):
		bitbucketRefuse(w, http.StatusNotFound, "Repository "+ws.Slug+"/"+repository+" not found", nil)
	default:
		return true
	}
	return false
}

// holds reports whether the repository is the one, or in the project, that a token is of.
func (ws BitbucketWorkspace) holds(kind, inside, repository string) bool {
	if kind == RepositoryToken {
		return strings.EqualFold(inside, repository) || ws.repository(inside)["uuid"] == repository
	}
	return slices.ContainsFunc(ws.Repositories, func(name string) bool { return strings.EqualFold(name, inside+"/"+repository) })
}

// repository describes one of the workspace in the form of the API.
func (ws BitbucketWorkspace) repository(slug string) providertest.Object {
	full := ws.Slug + "/" + slug
	return providertest.Object{
		"type": "repository", "full_name": full, "name": slug, "slug": slug, "is_private": !ws.Public, "workspace": ws.Body("workspace"),
		"uuid": "{" + providertest.MadeUpGUID(fmt.Sprintf("%x", sha256.Sum256([]byte(full)))) + "}",
	}
}

// repository: the reference page of the resource, documented.
func (b *Bitbucket) repository(w http.ResponseWriter, r *http.Request) {
	ws, ok := b.visible(w, r, BitbucketReadRepository)
	if !ok {
		return
	}
	asked := r.PathValue("repository")
	for _, name := range ws.Repositories {
		_, slug, _ := strings.Cut(name, "/")
		if body := ws.repository(slug); strings.EqualFold(slug, asked) || body["uuid"] == asked {
			providertest.WriteJSON(w, http.StatusOK, body)
			return
		}
	}
	bitbucketRefuse(w, http.StatusNotFound, "Repository "+ws.Slug+"/"+asked+" not found", nil)
}

// project: the reference page of the resource, documented. A project is there if a
// repository is in it.
func (b *Bitbucket) project(w http.ResponseWriter, r *http.Request) {
	ws, ok := b.visible(w, r, BitbucketReadRepository)
	if !ok {
		return
	}
	asked := r.PathValue("project")
	for _, name := range ws.Repositories {
		if key, _, _ := strings.Cut(name, "/"); strings.EqualFold(key, asked) {
			providertest.WriteJSON(w, http.StatusOK, providertest.Object{
				"type": "project", "key": key, "name": "Project " + key, "is_private": !ws.Public, "workspace": ws.Body("workspace"),
				"uuid": "{" + providertest.MadeUpGUID(fmt.Sprintf("%x", sha256.Sum256([]byte(ws.Slug+"//"+key)))) + "}",
			})
			return
		}
	}
	bitbucketRefuse(w, http.StatusNotFound, "Project not found", nil)
}
