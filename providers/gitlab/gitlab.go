package gitlab

import (
	"context"
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// gitlabPAT is GitLab's auth type and its credential field.
const gitlabPAT = "pat"

// gitlabHost is the one that GitLab itself runs for all.
const gitlabHost = "gitlab.com"

// gitlab checks access tokens of GitLab.com, GitLab Dedicated and self-managed
// GitLab.
type gitlab struct{ client *upstream.Client }

// New returns the provider of GitLab. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return gitlab{client} }

var (
	_ providers.Provider        = gitlab{}
	_ providers.SettingsChecker = gitlab{}
)

// Spec describes GitLab.
func (gitlab) Spec() providers.Spec {
	return providers.Spec{
		Name:       "gitlab",
		Title:      "GitLab",
		DefaultURL: "https://gitlab.com",
		URLHelp:    "Root as in the browser: https://gitlab.com, or https://gitlab.example.com, with its path where GitLab lives below one.",
		AuthTypes: []providers.AuthType{{
			Name: gitlabPAT, Title: "Access token", TellsScopes: true,
			MadeAt: "{url}/-/user_settings/personal_access_tokens",
			Fields: []providers.Field{{
				Name: gitlabPAT, Title: "Access token", Kind: providers.Token, AnyForm: true, Required: true,
				Description: "Personal, project or group access token, with legacy scopes or fine-grained. Deploy, job and OAuth tokens are not taken.",
			}},
		}},
		LeastRights: "The scope read_api; self_rotate beside it for tokens that are to rotate. " +
			"Fine-grained tokens: read access to the token itself, to its user and to what is to be read.",
		Expiry: "GitLab tells it. A token ends at 00:00 UTC of its date, so its last day is the one before.",
		Rotation: "A token with the scope api or self_rotate, or as a fine-grained one with rotate_personal_access_token, can replace itself, from GitLab 16.10 on. " +
			"The old one ends in that moment, so it can neither be used beside the new one nor be gone back to; if the answer is lost, so is the new one, and a person must make another. " +
			"The new token lives as long as the old one was to, at least 2 and at most 365 days.",
		Check: "GET /api/v4/personal_access_tokens/self must answer 200 with JSON that says active, not revoked, and whose token it is; " +
			"GET /api/v4/user must answer 200 with the same user, whose state is active.",
		Unverified: []providers.Assumption{
			{What: "The scopes that include others are read_api in api, read_user in read_api, and self_rotate in api; GitLab documents no more.", Settled: "The server's code of the present version, or tokens of each scope tried."},
			{What: "The fine-grained permissions as a complete list, and the one that GET /user needs.", Settled: "The list of permissions in the vendor's documentation."},
			{What: "That a GitLab that does not set X-Gitlab-Meta refuses as newer ones do: a 401 that begins with 401 Unauthorized or is OAuth's invalid_token in GitLab's words, and a 403 that is OAuth's lack of a scope or begins with 403 Forbidden; any other is taken for that of something in between.", Settled: "The answers of the oldest version in use to a bad token and to one without scopes."},
			{What: "That the words of a refusal (blocked, deactivated, terms, password expired) are the same in all versions.", Settled: "The answers of several versions to accounts that are blocked, deactivated and so on."},
			{What: "With which words GitLab refuses an address that is not on a list of IP addresses: any in its form that name an IP address and a list are taken for it.", Settled: "The answer to a request from an address that is not listed."},
			{What: "That a 404 for /personal_access_tokens/self means a GitLab older than 15.5.", Settled: "The answer of version 15.4."},
			{What: "That a token whose account must send DPoP proofs is told by the error dpop_error.", Settled: "The answer to such a token."},
			{What: "That the refusal of an end of life speaks of expiry. A GitLab whose time zone is behind UTC may find 365 days one too many for some hours of the day.", Settled: "The answer to a rotation that asks for too late an end."},
			{What: "That the permissions of a fine-grained token are listed with its granular_scopes by the names that the server's code has for them.", Settled: "The answer of /personal_access_tokens/self to a fine-grained token."},
		},
	}
}

// Headers returns the token in PRIVATE-TOKEN.
func (gitlab) Headers(authType string, cred providers.Credential) map[string]string {
	if authType != gitlabPAT {
		return nil
	}
	return map[string]string{"PRIVATE-TOKEN": cred.Value(gitlabPAT).Reveal(), "Accept": "application/json"}
}

// CheckSettings judges the url and the way there.
func (g gitlab) CheckSettings(t providers.Target) error {
	c, err := g.check(t)
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// Validate asks GitLab what the token is and whose.
func (g gitlab) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := g.open(t, cred)
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	v, err := c.run(ctx)
	return c.Verdict(t, v, err, gitlabCovers)
}

// open prepares requests with one token.
func (g gitlab) open(t providers.Target, cred providers.Credential) (gitlabCheck, *providers.Error) {
	c, err := g.check(t)
	if err == nil && t.AuthType != gitlabPAT {
		err = c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	}
	c.header = probe.HeaderOf(g.Headers(t.AuthType, cred))
	return c, err
}

// check prepares the check of one target.
func (g gitlab) check(t providers.Target) (gitlabCheck, *providers.Error) {
	p := probe.New(g.client, "GitLab", gitlabPAT, t)
	root, err := p.Root(t.URL)
	if err != nil {
		return gitlabCheck{}, err
	}
	probe.TrimAPIPath(root, "/api/v4", "/api")
	if host := strings.TrimSuffix(root.Hostname(), "."); (host == gitlabHost || host == "www."+gitlabHost) && root.Path != "" {
		return gitlabCheck{}, p.Invalid("url", "url is the root without a path, https://%s; a path there is that of a project or group", gitlabHost)
	}
	if strings.Contains(root.Path+"/", "/-/") {
		return gitlabCheck{}, p.Invalid("url", "url is the root of GitLab; a path with /-/ is that of a page below it")
	}
	return gitlabCheck{Probe: p, root: root.String()}, nil
}

// gitlabCheck is one check of one token.
type gitlabCheck struct {
	probe.Probe
	root   string // without slash at its end
	header http.Header
}
