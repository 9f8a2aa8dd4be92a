package jira

import (
	"context"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of Jira's settings and credential fields.
const (
	jiraAPIKey = "api_key"
	jiraPAT    = "pat"
	// jiraServiceAccount is an auth type with the fields of jiraAPIKey.
	jiraServiceAccount = "service_account"
	jiraEmail          = "email"
	jiraCloudID        = "cloud_id"
)

// jira checks credentials of Jira Cloud and Jira Data Center.
type jira struct{ client *upstream.Client }

// New returns the provider of Jira. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return jira{client} }

var (
	_ providers.Provider        = jira{}
	_ providers.SettingsChecker = jira{}
)

// Spec describes Jira.
func (jira) Spec() providers.Spec {
	expiry := providers.Field{Name: "expires_at", Title: "Expires at", Kind: providers.Time, Description: "When the token ends, as the page that made it says; Jira does not tell."}
	return providers.Spec{
		Name:  "jira",
		Title: "Jira",
		URLHelp: "Root of the site as in the browser: https://acme.atlassian.net for Cloud, https://jira.example.com/jira " +
			"with its context path for Data Center, or https://api.atlassian.com/ex/jira/<cloud id> for a scoped token.",
		AuthTypes: []providers.AuthType{{
			Name: jiraAPIKey, Title: "E-mail and API token (Cloud)",
			MadeAt: "https://id.atlassian.com/manage-profile/security/api-tokens",
			Fields: []providers.Field{
				{Name: jiraEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "E-mail address of the Atlassian account that owns the token."},
				{Name: jiraAPIKey, Title: "API token", Kind: providers.Token, Required: true, Description: "API token made at id.atlassian.com, with or without scopes."},
				expiry,
			},
		}, {
			Name: jiraPAT, Title: "Personal access token (Data Center)",
			MadeAt: "{url}/secure/ViewProfile.jspa?selectedTab=com.atlassian.pats.pats-plugin:jira-user-personal-access-tokens",
			Fields: []providers.Field{
				{Name: jiraPAT, Title: "Personal access token", Kind: providers.Token, Required: true, Description: "Token made in the profile of the user; Jira 8.14 or newer."},
				expiry,
			},
		}, {
			Name: jiraServiceAccount, Title: "Service account (Cloud)",
			MadeAt: "https://admin.atlassian.com",
			Fields: []providers.Field{
				{Name: jiraEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "E-mail address that Atlassian gave the service account; it ends with " + jiraServiceDomain + "."},
				{Name: jiraAPIKey, Title: "API token", Kind: providers.Token, Required: true, Description: "API token that an organisation admin made for the service account, with scopes for Jira: Directory, Service accounts, Create credentials."},
				expiry,
			},
		}, {
			Name: "connect_app", Title: "Connect app",
			Unsupported: "A Connect app is authenticated by its installation and has no credential that could be replaced here. Install the app again in Jira, or use auth_type api_key or pat.",
		}},
		Settings: []providers.Field{{
			Name: jiraCloudID, Title: "Cloud ID", Kind: providers.Text, Locates: true,
			Description: "Id of the Cloud site, as https://<site>.atlassian.net/_edge/tenant_info shows it. Needed for API tokens with scopes, which work through api.atlassian.com only, and so for every service account.",
		}},
		LeastRights: "Scopes read:jira-user and read:jira-work; for boards and sprints also read:board-scope:jira-software, read:sprint:jira-software and read:project:jira. " +
			"Tokens without scopes and Data Center tokens have the rights of their account: Browse projects on what is to be read.",
		Expiry:   "Cloud tokens live a year at most; Jira does not tell when one ends, so enter expires_at.",
		Rotation: "None: a token cannot make another.",
		Check: "GET /rest/api/3/myself (Cloud) or /rest/api/2/myself (Data Center) must answer 200 with JSON that names the account, and its e-mail address, where shown, must be the one entered; one that is deactivated or deleted is refused, and that of a customer or an app is a warning. " +
			"If a Cloud site answers 401 and cloud_id is set, the same is asked of https://api.atlassian.com/ex/jira/<cloud_id>, and https://<site>/_edge/tenant_info, asked without credential, must not tell another cloud id. The token of a service account is sent to the gateway only; one that Jira tells as an account of another kind is a warning. A second read-only call, /rest/api/3/project/search or /rest/api/2/mypermissions, only yields warnings, unless its header X-Seraph-LoginReason says that the login failed.",
		Unverified: []providers.Assumption{
			{What: "Whether an API token without scopes works through api.atlassian.com.", Settled: "The gateway's answer to one."},
			{What: "The exact words by which api.atlassian.com says that a scope is missing: a 401 whose message contains \"scope does not match\" is taken for it.", Settled: "The gateway's answers to a token that lacks each scope that is asked for."},
			{What: "That the API token of every service account works with Basic: it is Atlassian's example, while users report Bearer, some as the only way.", Settled: "A run of make live with the token of one."},
			{What: "As what kind of account /myself tells a service account: accountType app, and appType service or none, is taken for it, and any other kind is a warning and no refusal.", Settled: "The answer of /myself to one."},
			{What: "That the site refuses the token of a service account as it refuses one with scopes; it is never asked.", Settled: "The site's answer to one."},
			{What: "How Data Center answers a bad personal access token: documented is a 401 and no form. It is taken for a refusal where it has Jira's sentence, list of messages or page, the word of its login filter, or a header that only Jira sets (X-AREQUESTID, X-AUSERNAME, X-ANODEID, the challenge OAuth); any other for that of something in between.", Settled: "The answers of a Data Center to a token that was revoked, and to one that nobody has."},
			{What: "How api.atlassian.com answers a bad token: a 401 in JSON with code and message is taken for it.", Settled: "The gateway's answer to a revoked token."},
			{What: "That X-Seraph-LoginReason: AUTHORISATION_FAILED means an account without access to Jira, whatever the status.", Settled: "The answer to an account whose access to Jira was taken away."},
			{What: "Sites of Atlassian Government Cloud, whose gateway has another host.", Settled: "The name of that gateway in Atlassian's documentation."},
		},
	}
}

// Headers returns Basic with e-mail and API token for Cloud, of a person or a service
// account, and Bearer for Data Center.
func (jira) Headers(authType string, cred providers.Credential) map[string]string {
	switch authType {
	case jiraAPIKey, jiraServiceAccount:
		return probe.BasicHeaders(cred.Value(jiraEmail), cred.Value(jiraAPIKey))
	case jiraPAT:
		return map[string]string{"Authorization": "Bearer " + cred.Value(jiraPAT).Reveal(), "Accept": "application/json"}
	}
	return nil
}

// CheckSettings judges the url, cloud_id and the way there.
func (j jira) CheckSettings(t providers.Target) error {
	if _, err := j.site(t); err != nil {
		return err
	}
	return probe.New(j.client, "Jira", t.AuthType, t).CheckRoute()
}

// Validate asks Jira who the credential belongs to.
func (j jira) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	site, err := j.site(t)
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	c := jiraCheck{
		Probe:   probe.New(j.client, site.title, t.AuthType, t),
		site:    site,
		header:  probe.HeaderOf(j.Headers(t.AuthType, cred)),
		email:   cred.Value(jiraEmail).Reveal(),
		service: t.AuthType == jiraServiceAccount,
	}
	if len(c.header) == 0 {
		return providers.Verified{}, c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	}
	v, err := c.run(ctx)
	return c.Verdict(t, v, err, nil)
}
