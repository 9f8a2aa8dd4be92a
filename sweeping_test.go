package sei

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/providers"
)

// turning is instant, whose upstream can turn against every credential, or panic.
type turning struct {
	instant
	asked *atomic.Int64
	mood  *atomic.Value // of string
}

func (p turning) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	p.asked.Add(1)
	switch p.mood.Load() {
	case "refuses":
		return providers.Verified{}, &providers.Error{Outcome: providers.Rejected, Provider: "Instant", Detail: "it was revoked"}
	case "panics":
		panic("canary-" + cred.Value("key").Reveal())
	}
	return p.instant.Validate(ctx, t, cred)
}

// setupStorage answers writes as Vault does for a mount whose program was missing when
// it was unsealed.
type setupStorage struct {
	logical.Storage
	refuses atomic.Bool
}

var errSetup = errors.New("cannot write to storage during setup")

func (s *setupStorage) Put(ctx context.Context, e *logical.StorageEntry) error {
	if s.refuses.Load() {
		return errSetup
	}
	return s.Storage.Put(ctx, e)
}

func (s *setupStorage) Delete(ctx context.Context, key string) error {
	if s.refuses.Load() {
		return errSetup
	}
	return s.Storage.Delete(ctx, key)
}

// serverLog is what the engine writes to Vault's log.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *serverLog) lines(with string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, with) {
			n++
		}
	}
	return n
}

// unattended is an engine with one integration, whose sweep a test steps.
type unattended struct {
	*engine
	storage  *setupStorage
	upstream turning
	clock    atomic.Int64
	log      *serverLog
	steps    *sweep.Sweep
}

func newUnattended(t *testing.T) *unattended {
	t.Helper()
	u := &unattended{
		storage: &setupStorage{Storage: &logical.InmemStorage{}}, log: &serverLog{},
		upstream: turning{instant{&atomic.Int64{}}, &atomic.Int64{}, &atomic.Value{}},
	}
	u.clock.Store(1_800_000_000)
	u.engine = newEngine(u.storage, providers.NewRegistry(u.upstream), func() time.Time { return time.Unix(u.clock.Load(), 0) })
	require.NoError(t, u.Setup(t.Context(), &logical.BackendConfig{
		StorageView: u.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: u.log}),
	}))
	t.Cleanup(func() { u.Cleanup(context.Background()) })
	u.send(t, logical.CreateOperation, "integrations/a", body{"provider": "instant", "auth_type": "key"})
	u.send(t, logical.UpdateOperation, "reauth/a", body{"email": email, "key": "good-key"})
	u.steps = u.store.Sweeper.Sweep()
	u.hours(t, 2)
	return u
}

func (u *unattended) send(t *testing.T, op logical.Operation, path string, data body) *logical.Response {
	t.Helper()
	resp, err := u.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Data: data, Storage: u.storage})
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)
	return resp
}

// hours lets time pass.
func (u *unattended) hours(t *testing.T, n int) {
	t.Helper()
	for range n * 60 {
		u.clock.Add(60)
		require.NoError(t, u.steps.Step(t.Context()))
		u.steps.Wait()
	}
}

// A mount that reads and cannot write says so where one looks, and asks about a dead
// credential at the slower pace.
func TestAMountThatCannotWriteSaysSo(t *testing.T) {
	u := newUnattended(t)
	u.upstream.mood.Store("refuses")
	u.storage.refuses.Store(true)
	u.upstream.asked.Store(0)
	u.hours(t, 24)
	assert.LessOrEqual(t, u.upstream.asked.Load(), int64(24/4+2), "at the slower pace")

	health := u.send(t, logical.ReadOperation, "health/a", nil)
	assert.Equal(t, "needs_reauth", health.Data["status"])
	status := u.send(t, logical.ReadOperation, "status", nil)
	assert.Len(t, status.Data["needs_person"], 1)
	list := u.send(t, logical.ListOperation, "health/", nil)
	for _, resp := range []*logical.Response{health, status, list, u.send(t, logical.UpdateOperation, "health/a", nil)} {
		require.Len(t, resp.Warnings, 1)
		assert.Contains(t, resp.Warnings[0], errSetup.Error())
	}
	assert.Equal(t, 1, u.log.lines(errSetup.Error()), "it is logged once")

	u.storage.refuses.Store(false)
	u.hours(t, 1)
	for _, path := range []string{"health/a", "status"} {
		assert.Empty(t, u.send(t, logical.ReadOperation, path, nil).Warnings)
	}
	assert.Equal(t, 1, u.log.lines("nobody asked is over"))
}

// A provider that panics is logged once, without what it panicked with.
func TestACheckThatPanicsIsLogged(t *testing.T) {
	u := newUnattended(t)
	u.upstream.mood.Store("panics")
	u.hours(t, 10)
	assert.Equal(t, 1, u.log.lines("something goes wrong"))
	health := u.send(t, logical.ReadOperation, "health/a", nil)
	assert.Equal(t, "unreachable", health.Data["status"])
	require.Len(t, health.Warnings, 1)
	assert.Contains(t, health.Warnings[0], "internal error")
	u.upstream.mood.Store("")
	u.hours(t, 2)
	assert.Equal(t, "healthy", u.send(t, logical.ReadOperation, "health/a", nil).Data["status"])
	assert.Zero(t, u.log.lines("good-key"))
	assert.Zero(t, u.log.lines("canary"))
	assert.Equal(t, 1, u.log.lines("nobody asked is over"))
}

// What is stopped before it began is not begun any more: nobody would end it.
func TestNothingBeginsAfterTheEnd(t *testing.T) {
	var s sweeping
	s.stop()
	s.start(func(context.Context) { t.Error("it began") })
	s.stop()
	assert.Nil(t, s.done)
}
