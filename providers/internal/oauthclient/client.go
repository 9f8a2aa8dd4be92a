package oauthclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// defaultLife is assumed of an access token whose end is not told, which RFC 6749
// (section 5.1) only recommends. It is shorter than what both vendors give.
const defaultLife = 30 * time.Minute

// Client is the OAuth client of one integration.
type Client struct {
	probe.Probe
	server      Server
	target      providers.Target
	id          string
	secret      providers.Secret
	redirectURI string
}

var _ providers.OAuthClient = (*Client)(nil)

// config is the library's form of the client.
func (c *Client) config() *oauth2.Config {
	style := oauth2.AuthStyleInParams
	if c.server.ClientInHeader {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: c.id, ClientSecret: c.secret.Reveal(), RedirectURL: c.redirectURI, Scopes: c.server.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.server.AuthorizeURL, TokenURL: c.server.TokenURL, AuthStyle: style},
	}
}

// AuthorizeURL is where a person consents.
func (c *Client) AuthorizeURL(state, verifier providers.Secret) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier.Reveal())}
	if c.server.Prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", c.server.Prompt))
	}
	return c.config().AuthCodeURL(state.Reveal(), options...)
}

// RedirectURI is where the browser comes back to.
func (c *Client) RedirectURI() string { return c.redirectURI }

// Callable judges the address of the token endpoint.
func (c *Client) Callable() error {
	if err := c.Route.AllowedHosts.CheckCall(c.server.TokenURL); err != nil {
		return c.Unanswered(err)
	}
	return nil
}

// Exchange trades a code for tokens.
func (c *Client) Exchange(ctx context.Context, code, verifier providers.Secret) (providers.Grant, error) {
	grant, err := c.token(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config().Exchange(ctx, code.Reveal(), oauth2.VerifierOption(verifier.Reveal()))
	}, c.exchangeRefused)
	if err == nil {
		err = c.RequireScopes(c.target, grant.Scopes, probe.HasScope)
	}
	if err != nil {
		return providers.Grant{}, err
	}
	return grant, nil
}

// Refresh trades a refresh token for new tokens.
func (c *Client) Refresh(ctx context.Context, refreshToken providers.Secret) (providers.Grant, error) {
	grant, err := c.token(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken.Reveal()}).Token()
	}, c.refreshRefused)
	if err != nil {
		return providers.Grant{}, err
	}
	return grant, nil
}

// token sends one request for tokens and judges its answer.
func (c *Client) token(ctx context.Context, ask func(context.Context) (*oauth2.Token, error), refused func(*upstream.Response) *providers.Error) (providers.Grant, *providers.Error) {
	ctx, cancel := probe.WithTimeout(ctx, c.target)
	defer cancel()
	line := &tokenLine{Probe: c.Probe}
	client := &http.Client{Transport: line, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	token, err := ask(context.WithValue(ctx, oauth2.HTTPClient, client))
	switch {
	case line.failure != nil:
		return providers.Grant{}, line.failure
	case line.answer == nil:
		return providers.Grant{}, c.Fail(providers.UpstreamError, "the request for tokens could not be made")
	}
	if failure := c.judgeToken(line.answer, refused); failure != nil {
		return providers.Grant{}, failure
	}
	if err != nil || !isBearer(token.TokenType) || !probe.IsToken(token.AccessToken) || !probe.IsToken(token.RefreshToken) {
		return providers.Grant{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without an access token that could be used; check token_url", line.answer.Host)
	}
	return grantOf(token), nil
}

// isBearer reports whether a token can be sent as RFC 6750 says; a type that is not
// told is taken for that.
func isBearer(kind string) bool { return kind == "" || strings.EqualFold(kind, "bearer") }

// grantOf reads what was issued. Scopes stand in scope, or in scopes in older answers
// of Bitbucket.
func grantOf(token *oauth2.Token) providers.Grant {
	g := providers.Grant{
		AccessToken: providers.NewSecret(token.AccessToken), RefreshToken: providers.NewSecret(token.RefreshToken),
		Life: time.Duration(token.ExpiresIn) * time.Second,
	}
	if g.Life <= 0 {
		g.Life = defaultLife
	}
	for _, name := range []string{"scope", "scopes"} {
		if told, ok := token.Extra(name).(string); ok && g.Scopes == nil {
			g.Scopes = oauthScopes(told)
		}
	}
	return g
}

// tokenLine lets the library speak through the only HTTP client, and keeps what came
// back. Nothing is sent twice: a code and a refresh token may work only once.
type tokenLine struct {
	probe.Probe
	answer  *upstream.Response
	failure *providers.Error
}

// RoundTrip sends a request.
func (l *tokenLine) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, failure := l.Send(req.Context(), upstream.Request{Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: body})
	if failure != nil {
		l.failure = failure
		return nil, failure
	}
	l.answer = res
	return &http.Response{StatusCode: res.Status, Header: res.Header, Body: io.NopCloser(bytes.NewReader(res.Body)), Request: req}, nil
}
