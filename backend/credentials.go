package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Credentials checks, swaps, hands out and forgets credentials. It can read
// configuration and has no way to write it. It is safe for concurrent use;
// changes of one record are serialised, readers never wait for them.
type Credentials struct {
	integrations reader
	records      *table[Record]
	mount        *MountSettings
	marks        *fingerprints
	locks        *locks
	now          func() time.Time
}

// reader is all that the swap may do with configuration.
type reader interface {
	Read(ctx context.Context, name string) (*Integration, error)
	Provider(in *Integration) (providers.Provider, error)
}

var _ reader = (*Integrations)(nil)

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
	Before      *Record // never nil; of version 0 if there was none
	After       *Record
	// IdentityChanged is whether the credential belongs to another account than
	// the one before.
	IdentityChanged bool
	// Warnings are sentences for the person who re-authenticated.
	Warnings []string
}

// Reauth checks the entered credential at the upstream and, if it is verified,
// swaps it in with one Put. A refusal is an *Error; after any error the record
// is what it was, or, if storage failed in the middle of the Put, the new one whole.
func (c *Credentials) Reauth(ctx context.Context, name string, entry Entry, who Actor) (*Change, error) {
	return c.update(ctx, name, func(in *Integration, change *Change) (*Record, error) {
		mount, err := c.mount.Read(ctx)
		if err != nil {
			return nil, err
		}
		next, err := c.check(ctx, in, mount, entry, change)
		if err != nil {
			return nil, err
		}
		return change.Before.swapped(next, CauseReauth, who, mount.HistoryLimit), nil
	})
}

// Validate does the checks of Reauth and stores nothing. Change.After is what a
// re-authentication now would store.
func (c *Credentials) Validate(ctx context.Context, name string, entry Entry) (*Change, error) {
	in, err := c.integrations.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	before, err := c.records.load(ctx, in.recordID())
	if err != nil {
		return nil, err
	}
	change := &Change{Integration: in, Before: before}
	next, err := c.check(ctx, in, mount, entry, change)
	if err != nil {
		return nil, err
	}
	change.After = before.swapped(next, CauseReauth, Actor{}, mount.HistoryLimit)
	return change, nil
}

// Read returns the integration and its record, which has version 0 if there
// never was a credential. It takes no lock and, once cached, touches no storage.
func (c *Credentials) Read(ctx context.Context, name string) (*Integration, *Record, error) {
	in, err := c.integrations.Read(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	record, err := c.records.load(ctx, in.recordID())
	if err != nil {
		return nil, nil, err
	}
	return in, record, nil
}

// Forget erases the credential and keeps its counter and history. Without a
// credential it changes nothing.
func (c *Credentials) Forget(ctx context.Context, name string, who Actor) (*Change, error) {
	return c.update(ctx, name, func(_ *Integration, change *Change) (*Record, error) {
		if change.Before.Current == nil {
			return change.Before, nil
		}
		mount, err := c.mount.Read(ctx)
		if err != nil {
			return nil, err
		}
		return change.Before.forgotten(c.now(), who, mount.HistoryLimit), nil
	})
}

// update is the one way a record changes: lock, load, edit, save. If edit
// returns the record it was given, nothing is written.
func (c *Credentials) update(ctx context.Context, name string, edit func(*Integration, *Change) (*Record, error)) (*Change, error) {
	in, err := c.integrations.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	release, err := c.locks.acquire(ctx, in.recordID())
	if err != nil {
		return nil, err
	}
	defer release()
	// Again, now that nobody can change it: where the credential goes must not
	// move between the check and the swap.
	if in, err = c.integrations.Read(ctx, name); err != nil {
		return nil, err
	}
	before, err := c.records.loadExact(ctx, in.recordID())
	if err != nil {
		return nil, err
	}
	change := &Change{Integration: in, Before: before}
	if change.After, err = edit(in, change); err != nil {
		return nil, err
	}
	if change.After == before {
		return change, nil
	}
	if err := c.records.save(ctx, in.recordID(), change.After); err != nil {
		return nil, err
	}
	return change, nil
}

// check asks the upstream whether the entered credential works and returns what
// would be stored. It adds to change what the person should know.
func (c *Credentials) check(ctx context.Context, in *Integration, mount *Mount, entry Entry, change *Change) (*Stored, error) {
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(in.AuthType)
	if auth.Unsupported != "" {
		return nil, ReauthUnsupported(in, auth)
	}
	whole, members, err := c.marks.of(ctx, auth, entry.Credential)
	if err != nil {
		return nil, err
	}
	verified, err := provider.Validate(ctx, in.target(spec, mount), entry.Credential)
	if err != nil {
		return nil, c.refused(ctx, in, change.Before, err, members)
	}
	if err := c.judgeIdentity(in, change, verified); err != nil {
		return nil, err
	}
	next := stored(entry, verified, whole, members, c.now())
	change.Warnings = append(append(change.Warnings, verified.Warnings...), expiryWarning(next, mount)...)
	return next, nil
}

// refused says what a failed check means for the credential in use.
func (c *Credentials) refused(ctx context.Context, in *Integration, before *Record, err error, fingerprints []string) error {
	if ctx.Err() != nil {
		return ctx.Err() // nobody is listening any more
	}
	var cause *providers.Error
	if !errors.As(err, &cause) {
		return err
	}
	return refusal(in, cause, kept(before), fingerprints)
}

// kept says what stays in use after a refusal.
func kept(before *Record) string {
	if before.Current == nil {
		return "nothing was stored"
	}
	return fmt.Sprintf("version %d stays in use", before.Version)
}

// judgeIdentity notes a changed account, or refuses it where it is pinned.
func (c *Credentials) judgeIdentity(in *Integration, change *Change, v providers.Verified) error {
	if change.Before.sameAccount(v) {
		return nil
	}
	change.IdentityChanged = true
	if in.Settings.Flag("pin_identity") {
		return &Error{
			Code: CodeIdentityPinned, Integration: in.Name, Provider: in.Provider,
			Message: fmt.Sprintf("the credential works but belongs to %q, and pin_identity keeps this integration on %q; %s", v.Identity, change.Before.Identity, kept(change.Before)),
		}
	}
	change.Warnings = append(change.Warnings,
		fmt.Sprintf("the account changed from %q to %q", change.Before.Identity, v.Identity))
	return nil
}

// stored is the record's form of a verified credential. What upstream says of
// its expiry wins over what was entered.
func stored(entry Entry, v providers.Verified, whole string, members []string, now time.Time) *Stored {
	s := &Stored{
		Credential: entry.Credential, Fingerprint: whole, Identity: v.Identity, AccountID: v.AccountID,
		Scopes: v.Scopes, URL: v.URL, ExpiresAt: v.ExpiresAt, VerifiedAt: now.UTC(),
	}
	if s.ExpiresAt.IsZero() {
		s.ExpiresAt = entry.ExpiresAt
	}
	for i, m := range v.Members {
		s.Members = append(s.Members, StoredMember{
			Fingerprint: members[i], Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt,
		})
	}
	return s
}

func expiryWarning(s *Stored, mount *Mount) []string {
	left := s.ExpiresAt.Sub(s.VerifiedAt)
	if s.ExpiresAt.IsZero() || left > mount.ExpiryWarning {
		return nil
	}
	return []string{fmt.Sprintf("the credential expires on %s, in %d days",
		s.ExpiresAt.UTC().Format(time.RFC3339), int(left.Hours()/24))}
}
