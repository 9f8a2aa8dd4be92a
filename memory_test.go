package sei

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/internal/layer"
)

// footprint is what a process holds once nothing is garbage.
type footprint struct {
	heap       int64
	goroutines int
}

func measure() footprint {
	var m runtime.MemStats
	for range 3 { // what one run finds unreachable, the next ones free
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return footprint{int64(m.HeapAlloc), runtime.NumGoroutine()}
}

// A hundred thousand re-authentications, of keys, pools, groups and OAuth, good ones and
// bad ones, of integrations that stay and of such that come and go, with reads, checks,
// reports, sweeps and authorizations that nobody finishes: the process holds what it
// held after the first tenth.
func TestMemoryIsFlat(t *testing.T) {
	total := 100_000
	const what = "the heap after a hundred thousand re-authentications, not ten thousand"
	if !layer.Unraced(t, what) || !layer.Part(t, what) {
		total = 10_000
	}
	l := newLife(t)
	for range total / 10 {
		l.day(t)
	}
	early := measure()
	for l.reauths < total {
		l.day(t)
	}
	late := measure()
	t.Logf("after %d: %d KiB, %d goroutines; after %d: %d KiB, %d goroutines", total/10, early.heap>>10, early.goroutines, l.reauths, late.heap>>10, late.goroutines)
	assert.Less(t, late.heap-early.heap, int64(512<<10), "the heap grows")
	assert.LessOrEqual(t, late.goroutines, early.goroutines, "goroutines are left")
	runtime.KeepAlive(l)
}

// life is an engine that has much to do.
type life struct {
	*instantMount
	sweep   *sweep.Sweep
	reauths int
}

func newLife(t *testing.T) *life {
	t.Helper()
	m := withInstant(t)
	m.disk.deaf = true
	return &life{instantMount: m, sweep: m.store.Sweeper.Sweep()}
}

// day is one re-authentication and what happens beside it.
func (l *life) day(t *testing.T) {
	t.Helper()
	l.reauths++
	n := l.reauths
	l.clock.Add(7)
	switch n % 10 {
	case 0:
		l.refused(t, "key")
	case 1:
		l.must(t, logical.UpdateOperation, "reauth/pool", body{"pat": []any{fmt.Sprintf("good-%07d", n), fmt.Sprintf("good-1%07d", n)}})
		pool := l.must(t, logical.ReadOperation, "creds/pool", nil)
		l.must(t, logical.UpdateOperation, "creds/pool/report", body{"fingerprint": pool["fingerprint"], "status_code": 401})
	case 2:
		l.must(t, logical.UpdateOperation, "reauth/app", body{"state": l.begun(t), "code": "code"})
		l.begun(t) // nobody comes back
	case 3:
		l.comesAndGoes(t, fmt.Sprintf("guest-%07d", n))
	case 4:
		l.must(t, logical.UpdateOperation, "reauth/one", body{"email": email, "key": fmt.Sprintf("good-%07d", n)})
	default:
		l.must(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": fmt.Sprintf("good-%07d", n)})
		l.must(t, logical.ReadOperation, "creds/app", nil)
	}
	if n%20 == 0 {
		require.NoError(t, l.periodic(t.Context(), nil))
		require.NoError(t, l.sweep.Step(t.Context()))
		l.sweep.Wait()
	}
}

func (l *life) refused(t *testing.T, name string) {
	t.Helper()
	_, err := l.send(t, logical.UpdateOperation, "reauth/"+name, body{"email": email, "key": fmt.Sprintf("bad-%07d", l.reauths)})
	require.ErrorContains(t, err, "credential_rejected")
	_, err = l.send(t, logical.UpdateOperation, "reauth/app", body{"state": fmt.Sprintf("unknown-%07d", l.reauths), "code": "code"})
	require.ErrorContains(t, err, "oauth_state_invalid")
	_, err = l.send(t, logical.ReadOperation, fmt.Sprintf("creds/unknown-%07d", l.reauths), nil)
	require.Error(t, err)
}

// comesAndGoes is an integration, alone or of a group of its own, from its beginning to
// its end.
func (l *life) comesAndGoes(t *testing.T, name string) {
	t.Helper()
	settings := body{"provider": "instant", "auth_type": "key"}
	if l.reauths%20 == 3 {
		settings = body{"provider": "together", "organization": name}
	}
	l.must(t, logical.CreateOperation, "integrations/"+name, settings)
	l.must(t, logical.UpdateOperation, "reauth/"+name, body{"email": email, "key": "good"})
	l.must(t, logical.UpdateOperation, "health/"+name, nil)
	l.must(t, logical.ReadOperation, "creds/"+name, nil)
	if l.reauths%40 == 3 {
		l.must(t, logical.DeleteOperation, "creds/"+name, nil)
	}
	l.must(t, logical.DeleteOperation, "integrations/"+name, nil)
}
