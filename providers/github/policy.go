package github

import (
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// policy is the failure of a token that is kept out by a rule of org, or of the
// enterprise that it belongs to; nil where the refusal speaks of none. An empty org is
// for the requests that are about the token's account.
//
// https://docs.github.com/en/organizations/managing-programmatic-access-to-your-organization/setting-a-personal-access-token-policy-for-your-organization
func (c githubCheck) policy(said githubRefusal, org string) *providers.Error {
	who := said.rulers(org)
	var e *providers.Error
	switch {
	case said.says("ip allow list"):
		e = c.AddressNotListed(who)
	case said.says("lifetime is greater"):
		e = c.Fail(providers.InsufficientScope, "%s forbids tokens that live as long as this one; make one with a shorter life, or shorten its life in its settings", who)
	case said.says("forbids access via"):
		e = c.Fail(providers.InsufficientScope, "%s forbids this kind of token; use another kind, or have an owner change the policy for personal access tokens", who)
	case said.says("oauth app access restrictions"):
		e = c.Fail(providers.InsufficientScope, "%s restricts OAuth apps, and has not approved the one that made this token; have an owner approve it, or use a personal access token", who)
	default:
		return nil
	}
	if org != "" {
		e.Missing, e.Unjudged = []string{org}, false // GitHub has taken the token before
	}
	e.URL = c.settingsPage(said.Message)
	return e
}

// rulers says whose rule a refusal speaks of. The name in it is not repeated.
func (r githubRefusal) rulers(org string) string {
	enterprise := r.says("enterprise forbids") || r.says("enterprise has")
	switch {
	case enterprise && org != "":
		return "the enterprise of the organisation " + org
	case enterprise:
		return "the enterprise of the token's account"
	case org != "":
		return "the organisation " + org
	}
	return "an organisation of the token's account"
}

var (
	linkForm = regexp.MustCompile(`https?://[^\s"'<>]+`)
	// settingsPageForm has no place for a token, whose parts are longer or joined by
	// underscores.
	settingsPageForm = regexp.MustCompile(`^https?://[^/?#]+(/[0-9A-Za-z-]{1,39})+$`)
)

// settingsPage returns the page that a refusal sends people to, "" where it names none
// of this GitHub's.
func (c githubCheck) settingsPage(message string) string {
	for _, link := range linkForm.FindAllString(message, -1) {
		link = strings.TrimRight(link, ".,;:)/")
		if page := probe.ActionURL(link, c.api.scheme, c.api.hosts...); settingsPageForm.MatchString(page) {
			return page
		}
	}
	return ""
}
