package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

// desk makes links as a test decides.
type desk struct {
	shut, broken bool
	made         []string // target and integration of each
	ended        []string
}

// CanInvite reports that there is an address, unless the desk is shut.
func (w *world) CanInvite(context.Context) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.desk.shut, nil
}

// Invite numbers the links.
func (w *world) Invite(_ context.Context, t *notify.Target, s *notify.Subject) (providers.Secret, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.desk.broken {
		return providers.Secret{}, time.Time{}, errors.New("no space left on device")
	}
	w.desk.made = append(w.desk.made, t.Name+" "+s.Name)
	return providers.NewSecret(fmt.Sprintf("https://vault.example.com/v1/sei/invite/link-%d", len(w.desk.made))), time.Now().Add(24 * time.Hour), nil
}

// End notes whose links end.
func (w *world) End(_ context.Context, target, integration string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.desk.broken {
		return errors.New("no space left on device")
	}
	w.desk.ended = append(w.desk.ended, strings.TrimSpace(target+" "+integration))
	return nil
}

func (w *world) ended() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ended := w.desk.ended
	w.desk.ended = nil
	return ended
}

// Links end with what they were for: what works again, a target that is gone or leads to
// others, and one that shall get none.
func TestLinksOfMessagesEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", inviting, func(s *providers.Settings) { s.Lists["events"] = []string{"needs_reauth"} })
		w.target("silent")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		w.ended()
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(2 * time.Minute)
		assert.Equal(w.t, []string{"ops jira"}, w.ended(), "also where the target does not hear of it")
		write := func(s providers.Settings) error { return w.Write(w.t.Context(), "ops", "sei/", s) }
		settle := providers.Settings{}.Clone()
		settle.Numbers["settle"] = 60
		require.NoError(w.t, write(settle))
		assert.Empty(w.t, w.ended())
		off := providers.Settings{}.Clone()
		off.Flags["invite"] = false
		require.NoError(w.t, write(off))
		assert.Equal(w.t, []string{"ops"}, w.ended())
		moved := providers.Settings{}.Clone()
		moved.Secrets["url"] = providers.NewSecret("https://chat.example.com/elsewhere")
		require.NoError(w.t, write(moved))
		assert.Equal(w.t, []string{"ops"}, w.ended())
		w.mu.Lock()
		w.desk.broken = true
		w.mu.Unlock()
		require.Error(w.t, w.Delete(w.t.Context(), "ops"))
		w.mu.Lock()
		w.desk.broken = false
		w.mu.Unlock()
		require.NoError(w.t, w.Delete(w.t.Context(), "ops"), "it can be sent again")
		assert.Equal(w.t, []string{"ops"}, w.ended())
	})
}

func (w *world) links() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.desk.made...)
}

func inviting(s *providers.Settings) { s.Flags["invite"] = true }

// urlIn is the link of a message.
func urlIn(t *testing.T, g got) string {
	t.Helper()
	var sent struct {
		Data struct{ URL string } `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(g.body), &sent))
	return sent.Data.URL
}

// A message that needs a person has a link where the target says so, and no other has.
func TestMessagesThatNeedAPersonInvite(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", inviting)
		w.target("silent")
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(time.Second)
		for _, status := range []backend.Status{backend.StatusExpiring, backend.StatusNeedsReauth, backend.StatusHealthy, backend.StatusDegraded} {
			w.fleet.is(status, "jira")
			wait(2 * time.Minute)
		}
		w.fleet.set("jira", func(s *notify.Subject) { s.Code = string(providers.RateLimited) })
		wait(2 * time.Minute)
		w.fleet.is(backend.StatusUnreachable, "jira")
		wait(2 * time.Hour)
		var invited []string
		for _, g := range w.post.at("ops") {
			if url := urlIn(w.t, g); url != "" {
				invited = append(invited, g.String())
				assert.Contains(w.t, g.body, "open the link")
			}
		}
		assert.Equal(w.t, []string{"jira expiring", "jira needs_reauth", "jira degraded"}, invited)
		for _, g := range w.post.at("silent") {
			assert.Empty(w.t, urlIn(w.t, g))
			assert.NotContains(w.t, g.body, `"url"`)
		}
		assert.Len(w.t, w.links(), 3)
	})
}

// While a receiver is away the message keeps its link, until that is about to end; after a
// restart it has another one.
func TestAMessageThatIsSentAgainKeepsItsLink(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", inviting)
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(time.Second)
		var tries []got
		w.post.answer("ops", func(_ context.Context, g got) (providers.Posted, error) {
			tries = append(tries, g)
			return providers.Posted{Status: 503}, nil
		})
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(20 * time.Hour)
		require.Greater(w.t, len(tries), 5)
		for _, g := range tries { // the notifier rests
			assert.Equal(w.t, urlIn(w.t, tries[0]), urlIn(w.t, g))
		}
		assert.Len(w.t, w.links(), 1)
		wait(8 * time.Hour)
		assert.Len(w.t, w.links(), 2, "the first one is about to end")
		w.restart()
		w.post.answer("ops", nil)
		wait(3 * time.Hour)
		taken := w.post.at("ops")
		require.Len(w.t, taken, 1)
		assert.True(w.t, strings.HasSuffix(urlIn(w.t, taken[0]), "link-3"))
		assert.Equal(w.t, tries[0].id, taken[0].id, "it is the same message")
	})
}

// A link that cannot be made does not hold up the message.
func TestAMessageWithoutALinkIsSent(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", inviting)
		w.mu.Lock()
		w.desk.broken = true
		w.mu.Unlock()
		w.fleet.is(backend.StatusHealthy, "jira")
		wait(time.Second)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		require.Equal(w.t, []string{"jira needs_reauth"}, w.said("ops"))
		assert.Empty(w.t, urlIn(w.t, w.post.at("ops")[0]))
		assert.Contains(w.t, w.post.at("ops")[0].body, "sei/reauth/jira")
	})
}

// Nobody can choose links that would lead nowhere.
func TestLinksNeedAnAddress(t *testing.T) {
	inBubble(t, func(w *world) {
		w.mu.Lock()
		w.desk.shut = true
		w.mu.Unlock()
		s := providers.Settings{}.Clone()
		s.Secrets["url"] = providers.NewSecret("https://ops/hook")
		s.Flags["invite"] = true
		err := w.Write(w.t.Context(), "ops", "sei/", s)
		assert.True(w.t, backend.HasCode(err, backend.CodeMissingField), "%v", err)
		assert.ErrorContains(w.t, err, "public_address")
	})
}

// Chats have a button.
func TestLinksAreButtonsInChats(t *testing.T) {
	for format, button := range map[string]string{
		"slack": `{"type":"button","text":{"type":"plain_text","text":"Re-authenticate"},"url":"https://vault.example.com/v1/sei/invite/link-1"}`,
		"teams": `"actions":[{"type":"Action.OpenUrl","title":"Re-authenticate","url":"https://vault.example.com/v1/sei/invite/link-1"}]`,
	} {
		inBubble(t, func(w *world) {
			w.target("ops", inviting, func(s *providers.Settings) { s.Texts["format"] = format })
			w.fleet.is(backend.StatusHealthy, "jira")
			wait(time.Second)
			w.fleet.is(backend.StatusNeedsReauth, "jira")
			wait(2 * time.Minute)
			require.Len(w.t, w.post.at("ops"), 1)
			assert.Contains(w.t, w.post.at("ops")[0].body, button)
		})
	}
}
