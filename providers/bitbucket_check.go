package providers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// The rights that a check needs.
const (
	bitbucketUserScope      = "read:user:bitbucket"
	bitbucketWorkspaceScope = "read:workspace:bitbucket"
)

// bitbucketCheck is one check of one credential.
type bitbucketCheck struct {
	probe
	api       string
	workspace string // "" where none is demanded
	header    http.Header
}

// bitbucketUser is what /user tells.
type bitbucketUser struct {
	Type        string `json:"type"`
	AccountID   string `json:"account_id"`
	UUID        string `json:"uuid"`
	DisplayName string `json:"display_name"`
}

func (c bitbucketCheck) run(ctx context.Context, email string) (Verified, *Error) {
	user, scopes, err := c.user(ctx)
	if err != nil {
		return Verified{}, err
	}
	if err := c.member(ctx); err != nil {
		return Verified{}, err
	}
	return Verified{
		Identity:  firstOf(email, user.DisplayName, user.AccountID, user.UUID),
		AccountID: firstOf(user.AccountID, user.UUID),
		Scopes:    scopes,
	}, nil
}

// user asks whose credential this is.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
func (c bitbucketCheck) user(ctx context.Context) (u bitbucketUser, scopes []string, _ *Error) {
	res, err := c.get(ctx, c.api+"/user", c.header)
	if err != nil {
		return u, nil, err
	}
	if err := c.judge(res); err != nil {
		return u, nil, err
	}
	if err := c.json(res, &u); err != nil {
		return u, nil, err
	}
	u.AccountID, u.UUID, u.DisplayName = printable(u.AccountID), printable(u.UUID), printable(u.DisplayName)
	if u.Type != "user" || u.AccountID == "" && u.UUID == "" {
		return u, nil, c.fail(UpstreamError, "%q answered HTTP 200 without naming a user; check url", res.Host)
	}
	return u, bitbucketScopes(res), nil
}

// bitbucketScopes reads the rights of a token, nil where Bitbucket does not tell.
func bitbucketScopes(res *upstream.Response) []string {
	values, told := res.Header["X-Oauth-Scopes"]
	if !told {
		return nil
	}
	return scopeNames(listed(values))
}

// member demands that the account is a member of the workspace. The workspace
// itself is no proof: anybody may see a public one, and its public repositories.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-workspace-permission-get
func (c bitbucketCheck) member(ctx context.Context) *Error {
	if c.workspace == "" {
		return nil
	}
	res, err := c.get(ctx, c.api+"/user/workspaces/"+url.PathEscape(c.workspace)+"/permission", c.header)
	if err != nil {
		return err
	}
	if err := c.judgeMember(res); err != nil {
		return err
	}
	var body struct {
		Permission string `json:"permission"`
		Workspace  struct {
			Slug string `json:"slug"`
			UUID string `json:"uuid"`
		} `json:"workspace"`
	}
	if err := c.json(res, &body); err != nil {
		return err
	}
	named := body.Workspace.Slug == "" || strings.EqualFold(body.Workspace.Slug, c.workspace) || strings.EqualFold(body.Workspace.UUID, c.workspace)
	if printable(body.Permission) == "" || !named {
		return c.fail(UpstreamError, "%q answered HTTP 200 without telling a permission in the workspace %s; it may have been renamed", res.Host, c.workspace)
	}
	return nil
}
