package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
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
	// Billing are the logins whose role is billing_manager.
	Billing []string `json:"billing,omitempty"`
	// SSO demands classic tokens to be authorised: required answers 403, partial
	// only leaves the organisation out of lists.
	SSO string `json:"sso,omitempty"`
	// Forbids is a kind of token that is refused: classic, fine_grained or lifetime;
	// enterprise_classic and enterprise_lifetime are the same by the enterprise's rule, and
	// address refuses all.
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
	case o.forbids(t) != "":
		refuse(w, http.StatusForbidden, o.forbids(t), "https://docs.github.com/rest")
	default:
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"login": o.Login, "id": o.ID, "type": "Organization", "url": "https://" + r.Host + r.URL.Path})
	}
}

// forbids is the message of the rule that keeps a token out, "" where none does:
// refined-github issue 6951, GladysAssistant/v4-website pull 408, HHS/simpler-grants-gov
// issue 2547, flcdrg/au-packages issue 197, aquasecurity/trivy-action issue 573, reported.
func (o GitHubOrganization) forbids(t GitHubToken) string {
	kind, setting := "a personal access tokens (classic)", "tokens/99202709"
	if t.FineGrained {
		kind, setting = "a fine-grained personal access tokens", "personal-access-tokens/12345678"
	}
	lifetime := " forbids access via " + kind + " if the token's lifetime is greater than 366 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/" + setting
	switch classic := !t.FineGrained && !t.Installation; {
	case o.Forbids == "classic" && classic:
		return "`" + o.Login + "` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
	case o.Forbids == "enterprise_classic" && classic:
		return "The 'Acme Holdings' enterprise forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
	case o.Forbids == "fine_grained" && t.FineGrained:
		return "`" + o.Login + "` forbids access via a fine-grained personal access token."
	case o.Forbids == "lifetime" && t.FineGrained:
		return "The '" + o.Login + "' organization" + lifetime
	case o.Forbids == "enterprise_lifetime":
		return "The 'Acme Holdings' enterprise" + lifetime
	case o.Forbids == "address":
		return "Although you appear to have the correct authorization credentials, the `" + o.Login + "` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."
	}
	return ""
}

func (o GitHubOrganization) authorized(t GitHubToken) bool {
	return slices.ContainsFunc(t.Authorized, func(a string) bool { return strings.EqualFold(a, o.Login) })
}

// membership: docs.github.com/en/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user,
// documented but for the 403: that is of other paths. The scopes: PyGithub
// AuthenticatedUser.testGetMemberships, recorded for the list.
func (g *GitHub) membership(w http.ResponseWriter, r *http.Request) {
	const documentation = "https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user"
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	o, known := g.organization(r)
	state, role := "active", "member"
	if slices.Contains(o.Pending, t.Login) {
		state = "pending"
	}
	billing := slices.Contains(o.Billing, t.Login)
	if billing {
		role = "billing_manager"
	}
	switch {
	case t.NoMembers:
		w.Header().Set("x-accepted-github-permissions", "members=read")
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token", documentation)
	case !t.FineGrained && !slices.ContainsFunc(t.Scopes, tellsMembership):
		refuse(w, http.StatusForbidden, "You need at least read:org scope or user scope to list your organizations.", documentation)
	case !known, state == "active" && !billing && !o.has(t):
		// @octokit/openapi 23.0.2, documented: not affiliated.
		refuse(w, http.StatusNotFound, "Not Found", documentation)
	default:
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{
			"state": state, "role": role, "url": "https://" + r.Host + r.URL.Path,
			"organization": providertest.Object{"login": o.Login, "id": o.ID}, "user": providertest.Object{"login": t.Login, "id": t.ID},
		})
	}
}

func tellsMembership(scope string) bool {
	return slices.Contains([]string{"read:org", "write:org", "admin:org", "user", "repo"}, scope)
}

// listsOrgs is narrower: docs.github.com/en/rest/orgs/orgs#list-organizations-for-the-authenticated-user.
func listsOrgs(scope string) bool { return scope != "repo" && tellsMembership(scope) }

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
	if !t.FineGrained && !slices.ContainsFunc(t.Scopes, listsOrgs) {
		refuse(w, http.StatusForbidden, "You need at least read:org scope or user scope to list your organizations.", "https://docs.github.com/rest/orgs/orgs#list-organizations-for-the-authenticated-user")
		return
	}
	listed, hidden := g.visible(t)
	if t.FineGrained {
		listed, hidden = []any{}, nil // documented: an empty list
	}
	if len(hidden) > 0 {
		w.Header().Set("X-GitHub-SSO", "partial-results; organizations="+strings.Join(hidden, ","))
	}
	providertest.WriteJSON(w, http.StatusOK, listed)
}

// visible tells organisations that want single sign-on of the token from others.
func (g *GitHub) visible(t GitHubToken) (listed []any, hidden []string) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	listed = []any{}
	for _, o := range g.orgs {
		if !o.has(t) {
			continue
		}
		if o.SSO != "" && !t.FineGrained && !o.authorized(t) {
			hidden = append(hidden, strconv.FormatInt(o.ID, 10))
			continue
		}
		listed = append(listed, providertest.Object{"login": o.Login, "id": o.ID})
	}
	slices.Sort(hidden)
	return listed, hidden
}
