package mounted_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/providers"
)

func backWith(state, code string) backend.Returned {
	return backend.Returned{State: providers.NewSecret(state), Code: providers.NewSecret(code)}
}

// belongTo has the upstream say whose every credential is.
func (w *world) belongTo(name string) {
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: name + "@example.com", AccountID: name}, nil
	})
}

// Whoever comes back is told what for, and may look as often as they like.
func TestAskingChangesNothing(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	state, verifier := w.authorize(t, "app")
	store.reset(nil)
	for range 3 {
		w = w.restarted() // the leader changes
		asked, err := w.Consents.Ask(t.Context(), backWith(state, "code"))
		require.NoError(t, err)
		assert.Equal(t, "app", asked.Subject.Integration.Name)
		assert.Equal(t, "mia", asked.Began.DisplayName)
		assert.Empty(t, asked.Account)
		assert.Empty(t, asked.InUse)
		assert.Nil(t, asked.Invitation)
		assert.Regexp(t, "^[0-9a-f]{64}$", asked.Confirmation.Reveal())
		assert.NotContains(t, asked.Confirmation.Reveal(), verifier)
		assert.NotContains(t, asked.Confirmation.String(), asked.Confirmation.Reveal())
	}
	for _, call := range store.made() {
		assert.NotRegexp(t, "^(Put|Delete) ", call)
	}
	exchanges, _ := w.server.asked()
	assert.Zero(t, exchanges)
	change, err := w.confirms(t.Context(), state, "code", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, 1, change.After.Version)
	_, err = w.Consents.Ask(t.Context(), backWith(state, "code"))
	requireCode(t, err, backend.CodeOAuthStateInvalid)
}

// A form that anybody could have made changes nothing, and leaves the authorization open.
func TestNothingIsExchangedWithoutItsConfirmation(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, verifier := w.authorize(t, "app")
	other, _ := w.authorize(t, "app")
	of := func(state, code string) string {
		asked, err := w.Consents.Ask(t.Context(), backWith(state, code))
		require.NoError(t, err)
		return asked.Confirmation.Reveal()
	}
	right := of(state, "code")
	for name, forged := range map[string]string{
		"none": "", "made up": strings.Repeat("0", 64), "the state": state, "the verifier": verifier, "cut off": right[:63], "longer": right + "0",
		"of another code": of(state, "another"), "of another state": of(other, "code"), "in capitals": strings.ToUpper(right),
	} {
		back := backWith(state, "code")
		back.Confirmation = providers.NewSecret(forged)
		_, err := w.Swaps.Return(t.Context(), back, backend.Actor{})
		requireCode(t, err, backend.CodeOAuthStateInvalid)
		exchanges, _ := w.server.asked()
		assert.Zero(t, exchanges, name)
	}
	_, err := w.confirms(t.Context(), state, "code", backend.Actor{})
	require.NoError(t, err, "it is still open")
}

// Whose account is asked for.
func TestWhichAccountTheQuestionNames(t *testing.T) {
	w := newWorld(&storage{})
	w.belongTo("mia")
	appWorld(t, w)
	state, _ := w.authorize(t, "app")
	ask := func() *backend.Question {
		asked, err := w.Consents.Ask(t.Context(), backWith(state, "code"))
		require.NoError(t, err)
		return asked
	}
	assert.Equal(t, "mia@example.com", ask().InUse)
	assert.Empty(t, ask().Account, "another one would take its place")
	s := providers.Settings{}.Clone()
	s.Flags["pin_identity"] = true
	require.NoError(t, w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: s}))
	assert.Equal(t, "mia@example.com", ask().Account)
	w.belongTo("eve")
	_, err := w.confirms(t.Context(), state, "code", backend.Actor{})
	requireCode(t, err, backend.CodeIdentityPinned)
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, "mia@example.com", record.Current.Identity)
}

// What happens between the page and its button.
func TestWhatHappensBeforeTheConfirmation(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(t *testing.T, w *world)
		code string
	}{
		"it expires": {func(_ *testing.T, w *world) { w.clock.advance(10 * time.Minute) }, backend.CodeOAuthStateInvalid},
		"the integration is deleted": {func(t *testing.T, w *world) {
			t.Helper()
			require.NoError(t, w.Integrations.Delete(t.Context(), "app"))
		}, backend.CodeOAuthStateInvalid},
		"the integration is deleted and made again": {func(t *testing.T, w *world) {
			t.Helper()
			require.NoError(t, w.Integrations.Delete(t.Context(), "app"))
			w.clock.advance(time.Second)
			w.app(t, "app")
		}, backend.CodeOAuthStateInvalid},
		"the browser is to come back elsewhere": {func(t *testing.T, w *world) {
			t.Helper()
			require.NoError(t, w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: texts("redirect_uri", "https://vault.example.com/other")}))
		}, backend.CodeOAuthStateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			w.app(t, "app")
			state, _ := w.authorize(t, "app")
			back := backWith(state, "code")
			asked, err := w.Consents.Ask(t.Context(), back)
			require.NoError(t, err)
			c.act(t, w)
			back.Confirmation = asked.Confirmation
			_, err = w.Consents.Ask(t.Context(), back)
			requireCode(t, err, c.code)
			_, err = w.Swaps.Return(t.Context(), back, backend.Actor{})
			require.Error(t, err)
			exchanges, _ := w.server.asked()
			assert.Zero(t, exchanges)
		})
	}
}

// Of two that confirm at once one exchanges the code.
func TestTwoConfirmationsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		w.app(t, "app")
		state, _ := w.authorize(t, "app")
		var f sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			f.Go(func() { _, errs[i] = w.confirms(t.Context(), state, "code", backend.Actor{}) })
		}
		f.Wait()
		exchanges, _ := w.server.asked()
		assert.Equal(t, 1, exchanges)
		if errs[0] == nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		requireCode(t, errs[0], backend.CodeOAuthStateInvalid)
		require.NoError(t, errs[1])
	})
}

// guest has integration app with a credential of mia, and returns what somebody who was
// invited to it consents with.
func guest(t *testing.T, w *world) (opened *invite.Opened, begin func() string) {
	t.Helper()
	w.belongTo("mia")
	appWorld(t, w)
	opened, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "app", Life: time.Hour, Who: backend.Actor{DisplayName: "olga"}})
	require.NoError(t, err)
	return opened, func() string {
		found, err := w.Invitations.Find(t.Context(), opened.Token)
		require.NoError(t, err)
		begun, err := w.Consents.AuthorizeInvited(t.Context(), found, backend.Actor{})
		require.NoError(t, err)
		state, _ := queryOf(begun.URL)
		return state
	}
}

// Who was invited reads by whom, and for whose account. Once the invitation has ended,
// what was begun by it is over.
func TestTheQuestionOfAGuest(t *testing.T) {
	w := newWorld(&storage{})
	opened, begin := guest(t, w)
	state := begin()
	asked, err := w.Consents.Ask(t.Context(), backWith(state, "code"))
	require.NoError(t, err)
	assert.Equal(t, opened.Accessor, asked.Invitation.Accessor)
	assert.Equal(t, "olga", asked.Began.DisplayName)
	assert.Equal(t, "mia@example.com", asked.Account)
	require.NoError(t, w.Invitations.End(t.Context(), "app", opened.Accessor))
	back := backWith(state, "code")
	back.Confirmation = asked.Confirmation
	before, _ := w.server.asked()
	_, err = w.Consents.Ask(t.Context(), back)
	requireCode(t, err, backend.CodeInvitationEnded)
	_, err = w.Swaps.Return(t.Context(), back, backend.Actor{})
	requireCode(t, err, backend.CodeInvitationEnded)
	after, _ := w.server.asked()
	assert.Equal(t, before, after, "the code is not sent")
}

// The fifth refusal ends an invitation, whether the code is refused or the account is
// another one.
func TestFiveConsentsThatAreRefused(t *testing.T) {
	w := newWorld(&storage{})
	opened, begin := guest(t, w)
	for i := range backend.MaxRefusals {
		if i%2 == 0 {
			w.belongTo("eve")
			w.server.fails(nil)
		} else {
			w.server.fails(failure(providers.Rejected))
		}
		_, err := w.confirms(t.Context(), begin(), "code", backend.Actor{})
		require.Error(t, err)
		if i < backend.MaxRefusals-1 {
			assert.ErrorContains(t, err, "open the link of the invitation")
		} else {
			assert.NotContains(t, err.Error(), "open the link of the invitation", "it has ended")
		}
	}
	_, err := w.Invitations.Find(t.Context(), opened.Token)
	requireCode(t, err, backend.CodeInvitationEnded)
}

// Two authorizations of one invitation: one of them uses it up.
func TestTwoTabsOfAGuest(t *testing.T) {
	w := newWorld(&storage{})
	_, begin := guest(t, w)
	first, second := begin(), begin()
	change, err := w.confirms(t.Context(), first, "code", backend.Actor{})
	require.NoError(t, err)
	before, _ := w.server.asked()
	_, err = w.confirms(t.Context(), second, "code", backend.Actor{})
	requireCode(t, err, backend.CodeInvitationEnded)
	after, _ := w.server.asked()
	assert.Equal(t, before, after)
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, change.After.Version, record.Version)
}
