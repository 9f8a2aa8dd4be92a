package torture_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// guest uses links at a server whose integration jira is that of ada.
type guest struct {
	*harness.Server
	fakes *harness.Fakes
	keys  int
}

const ada = "ada@example.com"

func startGuest(t *testing.T, s *harness.Server) *guest {
	t.Helper()
	g := &guest{Server: s, fakes: harness.StartFakes(t)}
	s.Mount(t, "sei")
	client := s.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "public_address": "http://localhost"})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": g.fakes.URLs["JIRA"]})
	harness.Write(t, client, "sei/reauth/jira", map[string]any{"email": ada, "api_key": g.key()})
	return g
}

// key is one that Jira takes, and that was not sent before.
func (g *guest) key() string {
	g.keys++
	key := fmt.Sprintf("invited-torture-%d", g.keys)
	g.fakes.World.Jira.AddAPIToken(ada, key)
	return key
}

// invites returns the path of a link.
func (g *guest) invites(t *testing.T) string {
	t.Helper()
	made, err := g.Client(t).Logical().WriteWithContext(t.Context(), "sei/invites/jira", nil)
	require.NoError(t, err)
	link, _ := made.Data["url"].(string)
	return strings.TrimPrefix(link, "http://localhost")
}

// opens returns the status of a page.
func (g *guest) opens(t *testing.T, path string) int {
	t.Helper()
	return g.asks(t, http.MethodGet, path, "")
}

// uses sends a form and returns the status of its page, 0 where there was no answer.
func (g *guest) uses(t *testing.T, path, key string) int {
	t.Helper()
	return g.asks(t, http.MethodPost, path, url.Values{"email": {ada}, "api_key": {key}}.Encode())
}

func (g *guest) asks(t *testing.T, method, path, form string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.Addr+path, strings.NewReader(form))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// settled waits until the server serves the mount, and returns the version.
func (g *guest) settled(t *testing.T) int {
	t.Helper()
	g.Wait(t, "serve", func(ctx context.Context) bool {
		secret, err := g.Client(t).Logical().ReadWithContext(ctx, "sei/creds/jira")
		return err == nil && secret != nil
	})
	return harness.VersionOf(t, g.ReadOf(t, "creds/jira"))
}

// The plugin is killed at any moment of a use: afterwards either the credential was swapped
// and the link is dead, or nothing was, and the link works, once.
func TestThePluginIsKilledWhileAnInvitationIsUsed(t *testing.T) {
	layer.Check(t, "the plugin killed while a link is used")
	g := startGuest(t, harness.StartRaft(t))
	done, undone := 0, 0
	for i := range 24 {
		before, path := g.settled(t), g.invites(t)
		var group sync.WaitGroup
		for range 2 { // tabs
			key := g.key()
			group.Go(func() { g.uses(t, path, key) })
		}
		time.Sleep(time.Duration(i) * 2 * time.Millisecond)
		g.KillPlugin(t)
		group.Wait()
		if g.settled(t) == before {
			undone++
			require.Equal(t, http.StatusOK, g.opens(t, path), "it can be used again")
			require.Equal(t, http.StatusOK, g.uses(t, path, g.key()))
		} else {
			done++
		}
		assert.Equal(t, before+1, g.settled(t), "one swap")
		assert.Equal(t, http.StatusNotFound, g.opens(t, path))
		assert.Equal(t, http.StatusNotFound, g.uses(t, path, g.key()))
		assert.Equal(t, before+1, g.settled(t), "and no second one")
	}
	t.Logf("%d were done when the plugin was killed, %d were not", done, undone)
}

// The leader is lost between the look at a form and its use, which comes to a server that
// is not the leader, and is forwarded.
func TestTheLeaderIsLostBetweenALookAndAUse(t *testing.T) {
	layer.Check(t, "a leader lost between a look at a form and its use")
	c := harness.StartCluster(t)
	leader := c.Leader(t, nil)
	g := startGuest(t, leader)
	path := g.invites(t)
	require.Equal(t, http.StatusOK, g.opens(t, path))
	leader.Kill()
	next := c.Leader(t, leader)
	for _, s := range c {
		if s != leader && s != next {
			g.Server = s
		}
	}
	require.Equal(t, 1, g.settled(t))
	require.Equal(t, http.StatusOK, g.opens(t, path))
	require.Equal(t, http.StatusOK, g.uses(t, path, g.key()))
	for _, s := range []*harness.Server{g.Server, next} {
		g.Server = s
		assert.Equal(t, http.StatusNotFound, g.opens(t, path))
		assert.Equal(t, http.StatusNotFound, g.uses(t, path, g.key()))
		assert.Equal(t, 2, g.settled(t))
	}
}
