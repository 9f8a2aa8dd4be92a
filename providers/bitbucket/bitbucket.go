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
	bitbucketPAT       = "pat"
	bitbucketWorkspace = "workspace"
	// bitbucketProject and bitbucketRepository are settings of bitbucketResource and
	// bitbucketPAT.
	bitbucketProject    = "project"
	bitbucketRepository = "repository"
	// bitbucketResource is an auth type whose field has the same name.
	bitbucketResource = "access_token"
)

const (
	bitbucketHost    = "bitbucket.org"
	bitbucketAPIPath = "/2.0"
	// bitbucketAppPassword is how app passwords begin.
	bitbucketAppPassword = "ATBB"
	// bitbucketAccessToken is how access tokens begin: TruffleHog's detector atlassian/v2
	// has it for keys of organisations, which look the same.
	bitbucketAccessToken = "ATCTT3"
)

// bitbucket checks credentials of Bitbucket Cloud and Bitbucket Data Center.
type bitbucket struct{ client *upstream.Client }

// New returns the provider of Bitbucket. All its requests go through client.
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
		URLHelp:    "https://bitbucket.org, the root of Bitbucket Cloud, or https://bitbucket.example.com/bitbucket with its context path for Data Center.",
		AuthTypes: []providers.AuthType{{
			Name: bitbucketAPIKey, Title: "E-mail and API token",
			MadeAt: "https://id.atlassian.com/manage-profile/security/api-tokens",
			Fields: []providers.Field{
				{Name: bitbucketEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "E-mail address of the Atlassian account that owns the token; not the Bitbucket user name."},
				{Name: bitbucketAPIKey, Title: "API token", Kind: providers.Token, Required: true, Description: "API token with scopes for Bitbucket, made at id.atlassian.com. App passwords were removed by Atlassian."},
				{Name: "expires_at", Title: "Expires at", Kind: providers.Time, Description: "When the token ends, as the page that made it says; Bitbucket does not tell."},
			},
		}, oauthclient.AuthType("OAuth consumer"), bitbucketResourceType(), bitbucketPATType()},
		Settings: []providers.Field{{
			Name: bitbucketWorkspace, Title: "Workspace", Kind: providers.Text,
			Description: "Workspace that the token's account must be a member of, and for access_token the one that the token belongs to or is in: its id as in the browser's address, or its UUID in curly braces. Cloud only.",
		}},
		LeastRights: "Scopes read:user:bitbucket, read:workspace:bitbucket, read:project:bitbucket, read:repository:bitbucket, read:pullrequest:bitbucket and read:pipeline:bitbucket. " +
			"A check needs the first, and the second if workspace is set. An OAuth consumer: the permissions account, project, repository, pullrequest and pipeline to read; a check needs account. " +
			"access_token: repository, pullrequest and pipeline to read; a check of a project needs project, any other repository. pat: project read and repository read.",
		Expiry: "API tokens live a year at most; Bitbucket does not tell when one ends, so enter expires_at. " +
			"OAuth access tokens last two hours and are renewed when creds/ is read; a refresh token that nobody uses for three months ends, and then a person must consent again. " +
			"An access_token has no end, as Atlassian says. A pat has the one that was chosen where it was made, which Data Center tells only in lists that do not say which token is in use, so enter expires_at.",
		Rotation: "None for API tokens, access tokens and those of Data Center: one cannot make another. OAuth refresh tokens are replaced at each use.",
		Check: "GET /2.0/user must answer 200 with JSON of type user that has an account_id or uuid. No e-mail address is told: that e-mail and token belong together is proved by the login. " +
			"With OAuth the identity is the name that the account shows. Then, if workspace is set, GET /2.0/user/workspaces/{workspace}/permission must name that workspace and the permission owner, create-project, collaborator or member; the workspace itself and its repositories are shown to anybody if they are public, and prove nothing. " +
			"access_token: GET /2.0/repositories/{workspace}/{repository}, /2.0/workspaces/{workspace}/projects/{project} or /2.0/repositories/{workspace} must answer 200, name what was asked for, and tell in X-Credential-Type that the credential is an access token of it or of what it is in; where that header does not come, GET /2.0/user, which is refused to every access token, must tell it. A 200 alone proves nothing. " +
			"pat: GET /rest/api/1.0/application-properties, which anybody may ask, must name in X-AUSERNAME who is logged in; where it does not, GET /rest/api/1.0/users, which nobody may ask who is not, can only refuse the token. /rest/api/1.0/users?filter= then tells the e-mail address of a person, and if project is set, /rest/api/1.0/projects/{project} or /repos/{repository} below it must answer 200 to the same user.",
		Unverified: []providers.Assumption{
			{What: "Whether answers to an API token list its scopes in X-OAuth-Scopes, as those to other tokens do; they are read where they come, and required_scopes cannot be set.", Settled: "The headers of an answer to an API token."},
			{What: "How GET /2.0/user/workspaces/{workspace}/permission answers for a workspace that does not exist: 403 is documented for an account that has no access, and taken for both, as is the permission none; a 404 is documented for no case, and taken for could not tell.", Settled: "The answer for a name that no workspace has."},
			{What: "With which words the API refuses an address that is not on the list of a workspace: those of git operations are known, and any in Bitbucket's JSON that name an IP address and a list are taken for it.", Settled: "The answer to a request from an address that is not listed."},
			{What: "What a bare 403 on /2.0/user means: it is taken for could not tell.", Settled: "A recorded one, with what was sent."},
			{What: "Which characters the id of a workspace may have.", Settled: "The vendor's rule."},
			{What: "That Bitbucket proves the PKCE challenge that is sent with an authorization; the state is bound to the integration all the same.", Settled: "The exchange of a code with another verifier."},
			{What: "How it refuses a wrong OAuth client (invalid_client and unauthorized_client are both taken for it), and with which status a refresh token that is no good; whether one works once more after it was replaced.", Settled: "The answers to a wrong secret, to a used refresh token and to a revoked one."},
			{What: "How an access token of a repository, project or workspace is answered when it is sent with an e-mail address; the header X-Credential-Type is believed where it comes.", Settled: "The answer to such a request."},
			{What: "API tokens of Atlassian service accounts: Atlassian made none with scopes for Bitbucket when this was written (BCLOUD-23832). One would be entered as e-mail and API token; a check of one would settle it.", Settled: "A check of one, once Atlassian makes them with scopes for Bitbucket."},
			{What: "access_token: with which status and words the API refuses one outside of what it was made for, and whether it shows it what is public there: a 401, 403 or 404 of Bitbucket's is taken for not enough rights once the token is known to work, and what is public is a warning.", Settled: "The answers to a repository's token at another, private and public."},
			{What: "access_token: that GET /2.0/user is a 403 with X-Credential-Type to each kind, as clients have it of some; it is asked only where the first answer does not tell the kind.", Settled: "The answers to one of each kind."},
			{What: "access_token: that a bad one is refused with 401 also where the resource is public; if it is not, the refusal of /2.0/user decides.", Settled: "The answer to a revoked one."},
			{What: "access_token: that a project's answer is 200 to one of the project, and the list of a workspace's repositories to one of the workspace; both are documented for the scopes project and repository.", Settled: "The answers to one of each kind."},
			{What: "pat: how Data Center answers a bad HTTP access token: a 401 with an exception of com.atlassian.bitbucket.auth is taken for a refusal, as is recorded of a bad password; AuthorisationException, with which it answers nobody, is taken for could not tell.", Settled: "The answer to a revoked token."},
			{What: "pat: that answers to tokens of projects and repositories have X-AUSERNAME and X-AUSERID as those to users have; without the name the check cannot tell.", Settled: "The answer to one of each."},
		},
	}
}

// Headers returns Basic with e-mail and API token, or Bearer with any other token.
func (bitbucket) Headers(authType string, cred providers.Credential) map[string]string {
	switch authType {
	case bitbucketAPIKey:
		return probe.BasicHeaders(cred.Value(bitbucketEmail), cred.Value(bitbucketAPIKey))
	case oauthclient.Type, bitbucketResource:
		return probe.BearerHeaders(cred.Value(providers.OAuthAccessToken))
	case bitbucketPAT:
		return probe.BearerHeaders(cred.Value(bitbucketPAT))
	default:
		return nil
	}
}

// CheckSettings judges the url, what the settings name and the way there.
func (b bitbucket) CheckSettings(t providers.Target) error {
	if t.AuthType == bitbucketPAT {
		c, err := b.serverOf(t)
		if err != nil {
			return err
		}
		return c.CheckRoute()
	}
	c, err := b.check(t)
	switch {
	case err != nil:
	case t.AuthType == oauthclient.Type:
		_, err = b.oauth(t)
	case t.AuthType == bitbucketResource:
		_, err = resourceOf(c.Probe, t)
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
	if oauth || t.AuthType == bitbucketResource {
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
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	switch t.AuthType {
	case bitbucketPAT:
		return b.validateServer(ctx, t, cred)
	case bitbucketResource:
		return b.validateResource(ctx, t, cred)
	}
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
	c.ofResource = strings.HasPrefix(cred.Value(bitbucketAPIKey).Reveal(), bitbucketAccessToken)
	c.header = probe.HeaderOf(b.Headers(t.AuthType, cred))
	v, err := c.run(ctx, cred.Value(bitbucketEmail).Reveal())
	if c.oauth {
		t = t.Without("required_scopes") // demanded of what was granted, with the code
	}
	return c.Verdict(t, v, err, probe.HasScope)
}

// validateResource checks an access token of a workspace, project or repository.
func (b bitbucket) validateResource(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := b.check(t)
	if err != nil {
		return providers.Verified{}, err
	}
	r, err := resourceOf(c.Probe, t)
	if err != nil {
		return providers.Verified{}, err
	}
	c.header = probe.HeaderOf(b.Headers(t.AuthType, cred))
	v, err := accessCheck{c, r}.run(ctx)
	return c.Verdict(t, v, err, probe.HasScope)
}

// validateServer checks an HTTP access token of Data Center.
func (b bitbucket) validateServer(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := b.serverOf(t)
	if err != nil {
		return providers.Verified{}, err
	}
	c.header = probe.HeaderOf(b.Headers(t.AuthType, cred))
	v, err := c.run(ctx)
	return c.Verdict(t, v, err, nil)
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
		return "", p.Invalid("url", "url is https://%s, which is Bitbucket Cloud; for Bitbucket Data Center use auth_type pat", bitbucketHost)
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
