package main

import (
	"errors"
	"maps"
	"unicode"

	"vault-plugin-secrets-sei/providers"
)

// mutated is a credential whose first secret differs in one sign.
func (p *plan) mutated(good map[string][]providers.Secret) (map[string][]providers.Secret, error) {
	for _, f := range p.auth.Fields {
		if !f.Kind.Secret() || len(good[f.Name]) == 0 {
			continue
		}
		changed, ok := mutate(good[f.Name][0].Reveal())
		if !ok {
			return nil, errors.New("the good credential has no letter or digit that could be changed")
		}
		next := maps.Clone(good)
		next[f.Name] = []providers.Secret{providers.NewSecret(changed)}
		return next, nil
	}
	return nil, errors.New("the auth type has no secret that could be changed")
}

// mutate changes one letter or digit to another of its kind, so that the form stays what
// it was. It takes one well after the middle: a token begins with what names its kind, and
// may end with padding, the bits of which count for nothing.
func mutate(secret string) (string, bool) {
	signs := []rune(secret)
	for i := len(signs) * 3 / 4; i >= 0 && len(signs) > 0; i-- {
		next, ok := otherThan(signs[min(i, len(signs)-1)])
		if ok {
			signs[min(i, len(signs)-1)] = next
			return string(signs), true
		}
	}
	return "", false
}

// otherThan is the next sign of the same kind.
func otherThan(r rune) (rune, bool) {
	switch {
	case r > unicode.MaxASCII:
		return r, false
	case r == 'z', r == 'Z':
		return r - 25, true
	case r == 'f', r == 'F': // what is hexadecimal stays so
		return r - 5, true
	case r == '9':
		return '0', true
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return r + 1, true
	}
	return r, false
}
