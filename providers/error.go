package providers

import (
	"fmt"
	"time"
)

// Outcome says how a check that did not verify a credential ended, and so what a
// person has to do. Its text is the code that clients of the engine see.
type Outcome string

// The outcomes. Rejected is the only one that says the credential is bad;
// RateLimited, Unreachable, UpstreamError and AddressNotAllowed mean that the
// check could not tell; the others, that it is good but not enough, unless
// Error.Unjudged is set.
const (
	Rejected          Outcome = "credential_rejected"
	IdentityMismatch  Outcome = "identity_mismatch"
	InsufficientScope Outcome = "insufficient_scope"
	SSORequired       Outcome = "sso_required"
	CaptchaRequired   Outcome = "captcha_required"
	AccountBlocked    Outcome = "account_blocked"
	RateLimited       Outcome = "upstream_rate_limited"
	Unreachable       Outcome = "upstream_unreachable"
	UpstreamError     Outcome = "upstream_error"
	AddressNotAllowed Outcome = "address_not_allowed"
	InvalidField      Outcome = "invalid_field"
)

// CouldNotTell reports whether the outcome says nothing about the credential.
func (o Outcome) CouldNotTell() bool {
	switch o {
	case RateLimited, Unreachable, UpstreamError, AddressNotAllowed:
		return true
	default:
		return false
	}
}

// CouldNotTell reports whether the failure says nothing about the credential.
func (e *Error) CouldNotTell() bool { return e.Unjudged || e.Outcome.CouldNotTell() }

// Error is how a check fails. It has no place for a response body or a
// credential, and nothing in it may quote one. Every error of Validate is one.
type Error struct {
	Outcome Outcome
	// Provider is the provider's Title.
	Provider string
	// Detail says in the engine's own words what upstream said and what to do,
	// as one or two sentences, the first without its capital letter.
	Detail string
	// Unjudged is set where the upstream did not look at the credential, although the
	// outcome asks a person to act: it takes back no verdict.
	Unjudged bool
	// Reason is set where a refresh token was refused for good and the server told why.
	Reason Reason
	// Fields names the credential fields or settings that are at fault.
	Fields []string
	// Missing names scopes, organisations or workspaces.
	Missing []string
	// URL is where a person can act: SSO authorisation, CAPTCHA. It is only set
	// where its host belongs to the integration's upstream.
	URL string
	// RetryAfter is how long upstream asks to wait; 0 where it does not say.
	RetryAfter time.Duration
	// Quotas are what upstream told beside its answers of the quotas of a single
	// token's account.
	Quotas []Quota
	// Slow is set where the time limit was over while the upstream was answering: the
	// check needs more time.
	Slow bool
	// Bad lists the members of a pool that failed; the Error speaks of the first.
	Bad []BadMember
	// Panic is set where the check broke off with one.
	Panic *Panic
}

// BadMember is a token of a pool that failed its check.
type BadMember struct {
	// Position counts from 1 in the order entered.
	Position int
	Outcome  Outcome
	// Unjudged is as in Error.
	Unjudged bool
}

// Error returns the sentence, without the outcome.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Provider, e.Detail) }
