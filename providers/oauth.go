package providers

import (
	"context"
	"net/url"
	"time"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of the credential fields of OAuth that others than providers handle: what a
// browser brings back, and what an authorization server issues for it.
const (
	OAuthCode         = "code"
	OAuthState        = "state"
	OAuthAccessToken  = "access_token"
	OAuthRefreshToken = "refresh_token"
)

// Names of the settings of OAuth.
const (
	oauthType         = "oauth"
	oauthClientID     = "client_id"
	oauthClientSecret = "client_secret"
	oauthRedirectURI  = "redirect_uri"
	oauthAuthorizeURL = "authorize_url"
	oauthTokenURL     = "token_url"
)

// Authorizer is implemented by providers one of whose auth types is obtained by a
// person in a browser.
type Authorizer interface {
	// OAuth returns the OAuth client that the target's settings describe. It sends
	// nothing, and fails with an *Error that names the setting at fault.
	OAuth(t Target) (OAuthClient, error)
}

// OAuthClient speaks to one authorization server for one integration. It is safe for
// concurrent use. Its errors are of type *Error and quote nothing that was sent or
// answered.
type OAuthClient interface {
	// AuthorizeURL is where a person consents. It holds state, and the challenge
	// (S256, RFC 7636) of verifier.
	AuthorizeURL(state, verifier Secret) string
	// RedirectURI is where the browser comes back to.
	RedirectURI() string
	// Callable fails if the mount does not allow the server's address, which is better
	// known before a person consents.
	Callable() error
	// Exchange trades a code for tokens. The code is used up whatever comes of it,
	// so it is sent once. Scopes that the target requires must be among those granted.
	Exchange(ctx context.Context, code, verifier Secret) (Grant, error)
	// Refresh trades a refresh token for new tokens. The server may forget the old
	// one at that moment, so it is sent once. Rejected means that it is no good any
	// more; any other outcome says nothing about it.
	Refresh(ctx context.Context, refreshToken Secret) (Grant, error)
}

// Grant is what an authorization server issued.
type Grant struct {
	AccessToken Secret
	// RefreshToken is the one to use next time; empty where there is none.
	RefreshToken Secret
	// Life is how long the access token works, counted from before it was asked for.
	Life time.Duration
	// Scopes are those that were granted, sorted; nil where the server does not tell.
	Scopes []string
}

// oauthAuthType is re-authentication by a browser.
func oauthAuthType(title string, own ...Field) AuthType {
	return AuthType{
		Name: oauthType, Title: title, TellsScopes: true,
		Fields: []Field{
			{Name: OAuthCode, Title: "Authorization code", Kind: Token, Required: true, Description: "Code that the browser brought back to redirect_uri; it works once and for a few minutes."},
			{Name: OAuthState, Title: "State", Kind: Token, Required: true, Description: "State that the browser brought back beside the code; it ties both to a write to oauth/authorize/<name>."},
		},
		Issued: []Field{
			{Name: OAuthAccessToken, Title: "Access token", Kind: Token, Description: "Access token that the authorization server issued, renewed when its end is near."},
		},
		Settings: append(own,
			Field{Name: oauthClientID, Title: "Client ID", Kind: Text, Required: true, Locates: true, Description: "Id of the OAuth client, as the page that made it shows it."},
			Field{Name: oauthClientSecret, Title: "Client secret", Kind: Token, Required: true, Later: true, Description: "Secret of the OAuth client. It may be written after the others, and is never read back; client_secret_set says that there is one."},
			Field{Name: oauthRedirectURI, Title: "Redirect URI", Kind: URL, Visited: true, Required: true, Description: "Address that the browser comes back to, exactly as the OAuth client has it: that of oauth/callback of this mount, or of a page of your own that shows code and state."},
			Field{Name: oauthAuthorizeURL, Title: "Authorization URL", Kind: URL, Visited: true, Locates: true, Description: "Page where a person consents, if it is not the vendor's own."},
			Field{Name: oauthTokenURL, Title: "Token URL", Kind: URL, Locates: true, Description: "Address that exchanges codes for tokens, if it is not the vendor's own."},
		),
	}
}

// oauthServer is what the authorization server of a vendor is like.
type oauthServer struct {
	authorizeURL, tokenURL string
	// clientInHeader is whether the client authenticates by HTTP Basic; otherwise it
	// does so in the form. It is never tried out: a code works once.
	clientInHeader bool
	// scopes are asked for; none where the client's registration says which.
	scopes []string
	// prompt is what the page of consent is asked to do first; "" where the vendor has
	// no such thing.
	prompt string
	// refused finds what a refusal in the vendor's own words says, beyond the codes
	// of RFC 6749; an outcome of "" where it says nothing more.
	refused func(tokenRefusal) refusal
}

// newOAuthClient completes the client of a target.
func newOAuthClient(p probe, t Target, server oauthServer) (*oauthClient, *Error) {
	p.tokenField, p.urlSetting = OAuthCode, oauthTokenURL
	c := &oauthClient{
		probe: p, server: server, target: t,
		id: t.Settings.Text(oauthClientID), secret: t.Settings.Secret(oauthClientSecret), redirectURI: t.Settings.Text(oauthRedirectURI),
	}
	if own := t.Settings.Text(oauthAuthorizeURL); own != "" {
		c.server.authorizeURL = own
	}
	if own := t.Settings.Text(oauthTokenURL); own != "" {
		c.server.tokenURL = own
	}
	var err error
	if c.server.tokenURL, err = upstream.Spelling(c.server.tokenURL); err != nil {
		e := p.unanswered(err)
		e.Fields = []string{oauthTokenURL}
		return nil, e
	}
	for _, visited := range []struct{ field, address string }{
		{oauthRedirectURI, c.redirectURI}, {oauthAuthorizeURL, c.server.authorizeURL},
	} {
		if !upstream.Confidential(visited.address) {
			return nil, p.invalid(visited.field, "%s must begin with https://, or lead to this machine, such as http://127.0.0.1: others could read what the browser carries", visited.field)
		}
	}
	return c, nil
}

// oauthURL is an address on the host of a vendor's authorization server.
func oauthURL(scheme, host, path string) string {
	u := url.URL{Scheme: scheme, Host: host, Path: path}
	return u.String()
}
