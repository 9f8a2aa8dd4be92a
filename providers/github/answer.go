package github

import (
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// secondaryPause is how long to wait after a secondary rate limit that does not
// say: at least a minute.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
const secondaryPause = time.Minute

// judge finds what an answer says of the token, or of its access to org where
// that is not empty; nil means that the body has to prove it.
func (c githubCheck) judge(res *upstream.Response, org string) *providers.Error {
	e := c.verdict(res, org)
	if e != nil && e.Outcome == providers.RateLimited {
		c.stop()
	}
	return e
}

// judgeLater is judge for the requests after the one that proved the token: a 401 is
// then no word on it.
func (c githubCheck) judgeLater(res *upstream.Response, org string) *providers.Error {
	e := c.judge(res, org)
	if e != nil && e.Outcome == providers.Rejected {
		return c.Fail(providers.UpstreamError, "%q refused the token (HTTP 401) that it had just accepted; try again later", res.Host)
	}
	return e
}

func (c githubCheck) verdict(res *upstream.Response, org string) *providers.Error {
	said := githubSaid(res)
	if res.Status == http.StatusForbidden || res.Status == http.StatusNotFound {
		if e := c.ssoRequired(res, org); e != nil {
			return e
		}
	}
	if e := c.limited(res, said); e != nil {
		return e
	}
	if e := c.Undecided(res); e != nil {
		return e
	}
	switch res.Status {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return c.unauthorized(res, said)
	case http.StatusForbidden:
		return c.forbidden(res, said, org)
	case http.StatusNotFound:
		return c.notFound(res, said, org)
	default:
		return c.Unexpected(res)
	}
}

// unauthorized tells a token that GitHub refuses from one that did not arrive, and from
// the refusal of somebody in between.
func (c githubCheck) unauthorized(res *upstream.Response, said githubRefusal) *providers.Error {
	switch {
	case said.missesToken():
		return c.NotSeen(res)
	case said.rejects(res):
		return c.Fail(providers.Rejected, "%q refused the token (HTTP 401): it is wrong, expired or revoked", res.Host)
	case probe.NotAnAPI(res):
		return c.Page(res)
	}
	return c.Foreign(res, githubVendor)
}

// limited recognises rate limits before anything else is made of a 403. A primary
// limit is 403 or 429 with nothing remaining; a secondary one may be told by its
// message or link alone.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#rate-limit-errors
func (c githubCheck) limited(res *upstream.Response, said githubRefusal) *providers.Error {
	if res.Status != http.StatusForbidden && res.Status != http.StatusTooManyRequests {
		return nil
	}
	spent := res.Header.Get("X-RateLimit-Remaining") == "0"
	switch {
	case spent, said.says("api rate limit exceeded"):
		return c.RateLimited(res, resetIn(res, time.Now()))
	case said.says("secondary rate limit"), said.says("abuse detection"),
		strings.Contains(said.DocumentationURL, "rate-limit"), res.Header.Get("Retry-After") != "":
		return c.RateLimited(res, secondaryPause)
	case said.says("login attempt"):
		e := c.RateLimited(res, secondaryPause)
		e.Detail = "GitHub refuses all logins of this account for a while after several bad ones, good tokens included; try again later"
		return e
	}
	return nil
}

// resetIn reads when the quota begins anew, in epoch seconds.
func resetIn(res *upstream.Response, now time.Time) time.Duration {
	wait, ok := probe.ParseReset(res.Header.Get("X-RateLimit-Reset"), now)
	if !ok || res.Header.Get("X-RateLimit-Remaining") != "0" {
		return secondaryPause
	}
	return wait
}

// ssoRequired reads the header X-GitHub-SSO: required; url=…
// https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authorizing-a-personal-access-token-for-saml-sso
func (c githubCheck) ssoRequired(res *upstream.Response, org string) *providers.Error {
	kind, rest, _ := strings.Cut(res.Header.Get("X-Github-Sso"), ";")
	if strings.TrimSpace(kind) != "required" {
		return nil
	}
	e := c.needsSSO()
	if org != "" {
		e = c.needsSSO(org)
	}
	if _, page, ok := strings.Cut(rest, "url="); ok {
		e.URL = probe.ActionURL(page, c.api.scheme, c.api.hosts...)
	}
	return e
}

func (c githubCheck) needsSSO(orgs ...string) *providers.Error {
	whose := "its organisation"
	switch len(orgs) {
	case 0:
	case 1:
		whose = "the organisation " + orgs[0]
	default:
		whose = "the organisations " + strings.Join(orgs, ", ")
	}
	e := c.Fail(providers.SSORequired, "the token works, but is not authorised for the single sign-on of %s; authorise it in the token's settings (Configure SSO)", whose)
	e.Missing = orgs
	return e
}

// forbidden judges a 403 that is neither a rate limit nor single sign-on.
func (c githubCheck) forbidden(res *upstream.Response, said githubRefusal, org string) *providers.Error {
	if !said.genuine(res) {
		return c.Foreign(res, githubVendor)
	}
	if e := c.policy(said, org); e != nil {
		return e
	}
	switch {
	case said.says("user agent string"):
		return c.Fail(providers.UpstreamError, "%q did not see the User-Agent of the engine; something in between removes it", res.Host)
	case said.says("suspended"):
		return c.Fail(providers.AccountBlocked, "the token's account is suspended; ask a GitHub administrator")
	case org != "":
		e := c.Fail(providers.InsufficientScope, "the token may not see the organisation %s; give it access", org)
		e.Missing = []string{org}
		return e
	case said.says("not accessible by integration"):
		return c.Fail(providers.InsufficientScope, "this is the token of an app's installation, which belongs to no user and ends within the hour; use a personal access token")
	}
	return c.Fail(providers.InsufficientScope, "the token works, but may not read its own account (HTTP 403)")
}

// notFound: GitHub hides what a token may not see behind a 404.
func (c githubCheck) notFound(res *upstream.Response, said githubRefusal, org string) *providers.Error {
	if org == "" {
		return c.Fail(providers.UpstreamError, "%q has no GitHub API at this address (HTTP 404); check url", res.Host)
	}
	if !said.genuine(res) {
		return c.Foreign(res, githubVendor)
	}
	e := c.Fail(providers.InsufficientScope, "the token cannot see the organisation %s (HTTP 404): it does not exist, or the token has no access to it or is not authorised for its single sign-on", org)
	e.Missing = []string{org}
	return e
}
