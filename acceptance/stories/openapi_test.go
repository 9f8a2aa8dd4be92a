package stories_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// operations returns the ids of the document, and demands that each is of one operation.
func operations(t *testing.T, c *evidence.Contract) []string {
	t.Helper()
	var ids []string
	for _, r := range c.Routes {
		assert.NotEmpty(t, r.Answers.OperationID, r.Path.String())
		assert.NotContains(t, ids, r.Answers.OperationID)
		ids = append(ids, r.Answers.OperationID)
	}
	return ids
}

// ask sends a request as root and says which operation answered; the answer must be what
// the document says, and a success.
func ask(t *testing.T, s *harness.Server, c *evidence.Contract, method, path string, body map[string]any) string {
	t.Helper()
	sent, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, s.Addr+"/v1/sei/"+path, bytes.NewReader(sent))
	require.NoError(t, err)
	request.Header.Set("X-Vault-Token", s.Token)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	e, ours := evidence.Exchanged(answer, text)
	require.True(t, ours)
	require.Less(t, answer.StatusCode, http.StatusBadRequest, "%s %s", method, path)
	operation, err := c.Check(e)
	require.NoError(t, err)
	return operation
}

// Every operation of a real server's document is what the server does. The walk is of
// successes; the recorder compares what all other tests get.
func TestTheDocumentIsWhatTheServerDoes(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	populate(t, server, fakes)
	document := harness.ContractOf(t, server)
	ids := operations(t, document)
	var walked []string
	visit := func(method, path string, body map[string]any) {
		walked = append(walked, ask(t, server, document, method, path, body))
	}
	visit(http.MethodPost, "notify/ops", map[string]any{"url": harness.StartReceiver(t).Hook("of-the-walk")})
	visit(http.MethodPost, "notify/ops/test", nil)
	visit(http.MethodGet, "notify/ops", nil)
	for _, path := range []string{"integrations", "health", "providers", "notify"} {
		visit("LIST", path, nil)
	}
	visit(http.MethodPost, "config", map[string]any{"creds_ttl": 78})
	visit(http.MethodPost, "integrations/jira", map[string]any{"description": "Jira"})
	for _, path := range []string{"config", "status", "metrics", "providers/github"} {
		visit(http.MethodGet, path, nil)
	}
	for name := range everything(fakes, "") {
		for _, path := range []string{"integrations/", "reauth/", "health/", "history/"} {
			visit(http.MethodGet, path+name, nil)
		}
	}
	for name, credential := range reauthentications(fakes, 2) {
		visit(http.MethodPost, "validate/"+name, credential)
		visit(http.MethodPost, "reauth/"+name, credential)
		visit(http.MethodPost, "health/"+name, nil)
		visit(http.MethodGet, "creds/"+name, nil)
	}
	for _, name := range consented() {
		visit(http.MethodGet, "creds/"+name, nil)
		visit(http.MethodPost, "oauth/authorize/"+name, nil)
	}
	back := harness.Begin(t, server, fakes.World, "bitbucket-oa", "")
	visit(http.MethodGet, "oauth/callback?"+back.URL.RawQuery, nil)
	_, page := back.Open()
	confirms := map[string]any{}
	for name := range harness.FormOf(page) {
		confirms[name] = harness.FormOf(page).Get(name)
	}
	visit(http.MethodPost, "oauth/callback", confirms)
	walkInvitations(t, server, reauthentications(fakes, 3)["jira"], visit)
	fingerprint := server.ReadOf(t, "creds/github")["fingerprint"]
	visit(http.MethodPost, "creds/github/report", map[string]any{"fingerprint": fingerprint, "status_code": 429})
	visit(http.MethodPost, "rollback/jira", nil)
	visit(http.MethodPost, "rotate/gitlab", nil)
	visit(http.MethodDelete, "creds/jira", nil)
	visit(http.MethodDelete, "notify/ops", nil)
	visit(http.MethodDelete, "integrations/jira", nil)
	slices.Sort(walked)
	assert.ElementsMatch(t, ids, slices.Compact(walked), "each operation has answered")
}

// walkInvitations makes, opens and ends an invitation, and uses one up.
func walkInvitations(t *testing.T, server *harness.Server, credential map[string]any, visit func(method, path string, body map[string]any)) {
	t.Helper()
	visit(http.MethodPost, "config", map[string]any{"public_address": server.Addr})
	invited, err := server.Client(t).Logical().WriteWithContext(t.Context(), "sei/invites/jira", nil)
	require.NoError(t, err)
	link, err := url.Parse(fmt.Sprint(invited.Data["url"]))
	require.NoError(t, err)
	form := "invite/" + path.Base(link.Path)
	visit(http.MethodPost, "invites/jira", nil)
	visit("LIST", "invites", nil)
	visit(http.MethodGet, "invites/jira", nil)
	visit(http.MethodGet, form, nil)
	visit(http.MethodPost, form, credential)
	accessors, ok := server.ReadOf(t, "invites/jira")["invitations"].([]any)
	require.True(t, ok)
	require.NotEmpty(t, accessors)
	open, ok := accessors[0].(map[string]any)
	require.True(t, ok)
	visit(http.MethodDelete, "invites/jira/"+fmt.Sprint(open["accessor"]), nil)
}
