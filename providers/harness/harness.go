package harness

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of Harness's settings and credential fields.
const (
	harnessAPIKey    = "api_key"
	harnessEmail     = "email"
	harnessAccountID = "account_id"
)

// harness checks API keys of Harness NextGen, hosted and self-managed.
type harness struct{ client *upstream.Client }

// New returns the provider of Harness. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return harness{client} }

var (
	_ providers.Provider        = harness{}
	_ providers.SettingsChecker = harness{}
)

// Spec describes Harness.
func (harness) Spec() providers.Spec {
	return providers.Spec{
		Name:       "harness",
		Title:      "Harness CI/CD",
		DefaultURL: "https://app.harness.io",
		URLHelp: "Root as in the browser: https://app.harness.io, https://app3.harness.io, https://accounts.harness.io, https://accounts.eu.harness.io, or the host of a vanity address or self-managed installation. " +
			"The API's path /gateway may be part of it.",
		AuthTypes: []providers.AuthType{{
			Name: harnessAPIKey, Title: "E-mail and API key",
			MadeAt: "{url}/ng/account/{account_id}/main-dashboard",
			Fields: []providers.Field{
				{Name: harnessEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "E-mail address of the user or service account that owns the key; it must be the one that Harness tells, where it tells one."},
				{Name: harnessAPIKey, Title: "API key", Kind: providers.Token, Required: true, Description: "Token of an API key of a user (pat.…) or of a service account (sat.…)."},
			},
		}},
		Settings: []providers.Field{{
			Name: harnessAccountID, Title: "Account ID", Kind: providers.Text, Required: true, Locates: true,
			Description: "Id of the Harness account, as Account Settings shows it and as the browser's address has it after /account/.",
		}},
		LeastRights: "The role Account Viewer on All Resources Including Child Scopes, for the user or service account that owns the key.",
		Expiry:      "Harness tells it with every check. After a rotation it is the end of the overlap.",
		Rotation: "A token can have a successor made, and chooses how long it works beside it; a service account's needs the right to manage service accounts. " +
			"The successor has the end of the one before, so that end is put off first, by as long as the token was to live. " +
			"The one before is renamed rotated_…; if the answer is lost, a successor that nobody has stays under the token's name; the one before works until the end of the overlap, and can be rotated again until then.",
		Check: "POST /ng/api/token/validate with the key as text/plain body, which changes nothing, must answer 200 with status SUCCESS, valid true and the account's id equal to account_id. " +
			"The e-mail address of the answer must be the one entered; where the answer has none, the key is taken with a warning that says so, and its owner is known by user name or id.",
		Unverified: []providers.Assumption{
			{What: "Whether the API needs the path /gateway: sources have it both ways for https://app.harness.io, so the url is used as it is written, and without it otherwise.", Settled: "A run of make live with each form of the url."},
			{What: "Whether the present gateway answers 401 or 400 for a token that is deleted; both are understood.", Settled: "The answer to a deleted token."},
			{What: "Which codes a 401 has beside INVALID_TOKEN, the only one that was seen: EXPIRED_TOKEN, REVOKED_TOKEN, INVALID_CREDENTIAL, and none in Harness's envelope, are taken for a bad key, and those of the server's code that name the owner, the account or the caller's address for what they name. Any other is taken for could not tell.", Settled: "The answers to a token that expired, one that was revoked, and one whose owner was disabled; the codes are those of the server's code."},
			{What: "That a 401 with a sign-in page says anything about the key: it is taken for could not tell.", Settled: "A recorded one, with what was sent."},
			{What: "That a 403 on this path, empty or in Harness's JSON, means an owner without access to the account, or a disabled one.", Settled: "The answer to the token of a service account that was taken out of the account."},
			{What: "How soon a request may be repeated after a 429, which says nothing of it.", Settled: "The headers of a recorded 429."},
			{What: "That a successor inherits the end of the token that it replaces, that a rotated token can be rotated again, and that a refusal with 400 may come after the token was given its end: the server's code, in a copy (TokenServiceImpl, TokenDTOMapper), and in no documentation.", Settled: "A run of rotate/ on a real account, twice."},
			{What: "That a token may put off its own end by PUT /ng/api/token/{identifier} wherever it may rotate itself.", Settled: "The answer to such a request."},
		},
	}
}

// Headers returns the key in x-api-key.
func (harness) Headers(authType string, cred providers.Credential) map[string]string {
	if authType != harnessAPIKey {
		return nil
	}
	return map[string]string{"x-api-key": cred.Value(harnessAPIKey).Reveal(), "Accept": "application/json"}
}

// CheckSettings judges the url, account_id and the way there.
func (h harness) CheckSettings(t providers.Target) error {
	c, err := h.check(t)
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// Validate asks Harness what it knows of the key.
func (h harness) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := h.open(t, cred)
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	v, err := c.run(ctx)
	return c.Verdict(t, v, err, nil)
}

// open prepares requests with one key.
func (h harness) open(t providers.Target, cred providers.Credential) (harnessCheck, *providers.Error) {
	c, err := h.check(t)
	if err == nil && t.AuthType != harnessAPIKey {
		err = c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	}
	c.key, c.email = cred.Value(harnessAPIKey), cred.Value(harnessEmail).Reveal()
	c.header = probe.HeaderOf(h.Headers(t.AuthType, cred))
	return c, err
}

// harnessSuffix ends the hosts that Harness itself runs.
const harnessSuffix = ".harness.io"

var harnessAccountForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// check prepares the check of one target.
func (h harness) check(t providers.Target) (harnessCheck, *providers.Error) {
	p := probe.New(h.client, "Harness CI/CD", harnessAPIKey, t)
	root, err := p.Root(t.URL)
	if err != nil {
		return harnessCheck{}, err
	}
	trimHarnessPage(root)
	if strings.HasSuffix(strings.TrimSuffix(root.Hostname(), "."), harnessSuffix) && root.Path != "" && root.Path != "/gateway" {
		return harnessCheck{}, p.Invalid("url", "url is the root without a path, such as https://app%s; name the account in the setting account_id", harnessSuffix)
	}
	account := t.Settings.Text(harnessAccountID)
	if !harnessAccountForm.MatchString(account) {
		return harnessCheck{}, p.Invalid(harnessAccountID, "account_id must be the id of a Harness account: letters, digits, hyphens and underscores")
	}
	return harnessCheck{Probe: p, root: root.String(), account: account}, nil
}

// trimHarnessPage cuts off the path of a page or of the API, but not /gateway.
func trimHarnessPage(u *url.URL) {
	path, _, _ := strings.Cut(u.Path+"/", "/ng/")
	u.Path = strings.TrimRight(path, "/")
}

// harnessCheck is one check of one key.
type harnessCheck struct {
	probe.Probe
	root    string
	account string
	key     providers.Secret
	email   string
	header  http.Header
}
