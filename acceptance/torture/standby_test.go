package torture_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// staleLimit is for how long a standby that answers reads itself may serve what was in use
// before. OpenBao promises no time; a machine of two busy processors needs some.
const staleLimit = 10 * time.Second

// Standbys that answer reads themselves serve every swap soon, whoever took it, and nothing
// that is mixed or goes back; an access token that has ended is renewed once, by the leader.
func TestStandbysThatAnswerReads(t *testing.T) {
	layer.Check(t, "standbys that answer reads themselves")
	harness.Need(t, harness.StandbyReads)
	c, fakes := harness.StartReadingCluster(t), harness.StartFakes(t)
	leader := c.Leader(t, nil)
	leader.Mount(t, "sei")
	client := leader.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	var longest time.Duration
	stale := 0
	for n := range writers {
		fakes.World.Jira.AddAPIToken(emailOf(n), keyOf(n))
		version := reauthenticate(t, c[n%len(c)].Client(t).Logical(), n)
		require.Equal(t, n+1, version)
		acknowledged := time.Now()
		for _, s := range c {
			for first := true; ; first = false {
				served := servedPair(t, s)
				if served == version {
					break
				}
				require.Contains(t, []int{0, version - 1}, served, "before it is there, what was before")
				require.Less(t, time.Since(acknowledged), staleLimit)
				if first {
					stale++
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		longest = max(longest, time.Since(acknowledged))
	}
	t.Logf("of %d swaps a server served the version before %d times; all had it within %s", writers, stale, longest.Round(time.Millisecond))

	expireAtBitbucket(t, leader, fakes)
	assertOneRefresh(t, fakes, c...)
	for _, s := range c {
		health, err := s.Client(t).Logical().WriteWithContext(t.Context(), "sei/health/bb", nil)
		require.NoError(t, err)
		assert.Equal(t, "healthy", health.Data["status"], "what was renewed is stored")
	}
}

// servedPair is the version that a server serves of jira, with the key and the account of one
// credential; 0 where it serves none yet.
func servedPair(t *testing.T, s *harness.Server) int {
	t.Helper()
	secret, err := s.Client(t).Logical().ReadWithContext(t.Context(), "sei/creds/jira")
	if err != nil || secret == nil {
		return 0
	}
	email, _ := secret.Data["email"].(string)
	key, _ := secret.Data["api_key"].(string)
	assert.Equal(t, "parallel-key-of-"+email, key+"@example.com", "mixed")
	return harness.VersionOf(t, secret.Data)
}
