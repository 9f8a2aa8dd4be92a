package github

import (
	"context"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of GitHub's settings and credential fields.
const (
	githubPAT           = "pat"
	githubEmail         = "email"
	githubOrganizations = "organizations"
)

// github checks tokens of GitHub, GitHub Enterprise Cloud with data residency
// and GitHub Enterprise Server.
type github struct{ client *upstream.Client }

// New returns the provider of GitHub. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return github{client} }

var (
	_ providers.Provider        = github{}
	_ providers.SettingsChecker = github{}
)

// Spec describes GitHub.
func (github) Spec() providers.Spec {
	return providers.Spec{
		Name:       "github",
		Title:      "GitHub",
		DefaultURL: "https://github.com",
		URLHelp:    "Root as in the browser: https://github.com, https://acme.ghe.com, or https://github.example.com for GitHub Enterprise Server.",
		AuthTypes: []providers.AuthType{{
			Name: githubPAT, Title: "Personal access tokens", TellsScopes: true,
			MadeAt: "{url}/settings/tokens",
			Fields: githubFields(),
		}, {
			Name: "github_app", Title: "GitHub App",
			Unsupported: "A GitHub App is authenticated by its private key and installation, and has no token that could be replaced here. Renew the key in the app's settings, or use auth_type pat.",
		}},
		Settings: []providers.Field{githubOrganizationsField()},
		LeastRights: "Classic tokens: the scopes repo and read:org, authorised for the single sign-on of each organisation. " +
			"Fine-grained tokens: read access to metadata, contents, pull requests, issues, actions and members.",
		Expiry:   "GitHub tells it in a header of every answer; tokens without one do not end, but are revoked after a year without use.",
		Rotation: "None: a token cannot make another.",
		Check: "GET /user with each token must answer 200 with JSON that has a login and a numeric id. Then GET /orgs/{org} for each organisation in organizations, " +
			"which proves that nothing forbids access, and GET /user/memberships/orgs/{org}, which proves with the state active that the account is a member: anybody sees a public organisation. " +
			"Where GitHub answers 404 to the second, which is documented to mean so, a warning says that the account is not affiliated with the organisation. Where it answers 403, for the question needs a right of its own, or the state is pending, or the role billing_manager, a warning says what was not proved. " +
			"For classic tokens GET /user/orgs follows, whose header tells which organisations still want single sign-on.",
		Unverified: []providers.Assumption{
			{What: "The fine-grained permissions as a complete list.", Settled: "The vendor's list, which is complete for REST only."},
			{What: "That a suspended account is told by the word \"suspended\" in a 403.", Settled: "The answer to the token of a suspended account."},
			{What: "That the header of GET /user/orgs names all organisations that want single sign-on, however few items are asked for.", Settled: "The header for an account of more organisations than one page has."},
			{What: "What GET /user/memberships/orgs/{org} answers to a token that may not ask; a 403 is taken for an open question. The scopes that do are those that GitHub tells for the list of all memberships.", Settled: "The answers to tokens of each kind without the right."},
			{What: "That the names of the policies of organisations and enterprises (allow list, lifetime, kind of token, OAuth apps) are the same in all versions.", Settled: "The refusals of organisations that set each policy, and of Enterprise Servers."},
			{What: "That a 401 with the message \"Requires authentication\" is only said where no token arrived.", Settled: "The answer to a request without a token, and to one with a malformed token."},
			{What: "That a 401 that is GitHub's own has the header X-GitHub-Request-Id, says \"Bad credentials\", or links to GitHub's documentation; any other is taken for that of something in between.", Settled: "A refusal by an Enterprise Server of each version in use."},
			{What: "Today's words for the lock after many failed logins.", Settled: "The answer after many failed logins."},
		},
	}
}

// githubFields are the fields of a pool of tokens.
func githubFields() []providers.Field {
	return []providers.Field{
		{Name: githubPAT, Title: "Personal access tokens", Kind: providers.Pool, Required: true, Description: "One token, or several of different accounts, so that workers can spread their requests over several quotas."},
		{Name: githubEmail, Title: "E-mail", Kind: providers.Email, Description: "E-mail address of the account; compared where GitHub shows one, which it does for public addresses only."},
	}
}

func githubOrganizationsField() providers.Field {
	return providers.Field{
		Name: githubOrganizations, Title: "Organizations", Kind: providers.List,
		Description: "Logins of the organisations that every token must see, single sign-on included; a warning tells those of which its account was not proved to be a member.",
	}
}

// Headers returns a Bearer token, the first of a pool.
func (github) Headers(authType string, cred providers.Credential) map[string]string {
	if authType != githubPAT {
		return nil
	}
	return githubHeaders(cred.Value(githubPAT))
}

func githubHeaders(token providers.Secret) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token.Reveal(), "Accept": "application/vnd.github+json"}
}

// CheckSettings judges the url, the names of organisations and the way there.
func (g github) CheckSettings(t providers.Target) error {
	c, err := newGitHubCheck(g.client, "GitHub", t)
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// Validate checks every token of the pool.
func (g github) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := newGitHubCheck(g.client, "GitHub", t)
	if err != nil {
		return providers.Verified{}, err
	}
	return c.validate(ctx, cred)
}
