package torture_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	// waitingWorkers is how many workers wait for one credential, waitingPlaces how many can
	// in a mount.
	waitingWorkers = 100
	waitingPlaces  = 1000
	// idleTime is for how long it is measured what those cost that wait.
	idleTime = 20 * time.Second
)

// awaited is a mount with an integration whose credential workers wait for.
type awaited struct {
	*harness.Server
	fakes *harness.Fakes
}

func newAwaited(t *testing.T, s *harness.Server) *awaited {
	t.Helper()
	a := &awaited{s, harness.StartFakes(t)}
	s.Mount(t, "sei")
	client := s.Client(t).Logical()
	for n := 1; n <= 4; n++ {
		a.fakes.World.Jira.AddAPIToken(emailOf(n), keyOf(n))
	}
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": a.fakes.URLs["JIRA"]})
	reauthenticate(t, client, 1)
	return a
}

// wait is one read that waits for another version.
func (a *awaited) wait(ctx context.Context, client *api.Client, version int) (*api.Secret, error) {
	return client.Logical().ReadWithDataWithContext(ctx, "sei/creds/jira", map[string][]string{"version": {strconv.Itoa(version)}, "wait": {"50s"}})
}

// pluginTime is what the server's plugins have used of a processor so far.
func pluginTime(s *harness.Server) time.Duration {
	const tick = 10 * time.Millisecond // what Linux counts in
	var sum time.Duration
	programs, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range programs {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if program, err := os.Readlink(link); err != nil || filepath.Base(program) != harness.PluginName || !s.Owns(pid) {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "stat"))
		_, rest, _ := strings.Cut(string(stat), ") ")
		const user, system = 11, 12
		for i, field := range strings.Fields(rest) {
			if ticks, err := strconv.ParseInt(field, 10, 64); err == nil && (i == user || i == system) {
				sum += time.Duration(ticks) * tick
			}
		}
	}
	return sum
}

// Workers that wait cost nothing, and all of them have a new credential within a second of
// its swap.
func TestWorkersWaitForASwap(t *testing.T) {
	s := harness.StartDev(t)
	a := newAwaited(t, s)
	delays := make([]time.Duration, waitingWorkers)
	var swapped atomic.Int64
	var all sync.WaitGroup
	for n := range waitingWorkers {
		client := s.Client(t)
		all.Go(func() {
			secret, err := a.wait(t.Context(), client, 1)
			delays[n] = time.Since(time.Unix(0, swapped.Load()))
			if assert.NoError(t, err) && assert.NotNil(t, secret) {
				assert.Equal(t, 2, harness.VersionOf(t, secret.Data))
				assert.Equal(t, keyOf(2), secret.Data["api_key"])
				assert.Empty(t, secret.Warnings)
			}
		})
	}
	time.Sleep(2 * time.Second) // until all wait
	if layer.Part(t, "what those cost that wait") {
		used := pluginTime(s)
		require.Positive(t, used, "the plugin was found in /proc")
		time.Sleep(idleTime)
		used = pluginTime(s) - used
		t.Logf("%d that wait cost %.2f %% of a processor", waitingWorkers, 100*used.Seconds()/idleTime.Seconds())
		assert.Less(t, used, idleTime/100)
	}
	swapped.Store(time.Now().UnixNano())
	reauthenticate(t, s.Client(t).Logical(), 2)
	all.Wait()
	slices.Sort(delays)
	p99 := delays[waitingWorkers*99/100-1]
	t.Logf("from the beginning of the swap to its arrival: half of %d within %s, 99 %% within %s, all within %s", waitingWorkers, delays[waitingWorkers/2], p99, delays[waitingWorkers-1])
	assert.Less(t, p99, time.Second)
}

// The vault CLI sends what a read waits for, in the query.
func TestTheCLIWaits(t *testing.T) {
	s := harness.StartDev(t)
	newAwaited(t, s)
	read := func(query ...string) string {
		out, err := s.CLI(t, append([]string{"read", "-field=version", "sei/creds/jira"}, query...)...)
		assert.NoError(t, err, "%s", out)
		return out
	}
	begun := time.Now()
	assert.Equal(t, "1", read("version=1", "wait=2s"))
	assert.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	answer := make(chan string)
	go func() { answer <- read("version=1", "wait=30s") }()
	time.Sleep(time.Second)
	reauthenticate(t, s.Client(t).Logical(), 2)
	assert.Equal(t, "2", <-answer)
	assert.Less(t, time.Since(begun), 30*time.Second)
	out, err := s.CLI(t, "read", "sei/creds/jira", "version=1", "wait=5m")
	require.Error(t, err)
	assert.Contains(t, out, "invalid_field: wait must be between 0 and 60")
}

// Of more workers than there are places, those too many are answered at once; one that
// hangs up makes room. The end of the mount leaves nobody waiting.
func TestMoreWorkersThanPlaces(t *testing.T) {
	layer.Check(t, "a thousand connections that wait")
	s := harness.StartDev(t)
	a := newAwaited(t, s)
	client := s.Client(t)
	const tooMany = 10
	var waiting, warned, ended atomic.Int64
	var all sync.WaitGroup
	ctx, hangUp := context.WithCancel(t.Context())
	join := func(ctx context.Context) {
		waiting.Add(1)
		all.Go(func() {
			secret, err := a.wait(ctx, client, 1)
			waiting.Add(-1)
			if err == nil && secret != nil && len(secret.Warnings) > 0 && strings.Contains(secret.Warnings[0], "did not wait") {
				warned.Add(1)
			} else {
				ended.Add(1)
			}
		})
	}
	for n := range waitingPlaces + tooMany {
		if n < 5*tooMany {
			join(ctx)
		} else {
			join(t.Context())
		}
	}
	require.Eventually(t, func() bool { return warned.Load() == tooMany }, 30*time.Second, 10*time.Millisecond)
	assert.EqualValues(t, waitingPlaces, waiting.Load())
	hangUp()
	time.Sleep(2 * time.Second) // until the server has heard of it
	gone := ended.Load()
	require.Positive(t, gone)
	for range gone {
		join(t.Context())
	}
	time.Sleep(2 * time.Second)
	assert.EqualValues(t, tooMany, warned.Load(), "those that hung up have made room")
	join(t.Context())
	require.Eventually(t, func() bool { return warned.Load() == tooMany+1 }, 10*time.Second, 10*time.Millisecond)
	begun := time.Now()
	require.NoError(t, client.Sys().UnmountWithContext(t.Context(), "sei"))
	all.Wait()
	t.Logf("the end of the mount and of %d that waited took %s", waitingPlaces, time.Since(begun))
	limit := 20 * time.Second
	if !harness.Has(t, harness.UnmountCuts) {
		limit += time.Minute // the longest that a read can wait
	}
	assert.Less(t, time.Since(begun), limit)
}

// A leader that is killed or steps down leaves no worker waiting, whichever server it asked,
// and those that ask again hear of the next swap. One that is killed ends the waiting at
// once; one that steps down lets it come to its end.
func TestWorkersWaitWhileLeadersChange(t *testing.T) {
	layer.Check(t, "leaders that are lost while workers wait")
	c := harness.StartCluster(t)
	a := newAwaited(t, c.Leader(t, nil))
	for name, lose := range map[string]func(leader *harness.Server){
		"killed": func(leader *harness.Server) { leader.Kill() },
		"stepped down": func(leader *harness.Server) {
			assert.NoError(t, leader.Client(t).Sys().StepDownWithContext(t.Context()))
		},
	} {
		leader := c.Leader(t, nil)
		secret, err := leader.Client(t).Logical().ReadWithContext(t.Context(), "sei/creds/jira")
		require.NoError(t, err)
		version := harness.VersionOf(t, secret.Data)
		var all sync.WaitGroup
		var answered atomic.Int64
		for n := range 60 {
			client := c[n%len(c)].Client(t)
			all.Go(func() {
				query := map[string][]string{"version": {fmt.Sprint(version)}, "wait": {"15s"}}
				if _, err := client.Logical().ReadWithDataWithContext(t.Context(), "sei/creds/jira", query); err == nil {
					answered.Add(1)
				}
			})
		}
		time.Sleep(2 * time.Second)
		begun := time.Now()
		lose(leader)
		all.Wait()
		t.Logf("leader %s: after %s none of 60 waits; %d were answered", name, time.Since(begun), answered.Load())
		assert.Less(t, time.Since(begun), 40*time.Second)
		if leader.Ended() {
			next := c.Leader(t, leader)
			next.AwaitActive(t)
			leader.Start(t)
			leader.Unlock(t)
		}
		c.AwaitHealthy(t)

		heard, client := make(chan int, 1), c[0].Client(t)
		go func() {
			for t.Context().Err() == nil {
				answer, err := a.wait(t.Context(), client, version)
				if err == nil && answer != nil {
					heard <- harness.VersionOf(t, answer.Data)
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		require.Eventually(t, func() bool {
			_, err := c.Leader(t, nil).Client(t).Logical().WriteWithContext(t.Context(), "sei/reauth/jira", map[string]any{"email": emailOf(version + 1), "api_key": keyOf(version + 1)})
			return err == nil
		}, 30*time.Second, 100*time.Millisecond)
		select {
		case next := <-heard:
			assert.Greater(t, next, version)
		case <-time.After(20 * time.Second):
			t.Fatal("the swap was not heard of")
		}
	}
}
