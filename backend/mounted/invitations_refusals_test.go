package mounted_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/providers"
)

// Whoever hangs up while the upstream looks at the credential has tried all the same.
func TestWhoHangsUpHasTried(t *testing.T) {
	w, _ := invitedWorld(t)
	opened := w.opens(t, invite.Wish{Integration: "a"})
	asked := 0
	for range 4 * backend.MaxRefusals {
		ctx, hangUp := context.WithCancel(t.Context())
		w.upstream.answers(func(ctx context.Context, _ providers.Target, _ providers.Credential) (providers.Verified, error) {
			asked++
			hangUp()
			assert.NoError(t, ctx.Err(), "the check goes on")
			return providers.Verified{}, failure(providers.Rejected)
		})
		_, err := w.uses(ctx, opened.Token, entry("mia@example.com", "guess"))
		require.Error(t, err)
		hangUp()
	}
	w.upstream.answers(nil)
	assert.Equal(t, backend.MaxRefusals, asked)
	assertDead(t, w, opened.Token)
}

// What a hung-up request has verified is swapped in, and uses the invitation up.
func TestWhoHangsUpIsLetIn(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	ctx, hangUp := context.WithCancel(t.Context())
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		hangUp()
		return providers.Verified{Identity: cred.Value("email").Reveal(), AccountID: "id-of-mia@example.com"}, nil
	})
	_, err := w.uses(ctx, token, entry("mia@example.com", "new"))
	require.NoError(t, err)
	w.upstream.answers(nil)
	assert.Equal(t, "new", w.key(t))
	assertDead(t, w, token)
}

// The refusal that ends the invitation says so, and no other.
func TestWhichRefusalIsTheLast(t *testing.T) {
	w, _ := invitedWorld(t)
	token := w.invites(t)
	w.upstream.refuses(failure(providers.Rejected))
	for n := 1; n <= backend.MaxRefusals; n++ {
		_, err := w.uses(t.Context(), token, entry("mia@example.com", "guess"))
		assert.Equal(t, n == backend.MaxRefusals, requireCode(t, err, string(providers.Rejected)).Last, n)
	}
}

// Somebody ends the invitation while its credential is refused: that was not the last
// refusal that it allows.
func TestARefusalOfWhatHasEnded(t *testing.T) {
	w, _ := invitedWorld(t)
	opened := w.opens(t, invite.Wish{Integration: "a"})
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		assert.NoError(t, w.Invitations.End(context.Background(), "a", opened.Accessor))
		return providers.Verified{}, failure(providers.Rejected)
	})
	_, err := w.uses(t.Context(), opened.Token, entry("mia@example.com", "guess"))
	assert.False(t, requireCode(t, err, string(providers.Rejected)).Last)
}

// Only what was said of the credential or its account counts.
func TestWhatCountsAgainstAGuest(t *testing.T) {
	for outcome, counts := range map[providers.Outcome]bool{
		providers.Rejected: true, providers.IdentityMismatch: true, providers.InsufficientScope: true, providers.SSORequired: true,
		providers.CaptchaRequired: true, providers.AccountBlocked: true, backend.CodeIdentityPinned: true,
		providers.InvalidField: false, providers.AddressNotAllowed: false, providers.RateLimited: false, providers.Unreachable: false,
		providers.UpstreamError: false, backend.CodeGroupConflict: false, backend.CodeBusy: false, backend.CodeUnknownIntegration: false,
	} {
		refused := &backend.Error{Code: string(outcome)}
		assert.Equal(t, counts, refused.CountsAgainstGuest(), outcome)
		refused.Unjudged = true
		assert.False(t, refused.CountsAgainstGuest(), outcome)
	}
}

// An OAuth client that is set up wrongly is the operator's to mend.
func TestAWrongClientSecretEndsNoInvitation(t *testing.T) {
	for _, outcome := range []providers.Outcome{providers.InvalidField, providers.InsufficientScope} {
		w := newWorld(&storage{})
		opened, begin := guest(t, w)
		w.server.fails(failure(outcome))
		for range backend.MaxRefusals + 1 {
			_, err := w.confirms(t.Context(), begin(), "code", backend.Actor{})
			requireCode(t, err, string(outcome))
			assert.ErrorContains(t, err, "open the link of the invitation")
		}
		found, err := w.Invitations.Find(t.Context(), opened.Token)
		require.NoError(t, err)
		assert.Zero(t, found.Refusals, outcome)
	}
}

// Whoever has the link begins as often as they like, and ends nobody else's authorization.
func TestAGuestEndsNobodyElsesAuthorization(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	_, begin := guest(t, w)
	operators, _ := w.authorize(t, "app")
	other, err := w.Invitations.Open(t.Context(), invite.Wish{Integration: "app", Life: time.Hour})
	require.NoError(t, err)
	found, err := w.Invitations.Find(t.Context(), other.Token)
	require.NoError(t, err)
	_, err = w.Consents.AuthorizeInvited(t.Context(), found, backend.Actor{})
	require.NoError(t, err)
	var states []string
	for range 150 {
		states = append(states, begin())
	}
	assert.Len(t, storedKeys(t, store, "oauth/"), 4, "two of the invitation, that of the other one, and the operator's")
	for n, state := range states[len(states)-3:] {
		_, err := w.Consents.Ask(t.Context(), backWith(state, "code"))
		if n == 0 {
			requireCode(t, err, backend.CodeOAuthStateInvalid)
			continue
		}
		require.NoError(t, err)
	}
	for range 99 {
		w.authorize(t, "app")
	}
	assert.Len(t, storedKeys(t, store, "oauth/"), 103, "nor does anybody end a guest's")
	_, err = w.Swaps.Reauth(t.Context(), "app", returned(operators, "code"), backend.Actor{})
	require.NoError(t, err)
}

// While a group does not agree nobody is let in. That passes, and the invitation is still
// there, unless its time is over.
func TestAConflictThatPasses(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	groupWorld(t, w)
	opened := w.opens(t, invite.Wish{Integration: "a", Anybody: true})
	forgotten(t, w)
	move := func(to ...string) {
		require.NoError(t, w.Integrations.Write(t.Context(), "b", backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts(to...)}))
	}
	move("tls_server_name", "x.example.com")
	_, err := w.Invitations.Find(t.Context(), opened.Token)
	requireCode(t, err, backend.CodeGroupConflict)
	require.NoError(t, w.Invitations.Sweep(t.Context()))
	listed, err := w.Invitations.List(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, listed, 1)
	move("tls_server_name", "")
	_, err = w.uses(t.Context(), opened.Token, entry("mia@example.com", "new"))
	require.NoError(t, err)

	again := w.opens(t, invite.Wish{Integration: "a", Anybody: true})
	forgotten(t, w)
	move("tls_server_name", "x.example.com")
	w.clock.advance(invite.DefaultLife)
	_, err = w.Invitations.Find(t.Context(), again.Token)
	requireCode(t, err, backend.CodeInvitationEnded)
	require.NoError(t, w.Invitations.Sweep(t.Context()))
	assert.Empty(t, storedKeys(t, store, "invites/"))
}

// The last refusal of a guest's consent does not tell to open a link that has ended.
func TestTheLastConsentThatIsRefused(t *testing.T) {
	w := newWorld(&storage{})
	_, begin := guest(t, w)
	w.belongTo("eve")
	for n := 1; n <= backend.MaxRefusals; n++ {
		_, err := w.confirms(t.Context(), begin(), "code", backend.Actor{})
		refused := requireCode(t, err, backend.CodeIdentityPinned)
		last := n == backend.MaxRefusals
		assert.Equal(t, last, refused.Last, n)
		assert.Equal(t, !last, strings.Contains(refused.Message, "open the link of the invitation"), n)
	}
}
