package authserver

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

// Style is in what authorization servers differ beyond their answers.
type Style[A any] struct {
	// Name is the server's, on its pages.
	Name string
	// Prefix begins all that is issued.
	Prefix string
	// Words is how many random words of 26 letters are in a token.
	Words int
	// Life of access tokens.
	Life time.Duration
	// Rotates is whether a refresh token dies of its use.
	Rotates bool
	// Denial is what the client is told when a person refuses.
	Denial string
	// Session is whether the client is told of a session.
	Session bool
	// Who names an account on the pages.
	Who func(account A) string
}

// Server is what fakes of OAuth 2.0 have in common: the clients, the
// account A at the browser, and what was issued. All methods may be called while it
// serves.
type Server[A any] struct {
	style Style[A]

	// lock is apart from a fake's Mu: a fake may ask for a token while it holds that.
	lock      sync.Mutex
	now       func() time.Time
	life      time.Duration
	clients   map[string]OAuthClient
	account   *A
	asked     map[string]Request
	codes     map[string]*openCode[A]
	refreshed map[string]*RefreshToken[A]
	accesses  map[string]*accessToken[A]
	issued    []string
	refreshes int
}

// Consent is what a person granted to a client.
type Consent[A any] struct {
	client  string
	Account A
	// Asked are the scopes in the request, Scopes the rights that came of it.
	Asked, Scopes []string
	Given         time.Time
}

type openCode[A any] struct {
	Consent[A]
	redirectURI, challenge string
	until                  time.Time
	used                   bool
}

// RefreshToken is the consent behind a refresh token, when it was issued and, if it was,
// revoked.
type RefreshToken[A any] struct {
	Consent[A]
	Issued, until, Revoked time.Time
	spent                  bool
}

type accessToken[A any] struct {
	Consent[A]
	until   time.Time
	revoked bool
}

// New returns a server without clients, at whose browser nobody is signed in.
func New[A any](style Style[A]) *Server[A] {
	return &Server[A]{
		style: style, now: time.Now, life: style.Life,
		clients: map[string]OAuthClient{}, asked: map[string]Request{}, codes: map[string]*openCode[A]{},
		refreshed: map[string]*RefreshToken[A]{}, accesses: map[string]*accessToken[A]{},
	}
}

// AddClient adds or replaces a client.
func (s *Server[A]) AddClient(c OAuthClient) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.clients[c.ID] = c
}

// SignIn puts an account at the browser. Until it is called nobody can consent.
// What was granted before stays with the account that granted it.
func (s *Server[A]) SignIn(account A) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.account = &account
}

// SetLife sets the life of the access tokens that are issued from now on.
func (s *Server[A]) SetLife(d time.Duration) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.life = d
}

// SetClock replaces the clock by which codes and tokens age. now is called with a
// lock held: it must not call the fake.
func (s *Server[A]) SetClock(now func() time.Time) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.now = now
}

// RevokeGrants makes all refresh tokens useless, as the person does who takes the
// consent back. Access tokens live on, and what is issued later is not affected.
func (s *Server[A]) RevokeGrants() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, t := range s.refreshed {
		if t.Revoked.IsZero() {
			t.Revoked = s.now()
		}
	}
}

// RevokeAccess makes all access tokens useless. Refresh tokens live on.
func (s *Server[A]) RevokeAccess() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, t := range s.accesses {
		t.revoked = true
	}
}

// Issued returns every code, access token and refresh token so far, in order. It is
// never nil.
func (s *Server[A]) Issued() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string{}, s.issued...)
}

// Refreshes returns how often a refresh token was traded for new tokens so far.
func (s *Server[A]) Refreshes() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.refreshes
}

// AddClientJSON adds the OAuthClient that body describes.
func (s *Server[A]) AddClientJSON(body []byte) error {
	var c OAuthClient
	if err := json.Unmarshal(body, &c); err != nil {
		return err
	}
	s.AddClient(c)
	return nil
}

// Drop makes a code or token unknown.
func (s *Server[A]) Drop(token string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.codes, token)
	delete(s.refreshed, token)
	delete(s.accesses, token)
}

// Client finds a client by its id.
func (s *Server[A]) Client(id string) (OAuthClient, bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	c, ok := s.clients[id]
	return c, ok
}

// Time tells the time of the fake's clock.
func (s *Server[A]) Time() time.Time {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.now()
}

// mint makes a code or token that tells its kind. The lock is held.
func (s *Server[A]) mint(kind string, words int) string {
	token := s.style.Prefix + "-" + kind + "-"
	for range words {
		token += rand.Text()
	}
	s.issued = append(s.issued, token)
	return token
}

// Within reports whether all of some are in allowed, of which nil is everything.
func Within(some, allowed []string) bool {
	return allowed == nil || !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(allowed, s) })
}

// Common returns what is in both lists, of which nil is everything.
func Common(a, b []string) []string {
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
