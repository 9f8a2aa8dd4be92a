package mounted_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/providers"
)

// invites opens an invitation of integration "a", and returns its token.
func (w *world) invites(t *testing.T) providers.Secret {
	t.Helper()
	return w.opens(t, invite.Wish{Integration: "a"}).Token
}

func (w *world) opens(t *testing.T, wish invite.Wish) *invite.Opened {
	t.Helper()
	if wish.Life == 0 {
		wish.Life = invite.DefaultLife
	}
	wish.Who = backend.Actor{Via: "invites/a", EntityID: "entity-of-olga", DisplayName: "olga"}
	opened, err := w.Invitations.Open(t.Context(), wish)
	require.NoError(t, err)
	return opened
}

// uses sends a credential by an invitation.
func (w *world) uses(ctx context.Context, token providers.Secret, e backend.Entry) (*backend.Change, error) {
	found, err := w.Invitations.Find(ctx, token)
	if err != nil {
		return nil, err
	}
	return w.Swaps.Invited(ctx, found, e, backend.Actor{Via: "invite/" + token.Reveal(), RequestID: "request-1"})
}

// invitedWorld has "a" with credential "old".
func invitedWorld(t *testing.T) (*world, *storage) {
	t.Helper()
	store := &storage{}
	w := newWorld(store)
	keyWorld(t, w)
	return w, store
}

// assertDead demands that the token lets nobody in, and that what is in use stays.
func assertDead(t *testing.T, w *world, token providers.Secret) {
	t.Helper()
	before := w.key(t)
	_, err := w.uses(t.Context(), token, entry("mia@example.com", "another"))
	assert.True(t, backend.HasCode(err, backend.CodeInvitationEnded), "%v", err)
	assert.Equal(t, before, w.key(t))
}

func TestAnInvitationLetsOneCredentialIn(t *testing.T) {
	w, store := invitedWorld(t)
	opened := w.opens(t, invite.Wish{Integration: "a", Note: "by Friday"})
	found, err := w.Invitations.Find(t.Context(), opened.Token)
	require.NoError(t, err)
	assert.Equal(t, &backend.Account{Identity: "mia@example.com", ID: "id-of-mia@example.com"}, found.Account)
	change, err := w.uses(t.Context(), opened.Token, entry("mia@example.com", "new"))
	require.NoError(t, err)
	newest := change.After.History[0]
	assert.Equal(t, backend.Actor{Via: "invite", EntityID: "entity-of-olga", DisplayName: "olga", RequestID: "request-1", Invitation: opened.Accessor}, newest.Actor)
	assert.Equal(t, "new", w.restarted().key(t))
	assertDead(t, w, opened.Token)
	assertDead(t, w.restarted(), opened.Token)
	require.NoError(t, w.Invitations.Sweep(t.Context()))
	assert.Empty(t, storedKeys(t, store, "invites/"))
	assertDead(t, w, opened.Token)
}

// The token is nowhere in storage, nor is it the accessor.
func TestAnInvitationIsStoredAsAHash(t *testing.T) {
	w, store := invitedWorld(t)
	opened := w.opens(t, invite.Wish{Integration: "a"})
	keys := storedKeys(t, store, "")
	for _, key := range keys {
		assert.NotContains(t, key, opened.Token.Reveal())
		if e, err := store.Get(t.Context(), key); assert.NoError(t, err) && e != nil {
			assert.NotContains(t, string(e.Value), opened.Token.Reveal(), key)
		}
	}
	assert.Len(t, opened.Token.Reveal(), 43, "256 bits")
	assert.NotContains(t, opened.Token.Reveal(), opened.Accessor)
	assert.NotContains(t, fmt.Sprintf("%v %+v", opened, opened), opened.Token.Reveal())
}

// Two tabs post at once: one of them gets in.
func TestTwoTabsAtOnce(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	const tabs = 8
	errs := make([]error, tabs)
	var group sync.WaitGroup
	for i := range tabs {
		group.Go(func() { _, errs[i] = w.uses(t.Context(), token, entry("mia@example.com", fmt.Sprint("new-", i))) })
	}
	group.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
			continue
		}
		assert.True(t, backend.HasCode(err, backend.CodeInvitationEnded), "%v", err)
	}
	assert.Equal(t, 1, in)
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, 2, record.Version)
}

// A scanner of links looks as often as it likes.
func TestLookingChangesNothing(t *testing.T) {
	w, store := invitedWorld(t)
	token := w.invites(t)
	store.reset(nil)
	for range 20 {
		_, err := w.Invitations.Find(t.Context(), token)
		require.NoError(t, err)
	}
	for _, call := range store.made() {
		assert.False(t, strings.HasPrefix(call, "Put ") || strings.HasPrefix(call, "Delete "), call)
	}
	_, err := w.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err)
}

func TestAnotherAccountIsRefused(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	_, err := w.uses(t.Context(), token, entry("eve@example.com", "hers"))
	refused := requireCode(t, err, backend.CodeIdentityPinned)
	assert.Contains(t, refused.Message, `belongs to "eve@example.com", and the invitation is for "mia@example.com"`)
	assert.Contains(t, refused.Message, "version 1 stays in use")
	assert.Equal(t, "old", w.key(t))
	_, err = w.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err, "it can be used after a refusal")
}

// An integration without an account needs to be told one, or that any will do.
func TestWhoseCredentialAnInvitationTakes(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	_, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "a", Life: time.Hour})
	requireCode(t, err, backend.CodeMissingField)
	_, err = w.Invitations.Open(t.Context(), invite.Wish{Integration: "a", Life: time.Hour, Identity: "mia@example.com", Anybody: true})
	requireCode(t, err, backend.CodeInvalidField)
	named := w.opens(t, invite.Wish{Integration: "a", Identity: "mia@example.com"}).Token
	anybody := w.opens(t, invite.Wish{Integration: "a", Anybody: true}).Token
	_, err = w.uses(t.Context(), named, entry("eve@example.com", "hers"))
	requireCode(t, err, backend.CodeIdentityPinned)
	assert.Empty(t, w.key(t))
	_, err = w.uses(t.Context(), named, entry("mia@example.com", "first"))
	require.NoError(t, err)
	_, err = w.uses(t.Context(), anybody, entry("eve@example.com", "hers"))
	require.NoError(t, err)
}

// The account of the integration changes while the invitation is open: it stays that of
// the invitation where somebody named it, and else the invitation ends.
func TestAnInvitationKeepsItsAccount(t *testing.T) {
	w, _ := invitedWorld(t)
	named, token := w.opens(t, invite.Wish{Integration: "a", Identity: "mia@example.com"}).Token, w.invites(t)
	w.reauth(t, entry("eve@example.com", "hers"))
	_, err := w.uses(t.Context(), named, entry("eve@example.com", "hers too"))
	requireCode(t, err, backend.CodeIdentityPinned)
	_, err = w.uses(t.Context(), token, entry("eve@example.com", "hers too"))
	requireCode(t, err, backend.CodeInvitationEnded)
	assert.Equal(t, "hers", w.key(t))
}

func TestWhatEndsAnInvitation(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world, *invite.Opened){
		"its time": func(_ *testing.T, w *world, _ *invite.Opened) { w.clock.advance(invite.DefaultLife) },
		"somebody": func(t *testing.T, w *world, o *invite.Opened) {
			t.Helper()
			require.NoError(t, w.Invitations.End(t.Context(), "a", o.Accessor))
		},
		"the end of its integration": func(t *testing.T, w *world, _ *invite.Opened) {
			t.Helper()
			require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
			keyWorld(t, w)
		},
		"a change of where the credential goes": func(t *testing.T, w *world, _ *invite.Opened) {
			t.Helper()
			forgotten(t, w)
			require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("team", "elsewhere")}))
			w.reauth(t, entry("mia@example.com", "there"))
		},
		"refusals": func(t *testing.T, w *world, o *invite.Opened) {
			t.Helper()
			w.upstream.refuses(failure(providers.Rejected))
			for range backend.MaxRefusals {
				_, err := w.uses(t.Context(), o.Token, entry("mia@example.com", "guess"))
				requireCode(t, err, string(providers.Rejected))
			}
			w.upstream.answers(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, store := invitedWorld(t)
			opened, other := w.opens(t, invite.Wish{Integration: "a"}), providers.NewSecret(strings.Repeat("x", 43))
			end(t, w, opened)
			assertDead(t, w, opened.Token)
			assertDead(t, w.restarted(), opened.Token)
			_, ended := w.Invitations.Find(t.Context(), opened.Token)
			_, guessed := w.Invitations.Find(t.Context(), other)
			assert.Equal(t, guessed, ended, "the same answer as for a guess")
			listed, err := w.Invitations.List(t.Context(), "")
			require.NoError(t, err)
			assert.Empty(t, listed)
			require.NoError(t, w.Invitations.Sweep(t.Context()))
			assert.Empty(t, storedKeys(t, store, "invites/"))
		})
	}
}

func forgotten(t *testing.T, w *world) {
	t.Helper()
	_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
}

// An upstream that cannot tell is no refusal.
func TestAnUpstreamThatIsDownEndsNoInvitation(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	for _, outcome := range []providers.Outcome{providers.Unreachable, providers.UpstreamError, providers.RateLimited} {
		w.upstream.refuses(failure(outcome))
		for range backend.MaxRefusals + 1 {
			_, err := w.uses(t.Context(), token, entry("mia@example.com", "new"))
			requireCode(t, err, string(outcome))
		}
	}
	w.upstream.answers(nil)
	_, err := w.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err)
}

// Somebody ends the invitation while its credential is being checked.
func TestAnInvitationThatEndsDuringTheCheck(t *testing.T) {
	for name, end := range map[string]func(*world, *invite.Opened) error{
		"somebody": func(w *world, o *invite.Opened) error {
			return w.Invitations.End(context.Background(), "a", o.Accessor)
		},
		"its time": func(w *world, _ *invite.Opened) error { w.clock.advance(invite.DefaultLife); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := invitedWorld(t)
			opened := w.opens(t, invite.Wish{Integration: "a"})
			w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
				err := end(w, opened)
				return providers.Verified{Identity: cred.Value("email").Reveal(), AccountID: "id-of-mia@example.com"}, err
			})
			_, err := w.uses(t.Context(), opened.Token, entry("mia@example.com", "new"))
			requireCode(t, err, backend.CodeInvitationEnded)
			assert.Equal(t, "old", w.key(t))
		})
	}
}

// A leader is lost between the look and the use: another one takes over, with nothing in
// memory.
func TestAnInvitationSurvivesItsLeader(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	_, err := w.Invitations.Find(t.Context(), token)
	require.NoError(t, err)
	next := w.restarted()
	_, err = next.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err)
	assertDead(t, next.restarted(), token)
}

// The plugin is killed at each storage call of a use: afterwards the credential is the new
// one and the link is dead, or it is the old one and the link works, once.
func TestKilledDuringTheUse(t *testing.T) {
	for _, kind := range []fault{fails, failsBehind} {
		for at := 1; ; at++ {
			w, store := invitedWorld(t)
			before := w.invites(t) // one that was used before, whose entry is not removed yet
			_, err := w.uses(t.Context(), before, entry("mia@example.com", "before"))
			require.NoError(t, err)
			require.Len(t, storedKeys(t, store, "invites/"), 1)
			assertDead(t, w, before)
			token := w.invites2(t, store)
			w = w.restarted()
			store.reset(func(n int, _ string) fault { // from this call on nothing comes through
				switch {
				case n == at:
					return kind
				case n > at:
					return fails
				}
				return works
			})
			_, _ = w.uses(t.Context(), token, entry("mia@example.com", "new"))
			calls := store.made()
			store.reset(nil)
			w = w.restarted()
			assertDead(t, w, before)
			if w.key(t) == "new" {
				assertDead(t, w, token)
			} else {
				require.Equal(t, "before", w.key(t))
				_, err = w.uses(t.Context(), token, entry("mia@example.com", "new"))
				require.NoError(t, err, "call %d of %v", at, calls)
				assertDead(t, w, token)
			}
			if len(calls) < at {
				break
			}
		}
	}
}

// invites2 opens one while the entry of a used one stays: a sweep would remove it.
func (w *world) invites2(t *testing.T, store *storage) providers.Secret {
	t.Helper()
	kept := map[string][]byte{}
	for _, key := range storedKeys(t, store, "invites/") {
		e, err := store.Get(t.Context(), key)
		require.NoError(t, err)
		kept[key] = e.Value
	}
	token := w.invites(t)
	for key, value := range kept {
		require.NoError(t, store.InmemStorage.Put(t.Context(), entryOf(key, string(value))))
	}
	store.reset(nil)
	return token
}

// A refusal that cannot be counted is no answer of the upstream.
func TestARefusalThatCannotBeCounted(t *testing.T) {
	w, store := invitedWorld(t)
	token := w.invites(t)
	w.upstream.refuses(failure(providers.Rejected))
	store.reset(refusesWrites)
	_, err := w.uses(t.Context(), token, entry("mia@example.com", "guess"))
	require.ErrorIs(t, err, errDisk)
}

// The same credential once more uses the invitation up, and makes no version.
func TestTheCredentialInUseUsesTheInvitationUp(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	change, err := w.uses(t.Context(), token, entry("mia@example.com", "old"))
	require.NoError(t, err)
	assert.Equal(t, 1, change.After.Version)
	assertDead(t, w.restarted(), token)
}

// What a record is changed by otherwise leaves the note of the invitation in it.
func TestOtherChangesKeepTheUsedInvitation(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	_, err := w.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err)
	w.reauth(t, entry("mia@example.com", "newer"))
	_, err = w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assertDead(t, w.restarted(), token)
	forgotten(t, w)
	assertDead(t, w.restarted(), token)
}

// Boards, repos and pipelines share a credential: an invitation for one serves all, and
// the end of another one does not end it.
func TestAnInvitationOfAGroup(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	groupWorld(t, w)
	token := w.invites(t)
	found, err := w.Invitations.Find(t.Context(), token)
	require.NoError(t, err)
	require.Len(t, found.Siblings, 1)
	change, err := w.uses(t.Context(), token, entry("mia@example.com", "new"))
	require.NoError(t, err)
	require.Len(t, change.Siblings, 1)
	assert.Equal(t, "b", change.Siblings[0].Name)
	assertDead(t, w, token)
}

// A link for the account in use is no way back to it once somebody put another in its place.
func TestALinkDoesNotOutliveItsAccount(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *world){
		"another account": func(t *testing.T, w *world) {
			t.Helper()
			w.reauth(t, entry("ada@example.com", "of-ada"))
		},
		"forgotten": func(t *testing.T, w *world) {
			t.Helper()
			_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
			require.NoError(t, err)
		},
	} {
		w, _ := invitedWorld(t)
		dead := []*invite.Opened{w.opens(t, invite.Wish{Integration: "a"}), w.opens(t, invite.Wish{Integration: "a", Sender: "target-1"})}
		named := w.opens(t, invite.Wish{Integration: "a", Identity: "mia@example.com"})
		change(t, w)
		for _, one := range dead {
			_, err := w.uses(t.Context(), one.Token, entry("mia@example.com", "another"))
			assert.True(t, backend.HasCode(err, backend.CodeInvitationEnded), "%s: %v", name, err)
			_, err = w.restarted().Invitations.Find(t.Context(), one.Token)
			assert.True(t, backend.HasCode(err, backend.CodeInvitationEnded), "%s: %v", name, err)
		}
		if name == "forgotten" { // who had it is known all the same
			_, err := w.uses(t.Context(), w.opens(t, invite.Wish{Integration: "a"}).Token, entry("mia@example.com", "again"))
			require.NoError(t, err)
		}
		_, err := w.uses(t.Context(), named.Token, entry("mia@example.com", "of-mia"))
		require.NoError(t, err, "whoever names an account means it: %s", name)
		assert.Equal(t, "of-mia", w.key(t))
	}
}

// A link for the account in use stays one while that account gets another credential; that
// of a message is about the one that needed a person.
func TestALinkAfterAnotherCredentialOfItsAccount(t *testing.T) {
	w, _ := invitedWorld(t)
	asked, sent := w.opens(t, invite.Wish{Integration: "a"}), w.opens(t, invite.Wish{Integration: "a", Sender: "target-1"})
	w.reauth(t, entry("mia@example.com", "newer"))
	assertDead(t, w, sent.Token)
	_, err := w.uses(t.Context(), asked.Token, entry("mia@example.com", "newest"))
	require.NoError(t, err)
}

func TestInvitationsAreBounded(t *testing.T) {
	w, store := invitedWorld(t)
	for range 20 {
		w.invites(t)
	}
	_, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "a", Life: time.Hour})
	refused := requireCode(t, err, backend.CodeTooManyInvitations)
	assert.Contains(t, refused.Message, "20 invitations")
	for range 5 { // those of a target take the place of the one before
		w.opens(t, invite.Wish{Integration: "a", Sender: "target-1"})
		w.opens(t, invite.Wish{Integration: "a", Sender: "target-2"})
	}
	assert.Len(t, storedKeys(t, store, "invites/"), 22)
	w.clock.advance(invite.DefaultLife)
	w.invites(t)
	assert.Len(t, storedKeys(t, store, "invites/"), 1, "what has ended is removed")
}

// Links of messages take no room from people, and to make one looks at no other.
func TestMessagesTakeNoRoomFromPeople(t *testing.T) {
	w, store := invitedWorld(t)
	var first *invite.Opened
	for i := range 2000 {
		if i%500 == 0 {
			store.reset(nil)
		}
		opened := w.opens(t, invite.Wish{Integration: "a", Sender: fmt.Sprint("target-", i)})
		if i == 0 {
			first = opened
		}
		if i%500 == 0 {
			assert.LessOrEqual(t, len(store.made()), 4, "%d: %v", i, store.made())
		}
	}
	_, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "a", Life: time.Hour, Sender: "target"})
	requireCode(t, err, backend.CodeTooManyInvitations)
	w.invites(t)
	w.opens(t, invite.Wish{Integration: "a", Sender: "target-0"})
	assertDead(t, w, first.Token)
	w.reauth(t, entry("mia@example.com", "newer"))
	w.opens(t, invite.Wish{Integration: "a", Sender: "target"})
	assert.Len(t, storedKeys(t, store, "invites/"), 2, "a swap ends them")
}

func TestLinksOfATargetEnd(t *testing.T) {
	w, _ := invitedWorld(t)
	w.create(t, "b", "key")
	sent := func(target, integration string) providers.Secret {
		return w.opens(t, invite.Wish{Integration: integration, Sender: target, Anybody: true}).Token
	}
	one, other, of := sent("ops", "a"), sent("ops", "b"), sent("other", "a")
	asked := w.invites(t)
	require.NoError(t, w.Invitations.EndSent(t.Context(), "ops", "a"))
	assertDead(t, w, one)
	_, err := w.Invitations.Find(t.Context(), other)
	require.NoError(t, err)
	require.NoError(t, w.Invitations.EndSent(t.Context(), "ops", ""))
	_, err = w.Invitations.Find(t.Context(), other)
	requireCode(t, err, backend.CodeInvitationEnded)
	require.NoError(t, w.Invitations.EndSent(t.Context(), "", ""))
	for _, open := range []providers.Secret{of, asked} {
		_, err = w.Invitations.Find(t.Context(), open)
		require.NoError(t, err)
	}
}

func TestTheLinkBeforeOfATargetEnds(t *testing.T) {
	w, _ := invitedWorld(t)
	first := w.opens(t, invite.Wish{Integration: "a", Sender: "target-1"})
	second := w.opens(t, invite.Wish{Integration: "a", Sender: "target-1"})
	assertDead(t, w, first.Token)
	_, err := w.uses(t.Context(), second.Token, entry("mia@example.com", "new"))
	require.NoError(t, err)
}

// Nobody is invited to what cannot be re-authenticated.
func TestNobodyIsInvitedToAnApp(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "app")
	_, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "a", Life: time.Hour, Anybody: true})
	requireCode(t, err, backend.CodeReauthUnsupported)
	_, err = w.Invitations.Open(t.Context(), invite.Wish{Integration: "nobody", Life: time.Hour, Anybody: true})
	requireCode(t, err, backend.CodeUnknownIntegration)
}

// A person who was invited consents: the flow demands the account, and its end uses the
// invitation up.
func TestAnInvitationToConsent(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	belongsTo := func(name string) {
		w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
			return providers.Verified{Identity: name + "@example.com", AccountID: name}, nil
		})
	}
	belongsTo("mia")
	appWorld(t, w)
	wish := invite.Wish{Integration: "app", Life: time.Hour, Who: backend.Actor{DisplayName: "olga"}}
	opened, err := w.Invitations.Open(t.Context(), wish)
	require.NoError(t, err)
	consents := func(code string) (*backend.Change, error) {
		found, err := w.Invitations.Find(t.Context(), opened.Token)
		require.NoError(t, err)
		begun, err := w.Consents.AuthorizeInvited(t.Context(), found, backend.Actor{})
		require.NoError(t, err)
		flow, _ := queryOf(begun.URL)
		return w.confirms(t.Context(), flow, code, backend.Actor{Via: "oauth/callback"})
	}
	belongsTo("eve")
	_, err = consents("code")
	requireCode(t, err, backend.CodeIdentityPinned)
	belongsTo("mia")
	change, err := consents("code")
	require.NoError(t, err)
	newest := change.After.History[0]
	assert.Equal(t, opened.Accessor, newest.Invitation)
	assert.Equal(t, "olga", newest.DisplayName)
	_, err = w.restarted().Invitations.Find(t.Context(), opened.Token)
	requireCode(t, err, backend.CodeInvitationEnded)
}
