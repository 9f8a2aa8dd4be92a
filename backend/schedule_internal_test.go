package backend

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is overdue longest is checked first: nothing waits for ever behind what comes
// again and again. But a host with nothing under way comes before one that is slow.
func TestTheLongestOverdueGoesFirst(t *testing.T) {
	s, now := newSchedule(), time.Unix(1_800_000_000, 0)
	due := func(name, host string, ago time.Duration) {
		s.put(name, host, time.Hour, now)
		s.plans[name].due = now.Add(-ago)
	}
	for n := range 50 {
		due(fmt.Sprintf("slow-%02d", n), "slow.example.com", time.Duration(1000+n*7%50)*time.Second)
	}
	due("quick", "quick.example.com", time.Second)
	s.enqueue(now, 100)
	first, ok := s.next(now)
	require.True(t, ok)
	assert.Equal(t, "slow.example.com", first.host)
	assert.Equal(t, now.Add(-1049*time.Second), first.due)
	second, ok := s.next(now)
	require.True(t, ok)
	assert.Equal(t, "quick", second.name, "its host has nothing under way")
	before := first
	for range perHost - 1 {
		p, ok := s.next(now)
		require.True(t, ok)
		assert.False(t, p.due.Before(before.due))
		before = p
	}
	_, ok = s.next(now)
	assert.False(t, ok, "no more at one host")
}
