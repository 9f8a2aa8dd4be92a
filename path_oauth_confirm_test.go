package sei

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
)

// Whoever comes back reads whose account is about to be connected to what, and who asked
// for it. Nothing is stored or sent before they say so, however often the page is opened.
func TestTheCallbackAsks(t *testing.T) {
	m := withOAuth(t)
	back := m.consent(t)
	m.world.Bitbucket.Forget()
	var first string
	for range 3 {
		resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: callbackPath, MountPoint: "team/sei/", Storage: m.storage, Data: back})
		require.NoError(t, err)
		require.Equal(t, 200, resp.Data[logical.HTTPStatusCode])
		assert.Equal(t, "bb", resp.Data["integration"], "for the audit log")
		shown, _ := resp.Data[logical.HTTPRawBody].(string)
		if first == "" {
			first = shown
		}
		assert.Equal(t, first, shown, "loaded again")
	}
	for _, fact := range []string{
		"<h1>Connect your account to bb?</h1>", "<strong><bdi>token-mia</bdi></strong> began this", "<dt>Account</dt><dd>the one that you consented with, whichever it is</dd>",
		"<dt>Integration</dt><dd>bb</dd>", "<dt>Vault mount</dt><dd>team/sei/</dd>", "<dt>Provider</dt><dd>Bitbucket", "<dt>Asked for by</dt><dd><bdi>token-mia</bdi></dd>",
		"Nothing is stored yet", "confirm only if you know who sent you here", `action="?"`, "Connect to bb</button>", "Do not connect</button>",
	} {
		assert.Contains(t, first, fact)
	}
	assert.NotContains(t, first, "In use now")
	assert.NotContains(t, first, "User mia", "nobody has asked the vendor")
	assert.Empty(t, m.world.Bitbucket.Requests())
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 404, "no_credential")
	assert.Len(t, stored(t, m.storage, backend.FlowsPrefix), 1)

	done, status := m.opens(t, logical.UpdateOperation, formOf(first))
	require.Equal(t, 200, status)
	assert.Contains(t, done, "User mia")
	assert.Empty(t, formOf(done))
	assert.Empty(t, stored(t, m.storage, backend.FlowsPrefix))

	again, status := m.opens(t, logical.UpdateOperation, formOf(first))
	assert.Equal(t, 400, status, "the button is pressed twice")
	assert.Contains(t, again, "If you have just confirmed, all is well")
	reloaded, status := m.opens(t, logical.ReadOperation, back)
	assert.Equal(t, 400, status)
	assert.Equal(t, again, reloaded)
	assert.EqualValues(t, 1, m.read(t, "creds/bb")["version"])
}

// Nothing but the form of the page confirms: no address, and no form that somebody else has
// made or that a vendor was told to send.
func TestWhatDoesNotConfirm(t *testing.T) {
	m := withOAuth(t)
	back := m.consent(t)
	asks, _ := m.opens(t, logical.ReadOperation, back)
	form, other := formOf(asks), m.consent(t)["state"]
	m.world.Bitbucket.Forget()
	with := func(changes body) body {
		sent := body{}
		for _, from := range []body{form, changes} {
			for name, value := range from {
				sent[name] = value
			}
		}
		return sent
	}
	for name, sent := range map[string]struct {
		op     logical.Operation
		data   body
		status int
	}{
		"the form as a query":           {logical.ReadOperation, form, 200},
		"what a vendor sends as a form": {logical.UpdateOperation, back, 200},
		"an empty confirmation":         {logical.UpdateOperation, with(body{"confirmation": ""}), 200},
		"a list":                        {logical.UpdateOperation, with(body{"confirmation": []any{form["confirmation"]}}), 200},
		"a wrong one":                   {logical.UpdateOperation, with(body{"confirmation": strings.Repeat("0", 64)}), 400},
		"of another code":               {logical.UpdateOperation, with(body{"code": "bb-code-of-somebody-else"}), 400},
		"of another state":              {logical.UpdateOperation, with(body{"state": other}), 400},
		"no state":                      {logical.UpdateOperation, with(body{"state": ""}), 400},
		"nothing":                       {logical.UpdateOperation, nil, 400},
		"a refusal beside it":           {logical.UpdateOperation, with(body{"error": "access_denied"}), 400},
	} {
		page, status := m.opens(t, sent.op, sent.data)
		assert.Equal(t, sent.status, status, name)
		if status == 200 {
			assert.Equal(t, asks, page, "%s: it is asked", name)
		}
	}
	assert.Empty(t, m.world.Bitbucket.Requests())
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 404, "no_credential")
	_, status := m.opens(t, logical.UpdateOperation, form)
	assert.Equal(t, 200, status, "the authorization is still open")
}

// The other button ends the authorization, and nothing is sent.
func TestThePersonThinksBetterOfIt(t *testing.T) {
	m := withOAuth(t)
	asks, _ := m.opens(t, logical.ReadOperation, m.consent(t))
	_, other, found := strings.Cut(asks, "</form>")
	require.True(t, found)
	m.world.Bitbucket.Forget()
	declines := formOf(other)
	assert.NotContains(t, declines, "code")
	page, status := m.opens(t, logical.UpdateOperation, declines)
	assert.Equal(t, 400, status)
	assert.Contains(t, page, "oauth_denied")
	page, status = m.opens(t, logical.UpdateOperation, formOf(asks))
	assert.Equal(t, 400, status)
	assert.Contains(t, page, "oauth_state_invalid")
	assert.Empty(t, m.world.Bitbucket.Requests())
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 404, "no_credential")
}

// Another account: said where it would take another's place, refused where it may not.
func TestThePageNamesTheAccount(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	asks, _ := m.opens(t, logical.ReadOperation, m.consent(t))
	assert.Contains(t, asks, "<dt>In use now</dt><dd>User mia")
	assert.Contains(t, asks, "that account takes its place")
	m.write(t, "integrations/bb", body{"pin_identity": true})
	asks, _ = m.opens(t, logical.ReadOperation, m.consent(t))
	assert.Regexp(t, `<dt>Account</dt><dd>User mia.*, and no other</dd>`, asks)
	assert.NotContains(t, asks, "takes its place")
	m.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "eve@example.com", Username: "eve"})
	assert.Contains(t, m.visit(t, m.consent(t), 400), "identity_pinned")
	assert.EqualValues(t, 1, m.read(t, "creds/bb")["version"])
}

// guestConsents is what comes back after the button of an invitation.
func (m *oauthMount) guestConsents(t *testing.T, path string) body {
	t.Helper()
	html := m.shows(t, logical.UpdateOperation, path, nil, 200)
	_, address, found := strings.Cut(html, `content="0;url=`)
	require.True(t, found, html)
	address, _, _ = strings.Cut(address, `"`)
	back, err := m.world.Consent(strings.ReplaceAll(address, "&amp;", "&"), true)
	require.NoError(t, err)
	return queryOf(back)
}

// Who was invited reads by whom, and for which account alone.
func TestTheCallbackAsksAGuest(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	path := m.invited(t, "bb", nil)
	asks, status := m.opens(t, logical.ReadOperation, m.guestConsents(t, path))
	require.Equal(t, 200, status)
	assert.Contains(t, asks, "<strong><bdi>token-mia</bdi></strong> has invited you")
	assert.Regexp(t, `<dt>Account</dt><dd>User mia.*, and no other</dd>`, asks)
	assert.Contains(t, m.shows(t, logical.ReadOperation, path, nil, 200), "Continue to Bitbucket", "the link is still good")
	_, status = m.opens(t, logical.UpdateOperation, formOf(asks))
	require.Equal(t, 200, status)
	m.shows(t, logical.ReadOperation, path, nil, 404)
	history, _ := m.read(t, "history/bb")["entries"].([]map[string]any)
	assert.NotEmpty(t, history[0]["invitation"])
}

// An invitation that ends while the person is at the vendor's ends that, too.
func TestAnInvitationEndsBeforeTheConfirmation(t *testing.T) {
	m := withOAuth(t)
	path := m.invited(t, "bb", body{"any_identity": true})
	back := m.guestConsents(t, path)
	asks, _ := m.opens(t, logical.ReadOperation, back)
	open, _ := m.read(t, "invites/bb")["invitations"].([]map[string]any)
	require.Len(t, open, 1)
	m.ok(t, logical.DeleteOperation, fmt.Sprint("invites/bb/", open[0]["accessor"]), nil)
	m.world.Bitbucket.Forget()
	for op, sent := range map[logical.Operation]body{logical.ReadOperation: back, logical.UpdateOperation: formOf(asks)} {
		page, status := m.opens(t, op, sent)
		assert.Equal(t, 400, status)
		assert.Contains(t, page, "This link does not work")
	}
	assert.Empty(t, m.world.Bitbucket.Requests())
}

// The fifth account that is not the right one ends the invitation, and each page before
// says how to go on.
func TestFiveGuestsOfAnotherAccount(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	path := m.invited(t, "bb", nil)
	m.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "eve@example.com", Username: "eve"})
	for range backend.MaxRefusals - 1 {
		page := m.visit(t, m.guestConsents(t, path), 400)
		assert.Contains(t, page, "identity_pinned")
		assert.Contains(t, page, "open the link of the invitation once more")
		m.shows(t, logical.ReadOperation, path, nil, 200)
	}
	last := m.guestConsents(t, path)
	declined := body{"state": last["state"], "error": "access_denied"}
	assert.Contains(t, m.visit(t, declined, 400), "open the link that you were sent once more", "that is no refusal")
	assert.Contains(t, m.visit(t, m.guestConsents(t, path), 400), "this link has ended")
	m.shows(t, logical.ReadOperation, path, nil, 404)
	assert.EqualValues(t, 1, m.read(t, "creds/bb")["version"])
}

// Whoever waits too long, or whose integration is gone, is told nothing but that.
func TestTheConfirmationComesTooLate(t *testing.T) {
	for name, act := range map[string]func(*oauthMount){
		"expired":          func(m *oauthMount) { m.pass(10 * time.Minute) },
		"deleted":          func(m *oauthMount) { m.ok(t, logical.DeleteOperation, "integrations/bb", nil) },
		"made to go where": func(m *oauthMount) { m.write(t, "integrations/bb", body{"redirect_uri": oauthCallbackURI + "s"}) },
	} {
		m := withOAuth(t)
		back := m.consent(t)
		asks, _ := m.opens(t, logical.ReadOperation, back)
		act(m)
		m.world.Bitbucket.Forget()
		for op, sent := range map[logical.Operation]body{logical.ReadOperation: back, logical.UpdateOperation: formOf(asks)} {
			page, status := m.opens(t, op, sent)
			assert.Equal(t, 400, status, name)
			assert.Contains(t, page, "oauth_state_invalid", name)
			assert.NotContains(t, page, "bb", name)
		}
		assert.Empty(t, m.world.Bitbucket.Requests())
	}
}
