package providers

import (
	"context"
	"time"
)

// Names of the credential fields of OAuth that others than providers handle: what a
// browser brings back, and what an authorization server issues for it.
const (
	OAuthCode         = "code"
	OAuthState        = "state"
	OAuthAccessToken  = "access_token"
	OAuthRefreshToken = "refresh_token"
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
