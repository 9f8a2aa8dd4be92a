package bitbucket

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// accessCheck is one check of an access token of a workspace, project or repository. It
// belongs to no user, so what names one is refused to it; and what is public is shown to
// anybody, so an answer proves the token only where it says what kind of credential came.
//
//   - https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/
//   - https://support.atlassian.com/bitbucket-cloud/kb/how-to-fetch-the-scope-of-a-token-via-command-line
type accessCheck struct {
	bitbucketCheck
	resource resource
}

// alive is what proves that a token was looked at: its kind and its rights, nil where they
// are not told.
type alive struct {
	kind   string
	scopes []string
}

// run asks for the resource, and for the user, which no access token may see, where the
// first answer does not say what came.
func (c accessCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	res, err := c.Get(ctx, c.api+c.resource.path(), c.header)
	if err != nil {
		return providers.Verified{}, err
	}
	if err := c.undecided(res); err != nil {
		return providers.Verified{}, err
	}
	life, err := c.life(ctx, res)
	if err != nil {
		return providers.Verified{}, err
	}
	if err := c.reached(res, life); err != nil {
		return providers.Verified{}, err
	}
	return c.verified(res, life)
}

// undecided judges what says nothing of the token, whatever else it says.
func (c accessCheck) undecided(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	said := bitbucketSaid(res)
	switch {
	case said.refusesAddress():
		return c.AddressNotListed(c.whose(), c.listed()...)
	case said.dataCenter:
		return c.dataCenter(res)
	case credentialKind(res) == "" && !said.own && probe.Refuses(res):
		return c.Foreign(res, bitbucketVendor)
	case res.Status == http.StatusOK || probe.Refuses(res):
		return nil
	}
	return c.otherwise(res)
}

// life finds what proves that the token works: the kind of it beside the answer about the
// resource, or beside the refusal to name a user.
func (c accessCheck) life(ctx context.Context, res *upstream.Response) (alive, *providers.Error) {
	if kind := credentialKind(res); kind != "" {
		return c.aliveAs(kind, res)
	}
	shown, err := c.shown(res)
	if err != nil {
		return alive{}, err
	}
	user, err := c.Get(ctx, c.api+"/user", c.header)
	if err != nil {
		return alive{}, err
	}
	if err := c.undecided(user); err != nil {
		return alive{}, err
	}
	kind := credentialKind(user)
	switch {
	case kind != "":
		return c.aliveAs(kind, user)
	case user.Status == http.StatusOK:
		return alive{}, c.ofUser()
	case user.Status == http.StatusUnauthorized && shown:
		return alive{}, c.RefusedLater(user)
	case user.Status == http.StatusUnauthorized:
		return alive{}, c.refused(user)
	}
	return alive{}, c.Fail(providers.UpstreamError, "%q did not say what kind of credential it got (HTTP %d and %d without X-Credential-Type), so it is not known whether it looked at the token; something in between may remove that header", res.Host, res.Status, user.Status)
}

// shown reports whether an answer shows what is private, which nobody sees without a
// credential that works. Only a 200 in JSON does.
func (c accessCheck) shown(res *upstream.Response) (bool, *providers.Error) {
	if res.Status != http.StatusOK {
		return false, nil
	}
	var t told
	if err := c.JSON(res, &t); err != nil {
		return false, err
	}
	return t.IsPrivate != nil && *t.IsPrivate, nil
}

// aliveAs demands that a credential of that kind is an access token.
func (c accessCheck) aliveAs(kind string, res *upstream.Response) (alive, *providers.Error) {
	if accessKinds()[kind] == "" {
		return alive{}, c.ofUser()
	}
	return alive{kind, bitbucketScopes(res)}, nil
}

func (c accessCheck) ofUser() *providers.Error {
	e := c.Fail(providers.IdentityMismatch, "this works, but is no access token of a workspace, project or repository: it belongs to a user or an OAuth consumer; use auth_type api_key or oauth for it")
	e.Fields = []string{providers.OAuthAccessToken}
	return e
}

func (c accessCheck) refused(res *upstream.Response) *providers.Error {
	return c.Fail(providers.Rejected, "%q refused the access token (HTTP 401): it is wrong or was revoked, or it is no access token: one of an account is entered with its e-mail address and auth_type api_key", res.Host)
}

// reached judges the answer about the resource of a token that is known to work.
func (c accessCheck) reached(res *upstream.Response, life alive) *providers.Error {
	if res.Status != http.StatusOK {
		if err := c.lacksScope(bitbucketSaid(res), c.resource.scope()); err != nil {
			return err
		}
		e := c.Fail(providers.InsufficientScope, "the token works, but it is one of a %s and does not reach %s (HTTP %d), or there is none of that name; correct the settings, or make a token there", accessKinds()[life.kind], c.resource, res.Status)
		e.Missing = []string{c.resource.short()}
		return e
	}
	if !c.resource.reaches(life.kind) {
		e := c.Fail(providers.InsufficientScope, "the token works, but it is one of a single %s, and %s is more than that; set %s to where it was made, or make one there", accessKinds()[life.kind], c.resource, accessKinds()[life.kind])
		e.Missing, e.Fields = []string{c.resource.short()}, []string{accessKinds()[life.kind]}
		return e
	}
	return nil
}

// verified demands that the answer names the resource.
func (c accessCheck) verified(res *upstream.Response, life alive) (providers.Verified, *providers.Error) {
	v := providers.Verified{Identity: c.resource.short() + " (access token of a " + accessKinds()[life.kind] + ")", Scopes: life.scopes}
	if c.resource.project == "" && c.resource.repository == "" {
		return c.verifiedWorkspace(res, v)
	}
	var t told
	if err := c.JSON(res, &t); err != nil {
		return providers.Verified{}, err
	}
	if !t.names(c.resource) {
		return providers.Verified{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming %s; it may have been renamed or moved", res.Host, c.resource)
	}
	v.AccountID = cmp.Or(probe.Printable(t.UUID), strings.ToLower(c.resource.short()))
	if t.public() {
		v.Warnings = []string{publicOnly(c.resource)}
	}
	return v, nil
}

// verifiedWorkspace reads the list of a workspace, which says nothing of the workspace
// but by a repository in it.
func (c accessCheck) verifiedWorkspace(res *upstream.Response, v providers.Verified) (providers.Verified, *providers.Error) {
	var page struct {
		Values *[]told `json:"values"`
	}
	if err := c.JSON(res, &page); err != nil {
		return providers.Verified{}, err
	}
	if page.Values == nil {
		return providers.Verified{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a list of repositories; check url", res.Host)
	}
	v.AccountID = strings.ToLower(c.resource.workspace)
	if len(*page.Values) == 0 {
		v.Warnings = []string{"the token sees no repository in " + c.resource.String() + ", so it was not proved that it is one of it"}
		return v, nil
	}
	first := (*page.Values)[0]
	if first.Type != "repository" || !first.inWorkspace(c.resource.workspace) {
		return providers.Verified{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming %s; it may have been renamed", res.Host, c.resource)
	}
	if first.public() {
		v.Warnings = []string{publicOnly(c.resource)}
	}
	return v, nil
}

// publicOnly is the warning of a token that works, and was shown only what anybody sees.
func publicOnly(r resource) string {
	return "what " + r.String() + " shows is public, so it was not proved that the token was made for it; Atlassian says that an access token reaches nothing else"
}

// credentialKind is what Bitbucket says that it got, in lower case; "" where it does not
// say, or something that nobody knows. Those of other credentials are recorded of OAuth 1
// and app passwords, and reported of API tokens; that of OAuth 2 is a guess.
func credentialKind(res *upstream.Response) string {
	kind := strings.ToLower(strings.TrimSpace(res.Header.Get("X-Credential-Type")))
	if accessKinds()[kind] != "" || slices.Contains([]string{"api_token", "apikey", "oauth1", "oauth2"}, kind) {
		return kind
	}
	return ""
}

// dataCenter is the failure of an answer of Bitbucket Data Center.
func (c bitbucketCheck) dataCenter(res *upstream.Response) *providers.Error {
	return c.Fail(providers.UpstreamError, "%q answers like Bitbucket Data Center; use auth_type pat for that, or check url and proxy_url", res.Host)
}
