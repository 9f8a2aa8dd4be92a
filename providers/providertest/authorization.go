package providertest

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// OAuthClient is a client that an authorization server knows: an OAuth consumer of
// Bitbucket, an app registration of Entra.
type OAuthClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	// RedirectURI is the callback that is configured.
	RedirectURI string `json:"redirect_uri"`
	// Scopes are the permissions of a consumer (account, repository …), or the
	// delegated ones of a registration (vso.code …), of which nil means all.
	Scopes []string `json:"scopes,omitempty"`
	// Tenant is the only one that an app registration is in; empty means all.
	Tenant string `json:"tenant,omitempty"`
}

// How long codes, pages and unused refresh tokens last. 10 minutes of a code:
// MicrosoftDocs/entra-docs v2-oauth2-auth-code-flow.md, and a guess for Bitbucket.
// 90 days: entra-docs refresh-tokens.md, and Atlassian's announcement of "3 months".
const (
	codeLife    = 10 * time.Minute
	refreshLife = 90 * 24 * time.Hour
)

// authorizationStyle is in what authorization servers differ beyond their answers.
type authorizationStyle[A any] struct {
	// name is the server's, on its pages.
	name string
	// prefix begins all that is issued.
	prefix string
	// words is how many random words of 26 letters are in a token.
	words int
	// life of access tokens.
	life time.Duration
	// rotates is whether a refresh token dies of its use.
	rotates bool
	// denial is what the client is told when a person refuses.
	denial string
	// session is whether the client is told of a session.
	session bool
	// who names an account on the pages.
	who func(account A) string
}

// authorizationServer is what fakes of OAuth 2.0 have in common: the clients, the
// account A at the browser, and what was issued. All methods may be called while it
// serves.
type authorizationServer[A any] struct {
	style authorizationStyle[A]

	// lock is apart from a fake's mu: a fake may ask for a token while it holds that.
	lock      sync.Mutex
	now       func() time.Time
	life      time.Duration
	clients   map[string]OAuthClient
	account   *A
	asked     map[string]consentRequest
	codes     map[string]*openCode[A]
	refreshed map[string]*refreshToken[A]
	accesses  map[string]*accessToken[A]
	issued    []string
	refreshes int
}

// consent is what a person granted to a client.
type consent[A any] struct {
	client  string
	account A
	// asked are the scopes in the request, scopes the rights that came of it.
	asked, scopes []string
	given         time.Time
}

type openCode[A any] struct {
	consent[A]
	redirectURI, challenge string
	until                  time.Time
	used                   bool
}

type refreshToken[A any] struct {
	consent[A]
	issued, until, revoked time.Time
	spent                  bool
}

type accessToken[A any] struct {
	consent[A]
	until   time.Time
	revoked bool
}

func newAuthorizationServer[A any](style authorizationStyle[A]) *authorizationServer[A] {
	return &authorizationServer[A]{
		style: style, now: time.Now, life: style.life,
		clients: map[string]OAuthClient{}, asked: map[string]consentRequest{}, codes: map[string]*openCode[A]{},
		refreshed: map[string]*refreshToken[A]{}, accesses: map[string]*accessToken[A]{},
	}
}

// AddClient adds or replaces a client.
func (s *authorizationServer[A]) AddClient(c OAuthClient) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.clients[c.ID] = c
}

// SignIn puts an account at the browser. Until it is called nobody can consent.
// What was granted before stays with the account that granted it.
func (s *authorizationServer[A]) SignIn(account A) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.account = &account
}

// SetLife sets the life of the access tokens that are issued from now on.
func (s *authorizationServer[A]) SetLife(d time.Duration) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.life = d
}

// SetClock replaces the clock by which codes and tokens age. now is called with a
// lock held: it must not call the fake.
func (s *authorizationServer[A]) SetClock(now func() time.Time) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.now = now
}

// RevokeGrants makes all refresh tokens useless, as the person does who takes the
// consent back. Access tokens live on, and what is issued later is not affected.
func (s *authorizationServer[A]) RevokeGrants() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, t := range s.refreshed {
		if t.revoked.IsZero() {
			t.revoked = s.now()
		}
	}
}

// RevokeAccess makes all access tokens useless. Refresh tokens live on.
func (s *authorizationServer[A]) RevokeAccess() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, t := range s.accesses {
		t.revoked = true
	}
}

// Issued returns every code, access token and refresh token so far, in order. It is
// never nil.
func (s *authorizationServer[A]) Issued() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string{}, s.issued...)
}

// Refreshes returns how often a refresh token was traded for new tokens so far.
func (s *authorizationServer[A]) Refreshes() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.refreshes
}

// addClientJSON adds the OAuthClient that body describes.
func (s *authorizationServer[A]) addClientJSON(body []byte) error {
	var c OAuthClient
	if err := json.Unmarshal(body, &c); err != nil {
		return err
	}
	s.AddClient(c)
	return nil
}

// forget makes a code or token unknown.
func (s *authorizationServer[A]) forget(token string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.codes, token)
	delete(s.refreshed, token)
	delete(s.accesses, token)
}

func (s *authorizationServer[A]) client(id string) (OAuthClient, bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	c, ok := s.clients[id]
	return c, ok
}

// time tells the time of the fake's clock.
func (s *authorizationServer[A]) time() time.Time {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.now()
}

// mint makes a code or token that tells its kind. The lock is held.
func (s *authorizationServer[A]) mint(kind string, words int) string {
	token := s.style.prefix + "-" + kind + "-"
	for range words {
		token += rand.Text()
	}
	s.issued = append(s.issued, token)
	return token
}

// within reports whether all of some are in allowed, of which nil is everything.
func within(some, allowed []string) bool {
	return allowed == nil || !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(allowed, s) })
}

// common returns what is in both lists, of which nil is everything.
func common(a, b []string) []string {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// bearer finds the token of an Authorization header.
func bearer(header string) (string, bool) { return strings.CutPrefix(header, "Bearer ") }
