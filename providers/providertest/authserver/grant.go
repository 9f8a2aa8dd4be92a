package authserver

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// Verdict is what an authorization server thinks of a code or token.
type Verdict int

// The verdicts. Those from GrantElsewhere on are of a good code beside which something
// else is wrong.
const (
	GrantAccepted Verdict = iota
	// GrantUnknown was never issued, or to another client.
	GrantUnknown
	GrantUsed
	GrantExpired
	GrantRevoked
	GrantElsewhere
	GrantUnverified
	GrantOtherVerifier
)

// Dead is a verdict about something that was good once.
func (v Verdict) Dead() bool { return v == GrantUsed || v == GrantExpired || v == GrantRevoked }

// Redeem uses up a code. As from the moment that it is presented by its client a
// code is used, whatever the verdict: a guess, RFC 6749 leaves it open.
func (s *Server[A]) Redeem(client string, form url.Values) (Consent[A], Verdict) {
	s.lock.Lock()
	defer s.lock.Unlock()
	c, ok := s.codes[form.Get("code")]
	if !ok || c.client != client {
		return Consent[A]{}, GrantUnknown
	}
	if c.used {
		return Consent[A]{}, GrantUsed
	}
	c.used = true
	verifier := form.Get("code_verifier")
	switch {
	case !s.now().Before(c.until):
		return Consent[A]{}, GrantExpired
	case form.Get("redirect_uri") != c.redirectURI:
		return Consent[A]{}, GrantElsewhere
	case c.challenge != "" && verifier == "":
		return Consent[A]{}, GrantUnverified
	case !verifies(verifier, c.challenge):
		return Consent[A]{}, GrantOtherVerifier
	}
	return c.Consent, GrantAccepted
}

// verifies reports whether a verifier is the challenge's: RFC 7636, sections 4.1 and
// 4.6. A verifier without a challenge is a mismatch, as RFC 9700 asks for.
func verifies(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return len(verifier) >= 43 && len(verifier) <= 128 && base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}

// Renew uses a refresh token, which dies of it where the server rotates.
func (s *Server[A]) Renew(client, token string) (RefreshToken[A], Verdict) {
	s.lock.Lock()
	defer s.lock.Unlock()
	t, ok := s.refreshed[token]
	switch {
	case !ok || t.client != client:
		return RefreshToken[A]{}, GrantUnknown
	case t.spent:
		return *t, GrantUsed
	case !t.Revoked.IsZero():
		return *t, GrantRevoked
	case !s.now().Before(t.until):
		return *t, GrantExpired
	}
	t.spent = s.style.Rotates
	return *t, GrantAccepted
}

// Tokens are an access token, its life in seconds and, if there is one, a
// refresh token.
type Tokens struct {
	Access, Refresh string
	Seconds         int
}

// Issue issues an access token with some of the rights of a consent, and a refresh
// token for all of them if one is wanted.
func (s *Server[A]) Issue(c Consent[A], scopes []string, refreshable bool) Tokens {
	s.lock.Lock()
	defer s.lock.Unlock()
	now := s.now()
	narrow := c
	narrow.Scopes = scopes
	out := Tokens{Access: s.mint("access", s.style.Words), Seconds: int(s.life / time.Second)}
	s.accesses[out.Access] = &accessToken[A]{Consent: narrow, until: now.Add(s.life)}
	if refreshable {
		out.Refresh = s.mint("refresh", s.style.Words)
		s.refreshed[out.Refresh] = &RefreshToken[A]{Consent: c, Issued: now, until: now.Add(refreshLife)}
	}
	return out
}

// CountRefresh counts a refresh that came to its end.
func (s *Server[A]) CountRefresh() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.refreshes++
}

// Granted finds the consent behind the access token of a request.
func (s *Server[A]) Granted(r *http.Request) (Consent[A], Verdict) {
	token, ok := bearer(r.Header.Get("Authorization"))
	s.lock.Lock()
	defer s.lock.Unlock()
	t, known := s.accesses[token]
	switch {
	case !ok || !known:
		return Consent[A]{}, GrantUnknown
	case t.revoked:
		return Consent[A]{}, GrantRevoked
	case !s.now().Before(t.until):
		return Consent[A]{}, GrantExpired
	}
	return t.Consent, GrantAccepted
}
