package sei

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stuck is storage whose writes below a prefix do not end until they are let go.
type stuck struct {
	logical.Storage
	prefix string
	free   chan struct{} // closed when they may go on
	met    chan string   // each write that waits
}

func (s *stuck) Put(ctx context.Context, e *logical.StorageEntry) error {
	if strings.HasPrefix(e.Key, s.prefix) {
		s.met <- e.Key
		<-s.free
	}
	return s.Storage.Put(ctx, e)
}

// stick makes writes below a prefix of the mount's storage stand still.
func (m *instantMount) stick(t *testing.T, prefix string) *stuck {
	t.Helper()
	s := &stuck{Storage: m.disk.Storage, prefix: prefix, free: make(chan struct{}), met: make(chan string, 16)}
	m.disk.Storage = s
	return s
}

// soonEnough is how long an answer may take that waits for nothing, on a busy machine. The
// write beside it takes as long as the test wants.
const soonEnough = 5 * time.Second

// While a write of a credential stands still in storage, every reader has the one of before at
// once, of that integration, too; what others change goes on; and nobody sees the new one
// before it is stored.
func TestReadersDoNotWaitForStorage(t *testing.T) {
	m := withInstant(t)
	for _, name := range []string{"key", "app", "one", "other", "pool"} {
		m.must(t, logical.ReadOperation, "creds/"+name, nil) // warm
	}
	m.must(t, logical.ReadOperation, "health/key", nil)
	swap := m.stick(t, m.recordKey(t, "key"))
	before := m.must(t, logical.ReadOperation, "creds/key", nil)
	var writer sync.WaitGroup
	writer.Go(func() {
		_, err := m.send(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": "good-new"})
		assert.NoError(t, err)
	})
	require.Contains(t, <-swap.met, "credentials/")

	for _, path := range []string{"creds/key", "creds/app", "creds/one", "creds/other", "creds/pool", "health/key", "history/key", "integrations/key"} {
		m.atOnce(t, path, func() { m.must(t, logical.ReadOperation, path, nil) })
	}
	assert.Equal(t, before, m.must(t, logical.ReadOperation, "creds/key", nil), "what is not stored is not served")
	m.atOnce(t, "a re-authentication of another record", func() {
		m.must(t, logical.UpdateOperation, "reauth/one", body{"email": email, "key": "good-new"})
	})
	m.atOnce(t, "a new integration", func() {
		m.must(t, logical.CreateOperation, "integrations/more", body{"provider": "instant", "auth_type": "key"})
	})

	close(swap.free)
	writer.Wait()
	after := m.must(t, logical.ReadOperation, "creds/key", nil)
	assert.Equal(t, "good-new", after["key"])
}

// recordKey is where the credential of an integration is stored.
func (m *instantMount) recordKey(t *testing.T, name string) string {
	t.Helper()
	m.disk.arm(0, false)
	m.must(t, logical.UpdateOperation, "reauth/"+name, body{"email": email, "key": "good-again"})
	for _, call := range m.disk.made() {
		if key, put := strings.CutPrefix(call, "Put "); put && strings.HasPrefix(key, "credentials/") {
			return key
		}
	}
	t.Fatal("a re-authentication writes no credential")
	return ""
}

// atOnce demands that something ends although a write does not.
func (m *instantMount) atOnce(t *testing.T, what string, deed func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		deed()
	}()
	select {
	case <-done:
	case <-time.After(soonEnough):
		t.Errorf("%s waits for the write of another", what)
	}
}
