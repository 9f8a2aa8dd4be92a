package gitlab

import (
	"context"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// gitlabScope is what a token needs for analytics.
const gitlabScope = "read_api"

// gitlabToken is what GitLab tells of a token.
type gitlabToken struct {
	UserID    int64    `json:"user_id"`
	Active    *bool    `json:"active"`
	Revoked   bool     `json:"revoked"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"` // RFC 3339
	ExpiresAt string   `json:"expires_at"` // a date, or null
	// GranularScopes are the permissions of a fine-grained token.
	GranularScopes []gitlabGranularScope `json:"granular_scopes"`
}

type gitlabGranularScope struct {
	Permissions []string `json:"permissions"`
}

// run asks for the token, which any token with legacy scopes may, and for its user,
// which needs a scope but tells that the account can be used.
func (c gitlabCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	token, err := c.self(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	username, err := c.user(ctx, token)
	if err != nil {
		return providers.Verified{}, err
	}
	v := providers.Verified{
		Identity:  username,
		AccountID: strconv.FormatInt(token.UserID, 10),
		Scopes:    gitlabScopes(token.Scopes),
		ExpiresAt: parseGitLabDate(token.ExpiresAt),
		NoEnd:     token.ExpiresAt == "",
	}
	if v.Scopes != nil && !gitlabCovers(v.Scopes, gitlabScope) {
		v.Warnings = []string{"the token lacks the recommended scope " + gitlabScope}
	}
	if probe.EndUnread(v.ExpiresAt, v.NoEnd) {
		v.Warnings = append(v.Warnings, "the token "+probe.UnreadEnd)
	}
	return v, nil
}

// self: https://docs.gitlab.com/api/personal_access_tokens/#retrieve-details-on-the-current-token
func (c gitlabCheck) self(ctx context.Context) (gitlabToken, *providers.Error) {
	var token gitlabToken
	res, err := c.Get(ctx, c.root+"/api/v4/personal_access_tokens/self", c.header)
	if err != nil {
		return token, err
	}
	if err := c.judge(res, "read_personal_access_token"); err != nil {
		return token, err
	}
	if err := c.JSON(res, &token); err != nil {
		return token, err
	}
	switch {
	case token.UserID <= 0 || token.Active == nil:
		return token, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without describing a token; check url", res.Host)
	case token.Revoked:
		return token, c.Fail(providers.Rejected, "the token has been revoked")
	case !*token.Active:
		return token, c.Fail(providers.Rejected, "the token is no longer active: it has expired or been revoked")
	}
	return token, nil
}

// user: https://docs.gitlab.com/api/users/#retrieve-the-current-user
func (c gitlabCheck) user(ctx context.Context, token gitlabToken) (username string, _ *providers.Error) {
	res, err := c.Get(ctx, c.root+"/api/v4/user", c.header)
	if err != nil {
		return "", err
	}
	switch err := c.judge(res, gitlabScope); {
	case err != nil && err.Outcome == providers.Rejected:
		return "", c.RefusedLater(res)
	case err != nil:
		return "", err
	}
	var user struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		State    string `json:"state"`
	}
	if err := c.JSON(res, &user); err != nil {
		return "", err
	}
	return probe.Printable(user.Username), c.judgeUser(res, token, user.ID, probe.Printable(user.Username), user.State)
}

func (c gitlabCheck) judgeUser(res *upstream.Response, token gitlabToken, id int64, username, state string) *providers.Error {
	switch {
	case id <= 0 || username == "":
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", res.Host)
	case id != token.UserID:
		return c.Fail(providers.UpstreamError, "%q names one account as the owner of the token and another as the one that is logged in; something in between changes requests", res.Host)
	case state != "" && state != "active":
		return c.blocked("its account is not active")
	}
	return nil
}

// gitlabScopes returns the rights of a token, nil for fine-grained ones, whose
// only scope is the word granular.
func gitlabScopes(told []string) []string {
	if told == nil || slices.Contains(told, "granular") {
		return nil
	}
	return probe.ScopeNames(told)
}

// gitlabCovers reports whether granted has want, itself or inside a scope that
// includes it.
// https://docs.gitlab.com/security/tokens/access_token_scopes/
func gitlabCovers(granted []string, want string) bool {
	if slices.Contains(granted, want) {
		return true
	}
	switch want {
	case "read_user":
		return gitlabCovers(granted, "read_api")
	case "read_api", "self_rotate":
		return slices.Contains(granted, "api")
	}
	return false
}

// parseGitLabDate reads the date of an expiry: the token ends when it begins, in
// UTC. The zero time means none.
// https://docs.gitlab.com/user/profile/personal_access_tokens/
func parseGitLabDate(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return probe.End(t)
}
