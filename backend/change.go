package backend

import (
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Draft is what a write of a configuration sends; settings that it does not have
// stay as they are.
type Draft struct {
	// Create allows the write to create the integration. Without it, one that
	// was deleted meanwhile does not come back with half its settings.
	Create   bool
	Provider string
	AuthType string
	Settings providers.Settings
}

// Entry is what a person or a script enters to re-authenticate.
type Entry struct {
	Credential providers.Credential
	// ExpiresAt is the end of its life where the upstream does not tell it; zero
	// where nothing was entered.
	ExpiresAt time.Time
}

// Change is a record before and after.
type Change struct {
	Integration *Integration
	// Subject is the integration as it was resolved under the lock of the record, with the
	// mount's settings; nil for a change that is not stored.
	Subject *Subject
	// Siblings are the other integrations that share the record, sorted by name.
	Siblings []*Integration
	Before   *Record // never nil; of version 0 if there was none
	// Demanded is the account that the credential must belong to; nil for any.
	Demanded *Account
	After    *Record
	// IdentityChanged is whether the credential belongs to another account than
	// the one before.
	IdentityChanged bool
	// Warnings are sentences for the person who re-authenticated.
	Warnings []string
	// Finding is what a check of the new credential found once it was in use; nil
	// where it was checked before.
	Finding *Finding
	// Unconfirmed is set where a check refused the new credential, and another one to
	// confirm it could not be made.
	Unconfirmed bool
	// Again is set where the credential is the one that was in use, verified once more.
	Again bool
	// Tokens is what a check of a new pool learnt that was begun when Asked says.
	Tokens []TokenCheck
	Asked  time.Time
}

// TokenCheck is what a check learnt of one token of a pool, beside whether it works.
type TokenCheck struct {
	Member StoredMember
	// Taken is set where the upstream took the token, Limited where it limits its rate,
	// for as long as RetryAfter says.
	Taken, Limited bool
	RetryAfter     time.Duration
	Quotas         []providers.Quota
}
