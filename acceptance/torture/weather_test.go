package torture_test

import (
	"testing"
	"time"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	envWeather = "SEI_TORTURE_WEATHER"
	fewWeather = 1
)

// What the nodes of a cluster send to each other, and what the engine sends to the upstreams,
// comes late, is lost and sent again, stands still for seconds, or the connections break.
// Relays do that, because not every kernel has netem.
func TestTortureWeather(t *testing.T) {
	layer.Check(t, "packets late and lost between nodes and upstreams")
	c, peers := harness.StartRelayedCluster(t)
	fakes, upstreams := harness.StartFakesBehind(t)
	r := underLoadOf(t, fakes, c...)
	r.parts = true
	r.lastingEntra(t)
	kinds := append(r.weather(t, "between nodes", peers[:]), r.weather(t, "to upstreams", upstreams)...)
	var plan []disturbance
	for range number(t, envWeather, fewWeather) {
		plan = append(plan, kinds...)
	}
	r.runAll(t, append(plan, disturbance{"all of it at once", func() {
		for _, relay := range append(peers[:], upstreams...) {
			relay.Make(harness.Weather{Late: 10 * time.Millisecond, Jitter: 50 * time.Millisecond, Lost: 2, Again: retransmitted})
		}
		time.Sleep(r.spell())
		calm(append(peers[:], upstreams...))
	}}))
}

// retransmitted is how much later a lost packet is sent again: TCP waits for at least 200 ms
// on Linux (TCP_RTO_MIN in include/net/tcp.h).
const retransmitted = 200 * time.Millisecond

// spell is for how long a weather lasts.
func (r *torture) spell() time.Duration {
	return 2*time.Second + time.Duration(r.random.IntN(3000))*time.Millisecond
}

// weather are the ways in which a network of relays is bad.
func (r *torture) weather(t *testing.T, where string, relays []*harness.Relay) []disturbance {
	t.Helper()
	during := func(kind string, w harness.Weather) disturbance {
		return disturbance{kind + " " + where, func() {
			for _, relay := range relays {
				relay.Make(w)
			}
			time.Sleep(r.spell())
			calm(relays)
		}}
	}
	return []disturbance{
		during("packets late", harness.Weather{Late: 50 * time.Millisecond, Jitter: 150 * time.Millisecond}),
		during("packets lost", harness.Weather{Lost: 10, Again: retransmitted}),
		{"nothing arrives for seconds " + where, func() {
			for _, relay := range relays {
				relay.Stall(true)
			}
			time.Sleep(r.spell())
			for _, relay := range relays {
				relay.Stall(false)
			}
		}},
		{"connections break " + where, func() {
			for range 5 {
				for _, relay := range relays {
					relay.Reset()
				}
				time.Sleep(time.Duration(r.random.IntN(300)) * time.Millisecond)
			}
		}},
	}
}

// calm ends the weather.
func calm(relays []*harness.Relay) {
	for _, relay := range relays {
		relay.Make(harness.Weather{})
	}
}
