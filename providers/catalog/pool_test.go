package catalog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestALimitStopsThePool counts what is asked once GitHub limits the rate.
func TestALimitStopsThePool(t *testing.T) {
	const parallel = 4
	w := newWorld(t)
	fault, _ := providertest.NamedFault("rate_limited", "")
	w.GitHub.Behave(fault)
	var pairs []string
	for i := range 40 {
		pairs = append(pairs, "pat", fmt.Sprintf("ghp_token%d", i))
	}
	_, err := provider(t, "github").Validate(t.Context(), w.Wire(githubTarget()), secrets(pairs...))
	failure := asError(t, err)
	require.Error(t, err)
	assert.Equal(t, providers.RateLimited, failure.Outcome)
	assert.Contains(t, failure.Detail, "tokens not asked about")
	assert.LessOrEqual(t, len(w.GitHub.Requests()), parallel)
	assert.LessOrEqual(t, len(failure.Bad), parallel, "who was not asked is not bad")
	for _, b := range failure.Bad {
		assert.Equal(t, providers.RateLimited, b.Outcome)
	}
}

// TestAnOpenAnswerStopsTheOrganisations counts what is asked after an answer that could
// not tell.
func TestAnOpenAnswerStopsTheOrganisations(t *testing.T) {
	for name, want := range map[string]int{"rate_limited": 1, "unauthorized_empty": 1, "forbidden_html": 1, "server_error": 2, "not_found_html": 1} {
		for _, kind := range []string{"github", "github_actions"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.GitHub.AddClassic("mia", token, "repo", "read:org")
				target := w.Wire(githubTarget())
				target.Settings.Lists["organizations"] = []string{"gone", "one", "two", "three"}
				fault, ok := providertest.NamedFault(name, "")
				require.True(t, ok)
				fault.Path = "/orgs/one"
				w.GitHub.Behave(fault)
				_, err := provider(t, kind).Validate(t.Context(), target, secrets("pat", token))
				assert.Equal(t, providers.InsufficientScope, asError(t, err).Outcome, "the first organisation is missing for sure")
				assert.Equal(t, []string{"gone"}, asError(t, err).Missing)
				asked := map[string]int{}
				for _, r := range w.GitHub.Requests() {
					asked[r.Path]++
				}
				assert.Equal(t, map[string]int{"/user": 1, "/orgs/gone": 1, "/orgs/one": want}, asked)
			})
		}
	}
}

func githubTarget() providers.Target {
	return providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"}
}

// TestALimitBehindAVerdictStopsThePool, too: the first organisation already refuses the
// token, and the limit comes with the second.
func TestALimitBehindAVerdictStopsThePool(t *testing.T) {
	w := newWorld(t)
	var pairs []string
	for i := range 40 {
		name := fmt.Sprintf("ghp_token%d", i)
		w.GitHub.AddClassic(fmt.Sprintf("user%d", i), name, "repo", "read:org")
		pairs = append(pairs, "pat", name)
	}
	target := w.Wire(githubTarget())
	target.Settings.Lists["organizations"] = []string{"gone", "one"}
	fault, _ := providertest.NamedFault("rate_limited", "")
	fault.Path = "/orgs/one"
	w.GitHub.Behave(fault)
	_, err := provider(t, "github").Validate(t.Context(), target, secrets(pairs...))
	assert.Equal(t, providers.InsufficientScope, asError(t, err).Outcome)
	assert.LessOrEqual(t, len(w.GitHub.Requests()), 3*4)
}

// TestTooManyTokensAreNotAsked at all.
func TestTooManyTokensAreNotAsked(t *testing.T) {
	w := newWorld(t)
	target := w.Wire(githubTarget())
	var pairs []string
	for i := range 50 {
		pairs = append(pairs, "pat", fmt.Sprintf("ghp_token%d", i))
		target.Settings.Lists["organizations"] = append(target.Settings.Lists["organizations"], fmt.Sprintf("org%d", i))
	}
	_, err := provider(t, "github").Validate(t.Context(), target, secrets(pairs...))
	assert.Equal(t, []string{"pat", "organizations"}, asError(t, err).Fields)
	assert.Empty(t, w.GitHub.Requests())
}
