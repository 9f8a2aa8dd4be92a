package providers

import (
	"slices"
	"strings"
)

// githubRefusal is what GitHub says with any status but a good one. It is only
// matched, never quoted.
type githubRefusal struct {
	Message          string `json:"message"`
	DocumentationURL string `json:"documentation_url"`
}

func (r githubRefusal) says(part string) bool {
	return strings.Contains(strings.ToLower(r.Message), part)
}

// genuine reports whether a refusal is GitHub's own: it links to the documentation, or
// says what GitHub is known to say without a link. All others can be anybody's.
func (r githubRefusal) genuine() bool {
	known := []string{
		"account was suspended", "user agent string", "not accessible by integration", "not accessible by personal access token",
		"forbids access via", "ip allow list", "saml enforcement", "you need at least read:org scope",
	}
	return r.Message != "" && (r.DocumentationURL != "" || slices.ContainsFunc(known, r.says))
}

// policy says by which rule of an organisation a token is kept out, "" if by none.
func (r githubRefusal) policy(org string) string {
	switch {
	case r.says("lifetime is greater"):
		return "the organisation " + org + " forbids tokens that live as long as this one; make one with a shorter life"
	case r.says("forbids access via"):
		return "the organisation " + org + " forbids this kind of token; use another kind, or have an owner change the organisation's policy"
	case r.says("ip allow list"):
		return "the organisation " + org + " accepts requests from listed IP addresses only; have an owner list the address of this Vault"
	}
	return ""
}
