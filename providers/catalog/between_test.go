package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestAnswersOfOthers lets whatever can stand before an upstream refuse each request
// that carries the credential: that is no word on it.
func TestAnswersOfOthers(t *testing.T) {
	for _, name := range registry(t).Names() {
		suite := catalogtest.Suites()[name]
		require.NotEmpty(t, suite.Questions, name)
		for _, q := range suite.Questions {
			t.Run(name+" "+q.Of.Target.URL+" "+q.Path, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				q.Of.Arrange(w)
				p, target := provider(t, name), w.Wire(q.Of.Target)
				_, err := p.Validate(t.Context(), target, q.Of.Credential)
				require.NoError(t, err)
				require.True(t, slices.ContainsFunc(q.Fake(w).Requests(), func(r providertest.Request) bool { return strings.HasSuffix(r.Path, q.Path) }), "it is asked")
				for answer, fault := range providertest.Between() {
					fault.Path = q.Path
					q.Fake(w).Behave(fault)
					_, err := p.Validate(t.Context(), target, q.Of.Credential)
					failure := asError(t, err)
					if want := q.Wants(answer); want == "" {
						assert.NoError(t, err, answer)
					} else if assert.Error(t, err, answer) {
						assert.Equal(t, want, failure.Outcome, "%s: %s", answer, failure.Detail)
						wellFormed(t, failure)
					}
				}
			})
		}
	}
}

// rotationQuestions are the requests of a rotation, by its steps.
func rotationQuestions() map[string]map[string]string {
	return map[string]map[string]string{
		"GitLab":    {"prepare": "/self", "rotate": "/self/rotate", "recover": "/self"},
		"Harness":   {"prepare": "/token/validate", "rotate": "/token", "recover": "/token/validate"},
		"SonarQube": {"prepare": "/users/current", "rotate": "/user_tokens/generate", "finish": "/user_tokens/revoke", "recover": "/users/current"},
	}
}

// ownAnswer reports whether the upstream of a rotation answers so itself. Harness does
// so to the check alone.
func ownAnswer(provider, answer, path string) bool {
	return provider == "sonarqube" && answer == providertest.BareUnauthorized ||
		provider == "harness" && answer == providertest.BareForbidden && path == "/token/validate"
}

// TestRotationsAndAnswersOfOthers is the same for rotations: nobody may take a token
// for dead, nor a rotation for one that was not carried out.
func TestRotationsAndAnswersOfOthers(t *testing.T) {
	for name, steps := range rotationQuestions() {
		one := rotatedOnes()[name]
		for step, path := range steps {
			t.Run(name+" "+step, func(t *testing.T) {
				t.Parallel()
				r := rotating(t, one)
				prepared := r.prepare(providers.RotationWish{})
				finish := providers.Rotation{"replaces": "vault-sei-0123456789abcdef"}
				for answer, fault := range providertest.Between() {
					if ownAnswer(one.provider, answer, path) {
						continue
					}
					fault.Path = path
					r.made.Forget()
					r.made.Behave(fault)
					var err error
					switch step {
					case "prepare":
						_, err = r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
					case "rotate":
						_, err = r.by.Rotate(t.Context(), r.target, r.cred, prepared)
					case "finish":
						err = r.by.Finish(t.Context(), r.target, r.cred, finish)
					case "recover":
						_, err = r.by.Recover(t.Context(), r.target, r.cred, prepared)
					}
					require.NotEmpty(t, r.made.Requests(), "it is asked")
					if assert.Error(t, err, answer) {
						assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome, "%s: %s", answer, asError(t, err).Detail)
					}
				}
			})
		}
	}
}
