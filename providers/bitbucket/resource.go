package bitbucket

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// Kinds of access tokens, as answers name them in X-Credential-Type.
// https://support.atlassian.com/bitbucket-cloud/kb/how-to-fetch-the-scope-of-a-token-via-command-line
const (
	kindRepository = "repo_access_token"
	kindProject    = "project_access_token"
	kindWorkspace  = "workspace_access_token"
)

// accessKinds maps the kinds of access tokens to what each belongs to.
func accessKinds() map[string]string {
	return map[string]string{kindRepository: "repository", kindProject: "project", kindWorkspace: "workspace"}
}

// resource is what an access token must reach, as the settings name it: a workspace, or
// a project or repository in it.
type resource struct{ workspace, project, repository string }

// resourceOf reads the settings of an access token.
func resourceOf(p probe.Probe, t providers.Target) (resource, *providers.Error) {
	r := resource{t.Settings.Text(bitbucketWorkspace), t.Settings.Text(bitbucketProject), t.Settings.Text(bitbucketRepository)}
	switch {
	case r.workspace == "":
		return r, p.Invalid(bitbucketWorkspace, "workspace is needed: an access token belongs to a workspace, or to a project or repository in it")
	case r.project != "" && r.repository != "":
		return r, p.Invalid(bitbucketProject, "project and repository exclude each other: set repository for what is in one repository only, and project for a whole project")
	case r.project != "" && !projectForm.MatchString(r.project):
		return r, p.Invalid(bitbucketProject, "project is the key of a project, such as WEB")
	case r.repository != "" && !isBitbucketWorkspace(r.repository):
		return r, p.Invalid(bitbucketRepository, "repository is the name of a repository as in the browser's address, without the workspace, or its UUID in curly braces")
	}
	return r, nil
}

// projectForm accepts what can be one segment of a path. Which characters a key may have
// is in no source; the tilde begins that of a person's own project on Data Center.
var projectForm = regexp.MustCompile(`^~?[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}$`)

// repositoryForm accepts what can be one segment of a path and names a repository.
var repositoryForm = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}$`)

// path is that of the question below the API's root: of the list of a workspace one
// repository is asked for.
//
//   - https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/
//   - https://developer.atlassian.com/cloud/bitbucket/rest/api-group-projects/
func (r resource) path() string {
	workspace := url.PathEscape(r.workspace)
	switch {
	case r.repository != "":
		return "/repositories/" + workspace + "/" + url.PathEscape(r.repository)
	case r.project != "":
		return "/workspaces/" + workspace + "/projects/" + url.PathEscape(r.project)
	}
	return "/repositories/" + workspace + "?pagelen=1"
}

// scope is the right that the question needs.
func (r resource) scope() string {
	if r.project != "" {
		return "project"
	}
	return "repository"
}

// String names the resource for people.
func (r resource) String() string {
	switch {
	case r.repository != "":
		return "the repository " + r.short()
	case r.project != "":
		return "the project " + r.short()
	}
	return "the workspace " + r.short()
}

// short is the resource without its kind.
func (r resource) short() string {
	return strings.TrimSuffix(r.workspace+"/"+r.project+r.repository, "/")
}

// reaches reports whether a token of that kind can be for all of the resource.
func (r resource) reaches(kind string) bool {
	switch {
	case r.repository != "":
		return true
	case r.project != "":
		return kind != kindRepository
	}
	return kind == kindWorkspace
}

// told is what an answer tells of a repository or project.
type told struct {
	Type      string `json:"type"`
	Slug      string `json:"slug"`
	Key       string `json:"key"`
	UUID      string `json:"uuid"`
	FullName  string `json:"full_name"`
	IsPrivate *bool  `json:"is_private"`
	Workspace *struct {
		Slug string `json:"slug"`
		UUID string `json:"uuid"`
	} `json:"workspace"`
}

// public reports whether anybody may see it.
func (t told) public() bool { return t.IsPrivate != nil && !*t.IsPrivate }

// inWorkspace reports whether it is in the workspace of that id or UUID.
func (t told) inWorkspace(workspace string) bool {
	if strings.HasPrefix(workspace, "{") {
		return t.Workspace != nil && strings.EqualFold(t.Workspace.UUID, workspace)
	}
	owner, _, _ := strings.Cut(t.FullName, "/")
	return strings.EqualFold(owner, workspace) || t.Workspace != nil && strings.EqualFold(t.Workspace.Slug, workspace)
}

// names reports whether it is the resource. A project need not tell its workspace.
func (t told) names(r resource) bool {
	if r.project != "" {
		return t.Type == "project" && strings.EqualFold(t.Key, r.project) && (t.Workspace == nil || t.inWorkspace(r.workspace))
	}
	_, name, _ := strings.Cut(t.FullName, "/")
	return t.Type == "repository" && t.inWorkspace(r.workspace) &&
		slices.ContainsFunc([]string{name, t.Slug, t.UUID}, func(s string) bool { return strings.EqualFold(s, r.repository) })
}
