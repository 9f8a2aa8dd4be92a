package mounted_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/providers"
)

// poolOf makes integration "a" with tokens token-1 and so on, of these accounts.
func poolOf(t *testing.T, w *world, accounts ...string) {
	t.Helper()
	w.create(t, "a", "pool")
	var tokens []string
	for i := range accounts {
		tokens = append(tokens, fmt.Sprintf("token-%d", i+1))
	}
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		v := providers.Verified{Identity: "pool", AccountID: "pool"}
		for _, token := range cred.Values("pat") {
			var n int
			_, _ = fmt.Sscanf(token.Reveal(), "token-%d", &n)
			v.Members = append(v.Members, providers.Member{Identity: accounts[n-1], AccountID: accounts[n-1]})
		}
		return v, nil
	})
	w.reauth(t, pool(tokens...))
}

// handed is the token that a worker gets for a resource, and its fingerprint.
func (w *world) handed(t *testing.T, resource string) (token, fingerprint string, out *handout.Handout) {
	t.Helper()
	out, err := w.Handouts.HandOut(t.Context(), "a", resource, backend.Actor{}, nil)
	if !assert.NoError(t, err) {
		return "", "", nil
	}
	return out.Record.Current.Credential.Values("pat")[out.Member].Reveal(), out.Record.Current.Members[out.Member].Fingerprint, out
}

func (w *world) report(t *testing.T, r backend.Report) {
	t.Helper()
	assert.NoError(t, w.Handouts.Report(t.Context(), "a", r))
}

func left(n int64) *int64 { return &n }

// quotaServer is an upstream that counts the requests of each account.
type quotaServer struct {
	mu       sync.Mutex
	accounts map[string]string // token → account
	limit    int64
	used     map[string]int64
	over     int // requests on an account that has nothing left
	reset    time.Time
}

func (s *quotaServer) use(token string) (remaining int64, status int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := s.accounts[token]
	if s.used[account] >= s.limit {
		s.over++
		return 0, 429
	}
	s.used[account]++
	return s.limit - s.used[account], 200
}

func (s *quotaServer) total() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, used := range s.used {
		n += used
	}
	return n
}

// Eight workers get nearly all of the quotas of a pool, and send next to nothing on a
// token that has nothing left.
func TestWorkersGetAllOfAPool(t *testing.T) {
	for name, accounts := range map[string][]string{
		"five accounts": {"a", "b", "c", "d", "e"}, "five tokens of four accounts": {"a", "b", "c", "d", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			const workers, limit = 8, 1000
			w := newWorld(&storage{})
			poolOf(t, w, accounts...)
			server := &quotaServer{accounts: map[string]string{}, limit: limit, used: map[string]int64{}, reset: w.clock.now().Add(time.Hour)}
			distinct := map[string]bool{}
			for i, account := range accounts {
				server.accounts[fmt.Sprintf("token-%d", i+1)] = account
				distinct[account] = true
			}
			sum := int64(len(distinct) * limit)
			var group sync.WaitGroup
			for range workers {
				group.Go(func() {
					for {
						token, fingerprint, out := w.handed(t, backend.DefaultResource)
						if out == nil || out.Warning != "" {
							return
						}
						remaining, status := server.use(token)
						w.report(t, backend.Report{Fingerprint: fingerprint, StatusCode: status, Remaining: left(remaining), ResetAt: server.reset, Resource: backend.DefaultResource})
					}
				})
			}
			group.Wait()
			t.Logf("%d of %d requests, %d on a token that had nothing left", server.total(), sum, server.over)
			assert.GreaterOrEqual(t, server.total(), sum*99/100)
			assert.LessOrEqual(t, server.over, workers*len(distinct), "those in flight")
		})
	}
}

// One token is used until its quota is nearly gone.
func TestAPoolSticks(t *testing.T) {
	w := newWorld(&storage{})
	poolOf(t, w, "a", "b", "c")
	reset := w.clock.now().Add(time.Hour)
	switches, last := 0, ""
	for n := int64(5000); n >= 0; n-- {
		token, fingerprint, _ := w.handed(t, backend.DefaultResource)
		if token != last {
			switches, last = switches+1, token
		}
		if token != "token-1" {
			break
		}
		w.report(t, backend.Report{Fingerprint: fingerprint, Remaining: left(n), ResetAt: reset, Resource: backend.DefaultResource})
	}
	assert.Equal(t, 2, switches)
	token, _, _ := w.handed(t, "graphql")
	assert.Equal(t, "token-1", token, "of which nothing is known of GraphQL")
	w.clock.advance(time.Hour)
	again, _, _ := w.handed(t, backend.DefaultResource)
	assert.Equal(t, last, again, "it sticks to that one, also after the window")
}

func TestReportsThatOvertakeEachOther(t *testing.T) {
	w := newWorld(&storage{})
	poolOf(t, w, "a", "b")
	_, one, _ := w.handed(t, backend.DefaultResource)
	reset := w.clock.now().Add(time.Hour)
	tell := func(remaining int64, reset time.Time) {
		w.report(t, backend.Report{Fingerprint: one, Remaining: left(remaining), ResetAt: reset, Resource: backend.DefaultResource})
	}
	quota := func() int64 {
		assessed, err := w.Watch.Health(t.Context(), "a")
		require.NoError(t, err)
		return assessed.Health.Members[0].Quotas[backend.DefaultResource].Remaining
	}
	tell(100, reset)
	tell(102, reset)
	assert.EqualValues(t, 100, quota(), "the lowest of a window is the newest")
	w.clock.advance(time.Hour)
	tell(4999, reset.Add(time.Hour))
	assert.EqualValues(t, 4999, quota(), "a new window")
	tell(3, reset)
	assert.EqualValues(t, 4999, quota(), "late news of an old window")
}

// A dead token is never handed out while another lives.
func TestADeadTokenIsNotHandedOut(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	poolOf(t, w, "a", "b", "c")
	store.reset(nil)
	_, one, _ := w.handed(t, backend.DefaultResource)
	w.report(t, backend.Report{Fingerprint: one, StatusCode: 401, Resource: backend.DefaultResource})
	for _, resource := range []string{backend.DefaultResource, "graphql"} {
		token, _, _ := w.handed(t, resource)
		assert.NotEqual(t, "token-1", token)
	}
	for _, call := range store.made() {
		assert.False(t, strings.HasPrefix(call, "Put "), "a report writes nothing: %s", call)
	}
	inner := w.upstream.answer
	w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
		if token := cred.Values("pat")[0].Reveal(); token != "token-2" {
			return providers.Verified{}, failure(providers.Rejected)
		}
		return inner(ctx, target, cred)
	})
	assessed, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusDegraded, assessed.Health.Status)
	assert.Contains(t, assessed.Health.Message, "token 1 ("+one)
	assert.Contains(t, assessed.Health.Message, "token 3")
	assert.Equal(t, backend.StatusHealthy, assessed.Health.Members[1].Status)
	w = w.restarted() // what a check found is stored
	for range 3 {
		token, _, _ := w.handed(t, backend.DefaultResource)
		assert.Equal(t, "token-2", token)
	}
	w.upstream.refuses(failure(providers.Rejected))
	assessed, err = w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Status)
	w.upstream.answers(inner)
	assessed, err = w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusHealthy, assessed.Health.Status)
}

func TestReportOfAnUnknownToken(t *testing.T) {
	w := newWorld(&storage{})
	poolOf(t, w, "a", "b")
	_, one, _ := w.handed(t, backend.DefaultResource)
	w.report(t, backend.Report{Fingerprint: one, StatusCode: 429, Resource: backend.DefaultResource})
	token, _, _ := w.handed(t, backend.DefaultResource)
	assert.Equal(t, "token-2", token, "a 429 without figures is an end, too")
	err := w.Handouts.Report(t.Context(), "a", backend.Report{Fingerprint: "0123456789abcdef"})
	refused := requireCode(t, err, backend.CodeInvalidField)
	assert.Equal(t, []string{"fingerprint"}, refused.Fields)
	w.reauth(t, pool("token-2"))
	err = w.Handouts.Report(t.Context(), "a", backend.Report{Fingerprint: one})
	requireCode(t, err, backend.CodeInvalidField)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	requireCode(t, w.Handouts.Report(t.Context(), "a", backend.Report{}), backend.CodeUnknownIntegration)
}
