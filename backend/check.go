package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/providers"
)

// siblingChecks is how many siblings are checked at a time.
const siblingChecks = 4

// check asks the upstream whether the entered credential works, for the
// integration and for all that share its record, and returns what would be
// stored. It adds to change what the person should know.
func (c *Door) check(ctx context.Context, s *Subject, entry Entry, change *Change) (*Stored, error) {
	in, auth := s.Integration, s.AuthType
	if auth.Unsupported != "" {
		return nil, ReauthUnsupported(in, auth)
	}
	var err error
	if change.Siblings, err = c.configurations.Siblings(ctx, s.RecordID, in); err != nil {
		return nil, err
	}
	prints, err := c.prints.of(ctx, s, change.Before, entry.Credential)
	if err != nil {
		return nil, err
	}
	shown, target, asked := handed(auth, entry.Credential), change.Before.Current.at(s.target()), c.now()
	used, err := c.inUse(ctx, s, shown, change)
	if err != nil {
		return nil, err
	}
	target.Known = used.known
	verified, err := c.validate(ctx, s.Provider, target, shown)
	verified, err = keepSecret(s.Provider, target, entry.Credential, verified, err) // all of it
	if err != nil {
		return nil, c.refused(ctx, in, change.Before, used.explained(err), prints.members)
	}
	next := stored(entry, verified, auth, prints, c.now())
	if err := c.checkSiblings(ctx, s, next, shown, change); err != nil {
		return nil, err
	}
	if err := judgeIdentity(change, verified); err != nil {
		return nil, err
	}
	if next.AccountFingerprint, err = c.prints.account(ctx, s.RecordID, verified.AccountID); err != nil {
		return nil, err
	}
	if next.URL == "" {
		// Kept with the credential, so that nobody is given one with another's host.
		next.URL = in.URL(s.Spec)
	}
	next.Binding = c.configurations.Home(in)
	next.VerifiedFor = s.demands()
	change.Tokens, change.Asked = tokensOf(next, verified), asked
	recall(change, next, auth, verified, entry)
	change.Warnings = append(change.Warnings, expiryWarning(next, s.Mount)...)
	return next, nil
}

// recall adds what was known of a credential that is in use already, and what a person
// should know.
func recall(change *Change, next *Stored, auth providers.AuthType, v providers.Verified, entry Entry) {
	change.Warnings = append(change.Warnings, v.Warnings...)
	if change.Before.hasAlready(next) {
		change.Warnings = append(change.Warnings, next.asBefore(change.Before.Current, auth, v, entry.ExpiresAt)...)
	}
}

// handed is what of a credential is sent to the upstream and handed to workers: all
// that was entered, but of what an authorization server issued the access token only.
func handed(auth providers.AuthType, cred providers.Credential) providers.Credential {
	if !auth.Exchanged() {
		return cred
	}
	values := map[string][]providers.Secret{}
	for _, f := range auth.Issued {
		values[f.Name] = cred.Values(f.Name)
	}
	return providers.NewCredential(values)
}

// validate is the provider's without ends that cannot be, of which a warning tells.
func (c *Door) validate(ctx context.Context, p providers.Provider, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	v, err := guardedValidate(ctx, p, t, cred)
	v, ignored := believed(v, c.now())
	v.Warnings = append(v.Warnings, ignored...)
	return v, err
}

// guardedValidate turns a panic into "could not tell": it may run in a goroutine of its
// own, and what was panicked with may quote a secret.
func guardedValidate(ctx context.Context, p providers.Provider, t providers.Target, cred providers.Credential) (v providers.Verified, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			v, err = providers.Verified{}, &providers.Error{
				Outcome: providers.UpstreamError, Provider: p.Spec().Title, Detail: "the check broke off with an internal error",
				Panic: providers.Panicked(cause),
			}
		}
	}()
	v, err = p.Validate(ctx, t, cred)
	err = providers.Recognized(p.Spec().Name, cred, err)
	return keepSecret(p, t, cred, v, err)
}

// checkSiblings demands that the credential, which works for the integration
// itself, works for each that shares it. The refusal names all for which it does not.
func (c *Door) checkSiblings(ctx context.Context, s *Subject, next *Stored, cred providers.Credential, change *Change) error {
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
			verified, err := c.validate(limited, provider, next.at(sibling.target(s.Spec, mount)), cred)
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

func (f *siblingFailure) refusal(change *Change) error {
	if f.cause == nil {
		return nil
	}
	own, verdict := *f.cause, "not for"
	if own.CouldNotTell() {
		verdict = "could not be checked for"
	}
	own.Detail = fmt.Sprintf("the credential works for %q, but %s %s, which share it: %s",
		change.Integration.Name, verdict, strings.Join(f.names, ", "), f.cause.Detail)
	e := refusal(change.Integration, &own, kept(change.Before), nil)
	e.Siblings = f.names
	return e
}

// refused says what a failed check means for the credential in use.
func (c *Door) refused(ctx context.Context, in *Integration, before *Record, err error, fingerprints []string) error {
	if ctx.Err() != nil {
		return ctx.Err() // nobody is listening any more
	}
	var cause *providers.Error
	if !errors.As(err, &cause) {
		return err
	}
	if cause.Panic != nil {
		c.faults.happened(DeedCheck, in.Name, brokenOff(cause.Panic))
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

// judgeIdentity notes a changed account, or refuses it where it is pinned, by the
// integration or by one that shares the credential.
func judgeIdentity(change *Change, v providers.Verified) error {
	if change.Before.sameAccount(v) {
		return nil
	}
	change.IdentityChanged = true
	for _, in := range append([]*Integration{change.Integration}, change.Siblings...) {
		if in.Settings.Flag("pin_identity") {
			return pinned(change, in, v)
		}
	}
	change.Warnings = append(change.Warnings,
		fmt.Sprintf("the account changed from %q to %q", change.Before.Identity, v.Identity))
	return nil
}

// pinned is the refusal of another account by in, which may be a sibling.
func pinned(change *Change, in *Integration, v providers.Verified) *Error {
	e := &Error{
		Code: CodeIdentityPinned, Integration: change.Integration.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the credential works but belongs to %q, and pin_identity keeps integration %q on %q; send a credential of that account, or set pin_identity=false first; %s", v.Identity, in.Name, change.Before.Identity, kept(change.Before)),
	}
	if in != change.Integration {
		e.Siblings = []string{in.Name}
	}
	return e
}

// stored is the record's form of a verified credential. What upstream says of
// its expiry wins over what was entered, also that there is none.
func stored(entry Entry, v providers.Verified, auth providers.AuthType, p prints, now time.Time) *Stored {
	s := &Stored{
		Credential: entry.Credential, Fingerprint: p.whole, Salt: p.salt, Identity: v.Identity, AccountID: v.AccountID,
		Scopes: v.Scopes, URL: v.URL, Scheme: v.Scheme, APIVersion: v.APIVersion, VerifiedAt: now.UTC(),
		ExpiresAt: knownEnd(v.ExpiresAt, v.NoEnd, entry.ExpiresAt, auth, now),
	}
	for i, m := range v.Members {
		s.Members = append(s.Members, StoredMember{
			Fingerprint: p.members[i], Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt,
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
