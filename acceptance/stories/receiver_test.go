package stories_test

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// runReceiver is the command receiver:
//
//	receiver start               begin one, at $HOOK
//	receiver answers STATUS      from now on
//	receiver drops               take messages from now on, and break the connection
//	receiver got N PATTERN...    wait until N messages match all patterns, those that came twice counted once
func runReceiver(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 9)
	switch {
	case args[0] == "start":
		s.receiver = harness.StartReceiver(s.t)
		ts.Setenv("HOOK", s.receiver.Hook(s.mount))
	case args[0] == "answers" && len(args) == 2:
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.receiver.Answers(status, false)
	case args[0] == "drops":
		s.receiver.Answers(http.StatusOK, true)
	case args[0] == "got" && len(args) > 2:
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		var patterns []*regexp.Regexp
		for _, arg := range args[2:] {
			patterns = append(patterns, regexp.MustCompile(arg))
		}
		if !assert.Eventually(s.t, func() bool { return s.receiver.Count(patterns) == n }, 90*time.Second, 100*time.Millisecond) {
			ts.Fatalf("not %d messages match all of %q:\n%s", n, args[2:], s.receiver.Got())
		}
	default:
		ts.Fatalf("the receiver cannot %q", args)
	}
}
