package backend

import (
	"errors"
	"fmt"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// StaysInUse says what stays in use after a refusal.
func StaysInUse(before *Record) string {
	if before.Current == nil {
		return "nothing was stored"
	}
	return fmt.Sprintf("version %d stays in use", before.Version)
}

// The codes of refusals that do not come from an upstream; those that do are
// providers.Outcome. Scripts depend on them.
const (
	CodeUnknownIntegration  = "unknown_integration"
	CodeNoCredential        = "no_credential"
	CodeUnknownProvider     = "unknown_provider"
	CodeUnknownField        = "unknown_field"
	CodeFieldNotAllowed     = "field_not_allowed"
	CodeMissingField        = "missing_field"
	CodeInvalidField        = "invalid_field"
	CodeImmutableField      = "immutable_field"
	CodeGroupConflict       = "group_conflict"
	CodeCredentialPresent   = "credential_present"
	CodeReauthUnsupported   = "reauth_unsupported"
	CodeValidateUnsupported = "validate_unsupported"
	CodeIdentityPinned      = "identity_pinned"
	CodeOAuthStateInvalid   = "oauth_state_invalid"
	CodeOAuthDenied         = "oauth_denied"
	CodeRotateUnsupported   = "rotate_unsupported"
	CodeNothingToRollBack   = "nothing_to_roll_back"
	CodeBusy                = "busy"
	CodeUnknownTarget       = "unknown_target"
	CodeInvitationEnded     = "invitation_ended"
	CodeTooManyInvitations  = "too_many_invitations"
)

// Error is a refusal: something a caller can act on. Everything else that this
// package returns as an error is a failure of storage or a cancelled request.
type Error struct {
	Code string
	// Message says what is wrong and what to do. It quotes no value sent.
	Message string
	// Integration and Provider say what it is about, where known.
	Integration, Provider string
	// Fields, Missing, URL and RetryAfter (seconds) are as in providers.Error.
	Fields, Missing []string
	URL             string
	RetryAfter      int64
	// Siblings are integrations that share the credential and refuse it.
	Siblings []string
	// Members are the tokens of a pool that failed.
	Members []RefusedMember
	// Unjudged is as in providers.Error.
	Unjudged bool
	// Last is set where it was the last one that an invitation allows, which has ended by it.
	Last bool
}

// Verdict reports whether the refusal says something of the credential.
func (e *Error) Verdict() bool { return !e.Unjudged && Verdict(e.Code) }

// CountsAgainstGuest reports whether the refusal is one of those that an invitation allows
// a few of: the upstream judged the credential, or the account that it belongs to. What is
// wrong with the configuration, such as a client_secret, is not the guest's to mend.
func (e *Error) CountsAgainstGuest() bool {
	switch providers.Outcome(e.Code) {
	case providers.Rejected, providers.IdentityMismatch, providers.InsufficientScope, providers.SSORequired,
		providers.CaptchaRequired, providers.AccountBlocked, CodeIdentityPinned:
		return !e.Unjudged
	default:
		return false
	}
}

// RefusedMember is a token of a pool that failed its check.
type RefusedMember struct {
	Position    int    // from 1
	Fingerprint string // "" where the upstream did not judge it
	Code        string
}

// String names the token as a sentence does.
func (m RefusedMember) String() string {
	if m.Fingerprint == "" {
		return fmt.Sprintf("token %d (%s)", m.Position, m.Code)
	}
	return fmt.Sprintf("token %d (fingerprint %s, %s)", m.Position, m.Fingerprint, m.Code)
}

// Error returns the code and the sentence.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HasCode reports whether err is a refusal with that code.
func HasCode(err error, code string) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// UnknownIntegration is the refusal for a name that has no configuration.
func UnknownIntegration(name string) *Error {
	return &Error{
		Code: CodeUnknownIntegration, Integration: name,
		Message: fmt.Sprintf("there is no integration %q; create it with a write to integrations/%s", name, name),
	}
}

// ReauthUnsupported is the refusal for an auth type without re-authentication.
func ReauthUnsupported(in *Integration, auth providers.AuthType) *Error {
	return &Error{
		Code: CodeReauthUnsupported, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("integration %q has auth_type %s. %s", in.Name, in.AuthType, auth.Unsupported),
	}
}

// ValidateUnsupported is the refusal for an auth type whose credential works once.
func ValidateUnsupported(in *Integration) *Error {
	return &Error{
		Code: CodeValidateUnsupported, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("integration %q authenticates by %s, and a code works only once, so it cannot be tried out; write it to reauth/%s, which checks what comes of it before anything changes", in.Name, in.AuthType, in.Name),
	}
}

// Refusal turns the failure of a check into an Error. kept says what stays in use.
func Refusal(in *Integration, cause *providers.Error, kept string, fingerprints []string) *Error {
	e := &Error{
		Code:        string(cause.Outcome),
		Integration: in.Name, Provider: in.Provider,
		Fields: cause.Fields, Missing: cause.Missing, URL: cause.URL, Unjudged: cause.Unjudged,
	}
	if cause.RetryAfter > 0 {
		e.RetryAfter = max(1, int64(cause.RetryAfter.Seconds()))
	}
	for _, bad := range cause.Bad {
		member := RefusedMember{Position: bad.Position, Code: string(bad.Outcome)}
		// A token that nobody judged has none: it may be a guess, and held against the
		// fingerprints of the tokens in use it would tell whether it is right.
		if bad.Position >= 1 && bad.Position <= len(fingerprints) && !bad.Unjudged && !bad.Outcome.CouldNotTell() {
			member.Fingerprint = fingerprints[bad.Position-1]
		}
		e.Members = append(e.Members, member)
	}
	e.Message = strings.Join(append(advice(cause, e.Members, len(fingerprints)), kept), "; ")
	return e
}

// advice is what a refusal says before what stays in use. People at a command line see
// the sentence alone, so it has what they need of the data.
func advice(cause *providers.Error, refused []RefusedMember, tokens int) []string {
	said := []string{cause.Error()}
	if cause.Slow {
		said = append(said, "the credential was not judged to the end")
	} else if cause.Outcome == providers.Unreachable {
		said = append(said, "the credential was not judged: check the address and the way there, or try again later")
	}
	if tokens > 1 && len(refused) > 0 {
		list := make([]string, 0, len(refused))
		for _, m := range refused {
			list = append(list, m.String())
		}
		said = append(said, "of the pool, "+strings.Join(list, ", ")+" failed")
	}
	return said
}

// NoCredential is the refusal for an integration without a credential.
func NoCredential(in *Integration) *Error {
	return &Error{
		Code: CodeNoCredential, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("integration %q has no credential; re-authenticate with a write to reauth/%s", in.Name, in.Name),
	}
}
