package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// States of a membership: GitHub's own, and those that it tells otherwise.
const (
	githubActive   = "active"
	githubPending  = "pending"
	githubBilling  = "billing_manager" // active, but in that role only
	githubStranger = "not affiliated"
	githubUnproved = ""
)

// organizations demands that the token sees each organisation of the settings, and
// looks whether its account is a member. The warnings go on after the name of the
// token.
func (c githubCheck) organizations(ctx context.Context, token providers.Secret, classic bool) (warnings []string, _ *providers.Error) {
	if len(c.orgs) == 0 {
		return nil, nil
	}
	ids := make(map[string]string, len(c.orgs))
	states := map[string][]string{}
	err := c.inEach(func(org string) *providers.Error {
		id, err := c.organization(ctx, token, org)
		if err != nil {
			return err
		}
		state, err := c.membership(ctx, token, org)
		ids[id], states[state] = org, append(states[state], org)
		return err
	})
	if err != nil {
		return nil, err
	}
	warnings = membershipWarnings(states)
	if !classic { // fine-grained tokens are authorised when they are made
		return warnings, nil
	}
	warning, err := c.hiddenBySSO(ctx, token, ids)
	if err != nil {
		return nil, err
	}
	if warning != "" {
		warnings = append(warnings, warning)
	}
	return warnings, nil
}

// inEach calls do for each organisation of the settings and returns the first failure,
// with all that lack the same. It ends with the first answer that could not tell: the
// next ones would be no better.
func (c githubCheck) inEach(do func(org string) *providers.Error) *providers.Error {
	var first *providers.Error
	for _, org := range c.orgs {
		err := do(org)
		switch {
		case err == nil:
		case err.Outcome.CouldNotTell():
			return cmp.Or(first, err)
		case first == nil:
			first = err
		case err.Outcome == first.Outcome:
			first.Missing = append(first.Missing, err.Missing...)
		}
	}
	return first
}

// organization: https://docs.github.com/en/rest/orgs/orgs#get-an-organization
func (c githubCheck) organization(ctx context.Context, token providers.Secret, org string) (id string, _ *providers.Error) {
	res, err := c.ask(ctx, "/orgs/"+url.PathEscape(org), token)
	if err != nil {
		return "", err
	}
	if err := c.judgeLater(res, org); err != nil {
		return "", err
	}
	var body struct {
		Login string `json:"login"`
		ID    int64  `json:"id"`
	}
	if err := c.JSON(res, &body); err != nil {
		return "", err
	}
	if !strings.EqualFold(body.Login, org) || body.ID <= 0 {
		return "", c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming the organisation %s; it may have been renamed", res.Host, org)
	}
	return strconv.FormatInt(body.ID, 10), nil
}

// membership returns the state of the account's membership, githubUnproved where GitHub
// does not tell. Anybody sees a public organisation, so that alone does not make a
// member. A 404 is documented to mean that the account is none; a 403 proves nothing,
// for this question needs a right of its own.
// https://docs.github.com/en/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user
func (c githubCheck) membership(ctx context.Context, token providers.Secret, org string) (state string, _ *providers.Error) {
	res, err := c.ask(ctx, "/user/memberships/orgs/"+url.PathEscape(org), token)
	if err != nil {
		return "", err
	}
	if err := c.judgeLater(res, org); err != nil {
		switch {
		case err.Outcome != providers.InsufficientScope || c.policy(githubSaid(res), org) != nil:
			return "", err
		case res.Status == http.StatusNotFound:
			return githubStranger, nil
		}
		return githubUnproved, nil
	}
	var body struct {
		State        string `json:"state"`
		Role         string `json:"role"`
		Organization struct {
			Login string `json:"login"`
		} `json:"organization"`
	}
	if err := c.JSON(res, &body); err != nil {
		return "", err
	}
	if body.State != githubActive && body.State != githubPending || !strings.EqualFold(body.Organization.Login, org) {
		return "", c.Fail(providers.UpstreamError, "%q answered HTTP 200 without telling a membership in the organisation %s; check url", res.Host, org)
	}
	if body.State == githubActive && body.Role == githubBilling {
		return githubBilling, nil
	}
	return body.State, nil
}

// membershipWarnings speaks of the organisations by the state of the membership.
func membershipWarnings(states map[string][]string) []string {
	var warnings []string
	for _, w := range []struct{ state, sentence string }{
		{githubUnproved, "sees %[1]s, but that the account is a member of %[1]s was not proved: GitHub did not tell it to this token; " +
			"a classic one needs one of the scopes read:org, user and repo for the question, a fine-grained one read access to members"},
		{githubStranger, "sees %[1]s, as anybody may see what is public, but its account is not affiliated with %[1]s; have an owner invite it, or use a token of a member"},
		{githubPending, "sees %[1]s, but that the account is a member of %[1]s was not proved: it is invited and has not accepted"},
		{githubBilling, "sees %[1]s, but its account is a billing manager there and no member, so that it may read repositories of %[1]s was not proved"},
	} {
		if orgs := strings.Join(states[w.state], ", "); orgs != "" {
			warnings = append(warnings, fmt.Sprintf(w.sentence, orgs))
		}
	}
	return warnings
}

// hiddenBySSO looks whether a list leaves out some of the organisations, which GitHub
// tells only in a header of the 200.
// https://docs.github.com/en/rest/orgs/orgs#list-organizations-for-the-authenticated-user
func (c githubCheck) hiddenBySSO(ctx context.Context, token providers.Secret, ids map[string]string) (warning string, _ *providers.Error) {
	res, err := c.ask(ctx, "/user/orgs?per_page=1", token)
	if err != nil {
		return "", err
	}
	if err := c.judgeLater(res, ""); err != nil {
		said := githubSaid(res)
		if c.policy(said, "") != nil {
			return "", err
		}
		if err.Outcome == providers.InsufficientScope || res.Status == http.StatusNotFound && said.genuine(res) {
			return "may not list its organisations, so whether they all know it for their single sign-on was not checked", nil
		}
		return "", err
	}
	var list *[]struct{}
	if err := c.JSON(res, &list); err != nil {
		return "", err
	}
	if list == nil {
		return "", c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a list of organisations; check url", res.Host)
	}
	kind, rest, _ := strings.Cut(res.Header.Get("X-Github-Sso"), ";")
	_, hidden, _ := strings.Cut(rest, "organizations=")
	if strings.TrimSpace(kind) != "partial-results" {
		return "", nil
	}
	var orgs []string
	for id := range strings.SplitSeq(hidden, ",") {
		if org := ids[strings.TrimSpace(id)]; org != "" {
			orgs = append(orgs, org)
		}
	}
	if len(orgs) == 0 {
		return "", nil
	}
	slices.Sort(orgs)
	return "", c.needsSSO(slices.Compact(orgs)...)
}
