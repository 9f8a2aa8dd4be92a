package gitlab

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// gitlabRefusal is what GitLab says with any status but a good one: OAuth's form,
// or a message. It is only matched, never quoted.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/api/api_guard.rb
type gitlabRefusal struct {
	Message     string `json:"message"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// says looks for part, in lower case, in all that was said.
func (r gitlabRefusal) says(part string) bool {
	return strings.Contains(strings.ToLower(r.Message+" "+r.Error+" "+r.Description), part)
}

// refusesAddress reports whether GitLab itself refuses the address that the request came
// from, and not the token.
func (r gitlabRefusal) refusesAddress(res *upstream.Response) bool {
	own := res.Status == http.StatusForbidden && r.forbids(res) || res.Status == http.StatusUnauthorized && r.rejects(res)
	return own && probe.RefusesAddress(strings.Join([]string{r.Message, r.Error, r.Description}, "\n"))
}

// gitlabVendor is whose answers are believed.
const gitlabVendor = "GitLab"

// gitlabSigned reports whether an answer has the header that GitLab sets on each of its
// own, in newer versions.
func gitlabSigned(res *upstream.Response) bool { return res.Header.Get("X-Gitlab-Meta") != "" }

// forbids reports whether a 403 has the form of GitLab's: an error of OAuth's that is
// its own, or a message. Others come from something in between.
func (r gitlabRefusal) forbids(res *upstream.Response) bool {
	return gitlabSigned(res) || strings.HasPrefix(r.Error, "insufficient_") || strings.HasPrefix(r.Message, "403 Forbidden")
}

// rejects reports whether a 401 is GitLab's word that the token is no good: one that is
// signed, whatever it says. What speaks OAuth in between says invalid_token as well, but
// describes it in other words.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/api/api_guard.rb
func (r gitlabRefusal) rejects(res *upstream.Response) bool {
	switch {
	case gitlabSigned(res):
		return true
	case r.Error == "":
		return strings.HasPrefix(r.Message, "401 Unauthorized") && probe.SaysOnly(res, "message")
	}
	known := []string{"token is expired", "token was revoked", "token is an impersonation token", "bad access token"}
	return r.Error == "invalid_token" && slices.ContainsFunc(known, func(begin string) bool {
		return strings.HasPrefix(strings.ToLower(r.Description), begin)
	})
}

// judge finds what an answer says of the token; nil means that the body has to
// prove it. The right is the one that the request needs.
func (c gitlabCheck) judge(res *upstream.Response, right string) *providers.Error {
	if res.Status == http.StatusTooManyRequests {
		return c.RateLimited(res, gitlabPause(res, time.Now()))
	}
	if err := c.Undecided(res); err != nil {
		return err
	}
	if res.Status == http.StatusOK {
		return nil
	}
	var said gitlabRefusal
	_ = res.Peek(&said) // what is no JSON says nothing
	switch {
	case probe.NotAnAPI(res) && !gitlabSigned(res):
		return c.Page(res)
	case said.refusesAddress(res):
		return c.AddressNotListed(gitlabVendor)
	case res.Status == http.StatusUnauthorized:
		return c.unauthorized(res, said)
	case res.Status == http.StatusForbidden && said.forbids(res):
		return c.forbidden(said, right)
	case res.Status == http.StatusForbidden:
		return c.Foreign(res, gitlabVendor)
	case res.Status == http.StatusBadRequest && said.says("requires token type"):
		return c.Invalid(gitlabPAT, "this is an OAuth or job token, which soon ends; use a personal, project or group access token")
	case res.Status == http.StatusNotFound:
		return c.Fail(providers.UpstreamError, "%q does not know this request (HTTP 404): it is a GitLab older than 15.5, or url is not its root; check url", res.Host)
	default:
		return c.Unexpected(res)
	}
}

// gitlabPause is how long to wait where Retry-After does not say.
// https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
func gitlabPause(res *upstream.Response, now time.Time) time.Duration {
	if when, err := http.ParseTime(strings.TrimSpace(res.Header.Get("RateLimit-ResetTime"))); err == nil {
		return probe.ClampWait(when.Sub(now))
	}
	wait, _ := probe.ParseReset(res.Header.Get("RateLimit-Reset"), now)
	return wait
}

func (c gitlabCheck) unauthorized(res *upstream.Response, said gitlabRefusal) *providers.Error {
	switch {
	case said.Error == "dpop_error":
		return c.blocked("its account demands a DPoP proof with every request, which workers cannot give; switch that off")
	case !said.rejects(res):
		return c.Foreign(res, gitlabVendor)
	case said.Error == "invalid_token" && said.says("expired"):
		return c.Fail(providers.Rejected, "the token has expired")
	case said.Error == "invalid_token" && said.says("revoked"):
		return c.Fail(providers.Rejected, "the token has been revoked")
	case said.Error == "invalid_token" && said.says("impersonation was disabled"):
		return c.Fail(providers.Rejected, "the token is an impersonation token, which this GitLab has disabled; use another kind")
	}
	return c.Fail(providers.Rejected, "%q refused the token (HTTP 401): it is wrong, expired or revoked", res.Host)
}

// forbidden judges the 403s that GitLab gives to tokens it knows.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/gitlab/auth/user_access_denied_reason.rb
func (c gitlabCheck) forbidden(said gitlabRefusal, right string) *providers.Error {
	switch {
	case said.Error == "insufficient_scope":
		e := c.Fail(providers.InsufficientScope, "the token works, but lacks the scope to read its own account; make one with %s", gitlabScope)
		e.Missing = []string{gitlabScope}
		return e
	case said.Error == "insufficient_granular_scope":
		return c.lacksPermission(right)
	case said.says("terms of service"):
		return c.blocked("its user must accept the terms of service in a browser")
	case said.says("pending approval"):
		return c.blocked("its account waits for the approval of an administrator")
	case said.says("has been blocked"):
		return c.blocked("its account has been blocked; ask a GitLab administrator")
	case said.says("deactivated"):
		return c.blocked("its account has been deactivated; its user must log in with a browser")
	case said.says("password expired"):
		return c.blocked("the password of its account has expired; its user must change it in a browser")
	case said.says("not confirmed"):
		return c.blocked("the e-mail address of its account is not confirmed")
	case said.says("internal users"):
		return c.blocked("its account is one of GitLab itself, which may not use the API")
	}
	return c.Fail(providers.InsufficientScope, "the token is known, but may not read its own account (HTTP 403)")
}

// lacksPermission is about fine-grained tokens: newer versions keep even what a
// token is behind a permission. A token with legacy scopes is told the same where
// a namespace takes fine-grained ones only.
func (c gitlabCheck) lacksPermission(right string) *providers.Error {
	e := c.Fail(providers.InsufficientScope, "the token works, but may not read its own account: as a fine-grained token it needs the user permissions to read personal access tokens and the user; if it is none, GitLab takes only fine-grained tokens here")
	if right != gitlabScope {
		e.Missing = []string{right}
	}
	return e
}

// blocked is a good token of an account that cannot be used. The page to act on is
// GitLab's own.
func (c gitlabCheck) blocked(why string) *providers.Error {
	e := c.Fail(providers.AccountBlocked, "the token is known, but %s", why)
	e.URL = c.root
	return e
}
