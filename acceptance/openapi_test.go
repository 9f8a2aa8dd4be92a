package acceptance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contractOf reads the document of a server that has the engine at sei.
func contractOf(t *testing.T, s *server) *contract {
	t.Helper()
	document, err := cut(s.openAPI(t), "sei")
	require.NoError(t, err)
	c, err := newContract(document)
	require.NoError(t, err)
	return c
}

// operations returns the ids of the document, and demands that each is of one operation.
func operations(t *testing.T, c *contract) []string {
	t.Helper()
	var ids []string
	for _, r := range c.routes {
		assert.NotEmpty(t, r.answers.OperationID, r.path.String())
		assert.NotContains(t, ids, r.answers.OperationID)
		ids = append(ids, r.answers.OperationID)
	}
	return ids
}

// ask sends a request as root and says which operation answered; the answer must be what
// the document says, and a success.
func ask(t *testing.T, s *server, c *contract, method, path string, body map[string]any) string {
	t.Helper()
	sent, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, s.addr+"/v1/sei/"+path, bytes.NewReader(sent))
	require.NoError(t, err)
	request.Header.Set("X-Vault-Token", s.token)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	e, ours := exchanged(answer, text)
	require.True(t, ours)
	require.Less(t, answer.StatusCode, http.StatusBadRequest, "%s %s", method, path)
	operation, err := c.check(e)
	require.NoError(t, err)
	return operation
}

// Every operation of a real server's document is what the server does. The walk is of
// successes; the recorder compares what all other tests get.
func TestTheDocumentIsWhatTheServerDoes(t *testing.T) {
	t.Parallel()
	server, fakes := startDev(t), startFakes(t)
	server.mount(t, "sei")
	populate(t, server, fakes)
	document := contractOf(t, server)
	ids := operations(t, document)
	var walked []string
	visit := func(method, path string, body map[string]any) {
		walked = append(walked, ask(t, server, document, method, path, body))
	}
	visit(http.MethodPost, "notify/ops", map[string]any{"url": startReceiver(t).hook("of-the-walk")})
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
	back := begin(t, server, fakes.world, "bitbucket-oa", "").url
	visit(http.MethodGet, "oauth/callback?"+back.RawQuery, nil)
	fingerprint := server.readOf(t, "creds/github")["fingerprint"]
	visit(http.MethodPost, "creds/github/report", map[string]any{"fingerprint": fingerprint, "status_code": 429})
	visit(http.MethodPost, "rollback/jira", nil)
	visit(http.MethodPost, "rotate/gitlab", nil)
	visit(http.MethodDelete, "creds/jira", nil)
	visit(http.MethodDelete, "notify/ops", nil)
	visit(http.MethodDelete, "integrations/jira", nil)
	slices.Sort(walked)
	assert.ElementsMatch(t, ids, slices.Compact(walked), "each operation has answered")
}

// readOf returns the data of a path below sei.
func (s *server) readOf(t *testing.T, path string) map[string]any {
	t.Helper()
	secret, err := s.client(t).Logical().ReadWithContext(t.Context(), "sei/"+path)
	require.NoError(t, err)
	require.NotNil(t, secret)
	return secret.Data
}

// A difference is told with the operation and the field, and without what stands there.
func TestADifferenceFromTheDocumentIsTold(t *testing.T) {
	const secret = "s3cret"
	whole := `{"openapi": "3.0.2", "info": {"title": "t", "version": "1"}, "paths": {
		"/other/x": {"get": "not valid"},
		"/sei/it/{name}": {
			"parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
			"get": {"operationId": "read-it", "responses": {
				"204": {"description": "nothing"},
				"200": {"description": "it", "content": {"application/json": {"schema": {
					"type": "object", "properties": {"version": {"type": "integer"}, "labels": {"type": "object"}}}}}}}}}}}`
	text, err := cut([]byte(whole), "sei")
	require.NoError(t, err)
	document, err := newContract(text)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"as described":       {"/it/a", `{"data":{"version":1,"labels":{"team":"x"}}}`, 200, ""},
		"another type":       {"/it/a", `{"data":{"version":"` + secret + `"}}`, 200, `read-it (GET), answer 200: field "version" is not of the type integer`},
		"null":               {"/it/a", `{"data":{"version":null}}`, 200, `field "version" is not of the type integer`},
		"an unknown field":   {"/it/a", `{"data":{"extra":"` + secret + `"}}`, 200, `"extra" is unsupported`},
		"no data":            {"/it/a", `{"auth":{}}`, 200, `field "" is not of the type object`},
		"an unknown status":  {"/it/a", `{"data":{}}`, 202, "has no such answer"},
		"a body for nothing": {"/it/a", `{}`, 204, "the body has 2 bytes"},
		"nothing":            {"/it/a", ``, 200, "the body has 0 bytes"},
		"an unknown path":    {"/that/a", `{}`, 200, "GET /that/a: the document has no such operation"},
		"a refusal of Vault": {"/it/a", `{"errors":["permission denied"]}`, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := document.check(exchange{http.MethodGet, test.path, test.status, "application/json", []byte(test.body)})
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}
