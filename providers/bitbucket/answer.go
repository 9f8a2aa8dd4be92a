package bitbucket

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// judge finds what an answer to /user says of the credential; nil means that the
// body has to prove it.
func (c bitbucketCheck) judge(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	said := bitbucketSaid(res)
	if err := c.accessToken(res); err != nil {
		return err
	}
	switch {
	case res.Status == http.StatusOK:
		return nil
	case said.refusesAddress():
		return c.AddressNotListed(c.whose(), c.listed()...)
	case res.Status == http.StatusUnauthorized:
		return c.unauthorized(res, said)
	case res.Status == http.StatusForbidden:
		return c.forbidden(res, said)
	case res.Status == http.StatusNotFound:
		return c.Fail(providers.UpstreamError, "%q has no Bitbucket API at this address (HTTP 404); check url", res.Host)
	}
	return c.otherwise(res)
}

func (c bitbucketCheck) forbidden(res *upstream.Response, said bitbucketRefusal) *providers.Error {
	if !said.own {
		return c.Foreign(res, bitbucketVendor)
	}
	if err := c.lacksScope(said, c.needs(bitbucketUserScope)); err != nil {
		return err
	}
	return c.Fail(providers.UpstreamError, "%q answered HTTP 403 without a reason that tells anything of the token; try again later, and check url", res.Host)
}

// judgeMember finds what an answer about the workspace says of the credential,
// which is known to work. Documented are 200, 401 and 403; a 404 is none of them, and
// would be the answer for all if Atlassian removed the path.
func (c bitbucketCheck) judgeMember(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	said := bitbucketSaid(res)
	switch {
	case res.Status == http.StatusOK:
		return nil
	case said.refusesAddress():
		e := c.AddressNotListed(c.whose(), c.listed()...)
		e.Unjudged = false // it is the workspace that keeps out a token which works
		return e
	case !said.own && probe.Refuses(res):
		return c.Foreign(res, bitbucketVendor)
	case res.Status == http.StatusUnauthorized:
		return c.RefusedLater(res)
	case res.Status == http.StatusForbidden:
		if err := c.lacksScope(said, c.needs(bitbucketWorkspaceScope)); err != nil {
			return err
		}
		return c.noMember(res)
	case res.Status == http.StatusNotFound:
		e := c.Fail(providers.UpstreamError, "%q answered HTTP 404 when it was asked for the account's permission in the workspace %s, which it documents for no case, so it could not be told whether the account is a member; check workspace, and try again later", res.Host, c.workspace)
		e.Fields = []string{bitbucketWorkspace}
		return e
	}
	return c.otherwise(res)
}

// whose list of IP addresses is meant where one is.
func (c bitbucketCheck) whose() string {
	if c.workspace == "" {
		return "Bitbucket"
	}
	return "the workspace " + c.workspace
}

func (c bitbucketCheck) listed() []string {
	if c.workspace == "" {
		return nil
	}
	return []string{c.workspace}
}

func (c bitbucketCheck) noMember(res *upstream.Response) *providers.Error {
	e := c.Fail(providers.InsufficientScope, "the token works, but its account is no member of the workspace %s (HTTP %d), or there is none of that name; invite the account or correct workspace", c.workspace, res.Status)
	e.Missing = []string{c.workspace}
	return e
}

// otherwise is what no question expects.
func (c bitbucketCheck) otherwise(res *upstream.Response) *providers.Error {
	if res.Status == http.StatusGone {
		// https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770
		return c.Fail(providers.UpstreamError, "%q no longer has what the check asks (HTTP 410); a newer version of the engine is needed", res.Host)
	}
	return c.Unexpected(res)
}

// unauthorized tells a credential that Bitbucket refuses from the refusal of somebody in
// between.
func (c bitbucketCheck) unauthorized(res *upstream.Response, said bitbucketRefusal) *providers.Error {
	switch {
	case said.dataCenter:
		return c.dataCenter(res)
	case !said.own && probe.NotAnAPI(res):
		return c.Page(res)
	case !said.own:
		return c.Foreign(res, bitbucketVendor)
	case c.oauth:
		return c.Fail(providers.Rejected, "%q refused the access token (HTTP 401): it has ended, or the consent to it was taken back", res.Host)
	}
	e := c.Fail(providers.Rejected, "%q refused the e-mail and API token (HTTP 401): one of them is wrong, the token is expired or revoked, or it was made without scopes for Bitbucket, which Bitbucket does not tell apart", res.Host)
	if c.ofResource {
		e.Detail += "; what begins with " + bitbucketAccessToken + " is an access token of a repository, project or workspace, which has no e-mail address: use auth_type access_token"
	}
	return e
}

// accessToken recognises the tokens that belong to no user.
// https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/
func (c bitbucketCheck) accessToken(res *upstream.Response) *providers.Error {
	if c.oauth || accessKinds()[credentialKind(res)] == "" || res.Status != http.StatusOK && res.Status != http.StatusForbidden {
		return nil
	}
	e := c.Fail(providers.InsufficientScope, "this is an access token of a repository, project or workspace, which belongs to no user; use auth_type access_token for it, or make an API token with scopes for Bitbucket at id.atlassian.com")
	e.Missing = []string{bitbucketUserScope}
	return e
}

// needs is the right by which the API lets somebody in, in the names of this kind of
// token.
func (c bitbucketCheck) needs(scope string) string {
	if c.oauth {
		return bitbucketOAuthScope
	}
	return scope
}

// lacksScope reads a 403 that names the rights a token lacks, which it does
// together with those that it has. usual is what lacks if no name is told.
func (c bitbucketCheck) lacksScope(said bitbucketRefusal, usual string) *providers.Error {
	var detail struct {
		Required []string `json:"required"`
		Granted  []string `json:"granted"`
	}
	_ = json.Unmarshal(said.detail, &detail) // a text tells no names
	required, granted := bitbucketRights(detail.Required), bitbucketRights(detail.Granted)
	missing := slices.DeleteFunc(slices.Clone(required), func(s string) bool { return slices.Contains(granted, s) })
	switch {
	case len(missing) > 0:
	case len(required) > 0:
		missing = required
	case strings.Contains(said.text, "privilege scopes"):
		missing = []string{usual}
	default:
		return nil
	}
	e := c.Fail(providers.InsufficientScope, "the token works, but lacks the scope %s; %s", strings.Join(missing, ", "), c.remedy())
	if len(granted) > 0 {
		const most = 20
		e.Detail += ", beside " + strings.Join(granted[:min(len(granted), most)], ", ")
	}
	e.Missing = missing
	return e
}

func (c bitbucketCheck) remedy() string {
	if c.oauth {
		return "give the OAuth consumer that permission and consent again"
	}
	return "make one that has it"
}

var bitbucketRightForm = regexp.MustCompile(`^(?:(?:read|write|admin|delete|manage):[a-z-]+:bitbucket|` +
	`(?:account|email|issue|pipeline|project|pullrequest|repository|runner|snippet|team|test|webhook|wiki)(?::(?:write|admin|delete|variable))?)$`)

// bitbucketRights returns those of told that are rights of Bitbucket, sorted and
// each once. Errors repeat them, so nothing else may look like one: the scopes of
// API tokens, and those of OAuth that refusals still name.
//
//   - https://support.atlassian.com/bitbucket-cloud/docs/api-token-permissions/
//   - https://developer.atlassian.com/cloud/bitbucket/rest/intro/#oauth-2-0-scopes
func bitbucketRights(told []string) []string {
	return slices.DeleteFunc(probe.ScopeNames(told), func(s string) bool { return !bitbucketRightForm.MatchString(s) })
}
