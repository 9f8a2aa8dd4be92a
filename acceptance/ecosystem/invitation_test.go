package ecosystem_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// invitedMount is a mount whose people come by links.
type invitedMount struct {
	*harness.Server
	fakes *harness.Fakes
	// axe is the script that finds what keeps people from using a page, "" without npm.
	axe string
}

// startInvited has a mount that knows the address by which people reach it.
func startInvited(t *testing.T) *invitedMount {
	t.Helper()
	layer.Check(t, "people at a browser")
	harness.PrepareBrowser(t)
	m := &invitedMount{Server: harness.StartDev(t), fakes: harness.StartFakes(t), axe: harness.Axe(t)}
	m.Mount(t, "sei")
	m.write(t, "config", map[string]any{"allowed_hosts": append(m.fakes.World.AllowedHosts(), "http://127.0.0.1"), "public_address": m.Addr})
	return m
}

func (m *invitedMount) write(t *testing.T, path string, data map[string]any) {
	t.Helper()
	harness.Write(t, m.Client(t).Logical(), "sei/"+path, data)
}

// invites returns the link of an invitation.
func (m *invitedMount) invites(t *testing.T, name string, data map[string]any) string {
	t.Helper()
	answer, err := m.Client(t).Logical().WriteWithContext(t.Context(), "sei/invites/"+name, data)
	require.NoError(t, err)
	link, _ := answer.Data["url"].(string)
	return link
}

// looks takes pictures of a page in both sizes, and looks for barriers in it.
func (m *invitedMount) looks(t *testing.T, name string) []string {
	t.Helper()
	var steps []string
	for _, size := range []string{"360x740", "1440x900"} {
		width, _, _ := strings.Cut(size, "x")
		steps = append(steps, "size", size, "shot", harness.Shot(t, fmt.Sprintf("%s_%s.png", name, width)))
		if m.axe != "" {
			steps = append(steps, "axe", m.axe)
		}
	}
	return append(steps, "offline", "console")
}

// enters fills fields in, which are CSS selectors and texts in turn, and presses the button.
func enters(fields ...string) []string {
	var steps []string
	for i := 0; i < len(fields); i += 2 {
		steps = append(steps, "press", fields[i], "fill", fields[i+1])
	}
	return append(steps, "click", "button")
}

// surf takes steps in a browser that reaches the fakes.
func (m *invitedMount) surf(t *testing.T, steps ...[]string) string {
	t.Helper()
	all := []string{"-proxy", m.fakes.World.ProxyURL(), "-insecure"}
	for _, some := range steps {
		all = append(all, some...)
	}
	return browse(t, all...)
}

// A notification, a link, a form: wrong key, which is explained and changes nothing; right
// key; healthy. It takes seconds, of which the test tells.
func TestFromANotificationToAHealthyIntegration(t *testing.T) {
	m := startInvited(t)
	const ada, old, fresh, wrong = "ada@example.com", "invited-story-old", "invited-story-new", "invited-story-wrong"
	m.fakes.World.Jira.AddAPIToken(ada, old)
	m.fakes.World.Jira.AddAPIToken(ada, fresh)
	m.write(t, "integrations/jira-prod", map[string]any{"provider": "jira", "auth_type": "api_key", "url": m.fakes.URLs["JIRA"]})
	m.write(t, "reauth/jira-prod", map[string]any{"email": ada, "api_key": old})
	receiver := harness.StartReceiver(t)
	m.write(t, "notify/ops", map[string]any{"url": receiver.Hook("invited"), "invite": true, "settle": 0})
	m.fakes.World.Jira.Revoke(old)
	m.write(t, "health/jira-prod", nil)

	link := regexp.MustCompile(`"url":"(http[^"]+/invite/[\w-]+)"`)
	var found []string
	m.Wait(t, "a message with a link", func(context.Context) bool {
		found = link.FindStringSubmatch(receiver.Got())
		return found != nil
	})
	begun := time.Now()
	text := m.surf(t, []string{"open", found[1], "await", "Validate Connection", "size", "760x900", "shot", harness.Shot(t, "invitation.png")}, m.looks(t, "invitation"),
		enters("#email", ada, "#api_key", wrong), []string{"status", "400", "await", "stays in use"}, m.looks(t, "invitation_refused"), []string{"text", "html"})
	assert.Contains(t, text, "After 4 more refusals")
	assert.Contains(t, text, `value="`+ada+`"`)
	assert.NotContains(t, text, wrong)
	assert.Equal(t, json.Number("1"), m.ReadOf(t, "health/jira-prod")["version"], "the old version stays")
	text = m.surf(t, []string{"open", found[1]}, enters("#email", ada, "#api_key", fresh), []string{"status", "200", "await", "Re-authenticated"}, m.looks(t, "invitation_done"), []string{"text"})
	assert.Contains(t, text, "jira-prod")
	m.Wait(t, "healthy", func(context.Context) bool { return m.ReadOf(t, "health/jira-prod")["status"] == "healthy" })
	t.Logf("%.1f s from the message to healthy, with a wrong key on the way", time.Since(begun).Seconds())
	assert.Equal(t, fresh, m.ReadOf(t, "creds/jira-prod")["api_key"])
	m.surf(t, []string{"open", found[1], "status", "404", "await", "This link does not work"}, m.looks(t, "invitation_ended"))
	entries, _ := m.ReadOf(t, "history/jira-prod")["entries"].([]any)
	newest, _ := entries[0].(map[string]any)
	assert.Equal(t, "notify/ops", newest["display_name"])
	assert.NotEmpty(t, newest["invitation"])
	keepPicture(t, "invitation.png")
}

// keepPicture updates the picture in docs/, if asked to.
func keepPicture(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("UPDATE_DOCS") == "" {
		return
	}
	picture, err := os.ReadFile(harness.Shot(t, name))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("../../docs/images/"+name, picture, 0o644))
}

// Boards, repos and pipelines are renewed by one form, which says so.
func TestAnInvitationForAGroup(t *testing.T) {
	m := startInvited(t)
	const ada, old, fresh = "ada@example.com", "invited-story-ado-old", "invited-story-ado-new"
	m.fakes.World.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
	for _, token := range []string{old, fresh} {
		m.fakes.World.AzureDevOps.AddPAT("acme", ada, token)
	}
	for _, service := range []string{"boards", "repos", "pipelines"} {
		m.write(t, "integrations/ado-"+service, map[string]any{
			"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": service,
			"proxy_url": m.fakes.World.ProxyURL(), "ca_cert": m.fakes.World.CAPEM(),
		})
	}
	m.write(t, "reauth/ado-boards", map[string]any{"email": ada, "pat": old})
	link := m.invites(t, "ado-boards", map[string]any{"note": "the old one ends on Friday"})
	text := m.surf(t, []string{"open", link, "await", "Also updates"}, m.looks(t, "invitation_group"),
		enters("#email", ada, "#pat", fresh), []string{"await", "Re-authenticated", "text"})
	assert.Contains(t, text, "ado-pipelines, ado-repos")
	for _, service := range []string{"boards", "repos", "pipelines"} {
		assert.Equal(t, fresh, m.ReadOf(t, "creds/ado-"+service)["pat"])
	}
}

// With OAuth the form is one button, which leads to the vendor. Who comes back is asked
// before anything is stored. Somebody else's account is refused; the right one is healthy
// after seconds, of which the test tells.
func TestAnInvitationForOAuth(t *testing.T) {
	m := startInvited(t)
	const secret = "invited-story-client-secret"
	callback := m.Addr + "/v1/sei/oauth/callback"
	bitbucket := m.fakes.World.Bitbucket
	bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: secret, RedirectURI: callback, Scopes: []string{"account"}})
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	m.write(t, "integrations/bb", map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": secret, "redirect_uri": callback,
		"proxy_url": m.fakes.World.ProxyURL(), "ca_cert": m.fakes.World.CAPEM(),
	})
	asked, err := m.Client(t).Logical().WriteWithContext(t.Context(), "sei/oauth/authorize/bb", nil)
	require.NoError(t, err)
	consents := []string{"await", "Grant access", "click", "#grant", "await", "Connect your account to bb?", "status", "200"}
	m.surf(t, []string{"open", fmt.Sprint(asked.Data["authorize_url"])}, consents, []string{"click", "button", "await", "Re-authenticated"})
	link := m.invites(t, "bb", nil) // for the account that consented
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "eve@example.com"})
	m.surf(t, []string{"open", link, "click", "button"}, consents,
		[]string{"click", "button", "status", "400", "await", "identity_pinned", "await", "open the link of the invitation"}, m.looks(t, "invitation_oauth_other"))
	assert.Equal(t, json.Number("1"), m.ReadOf(t, "creds/bb")["version"])
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	begun := time.Now()
	text := m.surf(t, []string{"open", link, "await", "Continue to Bitbucket"}, m.looks(t, "invitation_oauth"), []string{"click", "button"}, consents,
		[]string{"size", "760x900", "shot", harness.Shot(t, "oauth-confirm.png")}, m.looks(t, "invitation_oauth_confirm"), []string{"text", "click", "button", "await", "Re-authenticated", "status", "200"}, m.looks(t, "invitation_oauth_done"))
	m.Wait(t, "healthy", func(context.Context) bool { return m.ReadOf(t, "health/bb")["status"] == "healthy" })
	t.Logf("%.1f s from the link to healthy, with the vendor's page and the confirmation", time.Since(begun).Seconds())
	for _, said := range []string{"has invited you", "User ada, and no other", "Asked for by"} {
		assert.Contains(t, text, said)
	}
	assert.Equal(t, json.Number("2"), m.ReadOf(t, "creds/bb")["version"])
	m.surf(t, []string{"open", link, "status", "404"})
	keepPicture(t, "oauth-confirm.png")
}

// The tokens of a pool stand one a line, and a bad one is named by its position.
func TestAnInvitationForAPool(t *testing.T) {
	m := startInvited(t)
	for _, token := range []string{"ghp_invited_one", "ghp_invited_two", "ghp_invited_three"} {
		m.fakes.World.GitHubEnterprise.AddClassic("octocat", token, "repo", "read:org")
	}
	m.write(t, "integrations/github-prod", map[string]any{"provider": "github", "url": m.fakes.URLs["GITHUB"]})
	m.write(t, "reauth/github-prod", map[string]any{"pat": "ghp_invited_one"})
	link := m.invites(t, "github-prod", nil)
	text := m.surf(t, []string{"open", link, "await", "One a line"}, m.looks(t, "invitation_pool"),
		enters("#pat-1", "ghp_invited_two", "#pat-2", "ghp_invited_typo"), []string{"status", "400", "await", "token 2"}, m.looks(t, "invitation_pool_refused"), []string{"html"})
	assert.NotContains(t, text, "ghp_invited")
	m.surf(t, []string{"open", link}, enters("#pat-1", "ghp_invited_two", "#pat-2", "ghp_invited_three"), []string{"await", "Re-authenticated"})
	assert.ElementsMatch(t, []any{"ghp_invited_two", "ghp_invited_three"}, m.ReadOf(t, "creds/github-prod")["pats"])
}
