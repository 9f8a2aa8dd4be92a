package sei

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that does not run for longer than it takes others to choose a leader has paused,
// whoever looks first, and once for each time.
func TestAPauseIsNoticed(t *testing.T) {
	begun := time.Now()
	p := &Pauses{last: begun}
	assert.Zero(t, p.count(begun.Add(pauseLimit)))
	assert.Equal(t, 1, p.count(begun.Add(2*pauseLimit+1)))
	assert.Equal(t, 1, p.count(begun.Add(2*pauseLimit+2)))
	assert.Equal(t, 2, p.count(begun.Add(4*pauseLimit)))
}

// After a pause nothing is answered from memory before storage has taken a write, which it
// does not where another node leads. Then it is as before, without another write.
func TestAfterAPauseTheNodeProvesThatItLeads(t *testing.T) {
	m := withInstant(t)
	var pauses atomic.Int64
	m.lead.pauses = func() int { return int(pauses.Load()) }
	reads := map[string]logical.Operation{"creds/key": logical.ReadOperation, "history/key": logical.ReadOperation, "integrations/": logical.ListOperation}
	for path, operation := range reads {
		m.must(t, operation, path, nil)
	}
	assert.True(t, m.leads())

	pauses.Add(1)
	for path, operation := range reads {
		m.disk.arm(1, false)
		_, err := m.HandleRequest(t.Context(), &logical.Request{Operation: operation, Path: path, Storage: m.disk})
		require.ErrorContains(t, err, "may no longer be the active one", path)
		assert.Equal(t, []string{"Put " + aliveKey}, m.disk.made(), "%s asks nobody else", path)
	}
	m.disk.arm(1, false)
	assert.False(t, m.leads(), "nor does it tell or check anything by itself")

	m.disk.arm(0, false)
	for path, operation := range reads {
		m.must(t, operation, path, nil)
	}
	assert.Equal(t, 1, count(m.disk.made(), "Put "+aliveKey))
}

func count(all []string, wanted string) (n int) {
	for _, one := range all {
		if one == wanted {
			n++
		}
	}
	return n
}
