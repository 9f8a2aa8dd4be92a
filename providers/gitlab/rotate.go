package gitlab

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// The rights with which a token can replace itself: the scope of one with legacy
// scopes, which api includes, and the permission of a fine-grained one.
// gitlabhq lib/api/personal_access_tokens/self_rotation.rb
const (
	gitlabSelfRotate       = "self_rotate"
	gitlabRotatePermission = "rotate_personal_access_token"
)

// What a Rotation of GitLab holds.
const (
	gitlabUserID    = "user_id"
	gitlabExpiresAt = "expires_at" // a date
)

// The lives of a successor, in days. A token ends when its date begins, so one day could
// be less than an hour. 365 is what GitLab allows without a setting of its administrator.
// https://docs.gitlab.com/user/profile/personal_access_tokens/
const (
	gitlabShortestLife = 2
	gitlabLongestLife  = 365
)

var _ providers.Rotator = gitlab{}

// RotationUnsupported is for no token: whether one may rotate itself is among its scopes.
func (gitlab) RotationUnsupported(providers.Target) string { return "" }

// Overlaps is false: a token ends in the moment in which its successor is made.
// gitlabhq app/services/personal_access_tokens/rotate_service.rb
func (gitlab) Overlaps() bool { return false }

// Prepare asks whose the token is, whether it may rotate itself, and how long it was to
// live.
func (g gitlab) Prepare(ctx context.Context, t providers.Target, cred providers.Credential, want providers.RotationWish) (providers.Rotation, error) {
	c, err := g.open(t, cred)
	if err != nil {
		return nil, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	token, err := c.self(ctx)
	if err == nil {
		err = c.mayRotate(token)
	}
	if err != nil {
		return nil, err
	}
	return providers.Rotation{
		gitlabUserID:    strconv.FormatInt(token.UserID, 10),
		gitlabExpiresAt: want.Now.UTC().AddDate(0, 0, gitlabDays(token)).Format(time.DateOnly),
	}, nil
}

// mayRotate refuses tokens that GitLab would refuse. Where a fine-grained one does not
// tell its permissions, GitLab is left to judge.
func (c gitlabCheck) mayRotate(token gitlabToken) *providers.Error {
	right := gitlabSelfRotate
	switch {
	case !slices.Contains(token.Scopes, "granular"):
		if gitlabCovers(token.Scopes, gitlabSelfRotate) {
			return nil
		}
	case token.GranularScopes == nil || slices.ContainsFunc(token.GranularScopes, func(s gitlabGranularScope) bool {
		return slices.Contains(s.Permissions, gitlabRotatePermission)
	}):
		return nil
	default:
		right = gitlabRotatePermission
	}
	return c.mayNotRotate(right)
}

func (c gitlabCheck) mayNotRotate(right string) *providers.Error {
	e := c.Fail(providers.InsufficientScope, "the token works, but may not rotate itself; make one with %s", right)
	e.Missing = []string{right}
	return e
}

// gitlabDays is how long a successor lives: as long as the token was to live, as GitLab
// itself counts it (keep_token_lifetime in rotate_service.rb).
func gitlabDays(token gitlabToken) int {
	days := gitlabLongestLife
	ends := parseGitLabDate(token.ExpiresAt)
	created, err := time.Parse(time.RFC3339, token.CreatedAt)
	if err == nil && !ends.IsZero() {
		days = probe.WholeDays(ends.Sub(created.UTC().Truncate(probe.Day)))
	}
	return min(max(days, gitlabShortestLife), gitlabLongestLife)
}

// Rotate: https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token
//
// It must never be sent again with the same token: GitLab takes that for theft, and
// revokes all successors (gitlabhq lib/gitlab/auth/auth_finders.rb). Without expires_at
// the successor would live for a week.
func (g gitlab) Rotate(ctx context.Context, t providers.Target, cred providers.Credential, r providers.Rotation) (providers.Successor, error) {
	c, err := g.open(t, cred)
	if err == nil && parseGitLabDate(r[gitlabExpiresAt]).IsZero() {
		err = c.Unprepared()
	}
	if err != nil {
		return providers.Successor{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	header := c.header.Clone()
	header.Set("Content-Type", "application/json")
	body := []byte(`{"expires_at":"` + r[gitlabExpiresAt] + `"}`)
	res, err := c.Change(ctx, http.MethodPost, c.root+"/api/v4/personal_access_tokens/self/rotate", header, body)
	if err == nil {
		err = c.judgeRotation(res)
	}
	if err != nil {
		return providers.Successor{}, err
	}
	made, err := c.successor(res, cred, r)
	if err != nil {
		return providers.Successor{}, err
	}
	return made, nil
}

// judgeRotation finds what the answer to a rotation says; nil means that the body has to
// prove it. Refusals in GitLab's own form mean that nothing was changed: it is one
// transaction.
func (c gitlabCheck) judgeRotation(res *upstream.Response) *providers.Error {
	var said gitlabRefusal
	readable := res.Peek(&said)
	switch {
	case probe.NotAnAPI(res):
	case res.Status == http.StatusUnauthorized && said.rejects(res) && said.says("revoked"):
		return c.Fail(providers.Rejected, "the token has been revoked, perhaps because it was rotated elsewhere; GitLab takes its use here for theft and revokes its successors too")
	case res.Status == http.StatusForbidden && said.Error == "insufficient_scope":
		return c.mayNotRotate(gitlabSelfRotate)
	case res.Status == http.StatusForbidden && said.Error == "insufficient_granular_scope":
		return c.mayNotRotate(gitlabRotatePermission)
	case res.Status == http.StatusBadRequest && readable && said.refusesRotation(res):
		return c.badRotation(said)
	case res.Status == http.StatusMethodNotAllowed && strings.HasPrefix(said.Message, "405 "):
		return c.Invalid(gitlabPAT, "this is no personal, project or group access token, and cannot be rotated (HTTP 405)")
	case res.Status == http.StatusNotFound:
		return c.Fail(providers.UpstreamError, "%q does not know how a token rotates itself (HTTP 404): it is a GitLab older than 16.10, or url is not its root", res.Host)
	}
	return c.judge(res, gitlabRotatePermission)
}

// refusesRotation reports whether a 400 is GitLab's own: of a service's, or of the only
// parameter's.
func (r gitlabRefusal) refusesRotation(res *upstream.Response) bool {
	return gitlabSigned(res) || strings.HasPrefix(r.Message, "400 ") || strings.HasPrefix(r.Error, gitlabExpiresAt)
}

// badRotation judges the refusals of RotateService, and of the token that it would make.
func (c gitlabCheck) badRotation(said gitlabRefusal) *providers.Error {
	switch {
	case said.says("legacy personal access tokens is disabled"):
		return c.Fail(providers.InsufficientScope, "this GitLab takes fine-grained tokens only, and does not rotate one with legacy scopes; make a fine-grained token")
	case said.says("expir"):
		return c.Fail(providers.InsufficientScope, "GitLab does not take the end of life that the new token was to have; its administrator allows shorter lives only")
	}
	return c.Fail(providers.InsufficientScope, "GitLab refuses to rotate the token (HTTP 400)")
}

// successor believes in a token only if it is one, works and is of the same user.
func (c gitlabCheck) successor(res *upstream.Response, old providers.Credential, r providers.Rotation) (providers.Successor, *providers.Error) {
	var made struct {
		gitlabToken
		Token string `json:"token"`
	}
	if err := c.JSON(res, &made); err != nil {
		return providers.Successor{}, err
	}
	switch {
	case made.UserID <= 0 || made.Active == nil || !*made.Active || made.Revoked || !probe.IsSuccessor(made.Token, old.Value(gitlabPAT)):
		return providers.Successor{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a token that could be used", res.Host)
	case r[gitlabUserID] != "" && r[gitlabUserID] != strconv.FormatInt(made.UserID, 10):
		return providers.Successor{}, c.Fail(providers.UpstreamError, "%q answered with a token of another account; something in between changes requests", res.Host)
	}
	return providers.Successor{Credential: old.With(gitlabPAT, providers.NewSecret(made.Token)), ExpiresAt: parseGitLabDate(made.ExpiresAt)}, nil
}

// Finish has nothing to do: the token before is dead.
func (gitlab) Finish(context.Context, providers.Target, providers.Credential, providers.Rotation) error {
	return nil
}

// Recover asks whether the token is still alive. If it is not, it was rotated, and its
// successor stays upstream where nobody has it: a dead token can remove nothing.
func (g gitlab) Recover(ctx context.Context, t providers.Target, cred providers.Credential, _ providers.Rotation) (bool, error) {
	c, err := g.open(t, cred)
	if err != nil {
		return false, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	_, err = c.self(ctx)
	return probe.Lives(err)
}
