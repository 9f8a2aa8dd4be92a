package mounted_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// counts is how many integrations of the world have each status.
func counts(t *testing.T, w *world) map[backend.Status]int {
	t.Helper()
	fleet, err := w.Watch.Fleet(t.Context())
	require.NoError(t, err)
	return fleet.ByStatus
}

// What was seen a moment ago is not judged again, and whatever happens is seen at
// once all the same.
func TestLookingAtAllSeesEveryChangeAtOnce(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	assert.Equal(t, map[backend.Status]int{backend.StatusNeedsReauth: 1}, counts(t, w))

	w.reauth(t, entry("mia@example.com", "key-1"))
	assert.Equal(t, map[backend.Status]int{backend.StatusHealthy: 1}, counts(t, w), "a re-authentication")

	first, err := w.Watch.All(t.Context())
	require.NoError(t, err)
	again, err := w.Watch.All(t.Context())
	require.NoError(t, err)
	assert.Same(t, first, again, "nothing happened")

	w.create(t, "b", "key")
	assert.Equal(t, map[backend.Status]int{backend.StatusHealthy: 1, backend.StatusNeedsReauth: 1}, counts(t, w), "an integration")

	w.upstream.refuses(&providers.Error{Outcome: providers.InsufficientScope, Detail: "too few rights"})
	_, err = w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, map[backend.Status]int{backend.StatusDegraded: 1, backend.StatusNeedsReauth: 1}, counts(t, w), "a check")

	require.NoError(t, w.Integrations.Delete(t.Context(), "b"))
	assert.Equal(t, map[backend.Status]int{backend.StatusDegraded: 1}, counts(t, w), "a deletion")

	require.NoError(t, w.storage.Delete(t.Context(), "integrations/a"))
	w.Invalidate("integrations/a")
	assert.Empty(t, counts(t, w), "a deletion by another node")
}

// What changes with time alone is seen within a second.
func TestLookingAtAllSeesThatTimePasses(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	e := entry("mia@example.com", "key-1")
	e.ExpiresAt = w.clock.now().Add(time.Hour)
	w.reauth(t, e)
	assert.Equal(t, map[backend.Status]int{backend.StatusExpiring: 1}, counts(t, w))
	w.clock.advance(time.Hour)
	assert.Equal(t, map[backend.Status]int{backend.StatusNeedsReauth: 1}, counts(t, w))
}

// A list of names is read from storage once. After a write that may or may not have
// been carried out it is read again until storage is known.
func TestNamesAreReadFromStorageOnce(t *testing.T) {
	s := &storage{}
	w := newWorld(s)
	w.create(t, "a", "key")
	list := func() []string {
		names, err := w.Integrations.List(t.Context())
		require.NoError(t, err)
		return names
	}
	assert.Equal(t, []string{"a"}, list())
	s.reset(nil)
	assert.Equal(t, []string{"a"}, list())
	assert.Empty(t, s.made())

	s.reset(func(_ int, call string) fault {
		if call == "Put integrations/b" {
			return failsBehind
		}
		return works
	})
	require.Error(t, w.Integrations.Write(t.Context(), "b", backend.Draft{Create: true, Provider: "fake", AuthType: "key"}))
	s.reset(nil)
	assert.Equal(t, []string{"a", "b"}, list(), "it was carried out all the same")
}

// fleetOf is a world of so many integrations with credentials, read from storage.
func fleetOf(b *testing.B, size int) *world {
	b.Helper()
	w := newWorld(&storage{})
	for n := range size {
		name := fmt.Sprintf("i%06d", n)
		require.NoError(b, w.Integrations.Write(b.Context(), name, backend.Draft{Create: true, Provider: "fake", AuthType: "key"}))
		_, err := w.Swaps.Reauth(b.Context(), name, entry("mia@example.com", name), backend.Actor{Via: "reauth/" + name})
		require.NoError(b, err)
	}
	return w.restarted()
}

func BenchmarkHandOut(b *testing.B) {
	w := fleetOf(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Handouts.HandOut(b.Context(), "i000000", backend.DefaultResource, backend.Actor{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListAll lists a thousand integrations of which one was just written.
func BenchmarkListAll(b *testing.B) {
	w := fleetOf(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		w.Invalidate("integrations/i000000")
		if _, err := w.Watch.Fleet(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
