package github

import (
	"context"
	"net/url"
	"regexp"
	"slices"

	"vault-plugin-secrets-sei/providers"
)

// githubActionsRight is the permission of a fine-grained token; classic tokens
// need the scope repo.
const githubActionsRight = "actions:read"

// githubRepository is one item of a list.
type githubRepository struct {
	Name    string `json:"name"`
	Private bool   `json:"private"`
}

// runsOfAll demands that the token reads the runs in each organisation of the
// settings. The warnings go on after the name of the token.
func (c githubCheck) runsOfAll(ctx context.Context, token providers.Secret) (warnings []string, _ *providers.Error) {
	first := c.inEach(func(org string) *providers.Error {
		warning, err := c.runsOf(ctx, token, org)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		return err
	})
	if first != nil {
		slices.Sort(first.Missing)
		first.Missing = slices.Compact(first.Missing)
		return nil, first
	}
	return warnings, nil
}

// runsOf looks for a repository that can prove the right: anybody may read the
// runs of a public one.
func (c githubCheck) runsOf(ctx context.Context, token providers.Secret, org string) (warning string, _ *providers.Error) {
	repo, err := c.repository(ctx, token, org, "private")
	if err == nil && repo.Name == "" {
		repo, err = c.repository(ctx, token, org, "all")
	}
	switch {
	case err != nil:
		return "", err
	case repo.Name == "":
		return "sees no repository of the organisation " + org + ", so it was not checked whether it may read the runs of GitHub Actions there", nil
	}
	if err := c.runs(ctx, token, org, repo.Name); err != nil {
		return "", err
	}
	if !repo.Private {
		return "sees only public repositories of the organisation " + org + ", whose runs of GitHub Actions anybody may read, so its right to read others was not proved", nil
	}
	return "", nil
}

// repository finds one repository of a kind; its name is empty if none is visible.
// https://docs.github.com/en/rest/repos/repos#list-organization-repositories
func (c githubCheck) repository(ctx context.Context, token providers.Secret, org, kind string) (githubRepository, *providers.Error) {
	var found githubRepository
	res, err := c.ask(ctx, "/orgs/"+url.PathEscape(org)+"/repos?per_page=1&type="+kind, token)
	if err != nil {
		return found, err
	}
	if err := c.judgeLater(res, org); err != nil {
		return found, err
	}
	var list *[]githubRepository
	if err := c.JSON(res, &list); err != nil {
		return found, err
	}
	switch {
	case list == nil:
		return found, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a list of repositories; check url", res.Host)
	case len(*list) == 0:
		return found, nil
	}
	found = (*list)[0]
	if !isGitHubRepository(found.Name) {
		return found, c.Fail(providers.UpstreamError, "%q answered HTTP 200 with a repository that has no name; check url", res.Host)
	}
	return found, nil
}

var githubRepositoryForm = regexp.MustCompile(`^[0-9A-Za-z._-]{1,100}$`)

// isGitHubRepository accepts what can be one segment of a path.
func isGitHubRepository(name string) bool {
	return name != "." && name != ".." && githubRepositoryForm.MatchString(name)
}

// runs: https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
func (c githubCheck) runs(ctx context.Context, token providers.Secret, org, repo string) *providers.Error {
	res, err := c.ask(ctx, "/repos/"+url.PathEscape(org)+"/"+url.PathEscape(repo)+"/actions/runs?per_page=1", token)
	if err != nil {
		return err
	}
	if err := c.judgeLater(res, org); err != nil {
		if err.Outcome == providers.InsufficientScope && c.policy(githubSaid(res), org) == nil {
			err.Detail = "the token may not read the runs of GitHub Actions in the organisation " + org + "; a fine-grained token needs read access to actions, a classic one the scope repo"
			err.Missing = []string{githubActionsRight, org}
		}
		return err
	}
	var body struct {
		TotalCount *int `json:"total_count"`
	}
	if err := c.JSON(res, &body); err != nil {
		return err
	}
	if body.TotalCount == nil {
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a count of runs; check url", res.Host)
	}
	return nil
}
