package providers

import (
	"context"
	"time"
)

// Provider checks the credentials of one upstream. Implementations are stateless
// and safe for concurrent use.
type Provider interface {
	// Spec describes the provider.
	Spec() Spec
	// Validate checks cred, which has exactly the fields of the target's auth
	// type, against the upstream. It sends read-only requests, and the
	// credential only to hosts that the target names. It honours ctx and fails
	// with an *Error; a nil error means that the credential works, belongs to
	// whom it should, sees what the settings name and has the required scopes.
	// With an error, Verified is what the upstream told of a credential that it
	// took and that does not suffice, or else zero.
	Validate(ctx context.Context, t Target, cred Credential) (Verified, error)
	// Headers returns what a worker sets on a request to authenticate. For a
	// pool it uses the first token.
	Headers(authType string, cred Credential) map[string]string
}

// SettingsChecker is implemented by providers that can judge an integration's
// settings before there is a credential.
type SettingsChecker interface {
	// CheckSettings judges form only and sends nothing. It fails with an *Error
	// whose Fields name the settings at fault.
	CheckSettings(t Target) error
}

// Target is where a credential is checked: an integration's settings and the
// mount's rules for calling out.
type Target struct {
	// URL is the root as the operator wrote it, or the provider's default.
	URL      string
	AuthType string
	Settings Settings
	// AllowedHosts are the mount's; the zero value means the default rule.
	AllowedHosts AllowedHosts
	// Timeout bounds the whole check; 0 means 30 seconds.
	Timeout time.Duration
	// APIVersion is what Verified told when the upstream was last checked; "" where it
	// told none. It only saves the check from finding it again.
	APIVersion string
	// Known are the tokens of a pool that are in use as they are, in the order entered,
	// as what they were verified; nil for those that are new. One that the upstream
	// neither takes nor refuses, because it limits its rate, stays what it is.
	Known []*Member
}

// Without is the target with a setting of the kind List left out.
func (t Target) Without(list string) Target {
	t.Settings = t.Settings.Clone()
	delete(t.Settings.Lists, list)
	return t
}

// Verified is what a successful check learnt.
type Verified struct {
	// Identity is the account in the form people know it: e-mail or login. For a
	// pool of several accounts, all of them joined by ", ".
	Identity string
	// AccountID is the upstream's stable id of the account (for a pool: all,
	// sorted and joined), by which a change of account is recognised even if
	// somebody was renamed.
	AccountID string
	// Scopes are the rights upstream lists, sorted; nil where it does not tell, and
	// not nil where it says that there are none.
	Scopes []string
	// ExpiresAt is when upstream says the credential ends, whether or not that can be
	// so: whoever calls Validate judges it. For a pool it is the first of its ends.
	// Zero where upstream does not tell or never ends.
	ExpiresAt time.Time
	// NoEnd is set where upstream says that the credential has no end, which is
	// another thing than not telling: an end that was known before holds no longer.
	NoEnd bool
	// URL is the root that works with this credential, where it is not the
	// integration's url; otherwise "".
	URL string
	// Scheme is how the upstream took the credential, for HeadersOf; "" where a
	// provider knows one way only.
	Scheme string
	// APIVersion is the version of its API that the upstream knows, where it does not
	// know the newest that the provider asks for.
	APIVersion string
	// Warnings are sentences for the person who re-authenticates.
	Warnings []string
	// Members are a pool's tokens in the order entered; nil for single credentials.
	Members []Member
}

// Member is a verified token of a pool.
type Member struct {
	Identity  string
	AccountID string
	Scopes    []string
	ExpiresAt time.Time
	NoEnd     bool
	// Quotas are what the upstream told of those of its account.
	Quotas []Quota
	// Kept is set for one that could not be asked about and is what it was; see
	// Target.Known.
	Kept bool
}
