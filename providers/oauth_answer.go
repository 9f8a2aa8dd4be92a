package providers

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// tokenRefusal is what an authorization server says with any status but a good one
// (RFC 6749, section 5.2). It is only matched, never quoted.
type tokenRefusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Suberror    string `json:"suberror"`
	// Codes are Microsoft's numbers for the reason, of which there may be several.
	Codes json.RawMessage `json:"error_codes"`
}

// judgeToken finds what an answer to a request for tokens says; nil means that it
// holds tokens.
func (c *oauthClient) judgeToken(res *upstream.Response, refused func(*upstream.Response) *Error) *Error {
	if err := c.undecided(res); err != nil {
		return err
	}
	var said tokenRefusal
	if !res.Peek(&said) || said.Error == "" {
		if res.Status == http.StatusOK && res.SaysJSON() {
			return nil
		}
		return c.fail(UpstreamError, "%q answered HTTP %d, which is not an answer of an authorization server; check token_url", res.Host, res.Status)
	}
	switch said.Error {
	case "invalid_client", "unauthorized_client":
		e := c.invalid(oauthClientSecret, "%q does not accept the OAuth client (HTTP %d): client_secret is wrong or has expired, or client_id is wrong; correct them at the integration", res.Host, res.Status)
		e.Fields = []string{oauthClientID, oauthClientSecret}
		return e
	case "temporarily_unavailable", "server_error":
		return c.fail(UpstreamError, "%q has a fault of its own (HTTP %d); try again later", res.Host, res.Status)
	case "invalid_scope":
		return c.fail(InsufficientScope, "%q does not grant the scopes that are asked for (HTTP %d); give the OAuth client the rights that providers/ lists", res.Host, res.Status)
	case "access_denied":
		return c.fail(AccountBlocked, "%q forbids the sign-in by a policy (HTTP %d), such as conditional access; ask who administers it", res.Host, res.Status)
	}
	return refused(res)
}

// refusal is why a request for tokens was refused, in words that end a sentence.
type refusal struct {
	outcome Outcome
	why     string
	// passes is set where the reason may be gone a moment later. Of a code, which works
	// for a moment only, such a refusal says that it is bad.
	passes bool
}

// because finds why an answer refuses a code or a refresh token: the vendor's own words
// say more than the codes of OpenID Connect, and those more than the ones of RFC 6749.
func (c *oauthClient) because(res *upstream.Response) refusal {
	var said tokenRefusal
	res.Peek(&said)
	if c.server.refused != nil {
		if r := c.server.refused(said); r.outcome != "" {
			return r
		}
	}
	switch said.Error {
	case "invalid_grant", "bad_token":
		return refusal{outcome: Rejected}
	case "consent_required":
		return refusal{outcome: Rejected, why: noConsent}
	case "interaction_required", "login_required":
		return refusal{outcome: Rejected, why: signInAgain}
	}
	return refusal{}
}

// What a person must do before anything is issued.
const (
	noConsent   = "nobody has consented that the application uses the account; consent, or have an administrator of the tenant grant it"
	signInAgain = "the person must sign in again, and do there what is asked for, such as a second factor"
)

// exchangeRefused judges a refused code. A refusal with a reason of its own does not say
// that the code is bad, and asking the person again without more would come to the same.
func (c *oauthClient) exchangeRefused(res *upstream.Response) *Error {
	r := c.because(res)
	switch {
	case r.outcome == "":
		return c.notUnderstood(res)
	case r.why == noConsent:
		return c.fail(InsufficientScope, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.why)
	case r.outcome == UpstreamError:
		return c.fail(UpstreamError, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.why)
	case r.why != "" && !r.passes:
		return c.fail(AccountBlocked, "%q issued nothing (HTTP %d): %s", res.Host, res.Status, r.why)
	}
	return c.fail(Rejected, "%q refused the authorization code (HTTP %d): it is wrong, used already or too old, or it was made for another redirect_uri", res.Host, res.Status)
}

// refreshRefused judges a refused refresh token. What passes, or what an administrator can
// take back, is no verdict on it.
func (c *oauthClient) refreshRefused(res *upstream.Response) *Error {
	r := c.because(res)
	switch {
	case r.outcome == "":
		return c.notUnderstood(res)
	case r.why != "":
		return c.fail(r.outcome, "%q renewed nothing (HTTP %d): %s", res.Host, res.Status, r.why)
	}
	return c.fail(r.outcome, "%q refused the refresh token (HTTP %d): it has ended, was revoked or was used already", res.Host, res.Status)
}

func (c *oauthClient) notUnderstood(res *upstream.Response) *Error {
	return c.fail(UpstreamError, "%q refused the request for tokens (HTTP %d) for a reason that says nothing of the person's consent; check the OAuth client and redirect_uri", res.Host, res.Status)
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
	return few(scopes)
}
