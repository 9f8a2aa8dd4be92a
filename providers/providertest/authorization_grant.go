package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// verdict is what an authorization server thinks of a code or token.
type verdict int

const (
	grantAccepted verdict = iota
	// grantUnknown was never issued, or to another client.
	grantUnknown
	grantUsed
	grantExpired
	grantRevoked
	// The code is good, and what came beside it is not.
	grantElsewhere
	grantUnverified
	grantOtherVerifier
)

// dead is a verdict about something that was good once.
func (v verdict) dead() bool { return v == grantUsed || v == grantExpired || v == grantRevoked }

// redeem uses up a code. As from the moment that it is presented by its client a
// code is used, whatever the verdict: a guess, RFC 6749 leaves it open.
func (s *authorizationServer[A]) redeem(client string, form url.Values) (consent[A], verdict) {
	s.lock.Lock()
	defer s.lock.Unlock()
	c, ok := s.codes[form.Get("code")]
	if !ok || c.client != client {
		return consent[A]{}, grantUnknown
	}
	if c.used {
		return consent[A]{}, grantUsed
	}
	c.used = true
	verifier := form.Get("code_verifier")
	switch {
	case !s.now().Before(c.until):
		return consent[A]{}, grantExpired
	case form.Get("redirect_uri") != c.redirectURI:
		return consent[A]{}, grantElsewhere
	case c.challenge != "" && verifier == "":
		return consent[A]{}, grantUnverified
	case !verifies(verifier, c.challenge):
		return consent[A]{}, grantOtherVerifier
	}
	return c.consent, grantAccepted
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

// renew uses a refresh token, which dies of it where the server rotates.
func (s *authorizationServer[A]) renew(client, token string) (refreshToken[A], verdict) {
	s.lock.Lock()
	defer s.lock.Unlock()
	t, ok := s.refreshed[token]
	switch {
	case !ok || t.client != client:
		return refreshToken[A]{}, grantUnknown
	case t.spent:
		return *t, grantUsed
	case !t.revoked.IsZero():
		return *t, grantRevoked
	case !s.now().Before(t.until):
		return *t, grantExpired
	}
	t.spent = s.style.rotates
	return *t, grantAccepted
}

// issuedTokens are an access token, its life in seconds and, if there is one, a
// refresh token.
type issuedTokens struct {
	access, refresh string
	seconds         int
}

// issue issues an access token with some of the rights of a consent, and a refresh
// token for all of them if one is wanted.
func (s *authorizationServer[A]) issue(c consent[A], scopes []string, refreshable bool) issuedTokens {
	s.lock.Lock()
	defer s.lock.Unlock()
	now := s.now()
	narrow := c
	narrow.scopes = scopes
	out := issuedTokens{access: s.mint("access", s.style.words), seconds: int(s.life / time.Second)}
	s.accesses[out.access] = &accessToken[A]{consent: narrow, until: now.Add(s.life)}
	if refreshable {
		out.refresh = s.mint("refresh", s.style.words)
		s.refreshed[out.refresh] = &refreshToken[A]{consent: c, issued: now, until: now.Add(refreshLife)}
	}
	return out
}

// countRefresh counts a refresh that came to its end.
func (s *authorizationServer[A]) countRefresh() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.refreshes++
}

// granted finds the consent behind the access token of a request.
func (s *authorizationServer[A]) granted(r *http.Request) (consent[A], verdict) {
	token, ok := bearer(r.Header.Get("Authorization"))
	s.lock.Lock()
	defer s.lock.Unlock()
	t, known := s.accesses[token]
	switch {
	case !ok || !known:
		return consent[A]{}, grantUnknown
	case t.revoked:
		return consent[A]{}, grantRevoked
	case !s.now().Before(t.until):
		return consent[A]{}, grantExpired
	}
	return t.consent, grantAccepted
}
