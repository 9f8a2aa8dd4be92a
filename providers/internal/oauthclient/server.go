package oauthclient

import (
	"net/url"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of the settings of OAuth.
const (
	Type              = "oauth"
	oauthClientID     = "client_id"
	oauthClientSecret = "client_secret"
	oauthRedirectURI  = "redirect_uri"
	oauthAuthorizeURL = "authorize_url"
	TokenURL          = "token_url"
)

// AuthType is re-authentication by a browser.
func AuthType(title string, own ...providers.Field) providers.AuthType {
	return providers.AuthType{
		Name: Type, Title: title, TellsScopes: true,
		Fields: []providers.Field{
			{Name: providers.OAuthCode, Title: "Authorization code", Kind: providers.Token, AnyForm: true, Required: true, Description: "Code that the browser brought back to redirect_uri; it works once and for a few minutes."},
			{Name: providers.OAuthState, Title: "State", Kind: providers.Token, Required: true, Description: "State that the browser brought back beside the code; it ties both to a write to oauth/authorize/<name>."},
		},
		Issued: []providers.Field{
			{Name: providers.OAuthAccessToken, Title: "Access token", Kind: providers.Token, Description: "Access token that the authorization server issued, renewed when its end is near."},
		},
		Settings: append(own,
			providers.Field{Name: oauthClientID, Title: "Client ID", Kind: providers.Text, Required: true, Locates: true, Description: "Id of the OAuth client, as the page that made it shows it."},
			providers.Field{Name: oauthClientSecret, Title: "Client secret", Kind: providers.Token, AnyForm: true, Required: true, Later: true, Description: "Secret of the OAuth client. It may be written after the others, and is never read back; client_secret_set says that there is one."},
			providers.Field{Name: oauthRedirectURI, Title: "Redirect URI", Kind: providers.URL, Visited: true, Required: true, Description: "Address that the browser comes back to, exactly as the OAuth client has it: that of oauth/callback of this mount, or of a page of your own that shows code and state."},
			providers.Field{Name: oauthAuthorizeURL, Title: "Authorization URL", Kind: providers.URL, Visited: true, Locates: true, Description: "Page where a person consents, if it is not the vendor's own."},
			providers.Field{Name: TokenURL, Title: "Token URL", Kind: providers.URL, Locates: true, Description: "Address that exchanges codes for tokens, if it is not the vendor's own."},
		),
	}
}

// Server is what the authorization server of a vendor is like.
type Server struct {
	AuthorizeURL, TokenURL string
	// ClientInHeader is whether the client authenticates by HTTP Basic; otherwise it
	// does so in the form. It is never tried out: a code works once.
	ClientInHeader bool
	// Scopes are asked for; none where the client's registration says which.
	Scopes []string
	// Prompt is what the page of consent is asked to do first; "" where the vendor has
	// no such thing.
	Prompt string
	// Refused finds what a refusal in the vendor's own words says, beyond the codes
	// of RFC 6749; an outcome of "" where it says nothing more.
	Refused func(TokenRefusal) Refusal
}

// New completes the client of a target.
func New(p probe.Probe, t providers.Target, server Server) (*Client, *providers.Error) {
	p.TokenField, p.URLSetting = providers.OAuthCode, TokenURL
	c := &Client{
		Probe: p, server: server, target: t,
		id: t.Settings.Text(oauthClientID), secret: t.Settings.Secret(oauthClientSecret), redirectURI: t.Settings.Text(oauthRedirectURI),
	}
	if own := t.Settings.Text(oauthAuthorizeURL); own != "" {
		c.server.AuthorizeURL = own
	}
	if own := t.Settings.Text(TokenURL); own != "" {
		c.server.TokenURL = own
	}
	var err error
	if c.server.TokenURL, err = upstream.Spelling(c.server.TokenURL); err != nil {
		e := p.Unanswered(err)
		e.Fields = []string{TokenURL}
		return nil, e
	}
	for _, visited := range []struct{ field, address string }{
		{oauthRedirectURI, c.redirectURI}, {oauthAuthorizeURL, c.server.AuthorizeURL},
	} {
		if !upstream.Confidential(visited.address) {
			return nil, p.Invalid(visited.field, "%s must begin with https://, or lead to this machine, such as http://127.0.0.1: others could read what the browser carries", visited.field)
		}
	}
	return c, nil
}

// URL is an address on the host of a vendor's authorization server.
func URL(scheme, host, path string) string {
	u := url.URL{Scheme: scheme, Host: host, Path: path}
	return u.String()
}
