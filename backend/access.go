package backend

import (
	"time"

	"vault-plugin-secrets-sei/providers"
)

// soonDead is the rest of an access token's life at which it is renewed, if that is
// more than a fifth of it.
const soonDead = 2 * time.Minute

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
	unknown    unknown
}

func accessOf(g providers.Grant, asked time.Time) *Access {
	return &Access{IssuedAt: asked.UTC(), ExpiresAt: asked.Add(g.Life).UTC()}
}

// refused notes that the refresh token was refused for good.
func (a *Access) refused(at time.Time, why providers.Reason) {
	a.RefusedAt, a.RefusedFor, a.RefusedWhy = at.UTC(), why.Code, why.Sentence
}

// because ends a sentence on a refused refresh token with the reason, where that is known.
func (a *Access) because() string {
	if a.RefusedWhy == "" {
		return ""
	}
	return ": " + a.RefusedWhy
}

// lives reports whether the token still works.
func (a *Access) lives(now time.Time) bool { return now.Before(a.ExpiresAt) }

// due reports whether less than a fifth of its life or two minutes remain; of a very
// short life, less than half, or it would be renewed all the time.
func (a *Access) due(now time.Time) bool {
	if a.IssuedAt.Sub(now) > time.Minute {
		return true // the clock that said so was wrong
	}
	life := a.ExpiresAt.Sub(a.IssuedAt)
	return a.ExpiresAt.Sub(now) < min(max(life/5, soonDead), life/2)
}

// refreshable reports whether the credential can be renewed.
func (s *Stored) refreshable() bool {
	return s.Access != nil && s.Access.RefusedAt.IsZero() && !s.Credential.Value(providers.OAuthRefreshToken).Empty()
}

// due reports whether the record holds an access token that should be renewed now.
func (r *Record) due(now time.Time) bool {
	return r.Current != nil && r.Current.Access != nil && r.Current.Access.due(now)
}

// withAccess returns the record with another Access and nothing else changed.
func (r *Record) withAccess(edit func(*Access)) *Record {
	after, current, access := *r, *r.Current, *r.Current.Access
	edit(&access)
	current.Access = &access
	after.Current = &current
	return &after
}

// refreshed returns the record with what a refresh issued; its version stays.
func (r *Record) refreshed(g providers.Grant, p prints, asked time.Time, who Actor, keep int) *Record {
	after, current := *r, *r.Current
	current.Credential = credentialOf(g)
	current.Fingerprint, current.Salt, current.unknown = p.whole, p.salt, nil
	current.Access = accessOf(g, asked)
	if g.Scopes != nil {
		current.Scopes = g.Scopes
	}
	after.Current = &current
	after.remember(r, HistoryEntry{
		Version: r.Version, Time: asked.UTC(), Cause: CauseRefresh,
		Identity: current.Identity, Fingerprint: p.whole, AccountFingerprint: current.AccountFingerprint, Actor: who,
	}, keep)
	return &after
}

// credentialOf is the credential that a grant stands for.
func credentialOf(g providers.Grant) providers.Credential {
	values := map[string][]providers.Secret{providers.OAuthAccessToken: {g.AccessToken}}
	if !g.RefreshToken.Empty() {
		values[providers.OAuthRefreshToken] = []providers.Secret{g.RefreshToken}
	}
	return providers.NewCredential(values)
}
