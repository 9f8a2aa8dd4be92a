package bitbucket

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// The rights that a check needs.
const (
	bitbucketUserScope      = "read:user:bitbucket"
	bitbucketWorkspaceScope = "read:workspace:bitbucket"
)

// bitbucketCheck is one check of one credential.
type bitbucketCheck struct {
	probe.Probe
	api       string
	workspace string // "" where none is demanded
	oauth     bool   // an access token and no API token
	header    http.Header
	// ofResource is set where what was entered as API token begins like an access token.
	ofResource bool
}

// bitbucketUser is what /user tells.
type bitbucketUser struct {
	Type        string `json:"type"`
	AccountID   string `json:"account_id"`
	UUID        string `json:"uuid"`
	DisplayName string `json:"display_name"`
}

func (c bitbucketCheck) run(ctx context.Context, email string) (providers.Verified, *providers.Error) {
	user, scopes, err := c.user(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	if err := c.member(ctx); err != nil {
		return providers.Verified{}, err
	}
	return providers.Verified{
		Identity:  cmp.Or(email, user.DisplayName, user.AccountID, user.UUID),
		AccountID: cmp.Or(user.AccountID, user.UUID),
		Scopes:    scopes,
	}, nil
}

// user asks whose credential this is.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
func (c bitbucketCheck) user(ctx context.Context) (u bitbucketUser, scopes []string, _ *providers.Error) {
	res, err := c.Get(ctx, c.api+"/user", c.header)
	if err != nil {
		return u, nil, err
	}
	if err := c.judge(res); err != nil {
		return u, nil, err
	}
	if err := c.JSON(res, &u); err != nil {
		return u, nil, err
	}
	u.AccountID, u.UUID, u.DisplayName = probe.Printable(u.AccountID), probe.Printable(u.UUID), probe.Printable(u.DisplayName)
	if u.Type != "user" || u.AccountID == "" && u.UUID == "" {
		return u, nil, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming a user; check url", res.Host)
	}
	return u, bitbucketScopes(res), nil
}

// bitbucketScopes reads the rights of a token, nil where Bitbucket does not tell.
func bitbucketScopes(res *upstream.Response) []string {
	values, told := res.Header["X-Oauth-Scopes"]
	if !told {
		return nil
	}
	return probe.ScopeNames(probe.Listed(values))
}

// member demands that the account is a member of the workspace. The workspace
// itself is no proof: anybody may see a public one, and its public repositories.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-workspace-permission-get
func (c bitbucketCheck) member(ctx context.Context) *providers.Error {
	if c.workspace == "" {
		return nil
	}
	res, err := c.Get(ctx, c.api+"/user/workspaces/"+url.PathEscape(c.workspace)+"/permission", c.header)
	if err != nil {
		return err
	}
	if err := c.judgeMember(res); err != nil {
		return err
	}
	var told bitbucketMembership
	if err := c.JSON(res, &told); err != nil {
		return err
	}
	return c.judgeMembership(res, told)
}

// bitbucketMembership is what Bitbucket tells of an account in a workspace.
type bitbucketMembership struct {
	Permission string `json:"permission"`
	Workspace  struct {
		Slug string `json:"slug"`
		UUID string `json:"uuid"`
	} `json:"workspace"`
}

// of reports whether the membership is one in the workspace of that id or UUID.
func (m bitbucketMembership) of(workspace string) bool {
	if strings.HasPrefix(workspace, "{") {
		return m.Workspace.UUID == workspace
	}
	return strings.EqualFold(m.Workspace.Slug, workspace)
}

// judgeMembership believes the permissions that are documented, in the workspace
// that was asked for.
func (c bitbucketCheck) judgeMembership(res *upstream.Response, told bitbucketMembership) *providers.Error {
	switch {
	case !told.of(c.workspace):
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming the workspace %s; it may have been renamed, or its UUID is written otherwise", res.Host, c.workspace)
	case slices.Contains([]string{"owner", "create-project", "collaborator", "member"}, told.Permission):
		return nil
	case told.Permission == "none":
		return c.noMember(res)
	}
	return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without telling a permission in the workspace %s that is known", res.Host, c.workspace)
}
