package catalog_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

func TestConformance(t *testing.T) {
	for _, name := range registry(t).Names() {
		t.Run(name, func(t *testing.T) {
			suite, ok := catalogtest.Suites()[name]
			require.True(t, ok, "the provider has no suite in catalogtest.Suites")
			covers(t, suite)
			for title, part := range suite.Parts {
				t.Run(title, func(t *testing.T) { covers(t, part) })
			}
			for _, c := range suite.All() {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					conform(t, name, suite, c)
				})
			}
		})
	}
}

// TestSuites demands that nothing in providertest is left over. That every answer has
// a case is TestEveryAnswerIsMet, there.
func TestSuites(t *testing.T) {
	names := registry(t).Names()
	var cases []string
	for name, suite := range catalogtest.Suites() {
		assert.Contains(t, names, name, "a suite without provider")
		for _, c := range suite.All() {
			assert.False(t, slices.Contains(cases, name+": "+c.Name), "two cases of one name: %s", c.Name)
			cases = append(cases, name+": "+c.Name)
		}
	}
}

func registry(t *testing.T) *providers.Registry {
	t.Helper()
	r := catalog.All("1.2.3-test")
	t.Cleanup(r.Close)
	return r
}

// covers demands a case for every situation, or a reason.
func covers(t *testing.T, s catalogtest.Suite) {
	t.Helper()
	have := map[catalogtest.Situation]bool{}
	for _, c := range s.All() {
		have[c.Situation] = true
	}
	for _, situation := range catalogtest.Situations() {
		if s.Without[situation] == "" {
			assert.True(t, have[situation], "no case for: %s", situation)
		}
	}
	for fault := range s.Unlike {
		assert.Contains(t, providertest.FaultNames(), fault, "there is no such fault")
	}
}

func conform(t *testing.T, provider string, suite catalogtest.Suite, c catalogtest.Case) {
	t.Helper()
	w := catalogtest.NewWorld()
	defer w.Close()
	c.Arrange(w)
	r := registry(t)
	p, ok := r.Provider(provider)
	require.True(t, ok)

	v, err := p.Validate(t.Context(), w.Wire(c.Target), c.Credential)

	failure := asError(t, err)
	if c.Want == "" {
		require.NoError(t, err)
	} else {
		require.Error(t, err)
		assert.Equal(t, c.Want, failure.Outcome, failure.Detail)
		assert.True(t, reflect.ValueOf(v).IsZero() || c.Want == providers.InsufficientScope && v.Identity != "",
			"a failed check tells nothing, but of a token that works and has too few rights")
		wellFormed(t, failure)
	}
	if auth, _ := p.Spec().AuthType(c.Target.AuthType); auth.TakesEnd() {
		assert.False(t, v.NoEnd || !v.ExpiresAt.IsZero(), "an end is entered where the upstream does not tell")
	}
	if c.Check != nil {
		assert.NoError(t, c.Check(v, failure))
	}
	keepsSecrets(t, c.Credential, v, err)
	polite(t, w, suite)
}

func asError(t *testing.T, err error) *providers.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	var failure *providers.Error
	require.ErrorAs(t, err, &failure, "every error of Validate is an *Error")
	return failure
}

// wellFormed demands sentences as the engine writes them.
func wellFormed(t *testing.T, e *providers.Error) {
	t.Helper()
	assert.NotEmpty(t, e.Provider)
	assert.NotEmpty(t, e.Detail)
	assert.False(t, strings.HasSuffix(e.Detail, "."), "%q ends with a full stop", e.Detail)
	assert.NotContains(t, e.Detail, "failed to")
	assert.GreaterOrEqual(t, e.RetryAfter, time.Duration(0))
}

// keepsSecrets looks for the credential in every way of printing the result.
func keepsSecrets(t *testing.T, cred providers.Credential, v providers.Verified, err error) {
	t.Helper()
	encoded, marshalErr := json.Marshal([]any{v, err})
	require.NoError(t, marshalErr)
	shown := string(encoded) + fmt.Sprintf("%v %+v %#v %v %+v %#v %v %+v", v, v, v, err, err, err, cred, cred)
	var failure *providers.Error
	if errors.As(err, &failure) {
		shown += fmt.Sprintf("%+v %#v", *failure, *failure)
	}
	for _, form := range formsOf(cred) {
		assert.NotContains(t, shown, form)
	}
}

// formsOf returns what nobody may see of a credential: its secrets, and how they are
// sent. Base64 without padding is the beginning of that with it.
func formsOf(cred providers.Credential) []string {
	isName := func(field string) bool { return field == "email" || field == "username" }
	around := [][2]string{{"", ""}, {":", ""}, {"", ":"}}
	var forms []string
	for _, field := range cred.Fields() {
		if isName(field) {
			around = append(around, [2]string{cred.Value(field).Reveal() + ":", ""})
		}
	}
	for _, field := range cred.Fields() {
		for _, secret := range cred.Values(field) {
			if isName(field) {
				continue
			}
			forms = append(forms, secret.Reveal())
			for _, a := range around {
				pair := []byte(a[0] + secret.Reveal() + a[1])
				forms = append(forms, base64.RawStdEncoding.EncodeToString(pair), base64.RawURLEncoding.EncodeToString(pair))
			}
		}
	}
	return forms
}

// TestFormsOf looks for what is sent in what keepsSecrets looks for.
func TestFormsOf(t *testing.T) {
	for name, suite := range catalogtest.Parts() {
		p, _ := registry(t).Provider(suite.Provider)
		forms := formsOf(suite.Good.Credential)
		for header, value := range p.Headers(suite.Good.Target.AuthType, suite.Good.Credential) {
			if header != "Accept" && header != "X-GitHub-Api-Version" {
				assert.True(t, slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(value, form) }), "%s: %s", name, header)
			}
		}
	}
}

// polite looks at what the fakes saw of a check.
func polite(t *testing.T, w *catalogtest.World, suite catalogtest.Suite) {
	t.Helper()
	ends := func(path string) func(string) bool {
		return func(end string) bool { return strings.HasSuffix(path, end) }
	}
	for _, f := range w.Fakes() {
		for _, r := range f.Requests() {
			if slices.ContainsFunc(suite.Posts, ends(r.Path)) {
				assert.Equal(t, "POST", r.Method)
				assert.NotZero(t, r.Body)
			} else {
				assert.Equal(t, "GET", r.Method)
				assert.Zero(t, r.Body, "a GET has no body")
			}
			assert.Equal(t, slices.ContainsFunc(suite.Open, ends(r.Path)), r.Auth == "", "a credential is sent where one is needed, and nowhere else: %s", r.Path)
			assert.Equal(t, "vault-plugin-secrets-sei/1.2.3-test", r.UserAgent)
			assert.Contains(t, r.Accept, "json")
			assert.Zero(t, r.Cookies)
		}
	}
	for _, host := range w.Dialled() {
		assert.NotContains(t, host, "elsewhere")
	}
}
