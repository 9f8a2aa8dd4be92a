package providers

// Reason is why an authorization server refused a refresh token for good. It is the zero
// value where the server did not tell.
type Reason struct {
	// Code is one of the codes below.
	Code string
	// Sentence ends a sentence and says in the engine's own words what is so, and what
	// whoever must act does about it. It quotes nothing of the answer.
	Sentence string
}

// The codes of reasons. They are stored with credentials, so none ever changes its meaning.
const (
	ReasonConsentMissing  = "consent_missing"  // nobody has consented, or it was taken back
	ReasonSignInNeeded    = "sign_in_needed"   // a second factor, or another step of a sign-in
	ReasonPasswordExpired = "password_expired" // that of the account
	ReasonLifetimeOver    = "lifetime_over"    // a policy, or the kind of application, bounds it
	ReasonUnused          = "unused"           // nobody used it for too long
	ReasonRevoked         = "revoked"          // such as by a change of the password
	ReasonAccountGone     = "account_gone"     // the account is no longer there
)

// Empty reports whether nothing was told.
func (r Reason) Empty() bool { return r.Code == "" }
