package probe

import (
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// maxScopes bounds how many rights are kept, shown and stored of what an upstream
// tells. No vendor has as many.
const maxScopes = 256

var scopeForm = regexp.MustCompile(`^[a-z][a-z0-9_:.-]{0,63}$`)

// ScopeNames returns those of told that can be the name of a right, sorted and
// each once; never nil, and no more than maxScopes.
func ScopeNames(told []string) []string {
	scopes := []string{}
	for _, s := range told {
		if s = strings.TrimSpace(s); scopeForm.MatchString(s) {
			scopes = append(scopes, s)
		}
	}
	return Few(scopes)
}

// Few sorts scopes, takes each once, and no more than maxScopes.
func Few(scopes []string) []string {
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	return slices.Clip(scopes[:min(len(scopes), maxScopes)])
}

// Verdict is what Validate returns of a check: its failure, or what it verified, with a
// failure if that lacks the required scopes. A nil *Error must not become an error that is
// not nil.
func (p Probe) Verdict(t providers.Target, v providers.Verified, err *providers.Error, covers func(granted []string, want string) bool) (providers.Verified, error) {
	if err != nil {
		return providers.Verified{}, err
	}
	if err := p.RequireScopes(t, v.Scopes, covers); err != nil {
		return v, err
	}
	return v, nil
}

// RequireScopes demands the setting required_scopes of granted, nil where the
// upstream does not tell. covers is the upstream's rule for scopes that include
// others.
func (p Probe) RequireScopes(t providers.Target, granted []string, covers func(granted []string, want string) bool) *providers.Error {
	required := t.Settings.List("required_scopes")
	if len(required) == 0 {
		return nil
	}
	if granted == nil {
		e := p.Fail(providers.InsufficientScope, "required_scopes is set, but the upstream does not tell which rights this kind of token has; clear required_scopes or use a token whose scopes can be read")
		e.Missing = required
		return e
	}
	var missing []string
	for _, want := range required {
		if !covers(granted, want) {
			missing = append(missing, want)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	e := p.Fail(providers.InsufficientScope, "the token works but lacks required scopes: %s", strings.Join(missing, ", "))
	e.Missing = missing
	return e
}

// HasScope is the rule of upstreams none of whose scopes includes another.
func HasScope(granted []string, want string) bool { return slices.Contains(granted, want) }

// Listed splits the values of a header that is a comma-separated list.
func Listed(values []string) []string {
	items := strings.Split(strings.Join(values, ","), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
