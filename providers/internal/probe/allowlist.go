package probe

import (
	"regexp"

	"vault-plugin-secrets-sei/providers"
)

// addressRefusedForm is a sentence about the caller's IP address and a list of those
// that are let in:
//
//   - "has an IP allow list enabled, and your IP address is not permitted": GitHub
//   - "The IP address has been rejected because it is not on the allowlist": Jira
//   - "an admin must whitelist your IP": Bitbucket, Atlassian's knowledge base 1155479141
var addressRefusedForm = regexp.MustCompile(`(?i)\bips?\b.*(?:allow[- ]?list|white[- ]?list|not (?:allowed|permitted|authorized|listed)|rejected|blocked|denied|restrict)` +
	`|(?:allow[- ]?list|white[- ]?list|restrict|reject|block)[a-z]*\b.*\bips?\b`)

// RefusesAddress reports whether a refusal is about the address that the request came
// from, and not about the credential.
func RefusesAddress(text string) bool { return addressRefusedForm.MatchString(text) }

// Texts are all texts in a value of JSON, without the names beside them.
func Texts(value any) []string {
	var texts []string
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, element := range v {
			texts = append(texts, Texts(element)...)
		}
	case map[string]any:
		for _, element := range v {
			texts = append(texts, Texts(element)...)
		}
	}
	return texts
}

// AddressNotListed is the failure of RefusesAddress: whose lets in listed addresses only.
func (p Probe) AddressNotListed(whose string, names ...string) *providers.Error {
	e := p.Fail(providers.InsufficientScope, "%s accepts requests from listed IP addresses only, so the credential was not judged; have an owner list the address of this Vault", whose)
	e.Missing, e.Unjudged = names, true
	return e
}
