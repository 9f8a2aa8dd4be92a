package sonarqube

import (
	"context"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of SonarQube's settings and credential fields.
const (
	sonarqubeAPIKey       = "api_key"
	sonarqubeUsername     = "username"
	sonarqubeOrganization = "organization"
)

// The schemes in which SonarQube takes a token.
const (
	sonarqubeBearer = "bearer"
	sonarqubeBasic  = "basic"
)

// sonarqube checks user tokens of SonarQube Server, Community Build and Cloud.
type sonarqube struct{ client *upstream.Client }

// New returns the provider of SonarQube. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return sonarqube{client} }

var (
	_ providers.Provider        = sonarqube{}
	_ providers.SettingsChecker = sonarqube{}
	_ providers.SchemeHeaders   = sonarqube{}
)

// Spec describes SonarQube.
func (sonarqube) Spec() providers.Spec {
	return providers.Spec{
		Name:    "sonarqube",
		Title:   "SonarQube",
		URLHelp: "Root as in the browser: https://sonarqube.example.com with its context path for a server, https://sonarcloud.io or https://sonarqube.us for SonarQube Cloud.",
		AuthTypes: []providers.AuthType{{
			Name: sonarqubeAPIKey, Title: "User name and token",
			MadeAt: "{url}/account/security",
			Fields: []providers.Field{
				{Name: sonarqubeUsername, Title: "User name", Kind: providers.Text, Required: true, Description: "Login of the user who owns the token, in the case that SonarQube shows; it must be the one that SonarQube tells."},
				{Name: sonarqubeAPIKey, Title: "User token", Kind: providers.Token, Required: true, Description: "Token of type User Token. Analysis, badge and scoped organization tokens cannot read and are not taken."},
			},
		}},
		Settings: []providers.Field{{
			Name: sonarqubeOrganization, Title: "Organization", Kind: providers.Text, Locates: true,
			Description: "Key of the organization, for SonarQube Cloud only; the owner of the token must be a member.",
		}},
		LeastRights: "A user token, which has the rights of its user: Browse on the projects that are to be read.",
		Expiry:      "Servers tell it in a header of every answer to a token that has one. On SonarQube Cloud, tokens that are not used for 60 days are deleted.",
		Rotation: "A user's token can make another one, named vault-sei- and 16 hexadecimal digits; both work until the old one is revoked. " +
			"Only tokens that the engine made are revoked. One that a person entered does not tell its name and is left alone: revoke it by hand, or let it end. " +
			"The new token lives as long as the old one was to, 90 days where the server does not tell since when it lives, and for ever if it has no end.",
		Check: "GET /api/users/current with the token as Bearer must answer 200 with JSON that says isLoggedIn true and the login entered. " +
			"Where it is refused, or answered as to nobody, and GET /api/server/version does not tell version 10 or newer, the same is asked with Basic, token as name and no password. " +
			"With organization, GET /api/organizations/search?member=true must list it. /api/authentication/validate is not used: it says valid to anybody where anonymous access is on.",
		Unverified: []providers.Assumption{
			{What: "That its 401 to a token has neither body nor challenge, on SonarQube Cloud, too; any other is taken for that of something in between.", Settled: "The answers of each server in use, and of SonarQube Cloud, to a bad token."},
			{What: "With which words SonarQube refuses an address that is not on a list of IP addresses: any in its form that name an IP address and a list are taken for it.", Settled: "The answer to a request from an address that is not listed."},
			{What: "That logins differ by case; they are compared exactly.", Settled: "Two users of a server whose logins differ in that alone."},
			{What: "Whether SonarQube Cloud tells when a token ends.", Settled: "The headers of an answer to a token with an end."},
			{What: "That SonarQube Cloud takes Basic beside Bearer; clients in use rely on it. Bearer is what is checked there.", Settled: "A run of make live there, with a worker that uses Basic."},
			{What: "That a later version of the server may no longer take Basic; Bearer is then what workers get.", Settled: "The release notes of each version."},
			{What: "GET /api/organizations/search?organizations=<key>&member=true of SonarQube Cloud: known from the vendor's command-line client, not from a reference.", Settled: "A run of make live there with an organisation."},
			{What: "The headers of a 429 of SonarQube Cloud.", Settled: "A recorded one."},
			{What: "That SonarQube Cloud makes, lists and revokes tokens as the server does.", Settled: "A run of rotate/ there."},
			{What: "That a refusal for a life longer than an administrator allows is a 400 that speaks of expiry or lifetime. Servers before 9.6 make tokens without end, whatever is asked for.", Settled: "The refusal of a server with such a limit."},
			{What: "Of several tokens of a user that end in the same moment, which one is in use: the shortest life is taken.", Settled: "An answer that names the token in use; none is known."},
			{What: "What an analysis token answers to GET /api/users/current: it is told by its prefix and not tried.", Settled: "The answer to one."},
		},
	}
}

// Headers returns Basic, which servers of all versions take. HeadersFor knows more.
func (s sonarqube) Headers(authType string, cred providers.Credential) map[string]string {
	return s.HeadersFor(authType, sonarqubeBasic, cred)
}

// HeadersFor returns the token as Bearer or as the name of Basic, without password:
// servers before version 10 ignore Bearer, and newer ones recommend it.
//
// https://docs.sonarsource.com/sonarqube/9.9/extension-guide/web-api
// https://docs.sonarsource.com/sonarqube-server/2025.1/extension-guide/web-api/
func (sonarqube) HeadersFor(authType, scheme string, cred providers.Credential) map[string]string {
	if authType != sonarqubeAPIKey {
		return nil
	}
	token := cred.Value(sonarqubeAPIKey).Reveal()
	authorization := "Bearer " + token
	if scheme == sonarqubeBasic {
		authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(token+":"))
	}
	return map[string]string{"Authorization": authorization, "Accept": "application/json"}
}

// CheckSettings judges the url, the organization and the way there.
func (s sonarqube) CheckSettings(t providers.Target) error {
	c, err := s.check(t)
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// Validate asks SonarQube who is logged in.
func (s sonarqube) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := s.open(t, cred)
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	v, err := c.run(ctx)
	return c.Verdict(t, v, err, nil)
}

// open prepares requests with one token.
func (s sonarqube) open(t providers.Target, cred providers.Credential) (sonarqubeCheck, *providers.Error) {
	c, err := s.check(t)
	if err == nil && t.AuthType != sonarqubeAPIKey {
		err = c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	}
	if err == nil {
		err = c.refuseKind(cred.Value(sonarqubeAPIKey))
	}
	c.cred, c.username = cred, cred.Value(sonarqubeUsername).Reveal()
	return c, err
}

var sonarqubeKeyForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.-]{0,254}$`)

// check prepares the check of one target.
func (s sonarqube) check(t providers.Target) (sonarqubeCheck, *providers.Error) {
	c := sonarqubeCheck{Probe: probe.New(s.client, "SonarQube", sonarqubeAPIKey, t)}
	root, err := c.Root(t.URL)
	if err != nil {
		return c, err
	}
	if c.cloud = isSonarQubeCloud(root); c.cloud {
		root.Path = "" // of a page
	}
	probe.TrimAPIPath(root, "/web_api", "/api/v2", "/api")
	c.root, c.organization = root.String(), t.Settings.Text(sonarqubeOrganization)
	switch {
	case c.organization == "":
	case !c.cloud:
		return c, c.Invalid(sonarqubeOrganization, "organization is for SonarQube Cloud only; a server has none")
	case !sonarqubeKeyForm.MatchString(c.organization):
		return c, c.Invalid(sonarqubeOrganization, "organization must be the key of an organization: letters, digits and hyphens")
	}
	return c, nil
}

// isSonarQubeCloud: https://docs.sonarsource.com/sonarqube-cloud/appendices/web-api/
func isSonarQubeCloud(root *url.URL) bool {
	return slices.Contains([]string{"sonarcloud.io", "sonarqube.us"}, root.Hostname())
}

// refuseKind refuses the kinds of tokens that cannot read, by the prefixes that
// SonarQube gives them.
//
// TokenType.java of SonarSource/sonarqube; https://docs.sonarsource.com/sonarqube-cloud (scoped organization tokens)
func (c sonarqubeCheck) refuseKind(token providers.Secret) *providers.Error {
	kinds := []struct{ prefix, name string }{
		{"sqa_", "a global analysis token"},
		{"sqp_", "a project analysis token"},
		{"sqb_", "a badge token"},
		{"sqco_", "a scoped organization token, which belongs to no user"},
	}
	for _, k := range kinds {
		if strings.HasPrefix(token.Reveal(), k.prefix) {
			return c.Invalid(sonarqubeAPIKey, "the token begins with %s and so is %s, which cannot read what analytics needs; make a user token", k.prefix, k.name)
		}
	}
	return nil
}
