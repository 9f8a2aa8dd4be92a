package oauthclient

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// TokenRefusal is what an authorization server says with any status but a good one
// (RFC 6749, section 5.2). It is only matched, never quoted.
type TokenRefusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Suberror    string `json:"suberror"`
	// Codes are Microsoft's numbers for the reason, of which there may be several.
	Codes json.RawMessage `json:"error_codes"`
}

// numbered reports whether a refusal gives its reason by one of Microsoft's numbers. No
// other server is known to refuse a request for tokens with access_denied, but gateways do.
func (r TokenRefusal) numbered() bool {
	return len(r.Codes) > 0 || strings.Contains(r.Description, "AADSTS")
}

// judgeToken finds what an answer to a request for tokens says; nil means that it
// holds tokens.
func (c *Client) judgeToken(res *upstream.Response, refused func(*upstream.Response) *providers.Error) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	var said TokenRefusal
	if !res.Peek(&said) || said.Error == "" {
		if res.Status == http.StatusOK && res.SaysJSON() {
			return nil
		}
		return c.Fail(providers.UpstreamError, "%q answered HTTP %d, which is not an answer of an authorization server; check token_url", res.Host, res.Status)
	}
	switch said.Error {
	case "invalid_client", "unauthorized_client":
		e := c.Invalid(oauthClientSecret, "%q does not accept the OAuth client (HTTP %d): client_secret is wrong or has expired, or client_id is wrong; correct them at the integration", res.Host, res.Status)
		e.Fields = []string{oauthClientID, oauthClientSecret}
		return e
	case "temporarily_unavailable", "server_error":
		return c.Fail(providers.UpstreamError, "%q has a fault of its own (HTTP %d); try again later", res.Host, res.Status)
	case "invalid_scope":
		return c.Fail(providers.InsufficientScope, "%q does not grant the scopes that are asked for (HTTP %d); give the OAuth client the rights that providers/ lists", res.Host, res.Status)
	case "access_denied":
		if !said.numbered() {
			return c.notUnderstood(res)
		}
		return c.Fail(providers.AccountBlocked, "%q forbids the sign-in by a policy (HTTP %d), such as conditional access; ask who administers it", res.Host, res.Status)
	}
	return refused(res)
}

// Refusal is why a request for tokens was refused, in words that end a sentence.
type Refusal struct {
	Outcome providers.Outcome
	Why     string
	// Reason is for whoever must act where a refresh token is refused for good.
	Reason providers.Reason
	// Passes is set where the reason may be gone a moment later, or is not known. Of a code,
	// which works for a moment only, such a refusal says that it is bad.
	Passes bool
}

// Ended is the refusal of a grant that is no good any more.
func Ended(code, why string) Refusal {
	return Refusal{Outcome: providers.Rejected, Reason: providers.Reason{Code: code, Sentence: why}}
}

// Missing is the refusal of a grant for something that a person must do first. Asked for the
// exchange of a code, that is not the fault of the code.
func Missing(code, why string) Refusal {
	r := Ended(code, why)
	r.Why = why
	return r
}

// ConsentMissing is the refusal where nobody has consented.
func ConsentMissing() Refusal { return Missing(providers.ReasonConsentMissing, noConsent) }

// SignInNeeded is the refusal where a sign-in has a step that only a person can do.
func SignInNeeded() Refusal { return Missing(providers.ReasonSignInNeeded, signInAgain) }

// because finds why an answer refuses a code or a refresh token: the vendor's own words
// say more than the codes of OpenID Connect, and those more than the ones of RFC 6749.
func (c *Client) because(res *upstream.Response) Refusal {
	var said TokenRefusal
	res.Peek(&said)
	if c.server.Refused != nil {
		if r := c.server.Refused(said); r.Outcome != "" {
			return r
		}
	}
	switch said.Error {
	case "invalid_grant", "bad_token":
		return Refusal{Outcome: providers.Rejected}
	case "consent_required":
		return ConsentMissing()
	case "interaction_required", "login_required":
		return SignInNeeded()
	}
	return Refusal{}
}

// What a person must do before anything is issued.
const (
	noConsent   = "nobody has consented that the application uses the account; consent, or have an administrator of the tenant grant it"
	signInAgain = "the person must sign in again, and do there what is asked for, such as a second factor"
)

// exchangeRefused judges a refused code. A refusal with a reason of its own does not say
// that the code is bad, and asking the person again without more would come to the same.
func (c *Client) exchangeRefused(res *upstream.Response) *providers.Error {
	r := c.because(res)
	switch {
	case r.Outcome == "":
		return c.notUnderstood(res)
	case r.Reason.Code == providers.ReasonConsentMissing:
		return c.Fail(providers.InsufficientScope, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.Why)
	case r.Outcome == providers.UpstreamError:
		return c.Fail(providers.UpstreamError, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.Why)
	case r.Why != "" && !r.Passes:
		return c.Fail(providers.AccountBlocked, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.Why)
	}
	return c.Fail(providers.Rejected, "%q refused the authorization code (HTTP %d): it is wrong, used already or too old, or it was made for another redirect_uri", res.Host, res.Status)
}

// refreshRefused judges a refused refresh token. What passes, what an administrator can
// take back, and what is not understood is no verdict on it.
func (c *Client) refreshRefused(res *upstream.Response) *providers.Error {
	r := c.because(res)
	var e *providers.Error
	switch {
	case r.Outcome == "":
		return c.notUnderstood(res)
	case r.Why != "":
		e = c.Fail(r.Outcome, "%q renewed nothing (HTTP %d): %s", res.Host, res.Status, r.Why)
	case !r.Reason.Empty():
		e = c.Fail(r.Outcome, "%q refused the refresh token (HTTP %d): %s", res.Host, res.Status, r.Reason.Sentence)
	default:
		e = c.Fail(r.Outcome, "%q refused the refresh token (HTTP %d): it has ended, was revoked or was used already", res.Host, res.Status)
	}
	e.Reason = r.Reason
	return e
}

func (c *Client) notUnderstood(res *upstream.Response) *providers.Error {
	return c.Fail(providers.UpstreamError, "%q refused the request for tokens (HTTP %d) for a reason that says nothing of the person's consent; check the OAuth client and redirect_uri", res.Host, res.Status)
}

var oauthScopeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_:.-]{0,63}$`)

// oauthScopes splits what RFC 6749 (section 3.3) separates by spaces. Names of rights
// may begin with the address of what they are for, which is cut off.
func oauthScopes(told string) []string {
	scopes := []string{}
	for _, s := range strings.FieldsFunc(told, func(r rune) bool { return r == ' ' || r == ',' }) {
		s = s[strings.LastIndexByte(s, '/')+1:]
		if oauthScopeForm.MatchString(s) {
			scopes = append(scopes, s)
		}
	}
	return probe.Few(scopes)
}
