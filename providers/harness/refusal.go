package harness

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// harnessVendor is whose answers are believed.
const harnessVendor = "Harness"

// harnessCodeForm is the form of the names of reasons.
var harnessCodeForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$`)

// own reports whether an answer is in the form of Harness's, which all others that could
// stand in between lack: a status and a message are anybody's without a code or what
// else is in each of Harness's envelopes.
func (a harnessAnswer) own() bool {
	if slices.ContainsFunc(a.Messages, func(m harnessMessage) bool { return m.Code != "" || m.Level != "" }) {
		return true
	}
	return slices.Contains([]string{"SUCCESS", "FAILURE", "ERROR"}, a.Status) &&
		(harnessCodeForm.MatchString(a.Code) || a.Message != "" && (a.CorrelationID != nil || a.MetaData != nil))
}

// codes are the names of the reasons that a refusal gives.
func (a harnessAnswer) codes() []string {
	var codes []string
	for _, m := range append([]harnessMessage{{Code: a.Code}}, a.Messages...) {
		if m.Code != "" {
			codes = append(codes, m.Code)
		}
	}
	return codes
}

func (a harnessAnswer) has(codes ...string) bool {
	return slices.ContainsFunc(a.codes(), func(code string) bool { return slices.Contains(codes, code) })
}

// text is all that a refusal says in words, in lower case.
func (a harnessAnswer) text() string {
	texts := []string{a.Message}
	for _, m := range a.Messages {
		texts = append(texts, m.Message)
	}
	return strings.ToLower(strings.Join(texts, "\n"))
}

// harnessListForm is a code about the IP addresses that an account lets in.
var harnessListForm = regexp.MustCompile(`(?:^|_)IP(?:_|$)|WHITE_?LIST|ALLOW_?LIST`)

// refusesAddress reports whether the address that the request came from is refused.
func (a harnessAnswer) refusesAddress() bool {
	return slices.ContainsFunc(a.codes(), harnessListForm.MatchString) || probe.RefusesAddress(a.text())
}

// reason judges a refusal by its code, whatever its status; nil where the code says
// nothing that is known.
// https://github.com/harness/harness-core/blob/develop/980-commons/src/main/java/io/harness/eraro/ErrorCode.java
func (c harnessCheck) reason(res *upstream.Response, a harnessAnswer) *providers.Error {
	switch {
	case !a.own():
		return nil
	case a.has("USER_DISABLED", "USER_LOCKED"):
		return c.Fail(providers.AccountBlocked, "Harness knows the key, but its owner is disabled or locked (HTTP %d); have an administrator of the account enable it", res.Status)
	case a.has("INACTIVE_ACCOUNT"):
		return c.Fail(providers.AccountBlocked, "the Harness account %s is not active (HTTP %d); have its administrator, or Harness's support, activate it", c.account, res.Status)
	case a.refusesAddress():
		return c.AddressNotListed("the Harness account "+c.account, c.account)
	case a.has("ACCOUNT_MIGRATED"):
		return c.elsewhere(providers.UpstreamError, "the Harness account %s has moved to another cluster (HTTP %d), so the key was not judged; set url to the address that the browser shows for the account, and check account_id", res)
	case a.has("ACCOUNT_DOES_NOT_EXIST"):
		return c.elsewhere(providers.InsufficientScope, "this Harness knows no account %s (HTTP %d), so the key was not judged; check account_id, and that url is that of the account's own cluster", res)
	case a.refusesToken():
		return c.rejected(res, a)
	}
	return nil
}

// elsewhere is the failure of a check at a Harness that does not have the account.
func (c harnessCheck) elsewhere(o providers.Outcome, format string, res *upstream.Response) *providers.Error {
	e := c.Fail(o, format, c.account, res.Status)
	e.Fields, e.Unjudged = []string{harnessAccountID, "url"}, true
	if o == providers.InsufficientScope {
		e.Missing = []string{c.account}
	}
	return e
}

// refusesToken reports whether the answer says that the token is no good, by its codes
// or by the messages of the server's TokenValidationHelper, which came with the code
// INVALID_REQUEST.
func (a harnessAnswer) refusesToken() bool {
	if a.has("INVALID_TOKEN", "EXPIRED_TOKEN", "REVOKED_TOKEN", "INVALID_CREDENTIAL") {
		return true
	}
	message := strings.TrimPrefix(strings.ToLower(a.Message), "invalid request: ")
	return strings.HasPrefix(message, "invalid api token") ||
		strings.HasPrefix(message, "incoming api token") && strings.Contains(message, " has expired")
}

func (c harnessCheck) rejected(res *upstream.Response, said harnessAnswer) *providers.Error {
	e := c.Fail(providers.Rejected, "%q refused the key (HTTP %d): it is wrong, expired, revoked or of another account", res.Host, res.Status)
	switch {
	case said.has("EXPIRED_TOKEN"), strings.Contains(said.Message, " has expired"):
		e.Detail = "the key has expired; make a new token for it"
		return e
	case said.has("REVOKED_TOKEN"):
		e.Detail = "the key has been revoked; make a new token for it"
		return e
	}
	if account := harnessAccountOf(c.key); account != "" && account != c.account {
		e.Detail += "; the account named inside it is not account_id"
	}
	return e
}

// unauthorized judges a 401 whose code, if it has one, says nothing that is known: only
// without any is it about the token.
func (c harnessCheck) unauthorized(res *upstream.Response, said harnessAnswer) *providers.Error {
	switch {
	case !said.own():
		return c.Foreign(res, harnessVendor)
	case len(said.codes()) == 0:
		return c.rejected(res, said)
	}
	return c.Fail(providers.UpstreamError, "%q refused the request (HTTP %d) for a reason that says nothing of the key, so it was not judged; look at the account and the key's owner in Harness, and check url", res.Host, res.Status)
}

// forbidden judges a 403: harness/cli modules/core/auth/login_test.go has it without a
// body.
func (c harnessCheck) forbidden(res *upstream.Response, said harnessAnswer) *providers.Error {
	if !said.own() && strings.TrimSpace(string(res.Body)) != "" {
		return c.Foreign(res, harnessVendor)
	}
	e := c.Fail(providers.InsufficientScope, "the key is known, but its owner may not use this account (HTTP %d): it is disabled or has no role there; grant it Account Viewer, or correct account_id", http.StatusForbidden)
	e.Missing = []string{c.account}
	return e
}
