package page

import (
	"fmt"

	"vault-plugin-secrets-sei/backend"
)

// The codes of an upstream's judgement that the form explains.
const (
	rejected     = "credential_rejected"
	mismatch     = "identity_mismatch"
	scope        = "insufficient_scope"
	sso          = "sso_required"
	captcha      = "captcha_required"
	blocked      = "account_blocked"
	rateLimited  = "upstream_rate_limited"
	unreachable  = "upstream_unreachable"
	upstreamErr  = "upstream_error"
	notAllowed   = "address_not_allowed"
	secretIsGone = " The secret has to be entered again."
)

// advice is what a person can do after a refusal.
func advice(code, provider, account string) string {
	switch code {
	case rejected:
		return "Copy the token once more, whole and without quotes; if it has ended or was revoked, make a new one." + secretIsGone
	case mismatch:
		return "Enter the account that owns the token, or a token of the account that you entered." + secretIsGone
	case backend.CodeIdentityPinned:
		if account != "" {
			return "Sign in to " + provider + " as " + account + ", and make a token there." + secretIsGone
		}
		return "Use a token of the account that the integration has." + secretIsGone
	case scope:
		return "Make a token that has the rights below, or have the account given them." + secretIsGone
	case sso, captcha, blocked:
		return "Follow the link, do what is asked there, and come back." + secretIsGone
	case rateLimited:
		return "Wait a while, and try again." + secretIsGone
	case unreachable, upstreamErr:
		return "The token was not judged. Try again later, and tell whoever invited you if it stays so." + secretIsGone
	case notAllowed:
		return "This is not yours to mend: tell whoever invited you."
	case backend.CodeMissingField, backend.CodeInvalidField:
		return "Correct what is marked below." + secretIsGone
	default:
		return "Try again, or ask whoever invited you." + secretIsGone
	}
}

// judged says which fields a refusal is about: the secret, and the e-mail address or user
// name beside it.
func judged(code string) (secret, login bool) {
	switch code {
	case rejected, scope, backend.CodeIdentityPinned:
		return true, false
	case mismatch:
		return true, true
	default:
		return false, false
	}
}

// fieldError is what stands at a field.
func fieldError(e *backend.Error, f *Field) string {
	switch e.Code {
	case backend.CodeMissingField:
		return f.Label + " is required."
	case rejected:
		return "The provider refused it."
	case scope:
		return "Its rights are not enough."
	case mismatch, backend.CodeIdentityPinned:
		return "It is of another account."
	default:
		return f.Label + " cannot be used as entered."
	}
}

// Stays says what is in use before a new credential is.
func Stays(record *backend.Record) string {
	if record.Current == nil {
		return "The integration has no credential now."
	}
	return fmt.Sprintf("Version %d is in use until then, and stays if the new credential does not work.", record.Version)
}
