package providertest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// GitHubOrganization is an organisation.
type GitHubOrganization struct {
	Login string `json:"login"`
	ID    int64  `json:"id,omitempty"`
	// Members are the logins that belong to it and see it. Empty means that everybody
	// does, or nobody if it is public.
	Members []string `json:"members,omitempty"`
	// Public organisations are seen by everybody.
	Public bool `json:"public,omitempty"`
	// Pending are the logins that are invited.
	Pending []string `json:"pending,omitempty"`
	// SSO demands classic tokens to be authorised: required answers 403, partial
	// only leaves the organisation out of lists.
	SSO string `json:"sso,omitempty"`
	// Forbids is a kind of token that is refused: classic, fine_grained or lifetime.
	Forbids string `json:"forbids,omitempty"`
	// Repositories are those of the organisation.
	Repositories []GitHubRepository `json:"repositories,omitempty"`
}

// GitHubRepository is a repository of an organisation.
type GitHubRepository struct {
	Name string `json:"name"`
	// Private repositories are seen by classic tokens with the scope repo and by
	// fine-grained ones.
	Private bool `json:"private,omitempty"`
	// Runs is how many runs of Actions it has.
	Runs int `json:"runs,omitempty"`
}

// org: octokit/fixtures get-organization, recorded.
func (g *GitHub) org(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	o, known := g.organization(r)
	classic := !t.FineGrained && !t.Installation
	switch {
	case !known, !o.Public && !o.has(t):
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

// membership: docs.github.com/en/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user,
// documented but for the refusals: those are of other paths.
func (g *GitHub) membership(w http.ResponseWriter, r *http.Request) {
	const documentation = "https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user"
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	o, known := g.organization(r)
	state := "active"
	if slices.Contains(o.Pending, t.Login) {
		state = "pending"
	}
	switch {
	case t.NoMembers == "forbidden":
		w.Header().Set("x-accepted-github-permissions", "members=read")
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token", documentation)
	case !t.FineGrained && !slices.ContainsFunc(t.Scopes, tellsMembership):
		refuse(w, http.StatusForbidden, "You need at least read:org scope or user scope to list your organizations.", documentation)
	case !known, t.NoMembers == "hidden", state == "active" && !o.has(t):
		refuse(w, http.StatusNotFound, "Not Found", documentation)
	default:
		writeJSON(w, http.StatusOK, object{
			"state": state, "role": "member", "url": "https://" + r.Host + r.URL.Path,
			"organization": object{"login": o.Login, "id": o.ID}, "user": object{"login": t.Login, "id": t.ID},
		})
	}
}

func tellsMembership(scope string) bool {
	return slices.Contains([]string{"read:org", "write:org", "admin:org", "user"}, scope)
}

// has reports whether the account of a token is a member.
func (o GitHubOrganization) has(t GitHubToken) bool {
	return len(o.Members) == 0 && !o.Public || slices.Contains(o.Members, t.Login)
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
		if !o.has(t) {
			continue
		}
		if o.SSO != "" && !t.FineGrained && !o.authorized(t) {
			hidden = append(hidden, strconv.FormatInt(o.ID, 10))
			continue
		}
		listed = append(listed, object{"login": o.Login, "id": o.ID})
	}
	slices.Sort(hidden)
	return listed, hidden
}
