package sei

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	answers "github.com/hashicorp/vault/sdk/helper/testhelpers/schema"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
)

// mount is an engine with fake upstreams on loopback.
type mount struct {
	*engine
	storage            *logical.InmemStorage
	jira               *jiratest.Jira
	github             *githubtest.GitHub
	jiraURL, githubURL string
}

func newMount(t *testing.T) *mount {
	t.Helper()
	m := &mount{
		storage: &logical.InmemStorage{},
		jira:    jiratest.NewJira(jiratest.JiraOptions{}), github: githubtest.NewGitHub(),
	}
	jira, github := httptest.NewServer(m.jira), httptest.NewServer(m.github)
	t.Cleanup(jira.Close)
	t.Cleanup(github.Close)
	m.jiraURL, m.githubURL = jira.URL, github.URL
	m.engine = newEngine(m.storage, catalog.All("test"), time.Now)
	system := &logical.StaticSystemView{PluginEnvironment: &logical.PluginEnvironment{}} // help asks for it
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.storage, System: system}))
	t.Cleanup(func() { m.Cleanup(t.Context()) })
	m.ok(t, logical.UpdateOperation, "config", body{"allowed_hosts": "http://127.0.0.1"})
	return m
}

type body = map[string]any

// reply is what a client would see.
type reply struct {
	status   int
	data     map[string]any
	message  string
	warnings []string
}

// do sends a request as Vault would, and checks the answer against the schema.
func (m *mount) do(t *testing.T, op logical.Operation, path string, data body) reply {
	t.Helper()
	req := &logical.Request{
		Operation: op, Path: path, Data: maps.Clone(data), Storage: m.storage,
		ID: "request-1", EntityID: "entity-1", DisplayName: "token-mia",
	}
	resp, err := m.HandleRequest(t.Context(), req)
	require.Equal(t, body(data), body(req.Data), "the request is given back as it was")
	if err == nil && !resp.IsError() {
		m.checkSchema(t, op, path, resp)
	}
	status, err := logical.RespondErrorCommon(req, resp, err)
	r := reply{status: status}
	if err != nil {
		r.message = err.Error()
	}
	if resp == nil {
		return r
	}
	r.data, r.warnings = resp.Data, resp.Warnings
	if resp.IsError() {
		r.data, _ = resp.Data["data"].(map[string]any)
	}
	return r
}

func (m *mount) checkSchema(t *testing.T, op logical.Operation, path string, resp *logical.Response) {
	t.Helper()
	answers.ValidateResponse(t, answers.GetResponseSchema(t, m.Route(path), op), resp, true)
}

// ok demands success and returns the answer.
func (m *mount) ok(t *testing.T, op logical.Operation, path string, data body) reply {
	t.Helper()
	r := m.do(t, op, path, data)
	require.Zero(t, r.status, "%s %s: %s", op, path, r.message)
	return r
}

// refused demands a refusal with that status and code.
func (m *mount) refused(t *testing.T, op logical.Operation, path string, data body, status int, code string) reply {
	t.Helper()
	r := m.do(t, op, path, data)
	require.Equal(t, status, r.status, "%s %s: %s", op, path, r.message)
	require.True(t, strings.HasPrefix(r.message, code+": "), "%s: %s", code, r.message)
	if r.data != nil {
		require.Equal(t, code, r.data["code"])
	}
	return r
}

func (m *mount) write(t *testing.T, path string, data body) reply {
	t.Helper()
	return m.ok(t, logical.UpdateOperation, path, data)
}

func (m *mount) read(t *testing.T, path string) map[string]any {
	t.Helper()
	return m.ok(t, logical.ReadOperation, path, nil).data
}

const email = "mia@example.com"

// withJira has integration jira with credential key-1 at version 1.
func withJira(t *testing.T) *mount {
	t.Helper()
	m := newMount(t)
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	m.jira.AddAPIToken(email, "key-1")
	m.jira.AddAPIToken(email, "key-2")
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
	return m
}

func paths(e *engine) []*framework.Path { return e.Paths }

// authorization is the header of that name in an answer of creds/.
func authorization(creds map[string]any) string {
	headers, _ := creds["headers"].(map[string]string)
	return headers["Authorization"]
}
