package github

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

func TestEachIsBounded(t *testing.T) {
	var busy, most, done int
	gate := make(chan struct{}, 1)
	count := func(change int) {
		gate <- struct{}{}
		busy += change
		most = max(most, busy)
		if change < 0 {
			done++
		}
		<-gate
	}
	each(20, poolParallel, func(int) {
		count(1)
		time.Sleep(time.Millisecond)
		count(-1)
	})
	assert.Equal(t, 20, done)
	assert.LessOrEqual(t, most, poolParallel)
}

// TestEachPanicsInTheCaller, where somebody can recover: a panic in a goroutine ends the
// process, and with it all mounts.
func TestEachPanicsInTheCaller(t *testing.T) {
	done := make(chan int, 20)
	assert.PanicsWithValue(t, "the third", func() {
		each(20, poolParallel, func(i int) {
			if i == 2 {
				panic("the third")
			}
			done <- i
		})
	})
	assert.Len(t, done, 19, "the others were waited for")
}

func TestLeading(t *testing.T) {
	outcome := func(o providers.Outcome) poolEnd { return poolEnd{failure: &providers.Error{Outcome: o, Detail: "x"}} }
	good, unasked := poolEnd{}, poolEnd{failure: &providers.Error{Outcome: providers.Unreachable, Detail: "x"}, unasked: true}
	cases := []struct {
		name string
		ends []poolEnd
		want string
		bad  string
	}{
		{"all are good", []poolEnd{good, good}, "", ""},
		{"one that could not be judged is no reason to hide a bad one", []poolEnd{outcome(providers.Unreachable), outcome(providers.Rejected)}, "credential_rejected: token 2 of 2: x; 2 tokens failed their check", "1 upstream_unreachable, 2 credential_rejected"},
		{"every kind of could not tell stands back", []poolEnd{outcome(providers.RateLimited), outcome(providers.UpstreamError), outcome(providers.AddressNotAllowed), outcome(providers.SSORequired)}, "sso_required: token 4 of 4: x; 4 tokens failed their check", ""},
		{"the first of the verdicts leads", []poolEnd{good, outcome(providers.InsufficientScope), outcome(providers.Rejected)}, "insufficient_scope: token 2 of 3: x; 2 tokens failed their check", ""},
		{"or else the first", []poolEnd{good, outcome(providers.UpstreamError), outcome(providers.RateLimited)}, "upstream_error: token 2 of 3: x; 2 tokens failed their check", ""},
		{"those that were not asked about are none", []poolEnd{unasked, outcome(providers.RateLimited), unasked}, "upstream_rate_limited: token 2 of 3: x; tokens not asked about: 2", "2 upstream_rate_limited"},
		{"but are no success either", []poolEnd{good, unasked}, "upstream_unreachable: token 2 of 2: x; tokens not asked about: 1", ""},
		{"a single token has no position", []poolEnd{outcome(providers.Rejected)}, "credential_rejected: x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := leading(c.ends)
			if c.want == "" {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, c.want, string(e.Outcome)+": "+e.Detail)
			var bad []string
			for _, b := range e.Bad {
				bad = append(bad, fmt.Sprintf("%d %s", b.Position, b.Outcome))
			}
			if c.bad != "" {
				assert.Equal(t, c.bad, strings.Join(bad, ", "))
			}
		})
	}
}
