package probe

import (
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// pace is how fast the upstream answers the questions of one check.
type pace struct {
	answered atomic.Int64
	limit    time.Duration
}

func newPace(t providers.Target) *pace {
	if t.Timeout <= 0 {
		return &pace{limit: defaultTimeout}
	}
	return &pace{limit: t.Timeout}
}

// answer counts a question that was answered.
func (p *pace) answer() {
	if p != nil {
		p.answered.Add(1)
	}
}

// tooSlow reports whether the time limit was over although the upstream was answering, and
// not because it fell silent: the last question had waited for less than half of it.
func (p *pace) tooSlow(err error, waited time.Duration) bool {
	var up *upstream.Error
	return p != nil && errors.As(err, &up) && up.Kind == upstream.Timeout && p.answered.Load() > 0 && waited < p.limit/2
}

// needsTime is the failure of tooSlow.
func (p Probe) needsTime(address string) *providers.Error {
	var host string
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	e := p.Fail(providers.Unreachable, "%q answered %d requests within the time limit of %s, and the check needs more of them: give checks more time with request_timeout in the mount's config, or have fewer organisations, tokens or integrations in one check",
		host, p.pace.answered.Load(), p.pace.limit)
	e.Slow = true
	return e
}
