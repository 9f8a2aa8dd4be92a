package providers

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// defaultLife is assumed of an access token whose end is not told, which RFC 6749
// (section 5.1) only recommends. It is shorter than what both vendors give.
const defaultLife = 30 * time.Minute

// oauthClient is the OAuth client of one integration.
type oauthClient struct {
	probe
	server      oauthServer
	target      Target
	id          string
	secret      Secret
	redirectURI string
}

var _ OAuthClient = (*oauthClient)(nil)

// config is the library's form of the client.
func (c *oauthClient) config() *oauth2.Config {
	style := oauth2.AuthStyleInParams
	if c.server.clientInHeader {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: c.id, ClientSecret: c.secret.Reveal(), RedirectURL: c.redirectURI, Scopes: c.server.scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.server.authorizeURL, TokenURL: c.server.tokenURL, AuthStyle: style},
	}
}

// AuthorizeURL is where a person consents.
func (c *oauthClient) AuthorizeURL(state, verifier Secret) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier.Reveal())}
	if c.server.prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", c.server.prompt))
	}
	return c.config().AuthCodeURL(state.Reveal(), options...)
}

// RedirectURI is where the browser comes back to.
func (c *oauthClient) RedirectURI() string { return c.redirectURI }

// Callable judges the address of the token endpoint.
func (c *oauthClient) Callable() error {
	if err := c.route.AllowedHosts.CheckCall(c.server.tokenURL); err != nil {
		return c.unanswered(err)
	}
	return nil
}

// Exchange trades a code for tokens.
func (c *oauthClient) Exchange(ctx context.Context, code, verifier Secret) (Grant, error) {
	grant, err := c.token(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config().Exchange(ctx, code.Reveal(), oauth2.VerifierOption(verifier.Reveal()))
	}, c.exchangeRefused)
	if err == nil {
		err = c.requireScopes(c.target, grant.Scopes, hasScope)
	}
	if err != nil {
		return Grant{}, err
	}
	return grant, nil
}

// Refresh trades a refresh token for new tokens.
func (c *oauthClient) Refresh(ctx context.Context, refreshToken Secret) (Grant, error) {
	grant, err := c.token(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken.Reveal()}).Token()
	}, c.refreshRefused)
	if err != nil {
		return Grant{}, err
	}
	return grant, nil
}

// token sends one request for tokens and judges its answer.
func (c *oauthClient) token(ctx context.Context, ask func(context.Context) (*oauth2.Token, error), refused func(*upstream.Response) *Error) (Grant, *Error) {
	ctx, cancel := withTimeout(ctx, c.target)
	defer cancel()
	line := &tokenLine{probe: c.probe}
	client := &http.Client{Transport: line, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	token, err := ask(context.WithValue(ctx, oauth2.HTTPClient, client))
	switch {
	case line.failure != nil:
		return Grant{}, line.failure
	case line.answer == nil:
		return Grant{}, c.fail(UpstreamError, "the request for tokens could not be made")
	}
	if failure := c.judgeToken(line.answer, refused); failure != nil {
		return Grant{}, failure
	}
	if err != nil || !isBearer(token.TokenType) || !isToken(token.AccessToken) || !isToken(token.RefreshToken) {
		return Grant{}, c.fail(UpstreamError, "%q answered HTTP 200 without an access token that could be used; check token_url", line.answer.Host)
	}
	return grantOf(token), nil
}

// isBearer reports whether a token can be sent as RFC 6750 says; a type that is not
// told is taken for that.
func isBearer(kind string) bool { return kind == "" || strings.EqualFold(kind, "bearer") }

// isToken accepts the characters that RFC 6749 (appendix A) allows in a token, but for
// the space, and no more of them than any vendor sends; none is a token, too.
func isToken(text string) bool {
	const longest = 16 << 10
	return len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// grantOf reads what was issued. Scopes stand in scope, or in scopes in older answers
// of Bitbucket.
func grantOf(token *oauth2.Token) Grant {
	g := Grant{
		AccessToken: NewSecret(token.AccessToken), RefreshToken: NewSecret(token.RefreshToken),
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
	probe
	answer  *upstream.Response
	failure *Error
}

// RoundTrip sends a request.
func (l *tokenLine) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, failure := l.send(req.Context(), upstream.Request{Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: body})
	if failure != nil {
		l.failure = failure
		return nil, failure
	}
	l.answer = res
	return &http.Response{StatusCode: res.Status, Header: res.Header, Body: io.NopCloser(bytes.NewReader(res.Body)), Request: req}, nil
}
