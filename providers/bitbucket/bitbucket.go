package bitbucket

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of Bitbucket's settings and credential fields.
const (
	bitbucketAPIKey    = "api_key"
	bitbucketEmail     = "email"
	bitbucketWorkspace = "workspace"
)

const (
	bitbucketHost    = "bitbucket.org"
	bitbucketAPIPath = "/2.0"
	// bitbucketAppPassword is how app passwords begin.
	bitbucketAppPassword = "ATBB"
)

// bitbucket checks credentials of Bitbucket Cloud.
type bitbucket struct{ client *upstream.Client }

// New returns the provider of Bitbucket Cloud. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return bitbucket{client} }

var (
	_ providers.Provider        = bitbucket{}
	_ providers.SettingsChecker = bitbucket{}
)

// Spec describes Bitbucket.
func (bitbucket) Spec() providers.Spec {
	return providers.Spec{
		Name:       "bitbucket",
		Title:      "Bitbucket",
		DefaultURL: "https://bitbucket.org",
		URLHelp:    "https://bitbucket.org, the root of Bitbucket Cloud. Bitbucket Data Center is not supported.",
		AuthTypes: []providers.AuthType{{
			Name: bitbucketAPIKey, Title: "E-mail and API token",
			MadeAt: "https://id.atlassian.com/manage-profile/security/api-tokens",
			Fields: []providers.Field{
				{Name: bitbucketEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "E-mail address of the Atlassian account that owns the token; not the Bitbucket user name."},
				{Name: bitbucketAPIKey, Title: "API token", Kind: providers.Token, Required: true, Description: "API token with scopes for Bitbucket, made at id.atlassian.com. App passwords were removed by Atlassian."},
				{Name: "expires_at", Title: "Expires at", Kind: providers.Time, Description: "When the token ends, as the page that made it says; Bitbucket does not tell."},
			},
		}, oauthclient.AuthType("OAuth consumer")},
		Settings: []providers.Field{{
			Name: bitbucketWorkspace, Title: "Workspace", Kind: providers.Text,
			Description: "Workspace that the token's account must be a member of: its id as in the browser's address, or its UUID in curly braces.",
		}},
		LeastRights: "Scopes read:user:bitbucket, read:workspace:bitbucket, read:project:bitbucket, read:repository:bitbucket, read:pullrequest:bitbucket and read:pipeline:bitbucket. " +
			"A check needs the first, and the second if workspace is set. An OAuth consumer: the permissions account, project, repository, pullrequest and pipeline to read; a check needs account.",
		Expiry: "API tokens live a year at most; Bitbucket does not tell when one ends, so enter expires_at. " +
			"OAuth access tokens last two hours and are renewed when creds/ is read; a refresh token that nobody uses for three months ends, and then a person must consent again.",
		Rotation: "None for API tokens: one cannot make another. OAuth refresh tokens are replaced at each use.",
		Check: "GET /2.0/user must answer 200 with JSON of type user that has an account_id or uuid. No e-mail address is told: that e-mail and token belong together is proved by the login. " +
			"With OAuth the identity is the name that the account shows. Then, if workspace is set, GET /2.0/user/workspaces/{workspace}/permission must name that workspace and the permission owner, create-project, collaborator or member; the workspace itself and its repositories are shown to anybody if they are public, and prove nothing.",
		Unverified: []string{
			"Whether answers to an API token list its scopes in X-OAuth-Scopes, as those to other tokens do; they are read where they come, and required_scopes cannot be set.",
			"How GET /2.0/user/workspaces/{workspace}/permission answers for a workspace that does not exist: 403 is documented for an account that has no access, and taken for both, as is the permission none; a 404 is documented for no case, and taken for could not tell.",
			"With which words the API refuses an address that is not on the list of a workspace: those of git operations are known, and any in Bitbucket's JSON that name an IP address and a list are taken for it.",
			"What a bare 403 on /2.0/user means: it is taken for could not tell.",
			"Which characters the id of a workspace may have.",
			"That Bitbucket proves the PKCE challenge that is sent with an authorization; the state is bound to the integration all the same.",
			"How it refuses a wrong OAuth client (invalid_client and unauthorized_client are both taken for it), and with which status a refresh token that is no good; whether one works once more after it was replaced.",
			"How an access token of a repository, project or workspace is answered when it is sent with an e-mail address; the header X-Credential-Type is believed where it comes.",
		},
	}
}

// Headers returns Basic with e-mail and API token, or Bearer with an access token.
func (bitbucket) Headers(authType string, cred providers.Credential) map[string]string {
	switch authType {
	case bitbucketAPIKey:
		return probe.BasicHeaders(cred.Value(bitbucketEmail), cred.Value(bitbucketAPIKey))
	case oauthclient.Type:
		return probe.BearerHeaders(cred.Value(providers.OAuthAccessToken))
	default:
		return nil
	}
}

// CheckSettings judges the url, the workspace and the way there.
func (b bitbucket) CheckSettings(t providers.Target) error {
	c, err := b.check(t)
	if err == nil && t.AuthType == oauthclient.Type {
		_, err = b.oauth(t)
	}
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// check prepares the check of one target.
func (b bitbucket) check(t providers.Target) (bitbucketCheck, *providers.Error) {
	p := probe.New(b.client, "Bitbucket", bitbucketAPIKey, t)
	oauth := t.AuthType == oauthclient.Type
	if oauth {
		p.TokenField = providers.OAuthAccessToken
	}
	api, err := bitbucketAPI(p, t.URL)
	if err != nil {
		return bitbucketCheck{}, err
	}
	workspace := t.Settings.Text(bitbucketWorkspace)
	if workspace != "" && !isBitbucketWorkspace(workspace) {
		return bitbucketCheck{}, p.Invalid(bitbucketWorkspace, "workspace is the id of a workspace as in the browser's address, such as acme-team, or its UUID in curly braces")
	}
	return bitbucketCheck{Probe: p, api: api, workspace: workspace, oauth: oauth}, nil
}

// Validate asks Bitbucket who the credential belongs to.
func (b bitbucket) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := b.check(t)
	switch {
	case err != nil:
	case t.AuthType != bitbucketAPIKey && !c.oauth:
		err = c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	case strings.HasPrefix(cred.Value(bitbucketAPIKey).Reveal(), bitbucketAppPassword):
		// Announced in Atlassian's community, article ba-p/3237429.
		err = c.Invalid(bitbucketAPIKey, "this is an app password, and Atlassian removed app passwords on 28 July 2026; make an API token with scopes for Bitbucket at id.atlassian.com")
	}
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	c.header = probe.HeaderOf(b.Headers(t.AuthType, cred))
	v, err := c.run(ctx, cred.Value(bitbucketEmail).Reveal())
	if c.oauth {
		t = t.Without("required_scopes") // demanded of what was granted, with the code
	}
	return c.Verdict(t, v, err, probe.HasScope)
}

// bitbucketAPI finds the API's root.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#uri-structure
func bitbucketAPI(p probe.Probe, raw string) (string, *providers.Error) {
	u, err := p.Root(raw)
	if err != nil {
		return "", err
	}
	probe.TrimAPIPath(u, bitbucketAPIPath)
	web := strings.TrimPrefix(strings.TrimPrefix(u.Hostname(), "www."), "api.")
	switch {
	case web != bitbucketHost:
		return "", p.Invalid("url", "url is https://%s: only Bitbucket Cloud is supported; Bitbucket Data Center has no API tokens with an e-mail address", bitbucketHost)
	case u.Path != "":
		return "", p.Invalid("url", "url is the root without a path, https://%s; name the workspace in the setting workspace", bitbucketHost)
	}
	api := url.URL{Scheme: u.Scheme, Host: probe.WithPort("api."+web, u.Port()), Path: bitbucketAPIPath}
	return api.String(), nil
}

var bitbucketWorkspaceForm = regexp.MustCompile(`^(?:[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}|\{[0-9A-Fa-f-]{36}\})$`)

// isBitbucketWorkspace accepts what can be one segment of a path and names a
// workspace: "the workspace ID (slug) or the workspace UUID surrounded by
// curly-braces".
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/
func isBitbucketWorkspace(name string) bool {
	return bitbucketWorkspaceForm.MatchString(name)
}
