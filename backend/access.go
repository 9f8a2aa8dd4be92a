package backend

import (
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// minRemaining: an access token is refreshed when less than this, or less than a fifth of
// its lifetime (whichever is longer), remains.
const minRemaining = 2 * time.Minute

// Access is the life of an access token, and what became of its renewal. Values are
// immutable.
type Access struct {
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// RefreshingSince is when a refresh began whose answer was not saved; zero where
	// there is none. If the plugin was killed in between, the answer is lost.
	RefreshingSince time.Time `json:"refreshing_since,omitzero"`
	// RefusedAt is when the authorization server refused the refresh token for good;
	// zero where it did not.
	RefusedAt time.Time `json:"refused_at,omitzero"`
	// RefusedFor and RefusedWhy are the reason, a code and a sentence as in providers.Reason;
	// "" where the server did not tell, or an earlier version did not note it.
	RefusedFor string `json:"refused_for,omitempty"`
	RefusedWhy string `json:"refused_why,omitempty"`
	unknown    store.Unknown
}

// AccessOf is the life of what was granted, which was asked for at that moment.
func AccessOf(g providers.Grant, asked time.Time) *Access {
	return &Access{IssuedAt: asked.UTC(), ExpiresAt: asked.Add(g.Life).UTC()}
}

// Refused notes that the refresh token was refused for good.
func (a *Access) Refused(at time.Time, why providers.Reason) {
	a.RefusedAt, a.RefusedFor, a.RefusedWhy = at.UTC(), why.Code, why.Sentence
}

// Because ends a sentence on a refused refresh token with the reason, where that is known.
func (a *Access) Because() string {
	if a.RefusedWhy == "" {
		return ""
	}
	return ": " + a.RefusedWhy
}

// Lives reports whether the token still works.
func (a *Access) Lives(now time.Time) bool { return now.Before(a.ExpiresAt) }

// Due reports whether less than a fifth of its life or two minutes remain; of a very
// short life, less than half, or it would be renewed all the time.
func (a *Access) Due(now time.Time) bool {
	if a.IssuedAt.Sub(now) > time.Minute {
		return true // the clock that said so was wrong
	}
	return now.After(a.DueAt())
}

// DueAt is the moment after which the token is due.
func (a *Access) DueAt() time.Time {
	life := a.ExpiresAt.Sub(a.IssuedAt)
	return a.ExpiresAt.Add(-min(max(life/5, minRemaining), life/2))
}

// Refreshable reports whether the credential can be renewed.
func (s *Stored) Refreshable() bool {
	return s.Access != nil && s.Access.RefusedAt.IsZero() && !s.Credential.Value(providers.OAuthRefreshToken).Empty()
}

// Due reports whether the record holds an access token that should be renewed now.
func (r *Record) Due(now time.Time) bool {
	return r.Current != nil && r.Current.Access != nil && r.Current.Access.Due(now)
}

// WithAccess returns the record with another Access and nothing else changed.
func (r *Record) WithAccess(edit func(*Access)) *Record {
	after, current, access := *r, *r.Current, *r.Current.Access
	edit(&access)
	current.Access = &access
	after.Current = &current
	return &after
}

// WithGrant returns the record with what a refresh issued; its version stays.
func (r *Record) WithGrant(g providers.Grant, p Prints, asked time.Time, who Actor, keep int) *Record {
	after, current := *r, *r.Current
	current.Credential = CredentialOf(g)
	current.Fingerprint, current.Salt, current.unknown = p.Whole, p.Salt, nil
	current.Access = AccessOf(g, asked)
	if g.Scopes != nil {
		current.Scopes = g.Scopes
	}
	after.Current = &current
	after.remember(r, HistoryEntry{
		Version: r.Version, Time: asked.UTC(), Cause: CauseRefresh,
		Identity: current.Identity, Fingerprint: p.Whole, AccountFingerprint: current.AccountFingerprint, Actor: who,
	}, keep)
	return &after
}

// CredentialOf is the credential that a grant stands for.
func CredentialOf(g providers.Grant) providers.Credential {
	values := map[string][]providers.Secret{providers.OAuthAccessToken: {g.AccessToken}}
	if !g.RefreshToken.Empty() {
		values[providers.OAuthRefreshToken] = []providers.Secret{g.RefreshToken}
	}
	return providers.NewCredential(values)
}
