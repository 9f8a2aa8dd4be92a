package torture_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
)

const (
	// trafficWriters and trafficReaders use the integration jira at once.
	trafficWriters = 4
	trafficReaders = 4
	// trafficPause keeps the number of versions below the limit of the history.
	trafficPause = 40 * time.Millisecond
)

// traffic is re-authentications and reads of the integration jira, each writer with an
// account of its own, while a test does something to the server.
type traffic struct {
	newest atomic.Int64 // version that was acknowledged
	stop   context.CancelFunc
	group  sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[int]string // version → fingerprint
	refused      []error        // of writes
	unread       []error        // of reads
	reads        int
}

// startTraffic configures the integration and begins.
func startTraffic(t *testing.T, s *harness.Server, f *harness.Fakes) *traffic {
	t.Helper()
	client := s.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "history_limit": 1000})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": f.URLs["JIRA"]})
	for n := range trafficWriters {
		f.World.Jira.Add(jiratest.JiraToken{Email: emailOf(n), Token: keyOf(n)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	tr := &traffic{stop: cancel, acknowledged: map[int]string{}}
	for n := range trafficWriters {
		client := s.Client(t).Logical()
		tr.group.Go(func() { tr.until(ctx, func() { tr.write(ctx, t, client, n) }) })
	}
	for range trafficReaders {
		client := s.Client(t).Logical()
		tr.group.Go(func() { tr.until(ctx, func() { tr.read(ctx, t, client) }) })
	}
	return tr
}

func (tr *traffic) until(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		do()
		time.Sleep(trafficPause)
	}
}

func (tr *traffic) write(ctx context.Context, t *testing.T, client *api.Logical, n int) {
	t.Helper()
	answer, err := client.WriteWithContext(ctx, "sei/reauth/jira", map[string]any{"email": emailOf(n), "api_key": keyOf(n)})
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		tr.refused = append(tr.refused, err)
	default:
		version := harness.VersionOf(t, answer.Data)
		fingerprint, _ := answer.Data["fingerprint"].(string)
		// While all others are refused, one may send the credential in use again, which keeps
		// its version and is told so.
		if before, twice := tr.acknowledged[version]; twice {
			assert.Equal(t, before, fingerprint, "version %d acknowledged for two credentials", version)
			assert.Contains(t, strings.Join(answer.Warnings, "\n"), "no new version was made", "version %d acknowledged twice", version)
		}
		tr.acknowledged[version] = fingerprint
		tr.newest.Store(max(tr.newest.Load(), int64(version)))
	}
}

// read demands what was acknowledged before, whole.
func (tr *traffic) read(ctx context.Context, t *testing.T, client *api.Logical) {
	t.Helper()
	least := int(tr.newest.Load())
	secret, err := client.ReadWithContext(ctx, "sei/creds/jira")
	if ctx.Err() != nil || err == nil && secret == nil {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if err != nil {
		tr.unread = append(tr.unread, err)
		return
	}
	tr.reads++
	email, _ := secret.Data["email"].(string)
	key, _ := secret.Data["api_key"].(string)
	assert.Equal(t, "parallel-key-of-"+email, key+"@example.com", "mixed")
	assert.GreaterOrEqual(t, harness.VersionOf(t, secret.Data), least, "lost")
}

// await waits until so many more writes were acknowledged.
func (tr *traffic) await(t *testing.T, more int) {
	t.Helper()
	target := tr.count() + more
	require.Eventually(t, func() bool { return tr.count() >= target }, harness.StartLimit, 20*time.Millisecond, "no re-authentication is acknowledged")
}

func (tr *traffic) count() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.acknowledged)
}

// awaitRefusals waits until so many more writes were refused.
func (tr *traffic) awaitRefusals(t *testing.T, more int) {
	t.Helper()
	refusals := func() int {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return len(tr.refused)
	}
	target := refusals() + more
	require.Eventually(t, func() bool { return refusals() >= target }, harness.StartLimit, 20*time.Millisecond, "every re-authentication is acknowledged")
}

// end stops the traffic and checks that nothing acknowledged is lost: the history has
// every version without a gap, with the fingerprint that was answered.
func (tr *traffic) end(t *testing.T, s *harness.Server) {
	t.Helper()
	tr.stop()
	tr.group.Wait()
	answer, err := s.Client(t).Logical().ReadWithContext(t.Context(), "sei/history/jira")
	require.NoError(t, err)
	entries, _ := answer.Data["entries"].([]any)
	stored := map[int]string{}
	for i, entry := range entries {
		fields, _ := entry.(map[string]any)
		version := harness.VersionOf(t, fields)
		stored[version], _ = fields["fingerprint"].(string)
		assert.Equal(t, len(entries)-i, version, "a gap in the history")
	}
	lost := 0
	for version, fingerprint := range tr.acknowledged {
		if stored[version] != fingerprint {
			lost++
		}
	}
	t.Logf("%d acknowledged, %d lost, %d refused, %d reads, %d reads refused", len(tr.acknowledged), lost, len(tr.refused), tr.reads, len(tr.unread))
	assert.Zero(t, lost, "acknowledged and not stored")
	found, version := readPair(t.Context(), t, s.Client(t).Logical())
	assert.True(t, found)
	assert.Equal(t, len(entries), version)
}

// statuses are those of errors, each once; 0 is an error without an answer.
func statuses(errs []error) []int {
	all := make([]int, 0, len(errs))
	for _, err := range errs {
		var answered *api.ResponseError
		status := 0
		if errors.As(err, &answered) {
			status = answered.StatusCode
		}
		all = append(all, status)
	}
	slices.SortFunc(all, cmp.Compare[int])
	return slices.Compact(all)
}
