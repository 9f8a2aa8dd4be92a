package azuredevops

import (
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// judge finds what an answer to connectionData says of the credential; nil means
// that the body has to prove it. A Retry-After on a 200 only says that the answer
// was delayed.
func (c azureCheck) judge(res *upstream.Response) *providers.Error {
	said := refusalOf(res)
	if e := c.anyway(res, said); e != nil {
		return e
	}
	if c.signsIn(res) {
		return c.Fail(providers.Rejected, "%q answered with the way to its sign-in page (HTTP %d), as it does to a %s that is wrong, expired or revoked, and to a good one whose account must sign in with a browser first", res.Host, res.Status, c.token)
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
		return c.forbidden(res, said)
	case http.StatusNotFound:
		return c.notFound(res, said)
	default:
		return c.Unexpected(res)
	}
}

// judgeRight finds what an answer says of a right, once the account is known.
func (c azureCheck) judgeRight(res *upstream.Response, scope string) *providers.Error {
	said := refusalOf(res)
	if e := c.anyway(res, said); e != nil {
		return e
	}
	if e := c.Undecided(res); e != nil {
		return e
	}
	lacks := c.Fail(providers.InsufficientScope, "the %s works, but does not reach %s (HTTP %d): it lacks the scope %s", c.token, c.subject(scope), res.Status, scope)
	lacks.Missing = []string{scope}
	switch {
	case res.Status == http.StatusOK:
		return nil
	case !said.own && probe.Refuses(res):
		return c.Foreign(res, azureVendor)
	case said.expired():
		return c.RefusedLater(res)
	case res.Status == http.StatusUnauthorized && !said.namesAccount():
		return lacks
	case probe.Refuses(res) && !said.says(azureNoController):
		lacks.Detail += ", or its account has no access"
		return lacks
	}
	return c.Unexpected(res)
}

// subject says what a scope is for.
func (c azureCheck) subject(scope string) string {
	if scope != c.service.scope {
		return "the projects of " + c.organization
	}
	return "the " + c.service.name + " of " + c.organization
}

// anyway recognises what has one meaning at every question and with every status: the
// limit on usage (429 is documented, but it has been seen without its status being
// told), an organisation that is switched off, and policies.
// https://learn.microsoft.com/en-us/azure/devops/integrate/concepts/rate-limits
func (c azureCheck) anyway(res *upstream.Response, said azureRefusal) *providers.Error {
	switch {
	case said.key == "RequestBlockedException", said.says("tf400733"):
		return c.RateLimited(res, 0)
	case said.says("tf24668"):
		return c.Fail(providers.UpstreamError, "the organisation %s is switched off in Azure DevOps (HTTP %d), for one because nobody used it for long, so the %s was not judged; have an administrator switch it on again", c.organization, res.Status, c.token)
	case said.own && probe.Refuses(res):
		return c.policy(res, said)
	}
	return nil
}

// policy recognises the rules of an organisation by which a good credential is kept out.
func (c azureCheck) policy(res *upstream.Response, said azureRefusal) *providers.Error {
	var e *providers.Error
	switch {
	case said.says("vs403463"), said.says("conditional access"):
		e = c.Fail(providers.InsufficientScope, "a conditional access policy of Microsoft Entra keeps the %s out of the organisation %s (HTTP %d); have an administrator exempt the account or, where the policy goes by address, list the address of this Vault; signing in with a browser once may help", c.token, c.organization, res.Status)
	case probe.RefusesAddress(said.text):
		return c.AddressNotListed("the organisation "+c.organization, c.organization)
	case said.says("global personal access token"):
		e = c.Fail(providers.InsufficientScope, "the organisation %s forbids personal access tokens for all accessible organisations (HTTP %d); make one for this organisation alone", c.organization, res.Status)
	case said.says("policy prohibits"), said.says("policy forbids"), said.says("security policy"):
		e = c.Fail(providers.InsufficientScope, "a policy of the organisation %s keeps the %s out (HTTP %d); have an administrator of the organisation allow it, or use a credential that the policy allows", c.organization, c.token, res.Status)
	default:
		return nil
	}
	e.Missing = []string{c.organization}
	return e
}

// unauthorized explains a 401.
func (c azureCheck) unauthorized(res *upstream.Response, said azureRefusal) *providers.Error {
	switch {
	case !said.own:
		return c.Foreign(res, azureVendor)
	case said.expired():
		return c.Fail(providers.Rejected, "%q refused the %s (HTTP %d): it has expired", res.Host, c.token, res.Status)
	case said.says(azureNeverSignedIn):
		e := c.Fail(providers.InsufficientScope, "the %s works, but its account has never signed in to the organisation %s (HTTP %d); sign in with a browser once, as this account", c.token, c.organization, res.Status)
		e.Missing = []string{c.organization}
		return e
	case said.namesAccount():
		e := c.Fail(providers.InsufficientScope, "the %s works, but its account is no member of the organisation %s (HTTP %d); add the account to it, or correct organization", c.token, c.organization, res.Status)
		e.Missing = []string{c.organization}
		return e
	case c.oauth:
		return c.Fail(providers.Rejected, "%q refused the access token (HTTP %d): it has ended or was revoked, or the organisation %s is not connected to the tenant, or its policies forbid applications", res.Host, res.Status, c.organization)
	}
	return c.Fail(providers.Rejected, "%q refused the personal access token (HTTP %d): it is wrong, expired, revoked, or made for another organisation than %s; tokens for all accessible organisations end on 1 December 2026", res.Host, res.Status, c.organization)
}

// azureNeverSignedIn is the number of a refusal for an account that is known, and must sign in
// with a browser once: "TF401444: Please sign-in at least once as ... in a web browser".
// https://github.com/johnnyreilly/azdo-npm-auth/issues/10
const azureNeverSignedIn = "tf401444"

// expired reads the words that have told an expired token apart.
// https://github.com/microsoft/azure-pipelines-agent/issues/1559
func (r azureRefusal) expired() bool { return r.says("has expired") }

func (c azureCheck) forbidden(res *upstream.Response, said azureRefusal) *providers.Error {
	if !said.own {
		return c.Foreign(res, azureVendor)
	}
	e := c.Fail(providers.InsufficientScope, "the %s may not be used in the organisation %s (HTTP 403): its account has no access, or a policy of the organisation forbids it; signing in with a browser once may help", c.token, c.organization)
	e.Missing = []string{c.organization}
	return e
}

// azureNoController is said of a path that Azure DevOps does not have, whatever the
// organisation.
const azureNoController = "the controller for path"

func (c azureCheck) notFound(res *upstream.Response, said azureRefusal) *providers.Error {
	o, why := providers.UpstreamError, "%q has no organisation %s at this address (HTTP 404); check organization and url"
	if (said.key != "" || strings.TrimSpace(said.text) != "") && !said.says(azureNoController) {
		o, why = providers.InsufficientScope, "%q does not show the organisation %s to this token (HTTP 404): it does not exist, or the account has no access to it"
	}
	e := c.Fail(o, why, res.Host, c.organization)
	e.Fields = []string{azureOrganization}
	if o == providers.InsufficientScope {
		e.Missing = []string{c.organization}
	}
	return e
}
