package notify_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

func inBubble(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t, &logical.InmemStorage{})) })
}

func TestAStatusIsToldOnceItHasSettled(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(time.Second)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(59 * time.Second)
		assert.Empty(w.t, w.said("ops"))
		wait(2 * time.Second)
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
		wait(24 * time.Hour)
		assert.Len(w.t, w.post.at("ops"), 1, "and once")
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"jira needs_reauth", "jira recovered"}, w.said("ops"))
		last := w.post.at("ops")[1]
		assert.Equal(w.t, "needs_reauth", last.Data.PreviousStatus)
		assert.Equal(w.t, "healthy", last.Data.Status)
	})
}

func TestAFlappingCredentialIsToldOfOnceItHasSettled(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		for range 100 {
			w.fleet.is(backend.StatusNeedsReauth, "jira")
			wait(31 * time.Second)
			w.fleet.is(backend.StatusHealthy, "jira")
			wait(29 * time.Second)
		}
		assert.Empty(w.t, w.said("ops"))
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
	})
}

func TestAnUpstreamThatDoesNotAnswerIsToldOfAfterAnHour(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusUnreachable, "jira")
		wait(59 * time.Minute)
		assert.Empty(w.t, w.said("ops"))
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"jira unreachable"}, w.said("ops"))
	})
}

// An upstream that fails now this way and now that is away all the same.
func TestAnUpstreamThatFailsInTwoWaysIsToldOf(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusUnreachable, "jira")
		for i := range 13 {
			w.fleet.set("jira", func(s *notify.Subject) { s.Code = []string{"upstream_unreachable", "upstream_error"}[i%2] })
			wait(5 * time.Minute)
		}
		assert.Equal(w.t, []string{"jira unreachable"}, w.said("ops"))
	})
}

// What a receiver does with messages for an hour; after it, each change of status has
// arrived, in order, and what came twice has one id.
func TestNothingIsLostOnTheWay(t *testing.T) {
	for name, bad := range map[string]answer{
		"drops connections": drops, "is away": away, "stalls": stalls, "answers 500": says(500, 0),
		"answers 429 with Retry-After": says(429, 7*time.Minute), "answers 404": says(404, 0), "answers 302": says(302, 0),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops")
				names := named(20)
				w.fleet.is(backend.StatusHealthy, names...)
				wait(time.Minute)
				w.fleet.is(backend.StatusDegraded, names...)
				wait(2 * time.Minute)
				require.Len(w.t, w.said("ops"), len(names))
				w.post.answer("ops", bad)
				w.fleet.is(backend.StatusNeedsReauth, names...)
				wait(time.Hour)
				require.NotEmpty(w.t, w.faulty()["ops"])
				w.post.answer("ops", takes)
				wait(time.Hour + time.Minute)
				w.fleet.is(backend.StatusHealthy, names...)
				wait(2 * time.Minute)
				told := map[string][]string{}
				for _, text := range w.said("ops") {
					told[text[:len(names[0])]] = append(told[text[:len(names[0])]], text[len(names[0])+1:])
				}
				for _, n := range names {
					assert.Equal(w.t, []string{"degraded", "needs_reauth", "recovered"}, told[n], n)
				}
				assert.Empty(w.t, w.faulty())
			})
		})
	}
}

// A receiver that was away hears what is so, and not what was so meanwhile.
func TestAfterAnAbsenceTheReceiverHearsWhatIsSo(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusHealthy, "well", "ill")
		wait(time.Second)
		w.post.answer("ops", away)
		for range 3 {
			w.fleet.is(backend.StatusNeedsReauth, "well", "ill")
			wait(10 * time.Minute)
			w.fleet.is(backend.StatusHealthy, "well", "ill")
			wait(10 * time.Minute)
		}
		w.fleet.is(backend.StatusNeedsReauth, "ill")
		w.post.answer("ops", takes)
		wait(time.Hour)
		assert.Equal(w.t, []string{"ill needs_reauth"}, w.said("ops"))
	})
}

// A message that was perhaps taken is not the last word once something else is so.
func TestWhatWasPerhapsHeardIsTakenBack(t *testing.T) {
	for name, bad := range map[string]answer{"drops": drops, "stalls": stalls} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops")
				w.fleet.is(backend.StatusHealthy, "jira")
				w.post.answer("ops", bad)
				w.fleet.is(backend.StatusNeedsReauth, "jira")
				wait(5 * time.Minute)
				w.end() // and a crash does not forget it
				w.fleet.is(backend.StatusHealthy, "jira")
				w.post.answer("ops", takes)
				w.start()
				wait(time.Hour)
				assert.Equal(w.t, []string{"jira needs_reauth", "jira recovered"}, w.said("ops"))
				assert.Equal(w.t, 1, len(w.post.at("ops"))-countOf(w.post.at("ops"), "sei.needs_reauth"))
			})
		})
	}
}

func countOf(all []got, kind string) (n int) {
	for _, g := range all {
		if g.Type == kind {
			n++
		}
	}
	return n
}

// A crash between a message and the note that it was told makes a double with its id.
func TestARestartBetweenSendAndStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &faulty{Storage: &logical.InmemStorage{}}
		w := newWorld(t, storage)
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		w.post.answer("ops", func(context.Context, got) (providers.Posted, error) {
			storage.refuse(true) // what follows is never stored
			return providers.Posted{Status: 200}, nil
		})
		wait(2 * time.Minute)
		require.Len(w.t, w.post.at("ops"), 1, "it is known in memory that it was told")
		w.end()
		storage.refuse(false)
		w.post.answer("ops", takes)
		w.start()
		wait(2 * time.Minute)
		all := w.post.at("ops")
		require.Len(w.t, all, 2)
		assert.Equal(w.t, all[0].id, all[1].id)
		assert.Equal(w.t, all[0].body, all[1].body)
		w.restart()
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 2, "now it is stored")
	})
}

// Where storage refuses writes, people are told all the same, once, and what could not be
// stored is once it can be.
func TestStorageThatRefusesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &faulty{Storage: &logical.InmemStorage{}}
		w := newWorld(t, storage)
		w.target("ops")
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(time.Second)
		storage.refuse(true)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 1)
		assert.Contains(w.t, w.faulty()["ops"], "storage")
		storage.refuse(false)
		wait(2 * time.Minute)
		assert.Empty(w.t, w.faulty())
		w.restart()
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 1)
	})
}

func TestTargetsDoNotHoldUpEachOther(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, name := range []string{"stalls", "away", "ops", "other"} {
			w.target(name)
		}
		w.post.answer("stalls", stalls)
		w.post.answer("away", away)
		wait(time.Second)
		names := named(100)
		w.fleet.is(backend.StatusNeedsReauth, names...)
		wait(61 * time.Second)
		assert.Len(w.t, w.said("ops"), len(names))
		assert.Len(w.t, w.said("other"), len(names))
	})
}

// One message that is refused for good does not hold up the others, and a target that
// refuses all of them is asked once an hour.
func TestRefusalsForGood(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.target("dead")
		w.post.answer("ops", func(_ context.Context, g got) (providers.Posted, error) {
			if g.Data.Integration == "integration-00003" {
				return providers.Posted{Status: 400}, nil
			}
			return providers.Posted{Status: 200}, nil
		})
		asked := 0
		w.post.answer("dead", func(context.Context, got) (providers.Posted, error) {
			asked++
			return providers.Posted{Status: 410}, nil
		})
		w.fleet.is(backend.StatusNeedsReauth, named(10)...)
		wait(5 * time.Minute)
		assert.Len(w.t, w.said("ops"), 9)
		assert.Equal(w.t, 3, asked)
		ops, err := w.Read(w.t.Context(), "ops")
		require.NoError(w.t, err)
		assert.Equal(w.t, 1, w.State(ops).Pending)
		wait(10 * time.Hour)
		assert.LessOrEqual(w.t, asked, 14)
		assert.GreaterOrEqual(w.t, asked, 12)
		dead, err := w.Read(w.t.Context(), "dead")
		require.NoError(w.t, err)
		assert.Contains(w.t, w.State(dead).LastFailure, "HTTP 410")
		assert.Equal(w.t, 10, w.State(dead).Pending)
		assert.Contains(w.t, w.faulty()["dead"], "HTTP 410")
	})
}

// Pauses grow, and Retry-After is honoured.
func TestPauses(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("broken")
		w.target("limited")
		var mu sync.Mutex // two targets are told at once
		asked := map[string][]time.Time{}
		for host, reply := range map[string]answer{"broken": says(503, 0), "limited": says(429, 20*time.Minute)} {
			w.post.answer(host, func(ctx context.Context, g got) (providers.Posted, error) {
				mu.Lock()
				asked[host] = append(asked[host], time.Now())
				mu.Unlock()
				return reply(ctx, g)
			})
		}
		w.fleet.is(backend.StatusNeedsReauth, "jira", "github")
		wait(61 * time.Second)
		wait(2 * time.Hour)
		broken := asked["broken"]
		require.Greater(w.t, len(broken), 8)
		assert.Less(w.t, len(broken), 20)
		for i := 2; i < len(broken); i++ {
			assert.GreaterOrEqual(w.t, broken[i].Sub(broken[i-1]), broken[i-1].Sub(broken[i-2]))
		}
		for i := 1; i < len(asked["limited"]); i++ {
			assert.GreaterOrEqual(w.t, asked["limited"][i].Sub(asked["limited"][i-1]), 20*time.Minute)
		}
		assert.GreaterOrEqual(w.t, len(asked["limited"]), 5)
	})
}

// What happens to other targets leaves a target's pauses as they are.
func TestOtherTargetsEndNoPause(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world){
		"one is written": func(w *world) { w.target("other") },
		"a write of one is refused": func(w *world) {
			require.Error(w.t, w.Write(w.t.Context(), "new", "sei/", providers.Settings{}.Clone()))
		},
		"one is deleted": func(w *world) { require.NoError(w.t, w.Delete(w.t.Context(), "other")) },
		"one cannot be decoded": func(w *world) {
			require.NoError(w.t, w.storage.Put(w.t.Context(), &logical.StorageEntry{Key: "notify/broken", Value: []byte("{")}))
			w.Invalidate("notify/broken")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("limited")
				w.target("other")
				asked := 0
				w.post.answer("limited", func(context.Context, got) (providers.Posted, error) {
					asked++
					return providers.Posted{Status: 429, RetryAfter: 20 * time.Minute}, nil
				})
				w.fleet.is(backend.StatusNeedsReauth, "jira")
				for range 60 {
					wait(time.Minute)
					meanwhile(w)
				}
				synctest.Wait()
				assert.Equal(w.t, 3, asked)
			})
		})
	}
}

func TestAWriteOfTheTargetTriesAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.post.answer("ops", says(429, time.Hour))
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.post.answer("ops", takes)
		w.target("ops") // nothing of it changes
		wait(time.Second)
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
	})
}

// A target that was deleted gets nothing more, also where another one cannot be decoded.
func TestADeletedTargetEndsWhateverTheOthersAre(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.target("broken")
		wait(time.Second)
		require.NoError(w.t, w.storage.Put(w.t.Context(), &logical.StorageEntry{Key: "notify/broken", Value: []byte("{")}))
		require.NoError(w.t, w.Delete(w.t.Context(), "ops"))
		wait(time.Second)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		assert.Empty(w.t, w.said("ops"))
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("broken"), "one that cannot be read any more goes on as it was")
	})
}

// Only the active node sends; the next one goes on where it ended.
func TestOnlyTheActiveNodeSends(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		wait(time.Second)
		w.activate(false)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		assert.Empty(w.t, w.said("ops"))
		w.activate(true)
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
	})
}

func TestSwapsAreToldToWhoWantsThem(t *testing.T) {
	inBubble(t, func(w *world) {
		old := time.Now().Add(-time.Hour)
		w.fleet.set("jira", func(s *notify.Subject) { s.Swaps = []notify.Swap{{Event: notify.Reauth, Time: old, Version: 1}} })
		w.target("ops")
		w.target("all", list("events", "reauth", "rotate", "needs_reauth", "recovered"))
		wait(time.Minute)
		assert.Empty(w.t, w.said("all"), "what happened before the target was there is not news")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Status, s.Code, s.Version = backend.StatusHealthy, "", 2
			s.Swaps = append([]notify.Swap{{Event: notify.Reauth, Time: time.Now(), Version: 2}}, s.Swaps...)
		})
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"jira needs_reauth", "jira reauth", "jira recovered"}, w.said("all"))
		assert.Equal(w.t, []string{"jira needs_reauth", "jira recovered"}, w.said("ops"))
		w.restart()
		wait(time.Hour)
		assert.Len(w.t, w.post.at("all"), 3)
	})
}

// Who begins to be told of an integration is not told of its old swaps.
func TestOldSwapsAreNoNews(t *testing.T) {
	swap := func(w *world, name string) {
		w.fleet.set(name, func(s *notify.Subject) {
			s.Version++
			s.Swaps = []notify.Swap{{Event: notify.Reauth, Time: time.Now(), Version: s.Version}}
		})
	}
	label := func(w *world) {
		w.fleet.set("jira", func(s *notify.Subject) { s.Labels = map[string]string{"team": "ops"} })
	}
	ofTeam := func(s *providers.Settings) { s.Maps["labels"] = map[string]string{"team": "ops"} }
	for name, begin := range map[string]func(w *world){
		"other integrations": func(w *world) { w.target("ops", list("integrations", "github", "jira"), ofTeam); label(w) },
		"other labels": func(w *world) {
			w.target("ops", list("integrations"), func(s *providers.Settings) { s.Maps["labels"] = nil })
		},
		"a label more": func(w *world) { w.target("ops", list("integrations"), ofTeam); wait(time.Second); label(w) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops", list("events", "reauth"), list("integrations", "github"), ofTeam)
				wait(time.Second)
				swap(w, "jira")
				wait(time.Hour)
				begin(w)
				wait(time.Hour)
				assert.Empty(w.t, w.said("ops"))
				swap(w, "jira")
				wait(time.Second)
				assert.Equal(w.t, []string{"jira reauth"}, w.said("ops"))
			})
		})
	}
}

// A swap right after the integration began to concern the target is news.
func TestASwapOfAnIntegrationThatWasJustLabelled(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", list("events", "reauth"), func(s *providers.Settings) { s.Maps["labels"] = map[string]string{"team": "ops"} })
		w.fleet.set("jira", func(s *notify.Subject) {})
		wait(time.Minute)
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Labels = map[string]string{"team": "ops"}
			s.Swaps = []notify.Swap{{Event: notify.Reauth, Time: time.Now(), Version: 2}}
		})
		wait(time.Minute)
		assert.Equal(w.t, []string{"jira reauth"}, w.said("ops"))
	})
}

func TestARotationThatFailsIsToldOncePerCredential(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		fails := func(s *notify.Subject) {
			s.Trouble = &notify.Trouble{Code: "upstream_error", Message: "HTTP 500", Since: time.Now()}
		}
		w.fleet.set("gitlab", fails)
		wait(2 * time.Minute)
		w.restart()
		w.fleet.set("gitlab", func(s *notify.Subject) { s.Trouble = nil })
		wait(2 * time.Minute)
		w.fleet.set("gitlab", fails)
		wait(time.Hour)
		assert.Equal(w.t, []string{"gitlab rotation_failed"}, w.said("ops"))
		w.fleet.set("gitlab", func(s *notify.Subject) { s.Trouble, s.Version = nil, 2 })
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"gitlab rotation_failed", "gitlab recovered"}, w.said("ops"))
	})
}

func TestOfWhatATargetIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("names", list("integrations", "jira-*", "github"))
		w.target("labels", func(s *providers.Settings) { s.Maps["labels"] = map[string]string{"team": "platform"} })
		w.target("events", list("events", "needs_reauth"))
		w.fleet.set("jira-1", func(s *notify.Subject) { s.Labels = map[string]string{"team": "platform", "tier": "1"} })
		w.fleet.is(backend.StatusNeedsReauth, "jira-1", "github", "gitlab")
		w.fleet.is(backend.StatusDegraded, "sonar")
		wait(2 * time.Minute)
		w.fleet.is(backend.StatusHealthy, "jira-1", "github", "gitlab", "sonar")
		wait(2 * time.Minute)
		assert.ElementsMatch(w.t, []string{"jira-1 needs_reauth", "github needs_reauth", "jira-1 recovered", "github recovered"}, w.said("names"))
		assert.ElementsMatch(w.t, []string{"jira-1 needs_reauth", "jira-1 recovered"}, w.said("labels"))
		assert.ElementsMatch(w.t, []string{"jira-1 needs_reauth", "github needs_reauth", "gitlab needs_reauth"}, w.said("events"))
		w.fleet.is(backend.StatusNeedsReauth, "github")
		wait(2 * time.Minute)
		assert.Len(w.t, w.said("events"), 4, "who does not want to hear of a recovery hears of the next time all the same")
	})
}

// Of an integration that cannot be judged for a while it is not forgotten what was told.
func TestAnIntegrationThatCannotBeJudgedForAWhile(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.fleet.breaks("jira", true)
		wait(10 * time.Minute)
		w.fleet.breaks("jira", false)
		wait(10 * time.Minute)
		assert.Len(w.t, w.post.at("ops"), 1)
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(10 * time.Minute)
		assert.Equal(w.t, []string{"jira needs_reauth", "jira recovered"}, w.said("ops"))
	})
}

// Where what was told is lost, the target is told again, and not under an id that it had.
func TestWhatWasToldIsLost(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.end()
		for _, k := range keys(w.t, w.storage, "notified/") {
			require.NoError(w.t, w.storage.Put(w.t.Context(), &logical.StorageEntry{Key: k, Value: []byte("{")}))
		}
		w.start()
		wait(2 * time.Minute)
		all := w.post.at("ops")
		require.Len(w.t, all, 2)
		assert.NotEqual(w.t, all[0].id, all[1].id)
	})
}

// A message that a receiver refused comes again under its id.
func TestARefusedMessageKeepsItsID(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		ids := map[string]bool{}
		w.post.answer("ops", func(_ context.Context, g got) (providers.Posted, error) {
			ids[g.id] = true
			return providers.Posted{Status: 429}, nil
		})
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		assert.Len(w.t, ids, 1)
	})
}

// From when a target has another address on, nothing more goes to the old one, also of what
// was begun; and each message goes by the rule that stands then.
func TestWhereMessagesGoCanChangeBeforeEachOfThem(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		names := named(2000) // several of each entry of storage
		w.fleet.is(backend.StatusHealthy, names...)
		wait(time.Second)
		w.post.answer("ops", func(context.Context, got) (providers.Posted, error) {
			time.Sleep(time.Second)
			return providers.Posted{Status: 200}, nil
		})
		w.fleet.is(backend.StatusNeedsReauth, names...)
		wait(60*time.Second + 500*time.Millisecond)
		w.allow("new")
		wait(time.Second)
		all := w.post.at("ops")
		require.Len(w.t, all, 1)
		assert.Zero(w.t, all[0].rule)
		w.target("ops", func(s *providers.Settings) { s.Secrets["url"] = providers.NewSecret("https://new/hook") })
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 2)
		assert.NotZero(w.t, w.post.at("ops")[1].rule)
		assert.Len(w.t, w.said("new"), len(names)-2)
	})
}

// A rotation that fails is told once per credential, whatever else begins and ends meanwhile.
func TestAnOutageDoesNotTellOfAFailedRotationAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Trouble = &notify.Trouble{Code: "upstream_error", Message: "HTTP 500", Since: time.Now()}
		})
		wait(2 * time.Minute)
		for range 2 {
			w.fleet.is(backend.StatusUnreachable, "jira")
			wait(2 * time.Hour)
			w.fleet.is(backend.StatusHealthy, "jira")
			wait(2 * time.Hour)
		}
		assert.Equal(w.t, []string{"jira rotation_failed", "jira unreachable", "jira recovered", "jira unreachable", "jira recovered"}, w.said("ops"))
	})
}

// A target that failed is no fault any more once there is nothing to tell it.
func TestATargetThatNothingWaitsForIsNoFault(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.post.answer("ops", away)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		require.NotEmpty(w.t, w.faulty()["ops"])
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(2 * time.Minute)
		assert.Empty(w.t, w.faulty())
	})
}

// That a message of an integration was refused holds up none of another one of its name.
func TestARefusalIsOfOneIntegration(t *testing.T) {
	for name, replace := range map[string]func(w *world){
		"deleted": func(w *world) { w.fleet.gone("jira"); wait(time.Second) },
		"at once": func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops")
				w.post.answer("ops", says(400, 0))
				w.fleet.is(backend.StatusNeedsReauth, "jira")
				wait(2 * time.Minute)
				w.post.answer("ops", takes)
				replace(w)
				w.fleet.set("jira", func(s *notify.Subject) { s.ID = "another" })
				w.fleet.is(backend.StatusNeedsReauth, "jira")
				wait(2 * time.Minute)
				assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
			})
		})
	}
}

// While nobody is told, nobody looks, and what was seen before says nothing.
func TestWhatWasSeenBeforeAPauseIsForgotten(t *testing.T) {
	for name, rest := range map[string]struct{ begin, end func(w *world) }{
		"no target":  {func(w *world) { require.NoError(w.t, w.Delete(w.t.Context(), "ops")) }, func(w *world) { w.target("ops") }},
		"not active": {func(w *world) { w.activate(false) }, func(w *world) { w.activate(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops")
				w.fleet.is(backend.StatusExpiring, "jira")
				wait(10 * time.Second)
				rest.begin(w)
				wait(time.Hour)
				w.fleet.set("jira", func(s *notify.Subject) { s.Since = time.Time{} }) // expiring again, since who knows when
				rest.end(w)
				wait(30 * time.Second)
				assert.Empty(w.t, w.said("ops"))
				wait(time.Minute)
				assert.Equal(w.t, []string{"jira expiring"}, w.said("ops"))
			})
		})
	}
}

// What was told is over where something better is so that the target does not want to know.
func TestWhatIsBetterAndNotToldOfIsARecovery(t *testing.T) {
	for name, c := range map[string]struct {
		was, is backend.Status
		over    bool
	}{
		"needs_reauth, degraded": {backend.StatusNeedsReauth, backend.StatusDegraded, true},
		"needs_reauth, expiring": {backend.StatusNeedsReauth, backend.StatusExpiring, true},
		"degraded, expiring":     {backend.StatusDegraded, backend.StatusExpiring, true},
		"unreachable, expiring":  {backend.StatusUnreachable, backend.StatusExpiring, true},
		"unreachable, degraded":  {backend.StatusUnreachable, backend.StatusDegraded, false},
		"degraded, unreachable":  {backend.StatusDegraded, backend.StatusUnreachable, false},
		"degraded, needs_reauth": {backend.StatusDegraded, backend.StatusNeedsReauth, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.target("ops", list("events", string(c.was), "recovered"))
				w.fleet.is(c.was, "jira")
				wait(2 * time.Hour)
				w.fleet.is(c.is, "jira")
				wait(2 * time.Hour)
				said := []string{"jira " + string(c.was)}
				if c.over {
					said = append(said, "jira recovered")
				}
				assert.Equal(w.t, said, w.said("ops"))
			})
		})
	}
}

// Another integration of a name that was deleted begins anew.
func TestAnotherIntegrationOfTheSameName(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.fleet.gone("jira")
		w.fleet.set("jira", func(s *notify.Subject) { s.ID = "another" })
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"jira needs_reauth", "jira needs_reauth"}, w.said("ops"))
		w.fleet.gone("jira")
		wait(2 * time.Minute)
		assert.Len(w.t, w.said("ops"), 2, "of one that is gone nobody is told")
	})
}

// The clock of a new leader may be behind that of the one before. What happens from then on is
// told all the same, once.
func TestANewLeaderWhoseClockIsBehind(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", list("events", "reauth", "rotate", "needs_reauth", "recovered"))
		wait(time.Minute)
		ahead := time.Now().Add(10 * time.Minute)
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Version, s.Swaps = 2, []notify.Swap{{Event: notify.Reauth, Time: ahead, Version: 2}}
		})
		w.fleet.is(backend.StatusNeedsReauth, "github")
		w.fleet.set("github", func(s *notify.Subject) { s.Since = ahead })
		wait(2 * time.Minute)
		w.restart()
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Version, s.Swaps = 3, []notify.Swap{{Event: notify.Rotate, Time: time.Now(), Version: 3}, {Event: notify.Reauth, Time: ahead, Version: 2}}
		})
		wait(time.Hour)
		assert.ElementsMatch(w.t, []string{"jira reauth", "jira rotate", "github needs_reauth"}, w.said("ops"))
		assert.Len(w.t, w.post.at("ops"), 3, "nothing comes twice")
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Version, s.Swaps = 4, []notify.Swap{{Event: notify.Reauth, Time: ahead.Add(-time.Minute), Version: 4}, s.Swaps[0]}
		})
		w.restart()
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 4)
	})
}

// A credential is forgotten at the version that it has. That is told also where the clock of the
// leader that forgot it is behind.
func TestALeaderWhoseClockIsBehindForgets(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", list("events", "reauth", "forget"))
		w.target("some", list("events", "reauth", "forget"), func(s *providers.Settings) { s.Maps["labels"] = map[string]string{"team": "a"} })
		wait(time.Minute)
		ahead := time.Now().Add(10 * time.Minute)
		made := notify.Swap{Event: notify.Reauth, Time: ahead, Version: 2}
		w.fleet.set("jira", func(s *notify.Subject) { s.Version, s.Swaps = 2, []notify.Swap{made} })
		wait(20 * time.Minute)
		w.fleet.set("jira", func(s *notify.Subject) { s.Labels = map[string]string{"team": "a"} })
		wait(2 * time.Minute)
		w.restart()
		forgotten := notify.Swap{Event: notify.Forget, Time: ahead.Add(-time.Minute), Version: 2}
		w.fleet.set("jira", func(s *notify.Subject) { s.Swaps = []notify.Swap{forgotten, made} })
		wait(time.Hour)
		assert.Equal(w.t, []string{"jira reauth", "jira forget"}, w.said("ops"))
		assert.Equal(w.t, []string{"jira forget"}, w.said("some"), "what was before is no news for it")
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Version, s.Swaps = 3, []notify.Swap{{Event: notify.Reauth, Time: ahead.Add(-time.Second), Version: 3}, forgotten}
		})
		w.restart()
		wait(time.Hour)
		assert.Equal(w.t, []string{"jira reauth", "jira forget", "jira reauth"}, w.said("ops"))
		assert.Len(w.t, w.post.at("ops"), 3, "nothing comes twice")
	})
}

// A receiver that sends messages elsewhere is not followed, and its target says what to do.
func TestAReceiverThatSendsElsewhere(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.post.answer("ops", says(302, 0))
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		ops, err := w.Read(w.t.Context(), "ops")
		require.NoError(w.t, err)
		assert.Equal(w.t, "the receiver answered HTTP 302, which leads elsewhere; redirects are not followed, so url must be the address itself", w.State(ops).LastFailure)
		_, err = w.Test(w.t.Context(), "ops", "sei/")
		require.ErrorContains(w.t, err, "url must be the address itself")
	})
}

// A receiver may ask for long, and a write to its target ends the rest.
func TestAReceiverThatAsksForADay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.post.answer("ops", says(429, 24*time.Hour))
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.post.answer("ops", takes)
		wait(23 * time.Hour)
		assert.Empty(w.t, w.said("ops"))
		w.target("ops")
		wait(time.Second)
		assert.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
	})
}

// Of an integration that is deleted there is no closing message: whoever deletes it knows.
func TestADeletedIntegrationIsNotToldOf(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "github")
		wait(2 * time.Minute)
		w.fleet.gone("github")
		wait(time.Hour)
		assert.Equal(w.t, []string{"github needs_reauth"}, w.said("ops"))
		w.fleet.set("github", func(s *notify.Subject) { s.ID = "another" })
		wait(time.Hour)
		assert.Len(w.t, w.said("ops"), 1, "another one of the name has not recovered from anything")
	})
}
