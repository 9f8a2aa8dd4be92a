package notify_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

//nolint:gochecknoglobals // a value that no test changes
var key = "whsec_" + base64.StdEncoding.EncodeToString([]byte("canary-of-the-signing-key-000000"))

func TestMessagesAreSigned(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", func(s *providers.Settings) { s.Secrets["signing_key"] = providers.NewSecret(key) })
		w.target("plain")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		verifier, err := webhooks.NewWebhook(key)
		require.NoError(w.t, err)
		g := w.post.at("ops")[0]
		header := map[string][]string{}
		for name, value := range g.header {
			header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
		}
		require.NoError(w.t, verifier.VerifyIgnoringTimestamp([]byte(g.body), header))
		require.Error(w.t, verifier.VerifyIgnoringTimestamp([]byte(g.body+" "), header))
		assert.NotContains(w.t, w.post.at("plain")[0].header, webhooks.HeaderWebhookSignature)
		assert.NotEmpty(w.t, w.post.at("plain")[0].id)
	})
}

// What is sent holds neither the address nor the key.
func TestMessagesHoldNoSecret(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, format := range []string{"json", "slack", "teams"} {
			w.target(format, func(s *providers.Settings) {
				s.Texts["format"] = format
				s.Secrets["signing_key"] = providers.NewSecret(key)
			})
		}
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		for _, format := range []string{"json", "slack", "teams"} {
			require.Len(w.t, w.post.at(format), 1)
			g := w.post.at(format)[0]
			all := g.body
			for name, value := range g.header {
				all += name + value
			}
			assert.NotContains(w.t, all, "canary")
			assert.NotContains(w.t, all, "/hook/")
			assert.NotContains(w.t, all, strings.TrimPrefix(key, "whsec_"))
			assert.NotContains(w.t, all, "http", "no link")
		}
	})
}

// What an upstream chose is no link and calls nobody in a chat.
func TestChatsShowNoMarks(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, format := range []string{"slack", "teams"} {
			w.target(format, func(s *providers.Settings) { s.Texts["format"] = format })
		}
		w.fleet.set("jira", func(s *notify.Subject) {
			s.Identity, s.Status = "<!channel> [click](evil) *b* <at>all</at> &lt;b> {{DATE()}}", backend.StatusNeedsReauth
			s.Message = "see <a href=evil>this</a>\n# of &amp;"
		})
		wait(2 * time.Minute)
		assert.Contains(w.t, w.post.at("slack")[0].body, `"type":"plain_text"`)
		assert.NotContains(w.t, w.post.at("slack")[0].body, "mrkdwn")
		card := w.post.at("teams")[0].body
		assert.Contains(w.t, card, `\\[click\\]\\(evil\\)`)
		var text struct {
			Attachments []struct {
				Content struct {
					Body []struct {
						Text  string
						Facts []struct{ Value string }
					}
				}
			}
		}
		require.NoError(w.t, json.Unmarshal([]byte(card), &text))
		var shown strings.Builder
		for _, block := range text.Attachments[0].Content.Body {
			shown.WriteString(block.Text)
			for _, f := range block.Facts {
				shown.WriteString(f.Value)
			}
		}
		assert.Contains(w.t, shown.String(), `\<at\>all`)
		assert.NotContains(w.t, shown.String(), "\n")
		assert.NotRegexp(w.t, `(^|[^\\])[<>&*_\[\]{}`+"`#~|]", shown.String(), "each mark is escaped")
	})
}

func TestWritesOfTargetsAreJudged(t *testing.T) {
	inBubble(t, func(w *world) {
		write := func(change func(*providers.Settings)) error {
			s := providers.Settings{}.Clone()
			change(&s)
			return w.Write(w.t.Context(), "ops", "sei/", s)
		}
		url := func(s *providers.Settings, address string) { s.Secrets["url"] = providers.NewSecret(address) }
		assert.True(w.t, backend.HasCode(write(func(*providers.Settings) {}), backend.CodeMissingField))
		assert.True(w.t, backend.HasCode(write(func(s *providers.Settings) { url(s, "http://ops/x") }), string(providers.AddressNotAllowed)))
		for field, bad := range map[string]func(*providers.Settings){
			"events":       list("events", "needs_reauth", "nonsense"),
			"integrations": list("integrations", "jira-[a"),
			"signing_key":  func(s *providers.Settings) { s.Secrets["signing_key"] = providers.NewSecret("whsec_short") },
		} {
			err := write(func(s *providers.Settings) { url(s, "https://ops/x"); bad(s) })
			require.True(w.t, backend.HasCode(err, backend.CodeInvalidField), "%s: %v", field, err)
			assert.Contains(w.t, err.Error(), field)
		}
		require.NoError(w.t, write(func(s *providers.Settings) { url(s, "https://ops/x") }))
		err := write(func(s *providers.Settings) { s.Texts["proxy_url"] = "http://proxy.example.com:3128" })
		require.True(w.t, backend.HasCode(err, backend.CodeMissingField), "who may write must not learn the address: %v", err)
		require.NoError(w.t, write(func(s *providers.Settings) { s.Numbers["settle"] = 0 }))
		target, err := w.Read(w.t.Context(), "ops")
		require.NoError(w.t, err)
		assert.Equal(w.t, "https://ops/x", target.Settings.Secret("url").Reveal(), "a partial write leaves the others")
		assert.Equal(w.t, "ops", target.Host())
		_, err = w.Read(w.t.Context(), "other")
		assert.True(w.t, backend.HasCode(err, backend.CodeUnknownTarget))
		for _, glob := range []string{"jira-?", "jira-[a]", `jira-\*`, "jira-[a"} {
			err := write(func(s *providers.Settings) { list("integrations", glob)(s) })
			require.True(w.t, backend.HasCode(err, backend.CodeInvalidField), "%s: only * is a mark: %v", glob, err)
		}
		require.NoError(w.t, write(list("integrations", "jira-*", "*")))
	})
}

func TestATestSendsOneMessageNow(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.post.answer("ops", says(500, 0))
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(time.Hour)
		_, err := w.Test(w.t.Context(), "ops", "sei/")
		assert.True(w.t, backend.HasCode(err, string(providers.UpstreamError)), "%v", err)
		w.post.answer("ops", takes)
		id, err := w.Test(w.t.Context(), "ops", "sei/")
		require.NoError(w.t, err)
		wait(time.Second)
		all := w.post.at("ops")
		require.Len(w.t, all, 2, "what waited goes with it")
		assert.Equal(w.t, id, all[0].id)
		assert.Equal(w.t, "sei.test", all[0].Type)
		_, err = w.Test(w.t.Context(), "other", "sei/")
		assert.True(w.t, backend.HasCode(err, backend.CodeUnknownTarget))
	})
}

func TestAMountHasAHundredTargets(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := range 100 {
			w.target(fmt.Sprintf("ops-%d", i))
		}
		s := providers.Settings{}.Clone()
		s.Secrets["url"] = providers.NewSecret("https://more/hook")
		err := w.Write(w.t.Context(), "more", "sei/", s)
		require.True(w.t, backend.HasCode(err, backend.CodeInvalidField), "%v", err)
		assert.Contains(w.t, err.Error(), "100 targets")
		require.NoError(w.t, w.Write(w.t.Context(), "ops-7", "sei/", s), "those that there are can be changed")
		require.NoError(w.t, w.Delete(w.t.Context(), "ops-0"))
		require.NoError(w.t, w.Write(w.t.Context(), "more", "sei/", s))
	})
}

// What was counted of a target goes with it.
func TestWhatWasCountedGoesWithTheTarget(t *testing.T) {
	inBubble(t, func(w *world) {
		var mu sync.Mutex
		counted := map[string]int{}
		w.end()
		w.start(func(n *notify.Notifier) {
			n.CountTo(func(target string, _ bool) { mu.Lock(); counted[target]++; mu.Unlock() },
				func(target string) { mu.Lock(); delete(counted, target); mu.Unlock() })
		})
		w.target("gone")
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		mu.Lock()
		assert.Equal(w.t, map[string]int{"gone": 1, "ops": 1}, counted)
		mu.Unlock()
		require.NoError(w.t, w.Delete(w.t.Context(), "gone"))
		wait(time.Second)
		mu.Lock()
		assert.Equal(w.t, map[string]int{"ops": 1}, counted)
		mu.Unlock()
	})
}
