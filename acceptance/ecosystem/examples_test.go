package ecosystem_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// The tokens of the examples' pool, and how many requests a worker sends.
const (
	firstToken   = "ghp_examples_first"
	secondToken  = "ghp_examples_second"
	workRequests = 20
)

// A worker that does as the examples do misses nothing when a token dies, and health/
// then says which. While the quota of every token is used up it sends nothing.
func TestExamples(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		binary := filepath.Join(t.TempDir(), "worker")
		out, err := bash(t, os.Environ(), "go build -o '"+binary+"' ./examples/worker-go")
		require.NoError(t, err, "%s", out)
		testWorker(t, newPool(t, server, "sei-go"), func(p *pool, requests string) []string {
			return []string{binary, "-creds", p.mount + "/creds/gh", "-url", p.url, "-requests", requests, "-every", "20ms"}
		})
	})
	t.Run("monitor", func(t *testing.T) {
		t.Parallel()
		testMonitor(t, server)
	})
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		needs(t, "python3", "examples/worker.py")
		testWorker(t, newPool(t, server, "sei-python"), func(p *pool, requests string) []string {
			return []string{"python3", "../../examples/worker.py", p.mount + "/creds/gh", p.url, "--requests", requests, "--every", "0.02"}
		})
	})
	t.Run("shell", func(t *testing.T) {
		t.Parallel()
		needs(t, "curl", "examples/worker.sh")
		testWorker(t, newPool(t, server, "sei-shell"), func(p *pool, requests string) []string {
			return []string{"../../examples/worker.sh", p.mount + "/creds/gh", p.url, requests, "0.02"}
		})
	})
}

// needs leaves the test to make check, skips it where a program is missing, and fails it
// where none may be.
func needs(t *testing.T, program, what string) {
	t.Helper()
	layer.Check(t, "what needs curl, jq or Python")
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("SEI_ACCEPTANCE") != "required" {
		t.Skip(what + " needs " + program)
	}
	require.NoError(t, err, "%s needs %s; install it", what, program)
}

// testMonitor runs the check of docs/operations.md, with the policy that is given there.
func testMonitor(t *testing.T, server *harness.Server) {
	t.Helper()
	needs(t, "jq", "the check in docs/operations.md")
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	check := regexp.MustCompile("(?ms)^```sh monitor\n(.*?)^```$").FindStringSubmatch(string(page))
	require.NotNil(t, check)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	token := tokenWith(t, server, "monitor", `path "sei/status" { capabilities = ["read"] }`)
	environ := append(server.Environ(), "PATH="+harness.VaultOnPath(t), "VAULT_TOKEN="+token)

	out, err := bash(t, environ, check[1])
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "OK\n", out)
	harness.Write(t, client, "sei/integrations/gh", map[string]any{"provider": "github"})
	out, err = bash(t, environ, check[1])
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 2, exit.ExitCode())
	assert.Contains(t, out, "gh: needs_reauth, no_credential: ")
	out, err = bash(t, append(environ, "VAULT_TOKEN=none"), check[1])
	require.ErrorAs(t, err, &exit, "%s", out)
	assert.Equal(t, 3, exit.ExitCode())
}

func testWorker(t *testing.T, p *pool, command func(p *pool, requests string) []string) {
	t.Helper()
	dead := p.assertSurvives(t, p.run(t, command(p, strconv.Itoa(workRequests))))
	p.assertHealth(t, dead)
	p.spend(t)
	begun, before := time.Now(), p.seen.Load()
	out := p.run(t, command(p, "1"))
	assert.Contains(t, out, "the quota of every token is used up; waiting")
	assert.GreaterOrEqual(t, time.Since(begun), spentFor/2, "%s", out)
	assert.Equal(t, before+1, p.seen.Load(), "%s", out)
}

// pool is a mount with a pool of two tokens, and an upstream at which the first token
// is revoked when half of the work is done.
type pool struct {
	server *harness.Server
	mount  string
	url    string
	fakes  *harness.Fakes
	// What the upstream answered so far: with 200, with 401, and at all.
	good, refused, seen atomic.Int64
}

func newPool(t *testing.T, server *harness.Server, mount string) *pool {
	t.Helper()
	p := &pool{server: server, mount: mount, fakes: harness.StartFakes(t)}
	p.url = harness.Listen(t, http.HandlerFunc(p.serve)) + "/api/v3/user"
	github := p.fakes.World.GitHubEnterprise
	github.AddClassic("one", firstToken, "repo", "read:org")
	github.AddClassic("two", secondToken, "repo", "read:org")
	server.Mount(t, mount)
	client := server.Client(t).Logical()
	harness.Write(t, client, mount+"/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, mount+"/integrations/gh", map[string]any{"provider": "github", "url": p.fakes.URLs["GITHUB"]})
	harness.Write(t, client, mount+"/reauth/gh", map[string]any{"pat": []string{firstToken, secondToken}})
	return p
}

// serve is the upstream that the worker works at.
func (p *pool) serve(w http.ResponseWriter, r *http.Request) {
	if p.seen.Add(1) == workRequests/2 {
		p.fakes.World.GitHubEnterprise.Revoke(firstToken)
	}
	answer := httptest.NewRecorder()
	p.fakes.World.GitHubEnterprise.ServeHTTP(answer, r)
	switch answer.Code {
	case http.StatusOK:
		p.good.Add(1)
	case http.StatusUnauthorized:
		p.refused.Add(1)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// run runs a worker with no more rights than it needs, and returns what it wrote.
func (p *pool) run(t *testing.T, command []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.StartLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(p.server.Environ(), "PATH="+harness.VaultOnPath(t), "VAULT_TOKEN="+p.workerToken(t))
	out, err := cmd.CombinedOutput()
	for _, secret := range []string{firstToken, secondToken} {
		seen := strings.Contains(string(out), secret) // NotContains would print it
		assert.False(t, seen, "the worker prints a token")
	}
	require.NoError(t, err, "%s", out)
	return string(out)
}

// assertSurvives demands that all requests succeeded although a token died, whose
// fingerprint it returns: the request that met it was sent again with the other.
func (p *pool) assertSurvives(t *testing.T, out string) (dead string) {
	t.Helper()
	assert.EqualValues(t, workRequests, p.good.Load(), "%s", out)
	assert.EqualValues(t, 1, p.refused.Load(), "the worker asks once and reads again\n%s", out)
	used := regexp.MustCompile(`HTTP (\d+) with token (\S+)`).FindAllStringSubmatch(out, -1)
	require.Len(t, used, workRequests+1, "%s", out)
	dead, alive := used[0][2], used[workRequests][2]
	for i, use := range used {
		want := []string{"200", dead}
		switch {
		case i == workRequests/2-1:
			want = []string{"401", dead}
		case i >= workRequests/2:
			want = []string{"200", alive}
		}
		assert.Equal(t, want, use[1:], "%s", out)
	}
	assert.NotEqual(t, dead, alive)
	return dead
}

// spentFor is how long the quotas are used up. Upstreams say full seconds.
const spentFor = 8 * time.Second

// spend replaces the pool, because quotas do not come back within their time, and
// reports that those of both tokens are used up.
func (p *pool) spend(t *testing.T) {
	t.Helper()
	p.fakes.World.GitHubEnterprise.AddClassic("one", firstToken, "repo", "read:org")
	client := p.server.Client(t).Logical()
	harness.Write(t, client, p.mount+"/reauth/gh", map[string]any{"pat": []string{firstToken, secondToken}})
	reset := time.Now().Add(spentFor).Unix()
	for range 2 {
		secret, err := client.ReadWithContext(t.Context(), p.mount+"/creds/gh")
		require.NoError(t, err)
		harness.Write(t, client, p.mount+"/creds/gh/report", map[string]any{
			"fingerprint": secret.Data["fingerprint"], "status_code": http.StatusForbidden, "remaining": 0, "reset_at": reset,
		})
	}
}

// assertHealth asks for the health, which names the token to replace by position and
// fingerprint, and what was reported of the other's quota.
func (p *pool) assertHealth(t *testing.T, dead string) {
	t.Helper()
	secret, err := p.server.Client(t).Logical().WriteWithContext(t.Context(), p.mount+"/health/gh", nil)
	require.NoError(t, err)
	require.NotNil(t, secret)
	assert.Equal(t, "degraded", secret.Data["status"])
	assert.Equal(t, "credential_rejected", secret.Data["code"])
	assert.Contains(t, secret.Data["message"], "token 1 ("+dead+", one)")
	members, _ := secret.Data["members"].([]any)
	require.Len(t, members, 2)
	first, _ := members[0].(map[string]any)
	second, _ := members[1].(map[string]any)
	assert.Equal(t, "needs_reauth", first["status"])
	assert.Equal(t, dead, first["fingerprint"])
	assert.Equal(t, "healthy", second["status"])
	assert.Contains(t, second["quotas"], "core")
}

// workerToken returns a token with the policy that docs/operations.md gives to workers.
func (p *pool) workerToken(t *testing.T) string {
	t.Helper()
	return tokenWith(t, p.server, p.mount+"-worker", `
path "`+p.mount+`/creds/gh"        { capabilities = ["read"] }
path "`+p.mount+`/creds/gh/report" { capabilities = ["update"] }
`)
}

// tokenWith returns a token that has the policy and no other.
func tokenWith(t *testing.T, server *harness.Server, name, policy string) string {
	t.Helper()
	client := server.Client(t)
	require.NoError(t, client.Sys().PutPolicyWithContext(t.Context(), name, policy))
	secret, err := client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{name}})
	require.NoError(t, err)
	return secret.Auth.ClientToken
}
