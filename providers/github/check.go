package github

import (
	"context"
	"strconv"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// githubVersion is the version of the REST API the checks are written for. Only
// GitHub's own hosts are sure to know it.
// https://docs.github.com/en/rest/about-the-rest-api/api-versions
const githubVersion = "2022-11-28"

// githubCheck is the check of one pool of tokens.
type githubCheck struct {
	probe.Probe
	api    githubAPI
	orgs   []string
	target providers.Target
	// actions is set where every token must also read the runs of GitHub Actions.
	actions bool
	// stop ends the check of all tokens, once GitHub limits the rate.
	stop context.CancelFunc
	// quotas are what the answers about the token under way tell.
	quotas githubQuotas
}

// githubAccount is what GitHub tells of a token.
type githubAccount struct {
	providers.Member
	email string // as GitHub shows it; mostly empty
	// warnings are sentences that go on after "the token".
	warnings []string
}

// newGitHubCheck prepares the check of one target.
func newGitHubCheck(client *upstream.Client, title string, t providers.Target) (githubCheck, *providers.Error) {
	p := probe.New(client, title, githubPAT, t)
	api, err := findGitHubAPI(p, t.URL)
	if err != nil {
		return githubCheck{}, err
	}
	orgs := t.Settings.List(githubOrganizations)
	for _, org := range orgs {
		if !isGitHubLogin(org) {
			return githubCheck{}, p.Invalid(githubOrganizations, "%q is not the login of an organisation", org)
		}
	}
	return githubCheck{Probe: p, api: api, orgs: orgs, target: t, stop: func() {}}, nil
}

// validate checks every token of the pool.
func (c githubCheck) validate(ctx context.Context, cred providers.Credential) (providers.Verified, error) {
	if c.target.AuthType != githubPAT {
		return providers.Verified{}, c.Fail(providers.InvalidField, "auth_type %q cannot be checked", c.target.AuthType)
	}
	ctx, cancel := probe.WithTimeout(ctx, c.target)
	defer cancel()
	v, err := c.pool(ctx, cred.Values(githubPAT), cred.Value(githubEmail).Reveal())
	if err != nil {
		return v, err
	}
	return v, nil
}

func (c githubCheck) ask(ctx context.Context, path string, token providers.Secret) (*upstream.Response, *providers.Error) {
	header := probe.HeaderOf(githubHeaders(token))
	if c.api.vendor {
		header.Set("X-GitHub-Api-Version", githubVersion)
	}
	res, err := c.Get(ctx, c.api.root+path, header)
	if err == nil {
		c.quotas.note(res)
	}
	return res, err
}

// token checks one token, and notes what is told of quotas beside.
func (c githubCheck) token(ctx context.Context, token providers.Secret) (githubAccount, *providers.Error) {
	c.quotas = githubQuotas{}
	a, err := c.rights(ctx, token)
	a.Quotas = c.quotas.list()
	if err != nil {
		err.Quotas = a.Quotas
	}
	return a, err
}

// rights checks a token's account, its scopes, its organisations.
func (c githubCheck) rights(ctx context.Context, token providers.Secret) (githubAccount, *providers.Error) {
	a, err := c.user(ctx, token)
	if err != nil {
		return a, err
	}
	if err := c.RequireScopes(c.target, a.Scopes, githubCovers); err != nil {
		return a, err
	}
	if probe.EndUnread(a.ExpiresAt, a.NoEnd) {
		a.warnings = []string{probe.UnreadEnd}
	}
	warnings, err := c.organizations(ctx, token, a.Scopes != nil)
	a.warnings = append(a.warnings, warnings...)
	if err != nil || !c.actions {
		return a, err
	}
	warnings, err = c.runsOfAll(ctx, token)
	a.warnings = append(a.warnings, warnings...)
	return a, err
}

// user: https://docs.github.com/en/rest/users/users#get-the-authenticated-user
func (c githubCheck) user(ctx context.Context, token providers.Secret) (githubAccount, *providers.Error) {
	var a githubAccount
	res, err := c.ask(ctx, "/user", token)
	if err != nil {
		return a, err
	}
	if err := c.judge(res, ""); err != nil {
		return a, err
	}
	var body struct {
		Login string `json:"login"`
		ID    int64  `json:"id"`
		Email string `json:"email"`
	}
	if err := c.JSON(res, &body); err != nil {
		return a, err
	}
	if body.Login = probe.Printable(body.Login); body.Login == "" || body.ID <= 0 {
		return a, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", res.Host)
	}
	a.Identity = body.Login
	a.AccountID = strconv.FormatInt(body.ID, 10)
	a.Scopes = githubScopes(res)
	told := res.Header.Get("Github-Authentication-Token-Expiration")
	a.ExpiresAt, a.NoEnd = parseGitHubExpiry(told), told == ""
	a.email = probe.Printable(body.Email)
	return a, nil
}
