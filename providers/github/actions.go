package github

import (
	"context"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// githubActions checks tokens that are to read GitHub Actions: those of github,
// with one more right.
type githubActions struct{ client *upstream.Client }

// NewActions returns the provider of GitHub Actions. All its requests go through client.
func NewActions(client *upstream.Client) providers.Provider { return githubActions{client} }

var (
	_ providers.Provider        = githubActions{}
	_ providers.SettingsChecker = githubActions{}
)

// Spec describes GitHub Actions.
func (githubActions) Spec() providers.Spec {
	base := github{}.Spec()
	return providers.Spec{
		Name:       "github_actions",
		Title:      "GitHub Actions",
		DefaultURL: base.DefaultURL,
		URLHelp:    base.URLHelp,
		AuthTypes: []providers.AuthType{{
			Name: githubPAT, Title: "Personal access tokens", TellsScopes: true, Fields: githubFields(),
			MadeAt: "{url}/settings/tokens",
		}},
		Settings: []providers.Field{githubOrganizationsField()},
		LeastRights: "Classic tokens: the scopes repo and read:org, authorised for the single sign-on of each organisation; workflow is for writing and not needed. " +
			"Fine-grained tokens: read access to metadata and actions, and to members, without which a warning says that the membership was not proved.",
		Expiry:   base.Expiry,
		Rotation: base.Rotation,
		Check: base.Check + " For each organisation in organizations, GET /orgs/{org}/repos then finds one repository, a private one if the token sees any, " +
			"and GET /repos/{org}/{repo}/actions/runs must answer 200 with a count of runs. Where only a public repository or none is visible, or organizations is empty, a warning says that the right was not proved.",
		Unverified: append(base.Unverified, []providers.Assumption{
			{What: "The answer to GET /repos/{org}/{repo}/actions/runs where Actions is switched off for the repository; a 403 or 404 is taken for a missing right.", Settled: "The answer of such a repository."},
			{What: "How single sign-on is refused on the paths of Actions; taken to be as on others.", Settled: "The answer to a token that is not authorized for it."},
			{What: "That the list of an organisation's private repositories names those of internal visibility too.", Settled: "The list of an organisation that has such repositories."},
		}...),
	}
}

// Headers returns a Bearer token, the first of a pool.
func (githubActions) Headers(authType string, cred providers.Credential) map[string]string {
	return github{}.Headers(authType, cred)
}

// CheckSettings judges the url, the names of organisations and the way there.
func (g githubActions) CheckSettings(t providers.Target) error {
	c, err := g.check(t)
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// Validate checks every token of the pool.
func (g githubActions) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := g.check(t)
	if err != nil {
		return providers.Verified{}, err
	}
	v, failure := c.validate(ctx, cred)
	if failure == nil && len(c.orgs) == 0 {
		v.Warnings = append(v.Warnings, "organizations is empty, so it was not checked whether the token may read the runs of GitHub Actions")
	}
	return v, failure
}

func (g githubActions) check(t providers.Target) (githubCheck, *providers.Error) {
	c, err := newGitHubCheck(g.client, "GitHub Actions", t)
	c.actions = true
	return c, err
}
