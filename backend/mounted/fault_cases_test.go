package mounted_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/config"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/mount"
	"vault-plugin-secrets-sei/backend/mounted"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/rotation"
	"vault-plugin-secrets-sei/backend/swap"
	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/internal/layer"
)

// requestTime is how long Vault lets a request take, and longestOperation what may come
// on top of it where the answer of an upstream must not be lost.
const (
	requestTime      = 90 * time.Second
	longestOperation = requestTime + 4*time.Minute
)

// operation is one that the engine offers, on a world that prepare made.
type operation struct {
	prepare func(*testing.T, *world)
	do      func(context.Context, *world) error
	// later is set where what it begins goes on by itself, or is kept in memory until it
	// can be stored: that it returned no error says nothing yet.
	later bool
}

// schedule says which storage call, from 1, ends how.
type schedule map[int]fault

// Every storage call of every operation is made to fail in every way, alone and
// together with every other that comes after it, also while the operation is tried
// again, with cold and with warm caches. What is left after each attempt is what the
// operation leaves when it is stopped between two writes, or when it ends.
func TestStorageFaults(t *testing.T) {
	for name, o := range operations() {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/warm=%t", name, warm), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { o.exhaust(t, warm) })
			})
		}
	}
}

const pairsOfFaults = "every pair of storage faults"

// exhaust tries every fault and every pair; pairs are left to make check, and not tried under
// the race detector, which has nothing to see here that a single fault does not show.
func (o operation) exhaust(t *testing.T, warm bool) {
	t.Helper()
	states := o.states(t, warm)
	cases, pairs := 0, layer.Part(t, pairsOfFaults) && layer.Unraced(t, pairsOfFaults)
	defer func() { t.Logf("%d cases", cases) }()
	for i := 1; !t.Failed(); i++ { // one that fails is enough to read
		calls := o.try(t, states, warm, schedule{i: fails})
		if len(calls) < i {
			return // all were tried
		}
		for _, f := range faultsOf(calls[i-1]) {
			if f != fails {
				calls = o.try(t, states, warm, schedule{i: f})
			}
			cases++
			for j := i + 1; j <= len(calls) && pairs; j++ {
				for _, g := range faultsOf(calls[j-1]) {
					o.try(t, states, warm, schedule{i: f, j: g})
					cases++
				}
			}
		}
	}
}

// faultsOf are the ways in which a call can fail. What only reads has nothing to do all
// the same.
func faultsOf(call string) []fault {
	if strings.HasPrefix(call, "Get ") || strings.HasPrefix(call, "List ") {
		return []fault{fails, hangs}
	}
	return []fault{fails, failsBehind, hangs}
}

// states are what restarted backends tell while the operation is carried out, with
// whole caches of storage, again and again.
type states struct {
	// ends are before the first and after each time, between are also those between
	// two writes.
	ends, between []string
}

const repetitions = 4

func (o operation) states(t *testing.T, warm bool) states {
	t.Helper()
	w, store := o.world(t, warm)
	look := func() string { return withoutNumbers(state(t, w.seenFrom(&store.InmemStorage))) }
	s := states{ends: []string{look()}}
	store.reset(func(int, string) fault { s.between = append(s.between, look()); return works })
	for range repetitions {
		require.NoError(t, o.do(t.Context(), w), "without any fault")
		s.ends = append(s.ends, look())
	}
	s.between = append(s.between, s.ends...)
	return s
}

// world is what the operation is done on.
func (o operation) world(t *testing.T, warm bool) (*world, *storage) {
	t.Helper()
	store := &storage{}
	w := newWorld(store)
	o.prepare(t, w)
	if !warm {
		w = w.restarted()
	}
	watchPuts(t, w, store)
	store.reset(nil)
	return w, store
}

// seenFrom is the world as a new backend over the storage sees it.
func (w *world) seenFrom(s logical.Storage) *world {
	other := *w
	other.storage = s
	return other.restarted()
}

// try carries the operation out, again after each error, while storage fails as
// scheduled, and returns the storage calls of all attempts.
func (o operation) try(t *testing.T, s states, warm bool, faults schedule) (calls []string) {
	t.Helper()
	w, store := o.world(t, warm)
	store.reset(func(n int, _ string) fault { return faults[n] })
	defer func() {
		if t.Failed() {
			t.Logf("warm=%t %v of %s", warm, faults, strings.Join(calls, ", "))
		}
	}()
	before, told := s.ends[0], ""
	for attempt := range len(faults) + 1 {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), requestTime)
		err := o.do(ctx, w)
		cancel()
		calls = store.made()
		assert.LessOrEqual(t, time.Since(begun), longestOperation, "it ends")
		assert.Empty(t, store.endless, "nothing would have ended a call")
		seen := w.seenFrom(&store.InmemStorage)
		told = state(t, seen)
		after := withoutNumbers(told)
		assertNoOrphans(t, seen)
		assert.Contains(t, s.between, after, "neither before nor after")
		if err == nil && !o.later {
			assert.Contains(t, s.ends[1:], after, "it was acknowledged and is not there")
			assert.True(t, after != before || slices.Contains(s.ends[1:], before), "it was acknowledged and changed nothing")
		}
		if err == nil {
			break
		}
		require.Less(t, attempt, len(faults), "it works once storage does: %v", err)
		before = after
	}
	store.reset(nil)
	if o.later {
		require.NoError(t, o.do(t.Context(), w))
		told = state(t, w.restarted())
		assert.Contains(t, s.ends[1:], withoutNumbers(told), "it works once storage does")
	}
	assert.Equal(t, told, state(t, w), "what is served is what is stored")
	return calls
}

// untouched are the exported methods that need no fault case, and why.
func untouched() map[string]string {
	return map[string]string{
		"Backend.Close":           "touches no storage",
		"Backend.FaultsTo":        "touches no storage",
		"Backend.Invalidate":      "touches no storage",
		"Integrations.Provider":   "touches no storage",
		"Integrations.Invalidate": "touches no storage",
		"Integrations.OnChange":   "touches no storage",
		"Integrations.Reader":     "touches no storage",
		"Settings.Invalidate":     "touches no storage",
		"Settings.OnChange":       "touches no storage",
		"Settings.Version":        "touches no storage",
		"Consents.Fresh":          "is Handouts.HandOut: refresh",
		"Consents.Invalidate":     "touches no storage",
		"Consents.Reauth":         "is Swaps.Reauth: code",
		"Consents.RefreshNow":     "is Swaps.RotateIf: tokens",
		"Consents.RenewRefused":   "is Handouts.HandOut: refresh, of a token that a check finds refused",
		"Consents.Return":         "is Swaps.Return",
		"Door.Begin":              "touches no storage",
		"Door.Checked":            "is Swaps.Reauth",
		"Door.CheckedOn":          "is Swaps.Invited",
		"Door.Close":              "touches no storage",
		"Door.ForgetUnsaved":      "touches no storage",
		"Door.Invalidate":         "touches no storage",
		"Door.StoreUnsaved":       "is Sweep.Step",
		"Door.Hold":               "is Swaps.Forget",
		"Door.Prune":              "touches no storage",
		"Door.Learn":              "is Watch.Check: told",
		"Door.Lock":               "is Swaps.Reauth",
		"Door.MayLeave":           "touches no storage",
		"Door.SwapsTo":            "touches no storage",
		"Door.Turn":               "touches no storage",
		"Door.Update":             "is Swaps.Erase",
		"Door.Version":            "touches no storage",
		"Rotations.Rotate":        "is Swaps.Rotate",
		"Rotations.Settle":        "is Swaps.Forget: rotating",
		"Rotations.Supports":      "touches no storage",
		"Rotations.Unfinished":    "is Sweep.Step",
		"Swaps.Resume":            "is Sweep.Step: resume",
		"Watch.CheckByItself":     "is Sweep.Step: check",
		"Watch.ChecksTo":          "touches no storage",
		"Watch.Unchanged":         "is Watch.Check",
		"Watch.Warm":              "is Watch.Each",
		"Backend.SwapsTo":         "touches no storage",
		"Sweeper.Configured":      "touches no storage",
		"Backend.Faults":          "touches no storage",
		"Sweeper.Next":            "touches no storage",
		"Sweeper.Soon":            "touches no storage",
		"Sweeper.SoonOfQuota":     "touches no storage",
		"Sweeper.Soonest":         "touches no storage",
		"Sweeper.Sweep":           "touches no storage; its steps do",
		"Sweep.Run":               "is Step, again and again",
		"Sweep.Wait":              "touches no storage",
		"Handouts.ChangesAt":      "touches no storage",
		"Handouts.HandOutBy":      "is Handouts.HandOut",
		"Waiting.Changed":         "touches no storage",
		"Waiting.Close":           "touches no storage",
		"Waiting.Reported":        "touches no storage",
		"Invitations.Invalidate":  "touches no storage",
		"Invitations.Visit":       "is Swaps.Invited",
		"Notifier.Changed":        "touches no storage",
		"Notifier.CountTo":        "touches no storage",
		"Notifier.Invalidate":     "touches no storage",
		"Notifier.Retry":          "touches no storage",
		"Notifier.Run":            "is tried in package notify, where a target says what it was told",
		"Notifier.State":          "touches no storage",
	}
}

// An operation that nobody lists here would be one whose faults nobody tries.
func TestEveryOperationHasItsFaults(t *testing.T) {
	known := untouched()
	for name := range operations() {
		method, _, _ := strings.Cut(name, ":")
		known[method] = "has a fault case"
	}
	have := map[string]bool{}
	for _, receiver := range []any{&mounted.Backend{}, &config.Integrations{}, &credential.Door{}, &oauth.Consents{}, &handout.Handouts{}, &waiting.Waiting{}, &rotation.Rotations{}, &mount.Settings{}, &health.Watch{}, &swap.Swaps{}, &sweep.Sweeper{}, &sweep.Sweep{}, &notify.Notifier{}, &invite.Invitations{}} {
		kind := reflect.TypeOf(receiver)
		for i := range kind.NumMethod() {
			name := kind.Elem().Name() + "." + kind.Method(i).Name
			have[name] = true
			assert.Contains(t, known, name, "name a case for it in operations(), or say in untouched() why it needs none")
		}
	}
	for name := range known {
		assert.True(t, have[name], "%s is no exported method", name)
	}
	parts := slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[mounted.Backend]()), func(f reflect.StructField) bool { return !f.IsExported() })
	require.Len(t, parts, 12, "a new part of the backend has methods, too")
}
