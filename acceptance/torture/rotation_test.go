package torture_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// kills is how often a rotation is cut off, for each provider.
const kills = 20

// rotated is an integration whose credential the upstream can renew.
type rotated struct {
	name     string
	fake     providertest.Fake
	settings map[string]any
	// field is the credential field that holds the token, with the others beside it.
	field  string
	beside map[string]any
	// add makes a token as a person does, living those that work.
	add    func(token string)
	living func() []string
	paths  []string // of the requests of a rotation, at whose answers it is cut off
}

// The plugin, and now and then the server, is killed at every step of a rotation. What
// is served afterwards works, or the integration says that somebody must act; no family
// of tokens is revoked, and none is left behind that the engine does not know of.
func TestRotationKilledAnywhere(t *testing.T) {
	layer.Check(t, "rotations killed at every step")
	server, fakes := harness.StartRaft(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{
		"allowed_hosts": append(fakes.World.AllowedHosts(), "http://127.0.0.1"), "health_check_interval": 4, "rollback_window": 0, "request_timeout": 5,
	})
	for _, r := range rotations(fakes.World) {
		t.Run(r.name, func(t *testing.T) {
			r.settings["proxy_url"], r.settings["ca_cert"] = fakes.World.ProxyURL(), fakes.World.CAPEM()
			harness.Write(t, client, "sei/integrations/"+r.name, r.settings)
			entered := []string{r.enter(t, server, 0)}
			lost := 0
			for n := range kills {
				r.cutOff(t, server, n)
				served, status := r.settled(t, server)
				if status == "needs_reauth" {
					lost++
					entered = append(entered, r.enter(t, server, n+1))
					continue
				}
				assert.Contains(t, r.living(), served, "a dead token is served as %s", status)
			}
			t.Logf("%d rotations cut off, %d of them needed a person", kills, lost)
			if r.name != "gitlab" {
				assert.Zero(t, lost, "nothing is lost where the old one lives on")
			}
			served, _ := r.settled(t, server)
			unknown := slices.DeleteFunc(r.living(), func(token string) bool { return token == served || slices.Contains(entered, token) })
			switch r.name {
			case "gitlab": // documented: one for each answer that was lost with the old token
				assert.LessOrEqual(t, len(unknown), lost)
			case "sonarqube":
				assert.Empty(t, unknown, "tokens are left behind")
			case "harness": // documented: they end by themselves
			}
		})
	}
	assert.Zero(t, fakes.World.GitLabOwn.Renewals().FamiliesRevoked)
}

func rotations(w *catalogtest.World) []rotated {
	return []rotated{
		{
			name: "gitlab", fake: w.GitLabOwn, field: "pat", living: func() []string { return w.GitLabOwn.Living("ada") },
			settings: map[string]any{"provider": "gitlab", "url": "https://gitlab.example.com/gitlab"},
			add: func(token string) {
				w.GitLabOwn.Add(gitlabtest.GitLabToken{Token: token, Username: "ada", Scopes: []string{"api"}, Expires: time.Now().AddDate(0, 0, 60).Format(time.DateOnly)})
			},
			paths: []string{"/personal_access_tokens/self", "/self/rotate", "/user"},
		},
		{
			name: "harness", fake: w.HarnessOwn, field: "api_key", living: func() []string { return w.HarnessOwn.Living("ada@example.com") }, beside: map[string]any{"email": "ada@example.com"},
			settings: map[string]any{"provider": "harness", "url": "https://harness.example.com", "account_id": "acme"},
			add: func(token string) {
				w.HarnessOwn.Add(harnesstest.HarnessToken{Token: token, Account: "acme", Email: "ada@example.com"})
			},
			paths: []string{"/token/validate", ""},
		},
		{
			name: "sonarqube", fake: w.SonarQube, field: "api_key", living: func() []string { return w.SonarQube.Living("ada") }, beside: map[string]any{"username": "ada"},
			settings: map[string]any{"provider": "sonarqube", "url": "https://sonarqube.example.com/sonar"},
			add:      func(token string) { w.SonarQube.AddToken("ada", token) },
			paths:    []string{"/users/current", "/user_tokens/generate", "/user_tokens/revoke"},
		},
	}
}

// enter makes a token and re-authenticates with it, as a person does.
func (r rotated) enter(t *testing.T, server *harness.Server, n int) string {
	t.Helper()
	token := map[string]string{
		"gitlab": fmt.Sprintf("glpat-entered-by-a-person-%d", n), "harness": fmt.Sprintf("pat.acme.entered%d.person", n),
		"sonarqube": fmt.Sprintf("squ_entered_by_a_person_%d", n),
	}[r.name]
	r.add(token)
	body := map[string]any{r.field: token}
	for name, value := range r.beside {
		body[name] = value
	}
	harness.Write(t, server.Client(t).Logical(), "sei/reauth/"+r.name, body)
	return token
}

// cutOff begins a rotation and kills the plugin, or each fifth time the server, while
// an answer is held back, or at any moment.
func (r rotated) cutOff(t *testing.T, server *harness.Server, n int) {
	t.Helper()
	path, held := r.paths[n%len(r.paths)], n%4 != 3
	fault, _ := providertest.NamedFault("late", "")
	fault.Path, fault.Times = path, 1
	r.fake.Forget()
	if held {
		r.fake.Behave(fault)
	}
	client := server.Client(t)
	client.SetMaxRetries(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = client.Logical().WriteWithContext(t.Context(), "sei/rotate/"+r.name, nil)
	}()
	deadline := time.Now().Add(3 * time.Second)
	for held && time.Now().Before(deadline) && !slices.ContainsFunc(r.fake.Requests(), func(q providertest.Request) bool { return hasEnd(q.Path, path) }) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(rand.N(20 * time.Millisecond))
	if n%5 == 4 {
		server.Kill()
		r.fake.Behave(providertest.Fault{})
		server.Start(t)
		server.Unseal(t)
	} else {
		server.KillPlugin(t)
		r.fake.Behave(providertest.Fault{})
	}
	<-done
}

func hasEnd(path, end string) bool { return len(path) >= len(end) && path[len(path)-len(end):] == end }

// settled waits until the engine has taken up what was cut off, and returns the token
// that it then serves and the status.
func (r rotated) settled(t *testing.T, server *harness.Server) (token, status string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		health, err := server.Client(t).Logical().ReadWithContext(t.Context(), "sei/health/"+r.name)
		if err != nil || health == nil {
			continue
		}
		creds, err := server.Client(t).Logical().ReadWithContext(t.Context(), "sei/creds/"+r.name)
		if err != nil || creds == nil {
			continue
		}
		status, _ = health.Data["status"].(string)
		token, _ = creds.Data[r.field].(string)
		if status == "needs_reauth" || slices.Contains(r.living(), token) && !r.unfinished(t, server) {
			return token, status
		}
	}
	return token, status
}

// unfinished reports whether a rotation is still to be taken up, as raw storage says.
func (r rotated) unfinished(t *testing.T, server *harness.Server) bool {
	t.Helper()
	return server.Stored(t, "rotating/"+r.name) != ""
}
