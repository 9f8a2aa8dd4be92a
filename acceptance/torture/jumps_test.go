package torture_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/providertest"
)

const (
	envJumps = "SEI_TORTURE_JUMPS"
	fewJumps = 4

	minute = time.Minute
	day    = 24 * time.Hour
)

// The clock of the engine jumps forward and back, by minutes up to a day, under load and in
// the middle of refreshes; the upstreams' clocks do not. Nothing is lost or mixed, what is read
// works, and access tokens are renewed: those that seem to have ended, and those that seem to
// last until tomorrow and end in seconds.
func TestTortureJumps(t *testing.T) {
	layer.Check(t, "a clock that jumps under load")
	plugins, clock := harness.BuildClock(t)
	server := harness.StartEmptyRaft(t, plugins)
	server.Register(t)
	r := underLoad(t, server)
	r.forgets = true // most jumps are longer than an authorization lives
	consents := r.lastingBitbucket(t)
	kinds := consents.jumps(t, r, clock)
	var plan []disturbance
	for i := range number(t, envJumps, fewJumps) {
		plan = append(plan, kinds[i%len(kinds)])
	}
	r.runAll(t, plan)
	require.NotZero(t, clock.Ahead())
}

// jumps are the ways in which the clock jumps, and what is renewed meanwhile.
func (l *lasting) jumps(t *testing.T, r *torture, clock *harness.Clock) []disturbance {
	t.Helper()
	// between is a time of whole seconds.
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(r.random.Int64N(int64((most-least)/time.Second)))*time.Second
	}
	jump := func(kind string, how func()) disturbance {
		return disturbance{kind, func() {
			how()
			before := l.renewals()
			r.soon(t, "renew an access token twice after a jump", func() bool { return l.renewals() > before+1 })
		}}
	}
	return []disturbance{
		jump("clock forward by hours", func() { clock.Jump(t, between(time.Hour, day)) }),
		jump("clock back by hours", func() { clock.Jump(t, -between(time.Hour, day)) }),
		jump("clock forward while a token is renewed", func() {
			l.renewing(t, r, func() { clock.Jump(t, between(minute, day)) })
		}),
		jump("clock back while a token is renewed", func() {
			l.renewing(t, r, func() { clock.Jump(t, -between(2*minute, day)) })
		}),
		jump("clock forward by minutes", func() { clock.Jump(t, between(2*minute, 30*minute)) }),
		jump("clock back by minutes", func() { clock.Jump(t, -between(2*minute, 30*minute)) }),
		jump("clock a day ahead for a moment", func() {
			clock.Jump(t, day)
			time.Sleep(between(time.Second, 5*time.Second))
			clock.Jump(t, -day)
		}),
	}
}

// renewing does something while the answer to a renewal is held back. The server has issued
// the new tokens by then.
func (l *lasting) renewing(t *testing.T, r *torture, deed func()) {
	t.Helper()
	const held = 2 * time.Second
	before := l.renewals()
	l.server.Behave(providertest.Fault{Path: l.tokens, Late: held, Times: 1})
	defer l.server.Behave(providertest.Fault{})
	r.soon(t, "begin to renew a token", func() bool { return l.renewals() > before })
	deed()
	time.Sleep(held)
}
