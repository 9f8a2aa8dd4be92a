package mounted_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/providers"
)

// What operations are done on. Each makes it in a world that is empty.

func emptyWorld(*testing.T, *world) {}

// bareWorld has "a" without a credential.
func bareWorld(t *testing.T, w *world) {
	t.Helper()
	w.create(t, "a", "key")
}

// keyWorld has "a" with credential "old".
func keyWorld(t *testing.T, w *world) {
	t.Helper()
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
}

// targetWorld has it, and a target of notifications.
func targetWorld(t *testing.T, w *world) {
	t.Helper()
	keyWorld(t, w)
	require.NoError(t, w.Notifier.Write(t.Context(), "ops", "sei/", hook("https://chat.example.com/one")))
}

// guestWorld has it, and an open invitation.
func guestWorld(t *testing.T, w *world) {
	t.Helper()
	keyWorld(t, w)
	opened := w.opens(t, invite.Wish{Integration: "a", Sender: "target"})
	w.invited, w.known = opened.Token, opened.Accessor
}

// staleGuestWorld has invitations that have ended, and one that cannot be read.
func staleGuestWorld(t *testing.T, w *world) {
	t.Helper()
	keyWorld(t, w)
	w.invites(t)
	w.clock.advance(invite.DefaultLife)
	require.NoError(t, w.storage.Put(t.Context(), entryOf("invites/damaged", "not JSON")))
}

// usedGuestWorld has one that was used, and another one.
func usedGuestWorld(t *testing.T, w *world) {
	t.Helper()
	guestWorld(t, w)
	_, err := w.uses(t.Context(), w.invited, entry("mia@example.com", "newer"))
	require.NoError(t, err)
	w.invited = w.invites(t)
}

// rejectedGuestWorld has one for a credential that the upstream does not take.
func rejectedGuestWorld(t *testing.T, w *world) {
	t.Helper()
	guestWorld(t, w)
	w.upstream.refuses(failure(providers.Rejected))
}

// consentGuestWorld has one for "app", which has no credential.
func consentGuestWorld(t *testing.T, w *world) {
	t.Helper()
	w.app(t, "app")
	opened := w.opens(t, invite.Wish{Integration: "app", Anybody: true})
	w.invited, w.known = opened.Token, opened.Accessor
}

// guestFlowWorld has an authorization that was begun by an invitation.
func guestFlowWorld(t *testing.T, w *world) {
	t.Helper()
	consentGuestWorld(t, w)
	found, err := w.Invitations.Find(t.Context(), w.invited)
	require.NoError(t, err)
	begun, err := w.Consents.AuthorizeInvited(t.Context(), found, backend.Actor{})
	require.NoError(t, err)
	w.flow, _ = queryOf(begun.URL)
}

// hook are the settings of a target at an address.
func hook(address string) providers.Settings {
	return providers.Settings{Secrets: map[string]providers.Secret{"url": providers.NewSecret(address)}}
}

// replacedWorld has it in the place of "older", to which one can go back.
func replacedWorld(t *testing.T, w *world) {
	t.Helper()
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "older"))
	w.reauth(t, entry("mia@example.com", "old"))
}

// endingWorld has one that ends in five days.
func endingWorld(t *testing.T, w *world) {
	t.Helper()
	withKey(t, w, 5*24*time.Hour)
}

// revokedWorld has one that the upstream does not take any more.
func revokedWorld(t *testing.T, w *world) {
	t.Helper()
	keyWorld(t, w)
	w.upstream.refuses(failure(providers.Rejected))
}

// rejectedWorld has one of which that is known.
func rejectedWorld(t *testing.T, w *world) {
	t.Helper()
	revokedWorld(t, w)
	w.check(t)
}

func poolsWorld(t *testing.T, w *world) {
	t.Helper()
	poolOf(t, w, "one", "two")
}

// wornPoolWorld has a pool of which the upstream takes one token only.
func wornPoolWorld(t *testing.T, w *world) {
	t.Helper()
	withPool(t, w, "one", "two")
	w.upstream.answers(tokens{"two": providers.Rejected}.answer)
}

// groupWorld has a and b of one organization with a credential; solo alone in another,
// with one; z alone in a third, whose credential was forgotten.
func groupWorld(t *testing.T, w *world) {
	t.Helper()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, service(t.Context(), w, name, "Acme"))
	}
	require.NoError(t, service(t.Context(), w, "solo", "solo"))
	require.NoError(t, service(t.Context(), w, "z", "other"))
	for _, name := range []string{"a", "z", "solo"} {
		_, err := w.Swaps.Reauth(t.Context(), name, entry("mia@example.com", "old-"+name), backend.Actor{})
		require.NoError(t, err)
	}
	_, err := w.Swaps.Forget(t.Context(), "z", backend.Actor{})
	require.NoError(t, err)
}

// consentWorld has "app" without a credential, and an open authorization.
func consentWorld(t *testing.T, w *world) {
	t.Helper()
	w.app(t, "app")
	w.flow, _ = w.authorize(t, "app")
}

// appWorld has "app" with an access token and a refresh token.
func appWorld(t *testing.T, w *world) {
	t.Helper()
	w.app(t, "app")
	w.consent(t)
}

// dueWorld has "app" with an access token that has ended.
func dueWorld(t *testing.T, w *world) {
	t.Helper()
	appWorld(t, w)
	w.clock.advance(time.Hour)
}

// refusedWorld is dueWorld with an authorization server that refuses for good.
func refusedWorld(t *testing.T, w *world) {
	t.Helper()
	dueWorld(t, w)
	w.server.fails(failure(providers.Rejected))
}

// limitedWorld is dueWorld with one that asks to come back later.
func limitedWorld(t *testing.T, w *world) {
	t.Helper()
	dueWorld(t, w)
	w.server.fails(failure(providers.RateLimited))
}

// staleWorld has authorizations that nobody finished in time, and one that cannot be
// read.
func staleWorld(t *testing.T, w *world) {
	t.Helper()
	w.app(t, "app")
	for range 2 {
		w.authorize(t, "app")
	}
	w.clock.advance(time.Hour)
	require.NoError(t, w.storage.Put(t.Context(), entryOf("oauth/damaged", "not JSON")))
	w.authorize(t, "app")
}

func rotatableWorld(overlaps bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		rotatable(t, w, overlaps)
	}
}

// dueKeyWorld has a key that is to be rotated by itself.
func dueKeyWorld(overlaps bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		rotatable(t, w, overlaps, "auto_rotate")
		w.clock.advance(21 * 24 * time.Hour)
	}
}

// lostWorld has an upstream that carries a rotation out and does not answer.
func lostWorld(overlaps bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		rotatable(t, w, overlaps)
		w.bank.lost = true
	}
}

// pendingWorld has a key that was rotated, and the one before lives for a while.
func pendingWorld(t *testing.T, w *world) {
	t.Helper()
	rotatable(t, w, true)
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
}

// cutOffWorld has a rotation whose successor is stored and not in use.
func cutOffWorld(t *testing.T, w *world) {
	t.Helper()
	rotatable(t, w, true)
	store, _ := w.storage.(*storage)
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put credentials/") {
			return fails
		}
		return works
	})
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.ErrorIs(t, err, errDisk)
	store.reset(nil)
}
