package jira

import (
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Headers in which Jira's login filter says what became of a login, whatever the
// status: a 200 with any of these reasons but the first is an anonymous answer.
const (
	jiraLoginReason  = "X-Seraph-LoginReason"
	jiraDeniedReason = "X-Authentication-Denied-Reason"

	jiraLoggedIn     = "OK"
	jiraDenied       = "AUTHENTICATION_DENIED" // the credential was not even looked at
	jiraFailed       = "AUTHENTICATED_FAILED"  // the credential is wrong
	jiraUnauthorised = "AUTHORISATION_FAILED"  // the credential is right, the account may not use Jira
	jiraCaptcha      = "CAPTCHA_CHALLENGE"
)

// judge finds what an answer to /myself says of the credential; nil means that
// the body has to prove it.
func (c jiraCheck) judge(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	if jiraRefusesAddress(res) {
		return c.AddressNotListed("Jira")
	}
	if err := c.judgeLogin(res); err != nil {
		return err
	}
	switch res.Status {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return c.judge401(res)
	case http.StatusForbidden:
		return c.judge403(res)
	case http.StatusNotFound:
		return c.notFound(res)
	default:
		return c.Unexpected(res)
	}
}

// judgeLogin reads the login filter's headers.
func (c jiraCheck) judgeLogin(res *upstream.Response) *providers.Error {
	denied := res.Header.Get(jiraDeniedReason)
	switch {
	case strings.Contains(denied, jiraCaptcha), loginReason(res, jiraDenied):
		e := c.Fail(providers.CaptchaRequired, "Jira asks for a CAPTCHA after too many failed logins and did not look at the credential; log in once with a browser as this user, then try again")
		e.URL, e.Unjudged = c.loginURL(denied), true
		return e
	case loginFailed(res):
		return c.rejected(res)
	case loginReason(res, jiraUnauthorised):
		return c.Fail(providers.AccountBlocked, "the credential is right, but its account has no access to Jira; ask a Jira administrator to grant it")
	}
	return nil
}

// loginURL returns the page named in "CAPTCHA_CHALLENGE; login-url=…", if it is
// one of this Jira.
func (c jiraCheck) loginURL(denied string) string {
	_, page, _ := strings.Cut(denied, "login-url=")
	return probe.ActionURL(page, c.site.root.Scheme, c.site.root.Host)
}

func (c jiraCheck) rejected(res *upstream.Response) *providers.Error {
	if c.email == "" {
		return c.Fail(providers.Rejected, "%q refused the personal access token (HTTP %d): it is wrong, expired or revoked", res.Host, res.Status)
	}
	return c.Fail(providers.Rejected, "%q refused the e-mail and API token (HTTP %d): one of them is wrong, or the token is expired or revoked", res.Host, res.Status)
}

// judge401 tells a credential that Jira refuses from one that lacks a scope, and from
// the refusal of somebody in between.
func (c jiraCheck) judge401(res *upstream.Response) *providers.Error {
	switch {
	case scopeMismatch(res):
		e := c.Fail(providers.InsufficientScope, "the token works, but lacks the scope to read its own account; make one with read:jira-user and read:jira-work")
		e.Missing = []string{"read:jira-user"}
		return e
	case loggedIn(res):
		return c.Fail(providers.InsufficientScope, "the credential works, but its account may not use Jira's API (HTTP 401)")
	case jiraRejects(res):
		return c.rejected(res)
	}
	return c.Foreign(res, "Jira")
}

// judge403 tells three refusals apart: a host that takes Bearer values for
// something else, which is Cloud; a right that is missing, which Jira says in its form
// of JSON, or after its login filter let the credential in; and the answer of somebody
// in between, which proves nothing.
func (c jiraCheck) judge403(res *upstream.Response) *providers.Error {
	var body struct {
		Error string `json:"error"`
	}
	if res.Peek(&body) && strings.Contains(strings.ToLower(body.Error), "connect session") {
		return c.Fail(providers.UpstreamError, "%q is a Jira Cloud site, which could not read the token and did not judge it (HTTP 403): it takes no personal access tokens; use auth_type api_key", res.Host)
	}
	if saysErrorMessages(res) || loggedIn(res) {
		return c.Fail(providers.InsufficientScope, "the credential works, but its account may not use Jira's API (HTTP 403)")
	}
	return c.Foreign(res, "Jira")
}

func (c jiraCheck) notFound(res *upstream.Response) *providers.Error {
	if res.Host == jiraGatewayHost {
		e := c.Fail(providers.UpstreamError, "%q knows no Jira of this cloud id (HTTP 404); check cloud_id", res.Host)
		e.Fields = []string{jiraCloudID}
		return e
	}
	if c.email != "" {
		return c.Fail(providers.UpstreamError, "%q has no Jira Cloud at this address (HTTP 404); check url, and for Data Center use auth_type pat", res.Host)
	}
	return c.Fail(providers.UpstreamError, "%q has no Jira at this address (HTTP 404); check url and its context path", res.Host)
}

// scopeMismatch reports whether a 401 is the gateway's way to say that a good
// token lacks a scope: only the message tells.
// https://community.developer.atlassian.com/t/81389
func scopeMismatch(res *upstream.Response) bool {
	var body struct {
		Message string `json:"message"`
	}
	return res.Status == http.StatusUnauthorized && res.Peek(&body) &&
		strings.Contains(strings.ToLower(body.Message), "scope does not match")
}

func loginFailed(res *upstream.Response) bool { return loginReason(res, jiraFailed) }

func loginReason(res *upstream.Response, reason string) bool {
	return strings.Contains(strings.ToUpper(strings.Join(res.Header.Values(jiraLoginReason), ",")), reason)
}

// loggedIn reports whether the login filter let the credential in.
func loggedIn(res *upstream.Response) bool {
	return slices.Contains(probe.Listed(res.Header.Values(jiraLoginReason)), jiraLoggedIn)
}

// saysErrorMessages reports whether an answer has the form of Jira's refusals.
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes
func saysErrorMessages(res *upstream.Response) bool {
	var body struct {
		ErrorMessages *[]string `json:"errorMessages"`
	}
	return res.SaysJSON() && res.Peek(&body) && body.ErrorMessages != nil
}
