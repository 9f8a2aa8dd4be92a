package providers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	outcome := func(o Outcome) poolEnd { return poolEnd{failure: &Error{Outcome: o, Detail: "x"}} }
	good, unasked := poolEnd{}, poolEnd{failure: &Error{Outcome: Unreachable, Detail: "x"}, unasked: true}
	cases := []struct {
		name string
		ends []poolEnd
		want string
		bad  string
	}{
		{"all are good", []poolEnd{good, good}, "", ""},
		{"one that could not be judged is no reason to hide a bad one", []poolEnd{outcome(Unreachable), outcome(Rejected)}, "credential_rejected: token 2 of 2: x; 2 tokens failed their check", "1 upstream_unreachable, 2 credential_rejected"},
		{"every kind of could not tell stands back", []poolEnd{outcome(RateLimited), outcome(UpstreamError), outcome(AddressNotAllowed), outcome(SSORequired)}, "sso_required: token 4 of 4: x; 4 tokens failed their check", ""},
		{"the first of the verdicts leads", []poolEnd{good, outcome(InsufficientScope), outcome(Rejected)}, "insufficient_scope: token 2 of 3: x; 2 tokens failed their check", ""},
		{"or else the first", []poolEnd{good, outcome(UpstreamError), outcome(RateLimited)}, "upstream_error: token 2 of 3: x; 2 tokens failed their check", ""},
		{"those that were not asked about are none", []poolEnd{unasked, outcome(RateLimited), unasked}, "upstream_rate_limited: token 2 of 3: x; tokens not asked about: 2", "2 upstream_rate_limited"},
		{"but are no success either", []poolEnd{good, unasked}, "upstream_unreachable: token 2 of 2: x; tokens not asked about: 1", ""},
		{"a single token has no position", []poolEnd{outcome(Rejected)}, "credential_rejected: x", ""},
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
