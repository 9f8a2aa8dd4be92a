package torture_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/histories"
	"vault-plugin-secrets-sei/internal/layer"
)

// How often the tests disturb; the defaults are short. With the same seed, what happens
// comes in the same order.
const (
	envKills   = "SEI_TORTURE"
	envLeaders = "SEI_TORTURE_LEADERS"
	envSeed    = "SEI_TORTURE_SEED"

	fewKills   = 10
	fewLeaders = 2
)

// torture disturbs servers under load, and judges after each disturbance.
type torture struct {
	*load
	random *rand.Rand
	seed   uint64
	rows   []*row
	before tally
	news   *news
	// forgets says that what happens may end an authorization that was begun before.
	forgets bool
	// parts says that a leader may lose its peers while it works, and so tell what it cannot
	// store.
	parts  bool
	judged []histories.Result
	// asked and unknown are what the recorder had counted at the last note.
	asked, unknown int
}

// disturbance is something that happens to servers. It returns once they are asked to
// serve again.
type disturbance struct {
	kind string
	run  func()
}

// A killed plugin, a killed server, a seal, a step-down: at any moment, under load. No
// acknowledged version is lost, nothing is mixed, and nothing is stuck.
func TestTorture(t *testing.T) {
	layer.Check(t, "plugins and servers killed under load")
	server := harness.StartRaft(t)
	kills := number(t, envKills, fewKills)
	// One in five kills is of the server. A step-down takes Vault ten seconds.
	plan := repeated(kills-kills/5, disturbance{"plugin killed", func() { require.NotZero(t, server.KillPlugin(t)) }})
	plan = append(plan, repeated(kills/5, disturbance{"server killed", func() {
		server.Kill()
		server.Start(t)
		server.Unseal(t)
	}})...)
	plan = append(plan, repeated(kills/10, disturbance{"sealed", func() {
		require.NoError(t, server.Client(t).Sys().SealWithContext(t.Context()))
		server.Unseal(t)
	}})...)
	plan = append(plan, repeated(kills/50, disturbance{"stepped down", func() {
		require.NoError(t, server.Client(t).Sys().StepDownWithContext(t.Context()))
		server.AwaitActive(t)
	}})...)
	underLoad(t, server).runAll(t, plan)
}

func number(t *testing.T, env string, otherwise int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, env)
	return n
}

func repeated(n int, d disturbance) []disturbance {
	all := make([]disturbance, n)
	for i := range all {
		all[i] = d
	}
	return all
}

// underLoad begins the load.
func underLoad(t *testing.T, servers ...*harness.Server) *torture {
	t.Helper()
	return underLoadOf(t, harness.StartFakes(t), servers...)
}

// underLoadOf does so with upstreams that a test has.
func underLoadOf(t *testing.T, fakes *harness.Fakes, servers ...*harness.Server) *torture {
	t.Helper()
	seed := uint64(number(t, envSeed, rand.IntN(1_000_000)))
	t.Logf("%s=%d repeats the order of this run", envSeed, seed)
	r := &torture{load: startLoad(t, fakes, servers), random: rand.New(rand.NewPCG(seed, 0)), seed: seed}
	r.news = r.startNews(t)
	return r
}

// runAll carries a plan out in random order, at random moments.
func (r *torture) runAll(t *testing.T, plan []disturbance) {
	t.Helper()
	defer func() {
		t.Log(r.table())
		done.add(ran{t.Name(), r.rows, r.judged})
	}()
	r.random.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	r.before, _ = r.so()
	r.pulse.take()
	for n, d := range plan {
		if n > 0 && n%25 == 0 {
			t.Logf("%d of %d%s", n, len(plan), r.table())
		}
		time.Sleep(time.Duration(r.random.IntN(200)) * time.Millisecond)
		r.disturb(t, d)
		_, complaints := r.so()
		require.Empty(t, complaints, "after %d of %d, %s; seed %d", n+1, len(plan), d.kind, r.seed)
	}
	r.stop()
	r.judge(t)
	r.assertNothingLeft(t)
	_, complaints := r.so()
	require.Empty(t, complaints)
	t.Logf("notifications: %d changes of status, each heard of once and in order, 0 lost", len(r.news.want))
}

// disturb lets an authorization be begun before, and finishes it afterwards. What happens to
// a credential before, and is being told, is told afterwards.
func (r *torture) disturb(t *testing.T, d disturbance) {
	t.Helper()
	consenting := r.consenting()
	label, body, err := r.begin(r.clients[0], consenting)
	require.NoError(t, err)
	r.happens(t, r.news)
	began := time.Now()
	defer func() { r.note(d.kind, time.Since(began)) }()
	d.run()
	r.settle(t)
	if r.forgets {
		r.isHeard(t, r.news)
		return
	}
	err = r.send(r.clients[0], consenting, label, "sei/reauth/"+consenting.anyName(), body)
	require.NoError(t, err, "an authorization that was begun before cannot be finished after: %s; seed %d", d.kind, r.seed)
	r.isHeard(t, r.news)
}

// consenting is the subject whose credentials come from a browser.
func (r *torture) consenting() *subject {
	for _, s := range r.subjects {
		if s.consent != nil {
			return s
		}
	}
	return nil
}

// settle demands that everything is as it should be, soon: each node serves each
// integration, each record takes writes, and no rotation stays where it was.
func (r *torture) settle(t *testing.T) {
	t.Helper()
	before := map[*subject]tally{}
	for _, s := range r.subjects {
		before[s], _ = s.so()
	}
	for _, s := range r.subjects {
		for _, client := range r.clients {
			r.serves(t, client, s)
		}
	}
	for _, s := range r.lasting {
		for _, client := range r.clients {
			r.serves(t, client, s)
		}
	}
	for s, then := range before {
		r.soon(t, "acknowledge a write of "+s.name, func() bool {
			now, _ := s.so()
			return now.acknowledged > then.acknowledged
		})
	}
	r.turning(t)
	r.soon(t, "finish a rotation", func() bool { return r.rotated(t) })
}

// rotated reports whether no rotation is under way.
func (r *torture) rotated(t *testing.T) bool {
	t.Helper()
	keys, err := r.servers[0].StoredKeys(t, "rotating/")
	return err == nil && len(keys) == 0
}

// serves demands all that a client may read.
func (r *torture) serves(t *testing.T, client *api.Client, s *subject) {
	t.Helper()
	for _, name := range s.names {
		r.soon(t, "serve "+name, func() bool { return r.read(client, s, name) })
	}
	name := s.anyName()
	r.soon(t, "tell of "+name, func() bool { return r.readHistory(client, s, name) && r.healthy(client, s, name) })
}

// healthy reads what is told of an integration. No credential here needs a person.
func (r *torture) healthy(client *api.Client, s *subject, name string) bool {
	health := r.ask(client, s, "sei/health/"+name)
	if health == nil || r.ask(client, s, "sei/status") == nil {
		return false
	}
	if health["status"] == "needs_reauth" {
		s.torn("the health of %s is %v: %v", name, health["status"], health["message"])
	}
	return true
}

// soon waits, and gives up at once if something is wrong already.
func (r *torture) soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(settleLimit)
	for !done() {
		_, complaints := r.so()
		require.Empty(t, complaints, "seed %d", r.seed)
		require.True(t, time.Now().Before(deadline), "the servers did not %s; seed %d", what, r.seed)
		time.Sleep(20 * time.Millisecond)
	}
}

// assertNothingLeft looks into storage once the load has ended.
func (r *torture) assertNothingLeft(t *testing.T) {
	t.Helper()
	server := r.servers[0]
	r.soon(t, "finish the last rotation", func() bool { return r.rotated(t) })
	assertNothingLeftAtSonar(t, server, r.fakes.World)
	if r.forgets {
		return // authorizations end by a clock that was elsewhere when they began
	}
	flows, err := server.StoredKeys(t, "oauth/")
	require.NoError(t, err)
	for _, key := range flows {
		var flow struct {
			ExpiresAt time.Time `json:"expires_at"`
		}
		value := server.Stored(t, fmt.Sprint("oauth/", key))
		if value == "" {
			continue // swept meanwhile
		}
		require.NoError(t, json.Unmarshal([]byte(value), &flow))
		// Vault has them swept once a minute.
		assert.Greater(t, flow.ExpiresAt, time.Now().Add(-2*time.Minute), "an authorization stays for ever")
	}
}
