package sei

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
)

// invited opens an invitation and returns its path.
func (m *mount) invited(t *testing.T, name string, data body) string {
	t.Helper()
	m.write(t, "config", body{"public_address": "https://vault.example.com"})
	return linkPath(m.write(t, "invites/"+name, data).data)
}

// shows demands a page with that status, and returns it.
func (m *mount) shows(t *testing.T, op logical.Operation, path string, form body, status int) string {
	t.Helper()
	r := m.ok(t, op, path, form)
	html, _ := r.data[logical.HTTPRawBody].(string)
	require.Equal(t, status, r.data[logical.HTTPStatusCode], html)
	require.Equal(t, "text/html; charset=utf-8", r.data[logical.HTTPContentType])
	require.NotContains(t, html, "<script")
	return html
}

func TestAnInvitationIsOneForm(t *testing.T) {
	m := withJira(t)
	made := m.refused(t, logical.UpdateOperation, "invites/jira", nil, 400, "missing_field")
	assert.Contains(t, made.message, "public_address")
	path := m.invited(t, "jira", body{"note": "ends on Friday <b>"})
	html := m.shows(t, logical.ReadOperation, path, nil, 200)
	for _, text := range []string{
		"<strong><bdi>token-mia</bdi></strong>", "ends on Friday &lt;b&gt;", strings.TrimPrefix(m.jiraURL, "http://"), email, "Version 1 is in use",
		"https://id.atlassian.com/manage-profile/security/api-tokens", "read:jira-work", "Validate Connection", `name="api_key" type="password"`, `method="post"`,
	} {
		assert.Contains(t, html, text)
	}
	m.shows(t, logical.HeaderOperation, path, nil, 200)

	html = m.shows(t, logical.UpdateOperation, path, body{"email": email, "api_key": "key-wrong", "expires_at": ""}, 400)
	assert.Contains(t, html, "version 1 stays in use")
	assert.Contains(t, html, `value="`+email+`"`, "the e-mail stays filled in")
	assert.NotContains(t, html, "key-wrong")
	assert.Regexp(t, `id="api_key"[^>]* aria-describedby="hint-api_key error-api_key"[^>]* aria-invalid="true" autofocus`, html)
	assert.Contains(t, html, "After 4 more refusals")

	r := m.ok(t, logical.UpdateOperation, path, body{"email": email, "api_key": " key-2 ", "expires_at": ""})
	assert.Equal(t, 200, r.data[logical.HTTPStatusCode])
	assert.Equal(t, "token-mia", r.data["invited_by"])
	assert.Equal(t, 2, r.data["version"])
	assert.Contains(t, r.data[logical.HTTPRawBody], "Re-authenticated")
	entries, _ := m.read(t, "history/jira")["entries"].([]map[string]any)
	assert.Equal(t, r.data["invitation"], entries[0]["invitation"])
	assert.Equal(t, "invite", entries[0]["via"])
	assert.Equal(t, "token-mia", entries[0]["display_name"])

	dead := m.shows(t, logical.ReadOperation, path, nil, 404)
	for _, other := range []string{path + "x", "invite/x", "invite/" + strings.Repeat("a", 43), "invite/a/b", "invite/" + strings.Repeat("a", 9000)} {
		assert.Equal(t, dead, m.shows(t, logical.ReadOperation, other, nil, 404), other)
		assert.Equal(t, dead, m.shows(t, logical.UpdateOperation, other, body{"email": email, "api_key": "key-1"}, 404), other)
	}
	assert.Equal(t, "key-2", m.read(t, "creds/jira")["api_key"])
}

// Whatever a dead link was, its answer is that of a guess, to the byte, the headers and
// what the audit log sees.
func TestDeadLinksAnswerAlike(t *testing.T) {
	m := withInstant(t)
	ask := func(path string) *logical.Response {
		resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: path, Storage: m.disk})
		require.NoError(t, err)
		return resp
	}
	guess := ask("invite/" + strings.Repeat("a", 43))
	ended := func(end func(path string, invited body)) {
		invited := m.must(t, logical.UpdateOperation, "invites/key", body{"any_identity": true})
		path := linkPath(invited)
		require.Equal(t, 200, ask(path).Data[logical.HTTPStatusCode])
		end(path, invited)
		assert.Equal(t, guess, ask(path))
	}
	ended(func(string, body) { m.clock.Add(int64(invite.DefaultLife / time.Second)) })
	ended(func(path string, _ body) {
		m.must(t, logical.UpdateOperation, path, body{"email": email, "key": "good-new"})
	})
	ended(func(_ string, invited body) {
		m.must(t, logical.DeleteOperation, fmt.Sprint("invites/key/", invited["accessor"]), nil)
	})
	ended(func(path string, _ body) {
		for range backend.MaxRefusals {
			_, err := m.send(t, logical.UpdateOperation, path, body{"email": email, "key": "bad"})
			require.NoError(t, err)
		}
	})
	ended(func(string, body) { m.must(t, logical.DeleteOperation, "integrations/key", nil) })
}

// The fifth refusal is explained, and the form is gone.
func TestTheLastRefusal(t *testing.T) {
	m := withJira(t)
	path := m.invited(t, "jira", nil)
	wrong := body{"email": email, "api_key": "key-wrong"}
	for left := backend.MaxRefusals - 1; left > 0; left-- {
		assert.Contains(t, m.shows(t, logical.UpdateOperation, path, wrong, 400), "Validate Connection")
	}
	html := m.shows(t, logical.UpdateOperation, path, wrong, 400)
	assert.Contains(t, html, "this link has ended")
	assert.NotContains(t, html, "<form")
	assert.Contains(t, m.shows(t, logical.UpdateOperation, path, wrong, 404), "does not work")
}

// What is wrong with a form is said before anything is sent, and costs no attempt.
func TestAFormThatCannotBeSent(t *testing.T) {
	m := withJira(t)
	path := m.invited(t, "jira", nil)
	before := m.jira.Requests()
	for name, c := range map[string]struct {
		form body
		says string
	}{
		"nothing":          {body{"email": "", "api_key": "", "expires_at": ""}, "E-mail is required."},
		"no key":           {body{"email": email, "api_key": "  "}, "API token is required."},
		"a setting":        {body{"email": email, "api_key": "key-2", "url": "https://evil.example"}, "cannot be set here"},
		"an unknown field": {body{"email": email, "api_key": "key-2", "x": "1"}, "There is no field x"},
		"a list":           {body{"email": email, "api_key": []any{"key-2"}}, "api_key"},
		"a past end":       {body{"email": email, "api_key": "key-2", "expires_at": "2020-01-01"}, "is in the past"},
		"no e-mail":        {body{"email": "secret-in-the-wrong-field", "api_key": "key-2"}, "must be an e-mail address"},
		"two values":       {body{"email": email, "api_key": "key-2,key-1"}, "api_key"},
	} {
		html := m.shows(t, logical.UpdateOperation, path, c.form, 400)
		assert.Contains(t, html, c.says, name)
		assert.NotContains(t, html, "key-2", name)
		assert.NotContains(t, html, "secret-in-the-wrong-field", name)
		assert.NotContains(t, html, "more refusals", name)
	}
	assert.Equal(t, before, m.jira.Requests(), "nothing was sent")
	m.shows(t, logical.UpdateOperation, path, body{"email": email, "api_key": "key-2"}, 200)
}

// Tokens of a pool stand one a line, in fields of the same name, or with commas.
func TestTheFormOfAPool(t *testing.T) {
	for name, sent := range map[string]any{"fields": "ghp_one,,ghp_two,,", "lines": " ghp_one \r\n\r\nghp_two\r\n", "JSON": []any{"ghp_one", "ghp_two"}} {
		m := newMount(t)
		for _, token := range []string{"ghp_one", "ghp_two"} {
			m.github.AddClassic("octocat", token, "repo")
		}
		m.write(t, "integrations/gh", body{"provider": "github", "url": m.githubURL})
		path := m.invited(t, "gh", body{"any_identity": true})
		html := m.shows(t, logical.ReadOperation, path, nil, 200)
		assert.Equal(t, leastRows, strings.Count(html, `name="pat" type="password"`))
		assert.Contains(t, html, m.githubURL+"/settings/tokens")
		html = m.shows(t, logical.UpdateOperation, path, body{"pat": "ghp_one,ghp_wrong", "email": ""}, 400)
		assert.Contains(t, html, "token 2", name)
		assert.NotContains(t, html, "ghp_")
		m.shows(t, logical.UpdateOperation, path, body{"pat": sent, "email": ""}, 200)
		assert.Equal(t, []string{"ghp_one", "ghp_two"}, m.read(t, "creds/gh")["pats"], name)
	}
}

// Siblings that share the credential are named.
func TestTheFormOfAGroup(t *testing.T) {
	m := withInstant(t)
	path := linkPath(m.must(t, logical.UpdateOperation, "invites/one", nil))
	assert.Regexp(t, `Also updates</dt><dd>other<`, m.shows(t, logical.ReadOperation, path, nil, 200))
	assert.Regexp(t, `Also updated</dt><dd>other<`, m.shows(t, logical.UpdateOperation, path, body{"email": email, "key": "good-new"}, 200))
}

// An integration with OAuth has one button, which begins an authorization and leads to it.
func TestAnInvitationToTheVendor(t *testing.T) {
	m := withOAuth(t)
	path := m.invited(t, "bb", body{"any_identity": true})
	html := m.shows(t, logical.ReadOperation, path, nil, 200)
	assert.Contains(t, html, "Continue to Bitbucket")
	assert.NotContains(t, html, "<input")
	assert.Empty(t, stored(t, m.storage, backend.FlowsPrefix), "a look begins nothing")
	html = m.shows(t, logical.UpdateOperation, path, nil, 200)
	address := regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]+)"`).FindStringSubmatch(html)
	require.Len(t, address, 2, html)
	back, err := m.world.Consent(strings.ReplaceAll(address[1], "&amp;", "&"), true)
	require.NoError(t, err)
	m.visit(t, queryOf(back), 200)
	assert.Equal(t, 1, m.read(t, "creds/bb")["version"])
	m.shows(t, logical.ReadOperation, path, nil, 404)
}

func stored(t *testing.T, s logical.Storage, prefix string) []string {
	t.Helper()
	keys, err := s.List(t.Context(), prefix)
	require.NoError(t, err)
	return keys
}

func TestInvitationsAreListedAndEnded(t *testing.T) {
	m := withJira(t)
	path := m.invited(t, "jira", body{"ttl": "2h", "identity": "ada@example.com", "note": "please"})
	read := m.read(t, "invites/jira")["invitations"].([]map[string]any) //nolint:forcetypeassert // it is one
	require.Len(t, read, 1)
	assert.Equal(t, "ada@example.com", read[0]["identity"])
	assert.Equal(t, "token-mia", read[0]["display_name"])
	listed := m.ok(t, logical.ListOperation, "invites/", nil).data
	assert.Equal(t, []string{fmt.Sprint(read[0]["accessor"])}, listed["keys"])
	assert.NotContains(t, fmt.Sprint(read, listed), strings.TrimPrefix(path, invite.Path))
	m.ok(t, logical.DeleteOperation, fmt.Sprint("invites/jira/", read[0]["accessor"]), nil)
	m.ok(t, logical.DeleteOperation, fmt.Sprint("invites/jira/", read[0]["accessor"]), nil)
	m.shows(t, logical.ReadOperation, path, nil, 404)
	m.refused(t, logical.ReadOperation, "invites/nobody", nil, 404, "unknown_integration")
	m.refused(t, logical.UpdateOperation, "invites/nobody", nil, 404, "unknown_integration")
	m.refused(t, logical.UpdateOperation, "invites/jira", body{"ttl": "8d"}, 400, "invalid_field")
	m.refused(t, logical.UpdateOperation, "invites/jira", body{"api_key": "key-1"}, 400, "field_not_allowed")
}

// A form of any size is refused before it is taken apart, and costs no attempt.
func TestAFormThatIsTooLong(t *testing.T) {
	m := withJira(t)
	path := m.invited(t, "jira", nil)
	html := m.shows(t, logical.UpdateOperation, path, body{"email": email, "api_key": strings.Repeat("0,", 5<<20)}, 400)
	assert.Contains(t, html, "The form is longer than")
	assert.NotContains(t, html, `value="`+email)
	assert.Less(t, len(html), 32<<10)
	m.shows(t, logical.UpdateOperation, path, body{"email": email, "api_key": "key-2"}, 200)
}

// A name that an auth method made is shown as what it is.
func TestNamesOnPagesAreSafe(t *testing.T) {
	for name, shown := range map[string]string{
		"ldap-olga": "ldap-olga", "Zoë 東京": "Zoë 東京", "a\u202egro\u200b.elpmaxe\u2069": "agro.elpmaxe", "a\x00\x1b[31m\r\n\tb": "a[31m b", "\u2028\u3164\xff": "",
		strings.Repeat("x", 101): strings.Repeat("x", 100) + "…",
	} {
		assert.Equal(t, shown, displayed(name), "%q", name)
	}
	assert.Equal(t, "Somebody with access to Vault", inviter(&backend.Invitation{Actor: backend.Actor{DisplayName: "\u202e"}}))
	assert.Equal(t, "Somebody with access to Vault", began(backend.Actor{DisplayName: "\u202e"}))
	assert.Equal(t, "Vault, by notify/ops,", inviter(&backend.Invitation{Actor: backend.Actor{DisplayName: "notify/\u202eops"}, Sender: "ops"}))
	html := page.Form{InvitedBy: "olga"}.Page().HTML() + page.Confirm{AskedBy: "olga"}.Page().HTML()
	assert.Equal(t, 3, strings.Count(html, "<bdi>olga</bdi>"))
}

// What would make a dead link is no address.
func TestThePublicAddressMakesLinks(t *testing.T) {
	m := newMount(t)
	for _, bad := range []string{
		"https://vault.example.com/v1", "https://vault.example.com/v1/", "https://vault.example.com/v1/sei", "https://vault.example.com/a/v1", "https://vault.example.com/ui/", "https://vault.example.com/ui/vault/secrets",
		"https://vault.example.com/a/../b", "https://vault.example.com/./a", "https://vault.example.com/%2e%2e/a", "https://vault.example.com/a//b", "https://vault.example.com:99999", "https://vault.example.com:0", "https://vault.example.com:",
	} {
		r := m.refused(t, logical.UpdateOperation, "config", body{"public_address": bad}, 400, "invalid_field")
		assert.Contains(t, r.message, "public_address", bad)
	}
	for _, good := range []string{"https://vault.example.com:65535/team/", "https://vault.example.com/v10/a.b", "https://[2001:db8::1]:8200"} {
		m.write(t, "config", body{"public_address": good})
	}
}

func TestThePublicAddressIsHTTPS(t *testing.T) {
	m := newMount(t)
	for _, good := range []string{"https://vault.example.com:8200", "https://vault.example.com/team/", "http://127.0.0.1:8200", "http://localhost:8200", ""} {
		m.write(t, "config", body{"public_address": good})
		assert.Equal(t, good, m.read(t, "config")["public_address"])
	}
	for _, bad := range []string{"http://vault.example.com", "vault.example.com", "https://user:pass@vault.example.com", "https://vault.example.com?x", "javascript:alert(1)"} {
		m.refused(t, logical.UpdateOperation, "config", body{"public_address": bad}, 400, "invalid_field")
	}
}

// A storage that fails is no dead link.
func TestAnInvitationWhileStorageFails(t *testing.T) {
	m := withInstant(t)
	path := linkPath(m.must(t, logical.UpdateOperation, "invites/key", nil))
	m.restart(t)
	m.disk.arm(1, false)
	html := m.shows(t, logical.ReadOperation, path, nil, 500)
	assert.Contains(t, html, "Not finished")
}

// The token of an invitation is in no log, whatever happens.
func TestTheTokenIsInNoLog(t *testing.T) {
	m := withInstant(t)
	var log bytes.Buffer
	events := &eventLog{}
	e := newEngine(m.disk, m.registry, m.now)
	require.NoError(t, e.Setup(t.Context(), &logical.BackendConfig{
		StorageView: m.disk, System: &logical.StaticSystemView{}, EventsSender: events,
		Logger: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace}),
	}))
	t.Cleanup(func() { e.Cleanup(t.Context()) })
	ask := func(op logical.Operation, path string, data body) *logical.Response {
		resp, err := e.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Data: data, Storage: m.disk})
		require.NoError(t, err)
		return resp
	}
	path := linkPath(ask(logical.UpdateOperation, "invites/key", nil).Data)
	token := strings.TrimPrefix(path, invite.Path)
	ask(logical.ReadOperation, path, nil)
	ask(logical.UpdateOperation, path, body{"email": email, "key": "bad"})
	m.disk.arm(1, false)
	ask(logical.ReadOperation, path+"x", nil)
	m.disk.arm(0, false)
	ask(logical.UpdateOperation, path, body{"email": email, "key": "good-new"})
	m.registry.TimeRequests(nil)
	e.store.Invitations = nil // it panics
	_, err := e.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: path, Storage: m.disk})
	require.Error(t, err)
	assert.Contains(t, log.String(), "a request panicked")
	assert.Contains(t, log.String(), "credential swapped")
	assert.NotContains(t, log.String()+fmt.Sprint(events.sent), token)
	assert.Contains(t, fmt.Sprint(events.sent), "invited")
}

// Pages of invitations have the one policy.
func TestTheFormHasThePolicyOfAllPages(t *testing.T) {
	form := page.Form{
		Integration: "<script>", Provider: `"><script>`, MadeAt: "javascript:alert(1)", Note: "<script>",
		Refusal: &backend.Error{Code: "<script>", Message: "<script>", URL: "javascript:alert(1)"},
		Fields:  []page.Field{{Name: "a", Label: "A", Type: "text", Value: `"><script>`}},
	}.Page()
	assert.Equal(t, page.Done(&backend.Change{Integration: &backend.Integration{}, After: &backend.Record{Current: &backend.Stored{}}}).Headers(), form.Headers())
	assert.NotContains(t, form.HTML(), "<script")
	assert.NotContains(t, form.HTML(), "javascript:")
}

// Every credential that a person makes says where.
func TestWhereCredentialsAreMade(t *testing.T) {
	m := newMount(t)
	m.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		entered := auth.Unsupported == "" && !auth.Exchanged()
		assert.Equal(t, entered, auth.MadeAt != "", "%s %s", spec.Name, auth.Name)
		made := auth.MakeAt("https://example.com/api/v4/", func(string) string { return "a/b" })
		assert.NotContains(t, made, "{", "%s %s", spec.Name, auth.Name)
		assert.NotContains(t, made, "/api/v4", "%s %s", spec.Name, auth.Name)
	})
}

// FuzzForm demands of the page that answers a form: nothing that was sent is in it but an
// e-mail address, escaped; no secret at all; and a status that is documented.
func FuzzForm(f *testing.F) {
	f.Add(email, "bad-key-of-mine", "x", "")
	f.Add("<script>@example.com", "<script>alert(1)</script>", "email", "two")
	f.Add(`"><img src=x onerror=y>@b`, "good-\x00", "url", "https://evil.example")
	m := newFuzzedForm(f)
	empty := m.answer(f, body{})
	f.Fuzz(func(t *testing.T, login, key, field, value string) {
		form := body{"email": login, "key": key}
		if _, taken := form[field]; !taken {
			form[field] = value
		}
		html := m.answer(t, form)
		require.True(t, strings.HasSuffix(html, "</html>\n"), html)
		require.NotContains(t, html, "<script")
		tags := regexp.MustCompile(`<[a-z/!][^>]*`)
		for _, tag := range tags.FindAllString(html, -1) {
			require.Regexp(t, `^</?(!DOCTYPE|html|head|meta|title|style|body|main|h1|h2|p|strong|bdi|blockquote|div|dl|dt|dd|a|form|label|span|input|button)\b`, tag)
		}
		if len(strings.TrimSpace(key)) > 8 && !strings.Contains(login, strings.TrimSpace(key)) && !strings.Contains(empty, strings.TrimSpace(key)) {
			require.NotContains(t, html, strings.TrimSpace(key))
		}
	})
}

// fuzzedForm sends forms to an invitation, to a new one where it was used up.
type fuzzedForm struct {
	engine  *engine
	storage logical.Storage
	path    string
}

func newFuzzedForm(t testing.TB) *fuzzedForm {
	t.Helper()
	m := withInstant(t)
	return &fuzzedForm{engine: m.engine, storage: m.disk}
}

func (m *fuzzedForm) answer(t testing.TB, form body) string {
	t.Helper()
	ask := func(op logical.Operation, path string, data body) *logical.Response {
		resp, err := m.engine.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Data: data, Storage: m.storage})
		require.NoError(t, err)
		return resp
	}
	if m.path == "" || ask(logical.ReadOperation, m.path, nil).Data[logical.HTTPStatusCode] != statusOK {
		m.path = linkPath(ask(logical.UpdateOperation, "invites/key", body{"any_identity": true}).Data)
	}
	resp := ask(logical.UpdateOperation, m.path, form)
	require.Contains(t, []any{statusOK, statusRefused}, resp.Data[logical.HTTPStatusCode])
	html, _ := resp.Data[logical.HTTPRawBody].(string)
	return html
}
