package sweep

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/health"
)

// What is overdue longest is checked first: nothing waits for ever behind what comes
// again and again. But a host with fewer checks under way comes before others.
func TestTheLongestOverdueGoesFirst(t *testing.T) {
	s, now := NewSchedule(health.NewSightings()), time.Unix(1_800_000_000, 0)
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
	for range health.PerHost - 1 {
		p, ok := s.next(now)
		require.True(t, ok)
		assert.False(t, p.due.Before(before.due))
		before = p
	}
	_, ok = s.next(now)
	assert.False(t, ok, "no more at one host")
}

// Four hosts that are down, with more that is overdue than they can do, and one that
// answers at once: it has its own share of the checks.
func TestSlowHostsKeepOutNobody(t *testing.T) {
	s, now := NewSchedule(health.NewSightings()), time.Unix(1_800_000_000, 0)
	for h := range 4 {
		for n := range 100 {
			name := fmt.Sprintf("down-%d-%02d", h, n)
			s.put(name, fmt.Sprintf("down-%d", h), time.Hour, now)
			s.plans[name].due = now.Add(-time.Hour)
		}
	}
	for n := range 1000 {
		name := fmt.Sprintf("quick-%03d", n)
		s.put(name, "quick", time.Hour, now)
		s.plans[name].due = now.Add(-time.Minute)
	}
	s.enqueue(now, 16)
	type running struct {
		p    *plan
		ends time.Time
	}
	var all []running
	quick, most := 0, 0
	for range 300 { // 30 s in steps of 100 ms
		kept := all[:0]
		for _, r := range all {
			if r.ends.After(now) {
				kept = append(kept, r)
				continue
			}
			if r.p.host == "quick" {
				quick++
			}
			s.done(r.p, health.Outcome{}, now)
			s.idle.Done()
		}
		all = kept
		for {
			p, ok := s.next(now)
			if !ok {
				break
			}
			life := 30 * time.Second
			if p.host == "quick" {
				life = 100 * time.Millisecond
			}
			all = append(all, running{p, now.Add(life)})
		}
		own := 0
		for _, r := range all {
			if r.p.host == "quick" {
				own++
			}
		}
		most = max(most, own)
		now = now.Add(100 * time.Millisecond)
	}
	assert.GreaterOrEqual(t, most, health.PerHost-1)
	assert.Greater(t, quick, 800)
}

// Sixteen pools at four hosts, whose checks take all the time there is, again and again: a
// quick host's integrations are checked every few seconds all the same.
func TestSlowChecksLeaveRoomForQuickOnes(t *testing.T) {
	s, now := NewSchedule(health.NewSightings()), time.Unix(1_800_000_000, 0)
	const every = 4 * time.Second
	for n := range 16 {
		s.put(fmt.Sprintf("pool-%02d", n), fmt.Sprintf("slow-%d", n%4), every, now)
	}
	for n := range 6 {
		s.put(fmt.Sprintf("victim-%d", n), "quick", every, now)
	}
	type running struct {
		p    *plan
		ends time.Time
	}
	var all []running
	last, gap, pools := map[string]time.Time{}, time.Duration(0), 0
	for range 10 * 300 { // five minutes
		kept := all[:0]
		for _, r := range all {
			if r.ends.After(now) {
				kept = append(kept, r)
				continue
			}
			s.done(r.p, health.Outcome{}, now)
			s.idle.Done()
			if r.p.host == "quick" {
				if before, known := last[r.p.name]; known {
					gap = max(gap, now.Sub(before))
				}
				last[r.p.name] = now
			} else {
				pools++
			}
		}
		all = kept
		s.enqueue(now, 16)
		for {
			p, ok := s.next(now)
			if !ok {
				break
			}
			life := 31 * time.Second
			if p.host == "quick" {
				life = 200 * time.Millisecond
			}
			all = append(all, running{p, now.Add(life)})
		}
		now = now.Add(100 * time.Millisecond)
	}
	assert.Len(t, last, 6)
	assert.Less(t, gap, 10*time.Second)
	assert.Greater(t, pools, 40, "and the slow ones have their share")
}

// A check under way is lent another question only where nobody waits for it.
func TestNobodyIsLentWhatOthersWaitFor(t *testing.T) {
	s, now := NewSchedule(health.NewSightings()), time.Unix(1_800_000_000, 0)
	var given []func()
	for range health.PerHost {
		giveBack, ok := s.Lend("host", 16, now)
		require.True(t, ok)
		given = append(given, giveBack)
	}
	_, ok := s.Lend("host", 16, now)
	assert.False(t, ok, "four at one host")
	given[0]()
	s.put("waits", "host", time.Hour, now)
	s.plans["waits"].due = now
	s.enqueue(now, 16)
	_, ok = s.Lend("host", 16, now)
	assert.False(t, ok, "another one waits")
	_, ok = s.next(now)
	assert.True(t, ok)
}
