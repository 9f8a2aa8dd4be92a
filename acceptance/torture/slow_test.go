package torture_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// In a cluster whose nodes hear each other late every write takes that long, for it is
// stored where most of them have it. Reads of what is known do not: whoever reads does not
// wait for what is written.
func TestASlowStorage(t *testing.T) {
	layer.Check(t, "storage that is slow")
	// Twice that, there and back, is less than the second after which a follower of Raft looks for
	// another leader.
	const late = 150 * time.Millisecond
	c, relays := harness.StartRelayedCluster(t)
	leader, fakes := c.Leader(t, nil), harness.StartFakes(t)
	leader.Mount(t, "sei")
	traffic := startTraffic(t, leader, fakes)
	traffic.await(t, 20)
	client := leader.Client(t).Logical()
	took := func() (read, write time.Duration) {
		var reads, writes []time.Duration
		for n := range 11 {
			began := time.Now()
			_, err := client.ReadWithContext(t.Context(), "sei/creds/jira")
			require.NoError(t, err)
			reads = append(reads, time.Since(began))
			began = time.Now()
			_, err = client.WriteWithContext(t.Context(), "sei/reauth/jira", map[string]any{"email": emailOf(n % trafficWriters), "api_key": keyOf(n % trafficWriters)})
			require.NoError(t, err)
			writes = append(writes, time.Since(began))
		}
		slices.Sort(reads)
		slices.Sort(writes)
		return reads[len(reads)/2], writes[len(writes)/2]
	}
	read, write := took()
	for _, relay := range relays {
		relay.Make(harness.Weather{Late: late})
	}
	slowRead, slowWrite := took()
	calm(relays[:])
	traffic.end(t, leader)
	t.Logf("median of a read %s, of a re-authentication %s; in a cluster that hears each other %s late %s and %s", read, write, late, slowRead, slowWrite)
	assert.Greater(t, slowWrite, 2*late, "writes were not slow")
	assert.Less(t, slowRead, late, "reads wait for storage")
}
