package providers

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// azureRefusal is what Azure DevOps says with any status but a good one. It is
// only matched, never quoted.
type azureRefusal struct {
	Message string `json:"message"`
	TypeKey string `json:"typeKey"`
}

var azureNumberForm = regexp.MustCompile(`^(?:TF|VS)\d`)

// refusalOf reads a refusal in Azure DevOps' form, which has the key of its type, or
// a message with its number; the zero value is none.
func refusalOf(res *upstream.Response) azureRefusal {
	var said azureRefusal
	if res.Status == http.StatusOK || !res.Peek(&said) {
		return azureRefusal{}
	}
	if said.TypeKey == "" && !azureNumberForm.MatchString(said.Message) {
		return azureRefusal{}
	}
	return said
}

// judge finds what an answer to connectionData says of the credential; nil means
// that the body has to prove it. A Retry-After on a 200 only says that the answer
// was delayed.
func (c azureCheck) judge(res *upstream.Response) *Error {
	said := refusalOf(res)
	if e := c.blocked(res, said); e != nil {
		return e
	}
	if c.signsIn(res) {
		return c.fail(Rejected, "%q answered with the way to its sign-in page (HTTP %d), as it does to a %s that is wrong, expired or revoked, and to a good one whose account must sign in with a browser first", res.Host, res.Status, c.token)
	}
	if e := c.undecided(res); e != nil {
		return e
	}
	switch res.Status {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest:
		return c.badRequest(res, said)
	case http.StatusUnauthorized:
		return c.rejected(res)
	case http.StatusForbidden:
		return c.forbidden(res, said)
	case http.StatusNotFound:
		return c.notFound(res, said)
	default:
		return c.unexpected(res)
	}
}

// judgeRight finds what an answer says of a right, once the account is known.
func (c azureCheck) judgeRight(res *upstream.Response, scope string) *Error {
	said := refusalOf(res)
	if e := c.blocked(res, said); e != nil {
		return e
	}
	if e := c.undecided(res); e != nil {
		return e
	}
	lacks := c.fail(InsufficientScope, "the %s works, but does not reach %s (HTTP %d): it lacks the scope %s", c.token, c.subject(scope), res.Status, scope)
	lacks.Missing = []string{scope}
	switch {
	case res.Status == http.StatusOK:
		return nil
	case c.expired(res):
		return c.refusedLater(res)
	case res.Status == http.StatusUnauthorized:
		return lacks
	case said != azureRefusal{} && (res.Status == http.StatusForbidden || res.Status == http.StatusNotFound):
		lacks.Detail += ", or its account has no access"
		return lacks
	case res.Status == http.StatusBadRequest:
		return c.badRequest(res, said)
	}
	return c.unexpected(res)
}

// subject says what a scope is for.
func (c azureCheck) subject(scope string) string {
	if scope != c.service.scope {
		return "the projects of " + c.organization
	}
	return "the " + c.service.name + " of " + c.organization
}

// blocked recognises the limit on usage whatever its status: 429 is documented,
// but the refusal has been seen without its status being told.
// https://learn.microsoft.com/en-us/azure/devops/integrate/concepts/rate-limits
func (c azureCheck) blocked(res *upstream.Response, said azureRefusal) *Error {
	if said.TypeKey != "RequestBlockedException" && !strings.HasPrefix(said.Message, "TF400733") {
		return nil
	}
	return c.rateLimited(res, 0)
}

// signsIn reports whether an answer is Microsoft's sign-in page, or the way to it.
func (c azureCheck) signsIn(res *upstream.Response) bool {
	switch {
	case !c.root.hosted:
		return false
	case res.Status == http.StatusNonAuthoritativeInfo:
		return bytes.Contains(bytes.ToLower(res.Body), []byte("<title>azure devops services | sign in"))
	case res.Status >= http.StatusMultipleChoices && res.Status < http.StatusBadRequest:
		return isAzureSignIn(res.Header.Get("Location"))
	}
	return false
}

// isAzureSignIn reports whether a redirect leads to the sign-in of Azure DevOps.
func isAzureSignIn(location string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme == "https" && strings.HasSuffix(strings.ToLower(u.Hostname()), azureLegacySuffix) &&
		strings.EqualFold(strings.TrimRight(u.Path, "/"), "/_signin")
}

// rejected explains a 401.
func (c azureCheck) rejected(res *upstream.Response) *Error {
	if c.expired(res) {
		return c.fail(Rejected, "%q refused the %s (HTTP %d): it has expired", res.Host, c.token, res.Status)
	}
	if c.oauth {
		return c.fail(Rejected, "%q refused the access token (HTTP %d): it has ended or was revoked, or the organisation %s is not connected to the tenant, or its policies forbid applications", res.Host, res.Status, c.organization)
	}
	return c.fail(Rejected, "%q refused the personal access token (HTTP %d): it is wrong, expired, revoked, or made for another organisation than %s; tokens for all accessible organisations end on 1 December 2026", res.Host, res.Status, c.organization)
}

// expired reads the header that has told an expired token apart.
// https://github.com/microsoft/azure-pipelines-agent/issues/1559
func (azureCheck) expired(res *upstream.Response) bool {
	said, err := url.PathUnescape(res.Header.Get("X-Tfs-Serviceerror"))
	return err == nil && res.Status == http.StatusUnauthorized && strings.Contains(strings.ToLower(said), "has expired")
}

func (c azureCheck) forbidden(res *upstream.Response, said azureRefusal) *Error {
	if said == (azureRefusal{}) {
		return c.fail(UpstreamError, "%q answered HTTP 403 with something that is not Azure DevOps', such as the page of a proxy or firewall; check url", res.Host)
	}
	e := c.fail(InsufficientScope, "the %s may not be used in the organisation %s (HTTP 403): its account has no access, or a policy of the organisation forbids it; signing in with a browser once may help", c.token, c.organization)
	e.Missing = []string{c.organization}
	return e
}

func (c azureCheck) notFound(res *upstream.Response, said azureRefusal) *Error {
	o, why := UpstreamError, "%q has no organisation %s at this address (HTTP 404); check organization and url"
	if said != (azureRefusal{}) {
		o, why = InsufficientScope, "%q does not show the organisation %s to this token (HTTP 404): it does not exist, or the account has no access to it"
	}
	e := c.fail(o, why, res.Host, c.organization)
	e.Fields = []string{azureOrganization}
	if o == InsufficientScope {
		e.Missing = []string{c.organization}
	}
	return e
}

func (c azureCheck) badRequest(res *upstream.Response, said azureRefusal) *Error {
	if strings.HasPrefix(said.TypeKey, "VssInvalidPreviewVersion") || strings.HasPrefix(said.TypeKey, "VssVersion") {
		return c.fail(UpstreamError, "%q does not know version 7.1 of the API; a newer Azure DevOps Server is needed", res.Host)
	}
	return c.unexpected(res)
}
