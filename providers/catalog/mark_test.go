package catalog_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// marked puts a byte order mark before a body, as is recorded of Azure DevOps:
// azure-devops-cli-extension test_devops_team_createUpdateShowListDeleteListMember.yaml.
func marked(body string) string { return "\uFEFF" + body }

// TestMarkedAnswers puts a byte order mark before every answer of every upstream: what
// they say is understood as without.
func TestMarkedAnswers(t *testing.T) {
	for name, suite := range catalogtest.Parts() {
		bad := slices.IndexFunc(suite.Cases, func(c catalogtest.Case) bool { return c.Situation == catalogtest.Bad })
		require.GreaterOrEqual(t, bad, 0)
		for _, c := range []catalogtest.Case{suite.Good, suite.Cases[bad]} {
			t.Run(name+" "+c.Name, func(t *testing.T) {
				w := newWorld(t)
				c.Arrange(w)
				for _, f := range w.Fakes() {
					f.Behave(providertest.Fault{Edit: marked})
				}
				p, _ := registry(t).Provider(suite.Provider)
				_, err := p.Validate(t.Context(), w.Wire(c.Target), c.Credential)
				if c.Want == "" {
					require.NoError(t, err)
					return
				}
				assert.Equal(t, c.Want, asError(t, err).Outcome)
			})
		}
	}
}

// TestMarkedGrants is the same of authorization servers.
func TestMarkedGrants(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		client, code := c.client(t), c.consent(t, w)
		c.server.Behave(providertest.Fault{Path: c.path, Edit: marked})
		grant, err := client.Exchange(t.Context(), code, hidden(verifier))
		require.NoError(t, err)
		_, err = client.Refresh(t.Context(), grant.RefreshToken)
		require.NoError(t, err)
		c.server.RevokeGrants()
		_, err = client.Refresh(t.Context(), grant.RefreshToken)
		assert.Equal(t, providers.Rejected, asError(t, err).Outcome)
	})
}

// TestMarkedRotations is the same of rotations.
func TestMarkedRotations(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name, func(t *testing.T) {
			r := rotating(t, one)
			r.made.Behave(providertest.Fault{Edit: marked})
			made := r.rotate(r.prepare(providers.RotationWish{}))
			require.NoError(t, r.validates(made.Credential))
		})
	}
}
