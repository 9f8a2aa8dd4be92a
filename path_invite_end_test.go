package sei

import (
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
)

// A link that something else has ended while its credential was refused is not said to have
// ended by five refusals.
func TestARefusalOfALinkThatHasEnded(t *testing.T) {
	m := withJira(t)
	path := m.invited(t, "jira", nil)
	c := call{Request: &logical.Request{Operation: logical.UpdateOperation, Path: path}}
	found, err := m.store.Invitations.Find(t.Context(), c.invitationToken())
	require.NoError(t, err)
	require.NoError(t, m.store.Invitations.End(t.Context(), "jira", found.Accessor))
	refusal := &backend.Error{Code: string(providers.Rejected), Integration: "jira", Message: "no"}

	resp := m.refuseInvited(t.Context(), c, found, refusal)
	assert.Equal(t, page.Ended().HTML(), resp.Data[logical.HTTPRawBody])
	assert.Equal(t, 404, resp.Data[logical.HTTPStatusCode])
	question := &backend.Question{Invitation: found.Invitation, InvitationKey: found.Key}
	assert.Equal(t, page.Ended().HTML(), m.refusedReturn(t.Context(), question, refusal).HTML())

	refusal.Last = true
	resp = m.refuseInvited(t.Context(), c, found, refusal)
	assert.Contains(t, resp.Data[logical.HTTPRawBody], fmt.Sprintf("has refused %d credentials", backend.MaxRefusals))
	assert.Contains(t, m.refusedReturn(t.Context(), question, refusal).HTML(), fmt.Sprintf("has refused %d credentials", backend.MaxRefusals))
}

// Where the members of a group do not agree for the moment, the link says that it still works.
func TestALinkThatCannotBeUsedForTheMoment(t *testing.T) {
	m := withInstant(t)
	resp := m.withoutForm(&backend.Error{Code: backend.CodeGroupConflict, Message: "secret-of-operators"}, nil)
	html := fmt.Sprintf("%s", resp.Data[logical.HTTPRawBody])
	assert.Contains(t, html, "It still works once that is mended")
	assert.NotContains(t, html, "secret-of-operators")
	assert.Equal(t, 400, resp.Data[logical.HTTPStatusCode])
}

// Whoever consents by an invitation has no token, and must come back to this callback.
func TestAnInvitationThatDoesNotComeBack(t *testing.T) {
	const host, warns = "https://vault.example.com", "redirect_uri is"
	m := withOAuth(t)
	m.write(t, "config", body{"public_address": host})
	for uri, want := range map[string]string{
		oauthCallbackURI: "", host + "/vault/v1/sei/oauth/callback": "",
		host + "/v1/other/oauth/callback": "the callback of another mount", host + "/a/page/of/our/own": "not the callback of this mount",
		host + "/cb": "Unless a rule in front of Vault leads it here",
	} {
		m.write(t, "integrations/bb", body{"redirect_uri": uri})
		resp, err := m.HandleRequest(t.Context(), &logical.Request{
			Operation: logical.UpdateOperation, Path: "invites/bb", MountPoint: "sei/", Storage: m.storage, Data: body{"identity": "mia"},
		})
		require.NoError(t, err)
		require.False(t, resp.IsError(), uri)
		if want == "" {
			assert.Empty(t, resp.Warnings, uri)
			continue
		}
		require.Len(t, resp.Warnings, 1, uri)
		assert.Contains(t, resp.Warnings[0], warns)
		assert.Contains(t, resp.Warnings[0], want)
	}
}
