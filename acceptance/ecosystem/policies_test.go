package ecosystem_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

const policiesDir = "../../examples/policies"

// allowance is what a file of examples/policies allows, and there is nothing else that
// it does.
type allowance struct {
	// own is the integration that the policy names; stranger is any other.
	own      string
	near     string   // is spelled like own and is another
	everyone []string // operations on the mount, or on every integration
	ownOnly  []string // operations on own, where :name stands for it
	system   map[string][]string
	token    func(t *testing.T, s *harness.Server, policy string) string
}

const stranger = "beta.jira-prod"

func allowances() map[string]allowance {
	configure := []string{
		"read config", "update config", "list integrations", "create integrations/:name", "read integrations/:name", "update integrations/:name", "delete integrations/:name",
	}
	rows := map[string]allowance{
		"reauthenticate.hcl":       {own: "jira-prod", ownOnly: []string{"read reauth/:name", "update reauth/:name", "read health/:name"}},
		"reauthenticate-oauth.hcl": {own: "bitbucket-oauth", ownOnly: []string{"update oauth/authorize/:name", "read reauth/:name", "read health/:name"}},
		"inviter.hcl":              {own: "jira-prod", ownOnly: []string{"read invites/:name", "update invites/:name", "delete invites/:name/:name", "read health/:name"}},
		"worker.hcl":               {own: "github-prod", ownOnly: []string{"read creds/:name", "update creds/:name/report"}},
		"operator.hcl": {own: "jira-prod", everyone: append([]string{
			"delete creds/:name", "read reauth/:name", "list health", "read health/:name", "update health/:name", "read history/:name",
			"update rotate/:name", "update rollback/:name", "read status", "list providers", "read providers/:name",
			"list notify", "read notify/:name", "update notify/:name", "delete notify/:name", "update notify/:name/test",
			"list invites", "read invites/:name", "delete invites/:name/:name",
		}, configure...)},
		"auditor.hcl": {own: "jira-prod", everyone: []string{"read history/:name", "list health", "read health/:name", "read status"}},
		"fleet-reader.hcl": {own: "jira-prod", everyone: []string{
			"list health", "read health/:name", "read status", "read integrations/:name", "read reauth/:name", "read history/:name", "list notify",
		}},
		"prometheus.hcl": {own: "jira-prod", everyone: []string{"read metrics"}},
		"terraform.hcl": {own: "jira-prod", everyone: append([]string{"list notify", "read notify/:name", "update notify/:name", "delete notify/:name"}, configure...), system: map[string][]string{
			"sys/mounts/sei": {"read", "update"}, "sys/mounts/sei/tune": {"read", "update"},
		}},
		"team.hcl": {own: "alpha.jira-prod", near: "alpha2.jira-prod", token: teamToken, ownOnly: []string{
			"read integrations/:name", "read reauth/:name", "update reauth/:name", "update validate/:name",
			"update oauth/authorize/:name", "read health/:name", "update health/:name", "read history/:name",
		}},
	}
	for name, row := range rows {
		if row.token == nil {
			row.token, row.near = plainToken, row.own+"2"
		}
		rows[name] = row
	}
	return rows
}

// systemPaths are what else a policy could open by mistake.
func systemPaths() []string {
	return []string{
		"sys/mounts", "sys/mounts/sei", "sys/mounts/sei/tune", "sys/mounts/other", "sys/policies/acl/any", "sys/plugins/catalog/secret/any",
		"sys/audit/file", "sys/raw/logical", "sys/storage/raft/snapshot", "auth/token/create", "secret/data/any",
	}
}

// Each file of examples/policies allows what the table above says and nothing else, at
// every operation of the engine, for the integration that it names and for another.
func TestPolicies(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	all := engineOperations(t, server)
	for name, want := range allowances() {
		t.Run(name, func(t *testing.T) {
			policy, err := os.ReadFile(filepath.Join(policiesDir, name))
			require.NoError(t, err)
			p := &prober{server: server, token: want.token(t, server, string(policy))}
			p.assertAllows(t, want.own, all, slices.Concat(want.everyone, want.ownOnly))
			for _, other := range []string{stranger, want.near} {
				p.assertAllows(t, other, all, want.everyone)
			}
			p.assertSystem(t, want.system)
		})
	}
}

// A policy that no row describes is one that nobody tests.
func TestEveryPolicyHasARow(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(policiesDir, "*"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(allowances())), names)
}

// Who may tune the mount cannot have secrets written into the audit log.
func TestTerraformCannotOpenTheAuditLog(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	policy, err := os.ReadFile(filepath.Join(policiesDir, "terraform.hcl"))
	require.NoError(t, err)
	p := &prober{server: server, token: tokenWith(t, server, "terraform", string(policy))}
	tune := server.Addr + "/v1/sys/mounts/sei/tune"
	for _, key := range []string{"audit_non_hmac_request_keys", "audit_non_hmac_response_keys"} {
		assert.Equal(t, http.StatusForbidden, p.send(t, http.MethodPost, tune, `{"`+key+`":["api_key"]}`), key)
	}
	assert.Equal(t, http.StatusNoContent, p.send(t, http.MethodPost, tune, `{"description":"as code"}`))
}

// A token of no team, or of another, gets nothing out of the team's policy.
func TestTheTeamsPolicyNeedsATeam(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	policy, err := os.ReadFile(filepath.Join(policiesDir, "team.hcl"))
	require.NoError(t, err)
	p := &prober{server: server, token: tokenWith(t, server, "team", string(policy))}
	all := engineOperations(t, server)
	for _, name := range []string{"alpha.jira-prod", stranger, "jira-prod"} {
		p.assertAllows(t, name, all, nil)
	}
}

func plainToken(t *testing.T, s *harness.Server, policy string) string {
	t.Helper()
	return tokenWith(t, s, "plain", policy)
}

// teamToken returns a token of an entity whose team is alpha.
func teamToken(t *testing.T, server *harness.Server, policy string) string {
	t.Helper()
	client := server.Client(t)
	require.NoError(t, client.Sys().PutPolicyWithContext(t.Context(), "team", policy))
	require.NoError(t, client.Sys().EnableAuthWithOptionsWithContext(t.Context(), "userpass", &api.EnableAuthOptions{Type: "userpass"}))
	mounts, err := client.Sys().ListAuthWithContext(t.Context())
	require.NoError(t, err)
	harness.Write(t, client.Logical(), "auth/userpass/users/ada", map[string]any{"password": "of-ada", "token_policies": "team"})
	entity, err := client.Logical().WriteWithContext(t.Context(), "identity/entity", map[string]any{"name": "ada", "metadata": map[string]string{"team": "alpha"}})
	require.NoError(t, err)
	harness.Write(t, client.Logical(), "identity/entity-alias", map[string]any{
		"name": "ada", "canonical_id": entity.Data["id"], "mount_accessor": mounts["userpass/"].Accessor,
	})
	login, err := client.Logical().WriteWithContext(t.Context(), "auth/userpass/login/ada", map[string]any{"password": "of-ada"})
	require.NoError(t, err)
	return login.Auth.ClientToken
}

// engineOperations lists what the engine of the mount can be asked, such as "update
// creds/:name/report", as the mount itself describes it.
func engineOperations(t *testing.T, server *harness.Server) []string {
	t.Helper()
	secret, err := server.Client(t).Logical().ReadRawWithDataWithContext(t.Context(), "sei/", map[string][]string{"help": {"1"}})
	require.NoError(t, err)
	defer func() { _ = secret.Body.Close() }()
	var help struct {
		OpenAPI struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
		} `json:"openapi"`
	}
	require.NoError(t, json.NewDecoder(secret.Body).Decode(&help))
	var all []string
	for path, verbs := range help.OpenAPI.Paths {
		all = append(all, operationsOf(path, verbs)...)
	}
	require.Len(t, all, len(slices.Compact(slices.Sorted(slices.Values(all)))), "an operation twice")
	require.Contains(t, all, "update creds/:name/report")
	return all
}

// operationsOf translates a path of OpenAPI.
func operationsOf(path string, verbs map[string]json.RawMessage) []string {
	name := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(strings.Trim(path, "/"), ":name")
	if name == "oauth/callback" || name == "invite/:name" { // are for browsers, which have no token
		return nil
	}
	var found []string
	for verb := range verbs {
		switch {
		case verb == "get" && strings.HasSuffix(path, "/"):
			found = append(found, "list "+name)
		case verb == "get":
			found = append(found, "read "+name)
		case verb == "delete":
			found = append(found, "delete "+name)
		case verb == "post":
			found = append(found, "update "+name)
			if name == "integrations/:name" { // the one path that tells the two apart
				found = append(found, "create "+name)
			}
		}
	}
	return found
}

// prober sends requests with a token. What it sends changes nothing, but for a delete.
type prober struct {
	server *harness.Server
	token  string
}

// assertAllows sends every operation for an integration.
func (p *prober) assertAllows(t *testing.T, name string, all, allowed []string) {
	t.Helper()
	for _, operation := range allowed {
		require.Contains(t, all, operation, "the table has what the engine has not")
	}
	for _, operation := range all {
		verb, path, _ := strings.Cut(operation, " ")
		p.arrange(t, name, verb != "create")
		method := map[string]string{"read": http.MethodGet, "list": "LIST", "delete": http.MethodDelete}[verb]
		if method == "" {
			method = http.MethodPost
		}
		status := p.send(t, method, p.server.Addr+"/v1/sei/"+strings.ReplaceAll(path, ":name", name), "{}")
		may := status != http.StatusForbidden // which the engine itself never answers
		assert.Equal(t, slices.Contains(allowed, operation), may, "%s, where :name is %s: HTTP %d", operation, name, status)
	}
}

// arrange makes an integration that has no credential, or takes it away.
func (p *prober) arrange(t *testing.T, name string, exists bool) {
	t.Helper()
	client := p.server.Client(t).Logical()
	if exists {
		harness.Write(t, client, "sei/integrations/"+name, map[string]any{"provider": "jira", "auth_type": "api_key", "url": "https://acme.atlassian.net"})
		return
	}
	_, err := client.DeleteWithContext(t.Context(), "sei/integrations/"+name)
	require.NoError(t, err)
}

// send returns the status of the answer.
func (p *prober) send(t *testing.T, method, url, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Vault-Token", p.token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// assertSystem asks Vault what the token may do outside of the engine.
func (p *prober) assertSystem(t *testing.T, allowed map[string][]string) {
	t.Helper()
	client := p.server.Client(t)
	for _, path := range systemPaths() {
		want := allowed[path]
		if want == nil {
			want = []string{"deny"}
		}
		have, err := client.Sys().CapabilitiesWithContext(t.Context(), p.token, path)
		require.NoError(t, err)
		assert.ElementsMatch(t, want, have, path)
	}
}
