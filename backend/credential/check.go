package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// siblingChecks is how many siblings are checked at a time.
const siblingChecks = 4

// check asks the upstream whether the entered credential works, for the
// integration and for all that share its record, and returns what would be
// stored. It adds to change what the person should know.
func (c *Door) check(ctx context.Context, s *backend.Subject, entry backend.Entry, change *backend.Change) (*backend.Stored, error) {
	in, auth := s.Integration, s.AuthType
	if auth.Unsupported != "" {
		return nil, backend.ReauthUnsupported(in, auth)
	}
	var err error
	if change.Siblings, err = c.configurations.Siblings(ctx, s.RecordID, in); err != nil {
		return nil, err
	}
	prints, err := c.prints.Of(ctx, s, change.Before, entry.Credential)
	if err != nil {
		return nil, err
	}
	shown, target, asked := ask.Handed(auth, entry.Credential), change.Before.Current.TargetOf(s.Target()), c.now()
	used, err := c.inUse(ctx, s, shown, change)
	if err != nil {
		return nil, err
	}
	target.Known = used.known
	verified, err := c.validate(ctx, s.Provider, target, shown)
	verified, err = ask.KeepSecret(s.Provider, target, entry.Credential, verified, err) // all of it
	if err != nil {
		return nil, c.refused(ctx, in, change.Before, used.explained(err), prints.Members)
	}
	next := stored(entry, verified, auth, prints, c.now())
	if err := c.checkSiblings(ctx, s, next, shown, change); err != nil {
		return nil, err
	}
	if err := judgeIdentity(change, verified); err != nil {
		return nil, err
	}
	if next.AccountFingerprint, err = c.prints.Account(ctx, s.RecordID, verified.AccountID); err != nil {
		return nil, err
	}
	if next.URL == "" {
		// Kept with the credential, so that nobody is given one with another's host.
		next.URL = in.URL(s.Spec)
	}
	next.Binding = c.configurations.Destination(in)
	next.VerifiedFor = s.Demands()
	change.Tokens, change.Asked = tokensOf(next, verified), asked
	recall(change, next, auth, verified, entry)
	change.Warnings = append(change.Warnings, expiryWarning(next, s.Mount)...)
	return next, nil
}

// recall adds what was known of a credential that is in use already, and what a person
// should know.
func recall(change *backend.Change, next *backend.Stored, auth providers.AuthType, v providers.Verified, entry backend.Entry) {
	change.Warnings = append(change.Warnings, v.Warnings...)
	if change.Before.HasAlready(next) {
		change.Warnings = append(change.Warnings, next.AsBefore(change.Before.Current, auth, v, entry.ExpiresAt)...)
	}
}

// validate is the provider's without ends that cannot be, of which a warning tells.
func (c *Door) validate(ctx context.Context, p providers.Provider, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	v, err := ask.GuardedValidate(ctx, p, t, cred)
	v, ignored := ask.Believed(v, c.now())
	v.Warnings = append(v.Warnings, ignored...)
	return v, err
}

// checkSiblings demands that the credential, which works for the integration
// itself, works for each that shares it. The refusal names all for which it does not.
func (c *Door) checkSiblings(ctx context.Context, s *backend.Subject, next *backend.Stored, cred providers.Credential, change *backend.Change) error {
	provider, mount := s.Provider, s.Mount
	failures := make([]error, len(change.Siblings))
	warnings := make([][]string, len(change.Siblings))
	// All of them together may take as long as one check.
	limited, cancel := context.WithTimeout(ctx, mount.RequestTimeout)
	defer cancel()
	var answered atomic.Bool                      // by the upstream, for any of them
	hurried := make([]bool, len(change.Siblings)) // had little of the time
	var group errgroup.Group
	group.SetLimit(siblingChecks)
	for i, sibling := range change.Siblings {
		group.Go(func() error {
			begun := time.Now()
			verified, err := c.validate(limited, provider, next.TargetOf(sibling.Target(s.Spec, mount)), cred)
			hurried[i] = time.Since(begun) < mount.RequestTimeout/2
			failures[i], warnings[i] = err, verified.Warnings
			if err == nil {
				answered.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
	late := limited.Err() != nil && ctx.Err() == nil && answered.Load()
	var worst siblingFailure
	for i, err := range failures {
		var cause *providers.Error
		if errors.As(err, &cause) && cause.Outcome == providers.Unreachable && late && hurried[i] {
			err = providers.SlowTogether(provider.Spec().Title, mount.RequestTimeout)
		}
		switch {
		case err == nil:
			for _, warning := range warnings[i] {
				change.Warnings = append(change.Warnings, fmt.Sprintf("%s: %s", change.Siblings[i].Name, warning))
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &cause):
			return err
		default:
			worst.add(change.Siblings[i].Name, cause)
		}
	}
	return worst.refusal(change)
}

// siblingFailure is what the checks of siblings came to. A verdict on the
// credential outweighs "could not tell": the answer names those with a verdict
// alone if there are any, so that nobody is called bad who could not be asked.
type siblingFailure struct {
	names []string
	cause *providers.Error
}

func (f *siblingFailure) add(name string, cause *providers.Error) {
	undecided := cause.CouldNotTell()
	switch {
	case f.cause == nil || f.cause.CouldNotTell() && !undecided:
		f.names, f.cause = []string{name}, cause
	case f.cause.CouldNotTell() == undecided:
		f.names = append(f.names, name)
	}
}

func (f *siblingFailure) refusal(change *backend.Change) error {
	if f.cause == nil {
		return nil
	}
	own, verdict := *f.cause, "not for"
	if own.CouldNotTell() {
		verdict = "could not be checked for"
	}
	own.Detail = fmt.Sprintf("the credential works for %q, but %s %s, which share it: %s",
		change.Integration.Name, verdict, strings.Join(f.names, ", "), f.cause.Detail)
	e := backend.Refusal(change.Integration, &own, backend.StaysInUse(change.Before), nil)
	e.Siblings = f.names
	return e
}

// refused says what a failed check means for the credential in use.
func (c *Door) refused(ctx context.Context, in *backend.Integration, before *backend.Record, err error, fingerprints []string) error {
	if ctx.Err() != nil {
		return ctx.Err() // nobody is listening any more
	}
	var cause *providers.Error
	if !errors.As(err, &cause) {
		return err
	}
	if cause.Panic != nil {
		c.faults.Happened(fault.DeedCheck, in.Name, fault.BrokenOff(cause.Panic))
	}
	return backend.Refusal(in, cause, backend.StaysInUse(before), fingerprints)
}

// judgeIdentity notes a changed account, or refuses it where it is pinned, by the
// integration or by one that shares the credential.
func judgeIdentity(change *backend.Change, v providers.Verified) error {
	if change.Demanded != nil && !change.Demanded.Owns(v) {
		return notInvited(change, v)
	}
	if change.Before.SameAccount(v) {
		return nil
	}
	change.IdentityChanged = true
	for _, in := range append([]*backend.Integration{change.Integration}, change.Siblings...) {
		if in.Settings.Flag("pin_identity") {
			return pinned(change, in, v)
		}
	}
	change.Warnings = append(change.Warnings,
		fmt.Sprintf("the account changed from %q to %q", change.Before.Identity, v.Identity))
	return nil
}

// pinned is the refusal of another account by in, which may be a sibling.
func pinned(change *backend.Change, in *backend.Integration, v providers.Verified) *backend.Error {
	e := &backend.Error{
		Code: backend.CodeIdentityPinned, Integration: change.Integration.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the credential works but belongs to %q, and pin_identity keeps integration %q on %q; send a credential of that account, or set pin_identity=false first; %s", v.Identity, in.Name, change.Before.Identity, backend.StaysInUse(change.Before)),
	}
	if in != change.Integration {
		e.Siblings = []string{in.Name}
	}
	return e
}

// notInvited is the refusal of a credential of another account than the invitation is for.
func notInvited(change *backend.Change, v providers.Verified) *backend.Error {
	in := change.Integration
	return &backend.Error{
		Code: backend.CodeIdentityPinned, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the credential works but belongs to %q, and the invitation is for %q; enter a credential of that account, or ask whoever invited you; %s", v.Identity, change.Demanded.Identity, backend.StaysInUse(change.Before)),
	}
}

// stored is the record's form of a verified credential. What upstream says of
// its expiry wins over what was entered, also that there is none.
func stored(entry backend.Entry, v providers.Verified, auth providers.AuthType, p backend.Prints, now time.Time) *backend.Stored {
	s := &backend.Stored{
		Credential: entry.Credential, Fingerprint: p.Whole, Salt: p.Salt, Identity: v.Identity, AccountID: v.AccountID,
		Scopes: v.Scopes, URL: v.URL, Scheme: v.Scheme, APIVersion: v.APIVersion, VerifiedAt: now.UTC(),
		ExpiresAt: backend.KnownEnd(v.ExpiresAt, v.NoEnd, entry.ExpiresAt, auth, now),
	}
	for i, m := range v.Members {
		s.Members = append(s.Members, backend.StoredMember{
			Fingerprint: p.Members[i], Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt,
		})
	}
	return s
}

func expiryWarning(s *backend.Stored, mount *backend.Mount) []string {
	left := s.ExpiresAt.Sub(s.VerifiedAt)
	if s.ExpiresAt.IsZero() || left > mount.ExpiryWarning {
		return nil
	}
	return []string{fmt.Sprintf("the credential expires on %s, in %d days",
		s.ExpiresAt.UTC().Format(time.RFC3339), int(left.Hours()/24))}
}
