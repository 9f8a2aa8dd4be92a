package providers

import (
	"regexp"
	"slices"
	"strings"
)

// maxScopes bounds how many rights are kept, shown and stored of what an upstream
// tells. No vendor has as many.
const maxScopes = 256

var scopeForm = regexp.MustCompile(`^[a-z][a-z0-9_:.-]{0,63}$`)

// scopeNames returns those of told that can be the name of a right, sorted and
// each once; never nil, and no more than maxScopes.
func scopeNames(told []string) []string {
	scopes := []string{}
	for _, s := range told {
		if s = strings.TrimSpace(s); scopeForm.MatchString(s) {
			scopes = append(scopes, s)
		}
	}
	return few(scopes)
}

// few sorts scopes, takes each once, and no more than maxScopes.
func few(scopes []string) []string {
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	return slices.Clip(scopes[:min(len(scopes), maxScopes)])
}

// verdict is what Validate returns of a check: its failure, or what it verified, with a
// failure if that lacks the required scopes. A nil *Error must not become an error that is
// not nil.
func (p probe) verdict(t Target, v Verified, err *Error, covers func(granted []string, want string) bool) (Verified, error) {
	if err != nil {
		return Verified{}, err
	}
	if err := p.requireScopes(t, v.Scopes, covers); err != nil {
		return v, err
	}
	return v, nil
}

// requireScopes demands the setting required_scopes of granted, nil where the
// upstream does not tell. covers is the upstream's rule for scopes that include
// others.
func (p probe) requireScopes(t Target, granted []string, covers func(granted []string, want string) bool) *Error {
	required := t.Settings.List("required_scopes")
	if len(required) == 0 {
		return nil
	}
	if granted == nil {
		e := p.fail(InsufficientScope, "required_scopes is set, but the upstream does not tell which rights this kind of token has; clear required_scopes or use a token whose scopes can be read")
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
	e := p.fail(InsufficientScope, "the token works but lacks required scopes: %s", strings.Join(missing, ", "))
	e.Missing = missing
	return e
}

// hasScope is the rule of upstreams none of whose scopes includes another.
func hasScope(granted []string, want string) bool { return slices.Contains(granted, want) }

// listed splits the values of a header that is a comma-separated list.
func listed(values []string) []string {
	items := strings.Split(strings.Join(values, ","), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
