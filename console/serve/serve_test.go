package serve_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	jira = "/integration?mount=sei/&name=jira-prod"
	key  = "canary-of-a-key"
)

func TestTheFleetOnOnePage(t *testing.T) {
	c := newConsole(t, "sei", everything())
	status, text := c.get(t, "/fleet?mount=sei/")
	require.Equal(t, 200, status)
	assert.Equal(t, []string{"GET sei/status", "LIST sei/health", "LIST sei/notify", "PUT sys/capabilities-self"}, c.requests(), "as few as there are things to say")
	for _, said := range []string{
		"<strong>8</strong> in all", "<strong>2</strong> Needs re-authentication", "Needs a person", "there is no credential; write one to reauth/bitbucket-oauth",
		"What expires next", "1 credential ends in the next 26 weeks", "in 19 days", "team=a", "By provider", "127.0.0.1:1", "New integration",
	} {
		assert.Contains(t, text, said)
	}
	assert.Less(t, strings.Index(text, "Needs a person"), strings.Index(text, "All integrations"), "what needs a person comes first")

	_, text = c.get(t, "/fleet?mount=sei/&q=ADO&status=healthy&provider=azure_devops")
	assert.Contains(t, text, "3 of 8 shown")
	assert.NotContains(t, text, "jira-new")
	_, text = c.get(t, "/fleet?mount=sei/&label=team%3Da")
	assert.Contains(t, text, "1 of 8 shown")
}

// The first page does not wait for 2,000 integrations one by one, and is not as long as they
// are many.
func TestAFleetOfThousands(t *testing.T) {
	c := newConsole(t, "sei", everything())
	var info strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&info, `,"integration-%04d":{"status":"healthy","reason":"","checked_at":"","expires_at":"2027-01-%02dT00:00:00Z","provider":"gitlab","labels":{"team":"t%d"}}`, i, 1+i%28, i%9)
	}
	c.answers["LIST sei/health"] = "thousands"
	path := "testdata/thousands.json"
	require.NoError(t, os.WriteFile(path, []byte(`{"data":{"key_info":{`+info.String()[1:]+`}}}`), 0o600))
	t.Cleanup(func() { _ = os.Remove(path) })
	began := time.Now()
	status, text := c.get(t, "/fleet?mount=sei/")
	assert.Less(t, time.Since(began), time.Second)
	assert.Equal(t, 200, status)
	assert.Len(t, c.requests(), 4)
	assert.Contains(t, text, "2000 of 2000 shown, page 1 of 20")
	assert.Less(t, len(text), 100_000)
	_, text = c.get(t, "/fleet?mount=sei/&page=20&label=team")
	assert.Contains(t, text, "integration-1999")
}

// What a token may not do is neither asked for nor offered.
func TestEachSeesWhatItMay(t *testing.T) {
	for name, c := range map[string]struct {
		rights map[string][]string
		asked  []string
		shown  []string
		hidden []string
	}{
		"one integration": {
			map[string][]string{"sei/reauth/jira-prod": {"read", "update"}, "sei/health/jira-prod": {"read"}},
			[]string{"GET sei/health/jira-prod", "GET sei/reauth/jira-prod", "PUT sys/capabilities-self"},
			[]string{"Validate Connection", "Healthy"},
			[]string{"Check now", "Rotate", "Roll back", "Configuration", "History", "Invite", "Change configuration"},
		},
		"reauth alone": {
			map[string][]string{"sei/reauth/jira-prod": {"read", "update"}},
			[]string{"GET sei/reauth/jira-prod", "PUT sys/capabilities-self"},
			[]string{"Validate Connection"},
			[]string{"Check now", "Rotate", "Roll back", "Configuration", "History", "Healthy"},
		},
		"reading alone": {
			map[string][]string{"sei/integrations/jira-prod": {"read"}, "sei/health/jira-prod": {"read"}, "sei/history/jira-prod": {"read"}, "sei/reauth/jira-prod": {"read"}},
			[]string{"GET sei/health/jira-prod", "GET sei/history/jira-prod", "GET sei/integrations/jira-prod", "GET sei/reauth/jira-prod", "PUT sys/capabilities-self"},
			[]string{"Configuration", "History", "Issue tracker", "Re-authenticated"},
			[]string{"<button", "Change configuration"},
		},
		"everything": {
			everything(),
			[]string{"GET sei/health/jira-prod", "GET sei/history/jira-prod", "GET sei/integrations/jira-prod", "GET sei/invites/jira-prod", "GET sei/reauth/jira-prod", "PUT sys/capabilities-self"},
			[]string{"Validate Connection", "Check now", "Change configuration"},
			[]string{"Rotate", "Roll back", "Invite"}, // the upstream cannot, there is none before, an older engine
		},
	} {
		t.Run(name, func(t *testing.T) {
			console := newConsole(t, "sei", c.rights)
			status, text := console.get(t, jira)
			assert.Equal(t, 200, status)
			assert.Equal(t, c.asked, console.requests())
			for _, said := range c.shown {
				assert.Contains(t, text, said)
			}
			for _, said := range c.hidden {
				assert.NotContains(t, text, said)
			}
		})
	}
}

// Whoever may not list finds the integrations that the policy names.
func TestWhoMayNotList(t *testing.T) {
	c := newConsole(t, "sei", map[string][]string{"sei/reauth/jira-prod": {"read", "update"}})
	status, text := c.get(t, "/fleet?mount=sei/")
	assert.Equal(t, 200, status)
	assert.Equal(t, []string{"GET sys/internal/ui/resultant-acl", "PUT sys/capabilities-self"}, c.requests())
	assert.Contains(t, text, ">jira-prod</a>")
	assert.NotContains(t, text, "All integrations")
	status, text = c.get(t, "/integration?mount=sei/&name=github-prod")
	assert.Equal(t, 403, status)
	assert.Contains(t, text, "policies do not allow this")
	assert.Equal(t, []string{"PUT sys/capabilities-self"}, c.requests(), "nothing is tried that is known to be refused")
}

func TestReauthenticate(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["PUT sei/reauth/jira-prod"] = "refused-key"
	form := url.Values{"f.email": {"ada@example.com"}, "f.api_key": {key}, "f.expires_at": {""}, "f.url": {"https://evil.example"}, "url": {"x"}}
	status, text := c.post(t, "/reauth?mount=sei/&name=jira-prod", form)
	assert.Equal(t, 422, status)
	assert.Equal(t, map[string]any{"email": "ada@example.com", "api_key": key}, c.sentTo("sei/reauth/jira-prod"), "what the engine described, and nothing else")
	assert.Contains(t, text, "refused the e-mail and API token")
	assert.Contains(t, text, "version 1 stays in use")
	assert.Contains(t, text, `value="ada@example.com"`)
	assert.NotContains(t, text, key)

	c.answers["PUT sei/reauth/jira-prod"] = "reauthenticated"
	status, text = c.post(t, "/reauth?mount=sei/&name=jira-prod", form)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, "Re-authenticated: version 2 is in use, of ada@example.com.")
	assert.NotContains(t, text, key)
}

// The tokens of a pool are one for each input, masked; a single one may be several with commas.
func TestAPoolIsEnteredLineByLine(t *testing.T) {
	c := newConsole(t, "sei", everything())
	_, text := c.get(t, "/integration?mount=sei/&name=github-prod")
	assert.Equal(t, 4, strings.Count(text, `name="f.pat" type="password"`))
	assert.Contains(t, text, "Tokens of the pool")
	_, text = c.get(t, "/integration?mount=sei/&name=github-prod&rows=12")
	assert.Equal(t, 12, strings.Count(text, `name="f.pat" type="password"`))
	c.answers["PUT sei/reauth/github-prod"] = "reauthenticated"
	c.post(t, "/reauth?mount=sei/&name=github-prod", url.Values{"f.pat": {"one", "", "two", " "}})
	assert.Equal(t, map[string]any{"pat": []any{"one", "two"}}, c.sentTo("sei/reauth/github-prod"))
	c.post(t, "/reauth?mount=sei/&name=github-prod", url.Values{"f.pat": {"one,two", "", ""}})
	assert.Equal(t, map[string]any{"pat": "one,two"}, c.sentTo("sei/reauth/github-prod"))
}

func TestSiblingsAreNamedBefore(t *testing.T) {
	_, text := newConsole(t, "sei", map[string][]string{"sei/reauth/ado-boards": {"read"}}).get(t, "/integration?mount=sei/&name=ado-boards")
	assert.Contains(t, text, "ado-pipelines", "to who only reads, too")
	_, text = newConsole(t, "sei", everything()).get(t, "/integration?mount=sei/&name=ado-boards")
	assert.Contains(t, text, "<strong><bdi>ado-pipelines</bdi></strong>, <strong><bdi>ado-repos</bdi></strong>")
}

func TestConsentLeadsToTheVendor(t *testing.T) {
	c := newConsole(t, "sei", everything())
	_, text := c.get(t, "/integration?mount=sei/&name=bitbucket-oauth")
	assert.Contains(t, text, "Begin the consent")
	assert.NotContains(t, text, `name="f.code"`)
	c.answers["PUT sei/oauth/authorize/bitbucket-oauth"] = "authorized"
	status, text := c.post(t, "/consent?mount=sei/&name=bitbucket-oauth", nil)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, `/site/oauth2/authorize?client_id=demo-consumer&amp;`)
	assert.Contains(t, text, `rel="noreferrer noopener"`)
}

// The link of an invitation is on the page that made it, and on no other.
func TestInvite(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["GET sei/invites/jira-prod"] = "invites"
	_, text := c.get(t, jira)
	assert.Contains(t, text, "Open invitations")
	c.answers["PUT sei/invites/jira-prod"] = "invited"
	status, text := c.post(t, "/invite?mount=sei/&name=jira-prod", url.Values{"identity": {" ada@example.com "}, "ttl": {"24h"}, "note": {""}, "any_identity": {""}})
	assert.Equal(t, 200, status)
	assert.Equal(t, map[string]any{"identity": "ada@example.com", "ttl": "24h"}, c.sentTo("sei/invites/jira-prod"))
	assert.Contains(t, text, "/v1/sei/invite/")
	assert.Contains(t, text, "Send this link to <bdi>ada@example.com</bdi>, and to nobody else.")
	_, text = c.get(t, jira)
	assert.NotContains(t, text, "/v1/sei/invite/")
	c.post(t, "/invite?mount=sei/&name=jira-prod", url.Values{"any_identity": {"true"}})
	assert.Equal(t, map[string]any{"any_identity": true}, c.sentTo("sei/invites/jira-prod"))
}

// An auth type that takes no credential here says why, and offers nothing.
func TestWhatTakesNoCredential(t *testing.T) {
	_, text := newConsole(t, "sei", everything()).get(t, "/integration?mount=sei/&name=gh-app")
	assert.NotContains(t, text, "Validate Connection")
	assert.NotContains(t, text, "Check now")
	assert.Contains(t, text, "Not checked")
}

func TestATokenThatEnds(t *testing.T) {
	c := newConsole(t, "", everything())
	c.get(t, "/fleet?mount=sei/")
	c.ended = true
	for _, path := range []string{"/", "/fleet?mount=sei/", jira, "/new?mount=sei/", "/edit?mount=sei/&name=jira-prod"} {
		status, text := c.get(t, path)
		assert.Equal(t, 403, status, path)
		assert.Contains(t, text, "Vault does not accept your token any more", path)
		assert.Contains(t, text, "vault login", path)
	}
	status, text := c.post(t, "/reauth?mount=sei/&name=jira-prod", url.Values{"f.api_key": {key}})
	assert.Equal(t, 403, status)
	assert.NotContains(t, text, key)
	c.server.Close()
	status, text = c.get(t, jira)
	assert.Equal(t, 502, status)
	assert.Contains(t, text, "Vault does not answer")
}

func TestWriteSettings(t *testing.T) {
	c := newConsole(t, "sei", everything())
	_, text := c.get(t, "/new?mount=sei/")
	assert.Contains(t, text, "provider=azure_devops")
	_, text = c.get(t, "/new?mount=sei/&provider=jira")
	assert.Contains(t, text, "auth_type=api_key")
	_, text = c.get(t, "/new?mount=sei/&provider=azure_devops&auth_type=pat")
	assert.Contains(t, text, "<option>pipelines</option>")
	assert.Contains(t, text, `value="https://dev.azure.com"`)
	_, text = c.get(t, "/new?mount=sei/&provider=bitbucket&auth_type=oauth")
	assert.Contains(t, text, `name="f.client_secret" type="password"`)

	c.answers["PUT sei/integrations/ado-new"] = "checked" // an answer of no interest
	form := url.Values{
		"name": {"ado-new"}, "f.organization": {" acme "}, "f.service": {"boards"}, "f.url": {"https://dev.azure.com"}, "was.url": {"https://dev.azure.com"},
		"f.labels": {"team=a\r\nenv=x=y\r\n"}, "f.pin_identity": {"true"}, "f.required_scopes": {""}, "f.api_key": {key},
	}
	c.post(t, "/new?mount=sei/&provider=azure_devops&auth_type=pat", form)
	assert.Equal(t, map[string]any{
		"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": "boards", "labels": map[string]any{"team": "a", "env": "x=y"}, "pin_identity": true,
	}, c.sentTo("sei/integrations/ado-new"))

	form.Set("name", "jira-prod")
	status, text := c.post(t, "/new?mount=sei/&provider=azure_devops&auth_type=pat", form)
	assert.Equal(t, 422, status, "one that exists is not changed by the way")
	assert.Contains(t, text, "of this name already")
	assert.Contains(t, text, `value=" acme "`, "what was entered is there")
	form.Set("name", "../creds/jira-prod")
	status, _ = c.post(t, "/new?mount=sei/&provider=azure_devops&auth_type=pat", form)
	assert.Equal(t, 422, status)
}

// Only what was changed is sent: others may have changed the rest meanwhile.
func TestChangeSettings(t *testing.T) {
	c := newConsole(t, "sei", everything())
	_, text := c.get(t, "/edit?mount=sei/&name=jira-prod")
	assert.Contains(t, text, `name="was.description" value="Issue tracker"`)
	assert.Contains(t, text, "cannot change while one is stored")
	_, text = c.get(t, "/edit?mount=sei/&name=bitbucket-oauth")
	assert.Contains(t, text, "One is stored; leave empty to keep it.")
	_, text = c.get(t, "/edit?mount=sei/&name=ado-boards")
	assert.NotContains(t, text, `name="f.service"`)
	assert.Contains(t, text, "never changes")

	c.answers["PUT sei/integrations/jira-prod"] = "refused-url"
	form := url.Values{
		"f.description": {"Another"}, "was.description": {"Issue tracker"}, "f.url": {"https://jira.example.com"}, "was.url": {"https://acme.example"},
		"f.labels": {"team=a"}, "was.labels": {"team=a"}, "was.pin_identity": {"true"}, "f.health_check_interval": {"1h"}, "was.health_check_interval": {"3600"},
	}
	status, text := c.post(t, "/edit?mount=sei/&name=jira-prod", form)
	assert.Equal(t, 422, status)
	assert.Contains(t, text, "delete creds/jira-prod first")
	assert.Equal(t, 1, strings.Count(text, `aria-invalid="true"`), "the field to blame")
	assert.Contains(t, text, `value="Another"`)
	assert.Equal(t, map[string]any{"description": "Another", "url": "https://jira.example.com", "pin_identity": false, "health_check_interval": "1h"}, c.sentTo("sei/integrations/jira-prod"))
	c.requests()
	c.post(t, "/edit?mount=sei/&name=jira-prod", url.Values{"f.labels": {"team=a"}, "was.labels": {"team=a"}})
	assert.NotContains(t, c.requests(), "PUT sei/integrations/jira-prod", "nothing was changed")
}

// A page can only lead to the engine's own paths, and never to a credential.
func TestOnlyTheEngineIsAsked(t *testing.T) {
	c := newConsole(t, "", everything())
	for _, path := range []string{
		"/fleet?mount=sys/", "/fleet?mount=", "/fleet?mount=auth/token", "/fleet?mount=sei/../sys", "/fleet?mount=sei%3Fx", "/fleet?mount=identity",
		"/integration?mount=sei/&name=../creds/jira-prod", "/integration?mount=sei/&name=a/b", "/integration?mount=sei/&name=a%3Fb", "/integration?mount=sei/&name=", "/nosuch",
	} {
		status, _ := c.get(t, path)
		assert.Equal(t, 404, status, path)
	}
	for _, action := range []string{"reauth", "check", "rotate", "rollback", "consent", "invite", "edit"} {
		for _, named := range []string{"", "&name="} {
			status, _ := c.post(t, "/"+action+"?mount=sei/"+named, url.Values{})
			assert.Equal(t, 404, status, action)
		}
	}
	assert.Empty(t, c.requests())
	_, _ = c.get(t, "/")
	assert.Equal(t, []string{"GET sys/internal/ui/mounts"}, c.requests())
	for _, path := range []string{"/fleet?mount=sei/creds", "/integration?mount=sei/creds&name=jira-prod", "/new?mount=kv/"} {
		status, _ := c.get(t, path)
		assert.Equal(t, 404, status, path)
		assert.Equal(t, []string{"GET sys/internal/ui/mounts"}, c.requests(), path)
	}
	_, _ = c.get(t, jira)
	assert.NotContains(t, c.requests(), "GET sys/internal/ui/mounts", "a mount that was found is not looked for again")
	only := newConsole(t, "team/sei", everything())
	status, _ := only.get(t, "/fleet?mount=sei/")
	assert.Equal(t, 404, status, "the command line names another")
	assert.Empty(t, only.requests())
	for _, page := range []string{"/fleet?mount=sei/", jira, "/new?mount=sei/", "/edit?mount=sei/&name=jira-prod"} {
		c.get(t, page)
	}
	for _, asked := range c.requests() {
		assert.NotContains(t, asked, "creds")
	}
}

// Of several mounts one is chosen, on a page of its own or above another one; without any, the
// page says what to do.
func TestMounts(t *testing.T) {
	c := newConsole(t, "", everything())
	_, text := c.get(t, "/fleet?mount=sei/")
	assert.Contains(t, text, "Mount: <bdi>sei/</bdi>")
	mounts := func(list string) {
		path := "testdata/several.json"
		require.NoError(t, os.WriteFile(path, []byte(`{"data":{"secret":{`+list+`}}}`), 0o600))
		t.Cleanup(func() { _ = os.Remove(path) })
		c.answers["GET sys/internal/ui/mounts"] = "several"
	}
	mounts(`"team-a/sei/":{"type":"sei"},"sei/":{"type":"vault-plugin-secrets-sei"},"kv/":{"type":"kv"}`)
	_, text = c.get(t, "/")
	assert.Contains(t, text, "Which mount?")
	assert.Contains(t, text, `fleet?mount=team-a%2fsei%2f"`)
	assert.NotContains(t, text, "kv/")
	_, text = c.get(t, "/fleet?mount=sei/")
	assert.Contains(t, text, `fleet?mount=team-a%2fsei%2f"`)
	assert.Contains(t, text, `aria-current="true">sei/</a>`)
	mounts(`"kv/":{"type":"kv"}`)
	_, text = c.get(t, "/")
	assert.Contains(t, text, "sei-console -mount PATH")
}

// Whatever Vault answers, nothing of it runs.
func TestAnswersAreText(t *testing.T) {
	c := newConsole(t, "sei", everything())
	path := "testdata/markup.json"
	markup := `<script>alert(1)</script>`
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `{"data":{"key_info":{%q:{"status":%q,"reason":%q,"provider":%q,"labels":{"a":%q}}}},"warnings":[%q]}`, markup, markup, markup, markup, markup, markup), 0o600))
	t.Cleanup(func() { _ = os.Remove(path) })
	c.answers["LIST sei/health"] = "markup"
	_, text := c.get(t, "/fleet?mount=sei/&q="+url.QueryEscape(markup))
	assert.NotContains(t, text, markup)
	assert.Equal(t, 1, strings.Count(text, "<script"), "the console's own")
	assert.Equal(t, http.StatusOK, func() int { s, _ := c.get(t, "/wait.js"); return s }())
}
