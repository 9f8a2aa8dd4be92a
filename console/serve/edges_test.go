package serve_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An answer that nobody could wait for is not an empty page that looks like success.
func TestARequestThatEndsIsNotASuccess(t *testing.T) {
	c := newConsole(t, "sei", everything())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/rotate?mount=sei/&name=jira-prod", http.NoBody))
	assert.Equal(t, 503, w.Code)
	assert.Contains(t, w.Body.String(), "not known")
}

// A number that was emptied is no wish for 0, which turns health checks off.
func TestANumberIsEmptied(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["PUT sei/integrations/jira-prod"] = "checked"
	c.post(t, "/edit?mount=sei/&name=jira-prod", url.Values{"f.health_check_interval": {" "}, "was.health_check_interval": {"3600"}})
	assert.Equal(t, map[string]any{"health_check_interval": ""}, c.sentTo("sei/integrations/jira-prod"))
}

// One that exists would be changed instead of made: where that cannot be known, or was not
// answered, nothing is sent.
func TestCreateKnowsThatThereIsNone(t *testing.T) {
	form := url.Values{"name": {"jira-new"}, "f.description": {"x"}}
	for name, c := range map[string]struct {
		rights []string
		answer string
		status int
		said   string
	}{
		"read is not allowed": {[]string{"create", "update"}, "", 422, "cannot be known"},
		"refused otherwise":   {[]string{"create", "read", "update"}, "refused-key", 422, "refused the e-mail and API token"},
		"no such path":        {[]string{"create", "read", "update"}, "unsupported", 422, "older one"},
	} {
		t.Run(name, func(t *testing.T) {
			console := newConsole(t, "sei", map[string][]string{"sei/providers/jira": {"read"}, "sei/integrations/jira-new": c.rights})
			if c.answer != "" {
				console.answers["GET sei/integrations/jira-new"] = c.answer
			}
			status, text := console.post(t, "/new?mount=sei/&provider=jira&auth_type=api_key", form)
			assert.Equal(t, c.status, status)
			assert.Contains(t, text, c.said)
			assert.NotContains(t, text, "of this name already")
			assert.Empty(t, console.sentTo("sei/integrations/jira-new"))
			if c.answer == "" {
				assert.NotContains(t, console.requests(), "GET sei/integrations/jira-new")
			}
		})
	}
}

// After a refusal a form is still compared with what it was made of: what others have changed
// since would look like a wish to have it back.
func TestARefusedFormKeepsWhatItWasMadeOf(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["PUT sei/integrations/jira-prod"] = "refused-url"
	_, text := c.post(t, "/edit?mount=sei/&name=jira-prod", url.Values{
		"f.description": {"Before"}, "was.description": {"Before"}, "f.url": {"https://jira.example.com"}, "was.url": {"https://acme.example"},
	})
	assert.Contains(t, text, `name="was.description" value="Before"`)
	assert.Contains(t, text, `name="was.url" value="https://acme.example"`)
}

// What a browser does to line breaks is no change; in a certificate they are somebody's.
func TestLineBreaksAreNoChange(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["PUT sei/integrations/jira-prod"] = "checked"
	c.post(t, "/edit?mount=sei/&name=jira-prod", url.Values{
		"f.labels": {"team=a\r\n"}, "was.labels": {"team=a"}, "f.description": {"Issuetracker"}, "was.description": {"Issue\ntracker\n"},
		"f.ca_cert": {"pem"}, "was.ca_cert": {"pem\n"},
	})
	assert.Equal(t, map[string]any{"ca_cert": "pem"}, c.sentTo("sei/integrations/jira-prod"))
}

// Who may read which invitations are open sees them, without inviting.
func TestOpenInvitationsForReaders(t *testing.T) {
	c := newConsole(t, "sei", map[string][]string{"sei/invites/jira-prod": {"read"}})
	c.answers["GET sei/invites/jira-prod"] = "invites"
	status, text := c.get(t, jira)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, "Open invitations")
	assert.NotContains(t, text, "<button")
}

// A form is offered only to who may read what its fields are, and what is there already.
func TestFormsAreOfferedWithTheirProvider(t *testing.T) {
	rights := map[string][]string{
		"sei/integrations/jira-prod": {"read", "update"}, "sei/integrations/new": {"create", "read"}, "sei/providers/": {"list"}, "sei/providers/any": {"read"},
	}
	for without, offered := range map[string][2]bool{"": {true, true}, "sei/providers/any": {false, false}, "sei/providers/": {false, true}, "sei/integrations/new": {false, true}} {
		some := map[string][]string{}
		for path, have := range rights {
			if path != without {
				some[path] = have
			}
		}
		if without == "sei/integrations/new" {
			some[without] = []string{"create"}
		}
		c := newConsole(t, "sei", some)
		_, fleet := c.get(t, "/fleet?mount=sei/")
		_, one := c.get(t, jira)
		offers := [2]bool{strings.Contains(fleet, "New integration"), strings.Contains(one, "Change configuration")}
		assert.Equal(t, offered, offers, "without %q", without)
	}
}

// An older engine without the fleet at a glance still has a fleet.
func TestAnEngineWithoutStatus(t *testing.T) {
	c := newConsole(t, "sei", everything())
	c.answers["GET sei/status"] = "unsupported"
	status, text := c.get(t, "/fleet?mount=sei/")
	assert.Equal(t, 200, status)
	assert.Contains(t, text, "<strong>8</strong> in all")
}

// A sentence may begin with any letter, and stands apart from what is around it.
func TestSentencesOfAllLanguages(t *testing.T) {
	c := newConsole(t, "sei", everything())
	path := "testdata/umlaut.json"
	require.NoError(t, os.WriteFile(path, []byte(`{"data":{"key_info":{}},"warnings":["übermorgen endet alles"]}`), 0o600))
	t.Cleanup(func() { _ = os.Remove(path) })
	c.answers["LIST sei/health"] = "umlaut"
	_, text := c.get(t, "/fleet?mount=sei/")
	assert.Contains(t, text, "<bdi>Übermorgen endet alles.</bdi>")
}
