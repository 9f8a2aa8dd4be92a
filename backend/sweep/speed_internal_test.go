package sweep

import (
	"fmt"
	"testing"
	"time"

	"vault-plugin-secrets-sei/backend/health"
)

// BenchmarkScheduleTakes takes checks and ends them, of ten thousand at a hundred hosts.
func BenchmarkScheduleTakes(b *testing.B) {
	s, now := NewSchedule(health.NewSightings()), time.Now()
	for n := range 10_000 {
		s.put(fmt.Sprintf("i%06d", n), fmt.Sprintf("host%d", n%100), time.Hour, now)
	}
	b.ReportAllocs()
	for b.Loop() {
		p, ok := s.next(now)
		if !ok {
			now = now.Add(2 * time.Hour)
			s.enqueue(now, 64)
			continue
		}
		s.done(p, health.Outcome{}, now)
		s.idle.Done()
	}
}
