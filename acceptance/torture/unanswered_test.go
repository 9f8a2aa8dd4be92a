package torture_test

import (
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/providertest"
)

const (
	envUnanswered = "SEI_TORTURE_UNANSWERED"
	fewUnanswered = 1
)

// The upstreams carry out what they are asked and do not answer within the engine's limit:
// tokens that were made, exchanged, renewed or withdrawn, and checks. Nothing is lost that they
// made: a rotation finds what became of it, what was renewed is renewed once more, and what
// was used before is served until then.
func TestTortureUnanswered(t *testing.T) {
	layer.Check(t, "upstreams that swap and do not answer")
	r := underLoad(t, harness.StartRaft(t))
	kinds := r.unanswered(t, r.lastingEntra(t))
	var plan []disturbance
	for i := range number(t, envUnanswered, fewUnanswered) * len(kinds) {
		plan = append(plan, kinds[i%len(kinds)])
	}
	r.runAll(t, plan)
}

// unanswered are the requests whose answers are held back for longer than the engine waits.
func (r *torture) unanswered(t *testing.T, l *lasting) []disturbance {
	t.Helper()
	w := r.fakes.World
	// Longer than request_timeout, which is 5 seconds; the test waits as long for its own.
	const held = 5500 * time.Millisecond
	lose := func(kind string, fake providertest.Fake, path string, times int) disturbance {
		return disturbance{kind, func() {
			fake.Forget()
			fake.Behave(providertest.Fault{Path: path, Late: held, Times: times})
			defer fake.Behave(providertest.Fault{})
			r.soon(t, "ask "+path, func() bool { return came(fake, path) >= times })
			time.Sleep(held)
		}}
	}
	return []disturbance{
		lose("a new token is made and not told (rotation)", w.SonarQube, "/user_tokens/generate", 1),
		lose("the old token is withdrawn and that is not told (rotation)", w.SonarQube, "/user_tokens/revoke", 1),
		lose("codes and refresh tokens are exchanged and that is not told (OAuth)", l.server, l.tokens, 3),
		{"a renewal is not told of (OAuth)", func() { r.loseRenewal(t, l, held) }},
		lose("checks are not answered (re-authentication)", w.Jira, "/myself", 3),
		lose("checks are not answered (re-authentication of a pool)", w.GitHubEnterprise, "/user", 2),
		lose("checks are not answered (re-authentication of a group)", w.AzureDevOps, "/_apis/connectionData", 3),
	}
}

// loseRenewal holds answers back until one of them was to the renewal of a credential that is
// read and never written.
func (r *torture) loseRenewal(t *testing.T, l *lasting, held time.Duration) {
	t.Helper()
	before := l.renewals()
	l.server.Behave(providertest.Fault{Path: l.tokens, Late: held})
	defer l.server.Behave(providertest.Fault{})
	r.soon(t, "renew a token", func() bool { return l.renewals() > before })
	time.Sleep(held)
}

// came returns how many requests came to a fake at paths that end so, since it forgot.
func came(fake providertest.Fake, path string) (n int) {
	for _, q := range fake.Requests() {
		if strings.HasSuffix(q.Path, path) {
			n++
		}
	}
	return n
}
