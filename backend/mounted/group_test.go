package mounted_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// sharing is a provider whose integrations share a credential by organization
// and group.
type sharing struct{ *upstream }

var _ providers.Sharer = sharing{}

func (sharing) Spec() providers.Spec {
	return providers.Spec{
		Name: "sharing", Title: "Sharing", DefaultURL: "https://sharing.example.com",
		Settings: []providers.Field{
			{Name: "organization", Kind: providers.Text, Required: true, Locates: true},
			{Name: "service", Kind: providers.Text, Fixed: true},
			{Name: "credential_group", Kind: providers.Text, Fixed: true},
		},
		AuthTypes: []providers.AuthType{
			{Name: "key", Fields: []providers.Field{{Name: "email", Kind: providers.Email, Required: true}, {Name: "key", Kind: providers.Token, Required: true}}},
			{Name: "other", Fields: []providers.Field{{Name: "key", Kind: providers.Token, Required: true}}},
		},
	}
}

func (sharing) SharedBy(t providers.Target) map[string]string {
	return map[string]string{
		"url":              t.URL,
		"organization":     strings.ToLower(t.Settings.Text("organization")),
		"credential_group": t.Settings.Text("credential_group"),
	}
}

// service is an integration of the group of an organization.
func service(ctx context.Context, w *world, name, organization string, more ...string) error {
	return w.Integrations.Write(ctx, name, backend.Draft{
		Create: true, Provider: "sharing", AuthType: "key",
		Settings: texts(append([]string{"organization", organization, "service", name}, more...)...),
	})
}

// withGroup has integrations a, b and c of one organization, with credential
// "old" at version 1.
func withGroup(t *testing.T, store logical.Storage) *world {
	t.Helper()
	w := newWorld(store)
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, service(t.Context(), w, name, "Acme"))
	}
	w.reauth(t, entry("mia@example.com", "old"))
	return w
}

func keyOf(t *testing.T, w *world, name string) (string, int) {
	t.Helper()
	_, record, err := w.Credentials.Read(t.Context(), name)
	require.NoError(t, err)
	if record.Current == nil {
		return "", record.Version
	}
	return record.Current.Credential.Value("key").Reveal(), record.Version
}

func TestReauthOfOneUpdatesAllInOnePut(t *testing.T) {
	store := &storage{}
	w := withGroup(t, store)
	store.reset(nil)
	change := w.reauth(t, entry("mia@example.com", "new"))
	var names []string
	for _, sibling := range change.Siblings {
		names = append(names, sibling.Name)
	}
	assert.Equal(t, []string{"b", "c"}, names)
	var puts []string
	for _, call := range store.made() {
		if strings.HasPrefix(call, "Put") {
			puts = append(puts, call)
		}
	}
	assert.Len(t, puts, 1)
	for _, world := range []*world{w, w.restarted()} {
		for _, name := range []string{"a", "b", "c"} {
			key, version := keyOf(t, world, name)
			assert.Equal(t, "new", key)
			assert.Equal(t, 2, version)
		}
	}
	_, record, err := w.Credentials.Read(t.Context(), "c")
	require.NoError(t, err)
	assert.Len(t, record.History, 2, "history once")
	assert.Equal(t, "reauth/a", record.History[0].Via)
}

func TestWhoSharesACredential(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	ctx := t.Context()
	require.NoError(t, service(ctx, w, "late", "ACME"), "an organization's case does not matter")
	key, version := keyOf(t, w, "late")
	assert.Equal(t, "old", key, "created later, it has the credential at once")
	assert.Equal(t, 1, version)

	require.NoError(t, service(ctx, w, "elsewhere", "acme2"))
	require.NoError(t, service(ctx, w, "apart", "acme", "credential_group", "mine"))
	require.NoError(t, service(ctx, w, "tricky", "ac", "credential_group", "me"))
	require.NoError(t, service(ctx, w, "trickier", "acme12:credential_group0:"))
	require.NoError(t, service(ctx, w, "server", "acme", "url", "https://other.example.com"))
	require.NoError(t, w.Integrations.Write(ctx, "typed", backend.Draft{
		Create: true, Provider: "sharing", AuthType: "other", Settings: texts("organization", "acme"),
	}))
	for _, name := range []string{"elsewhere", "apart", "tricky", "trickier", "server", "typed"} {
		key, _ := keyOf(t, w, name)
		assert.Empty(t, key, name)
	}
}

func TestAnIntegrationNamedLikeAGroupIsNotOne(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	w.create(t, "sharing", "key")
	key, _ := keyOf(t, w, "sharing")
	assert.Empty(t, key)
	require.NoError(t, w.Integrations.Delete(t.Context(), "sharing"))
	key, _ = keyOf(t, w, "a")
	assert.Equal(t, "old", key)
}

func TestACredentialThatWorksForSomeOnlyIsRefused(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	w.upstream.answers(func(_ context.Context, target providers.Target, _ providers.Credential) (providers.Verified, error) {
		if target.Settings.Text("service") != "a" {
			return providers.Verified{}, &providers.Error{Outcome: providers.InsufficientScope, Provider: "Sharing", Detail: "no right", Missing: []string{"x"}}
		}
		return providers.Verified{Identity: "mia@example.com"}, nil
	})
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
	refusal := requireCode(t, err, "insufficient_scope")
	assert.Equal(t, []string{"b", "c"}, refusal.Siblings)
	assert.Equal(t, `Sharing: the credential works for "a", but not for b, c, which share it: no right; version 1 stays in use`, refusal.Message)
	for _, name := range []string{"a", "b", "c"} {
		key, _ := keyOf(t, w, name)
		assert.Equal(t, "old", key)
	}
}

func TestASiblingThatCouldNotBeCheckedIsNotCalledBad(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	w.upstream.answers(func(_ context.Context, target providers.Target, _ providers.Credential) (providers.Verified, error) {
		if target.Settings.Text("service") == "b" {
			return providers.Verified{}, &providers.Error{Outcome: providers.Unreachable, Provider: "Sharing", Detail: "no answer"}
		}
		return providers.Verified{Identity: "mia@example.com"}, nil
	})
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
	assert.Contains(t, requireCode(t, err, "upstream_unreachable").Message, `works for "a", but could not be checked for b`)
}

func TestMembersMustAgreeAboutWhereTheCredentialGoes(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	ctx := t.Context()
	refusal := requireCode(t, service(ctx, w, "d", "acme", "tls_server_name", "evil.example.com"), backend.CodeGroupConflict)
	assert.Equal(t, []string{"tls_server_name"}, refusal.Fields)
	_, err := w.Integrations.Read(ctx, "d")
	requireCode(t, err, backend.CodeUnknownIntegration)

	move := backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts("tls_server_name", "x.example.com")}
	requireCode(t, w.Integrations.Write(ctx, "b", move), backend.CodeCredentialPresent)
	_, err = w.Swaps.Forget(ctx, "c", backend.Actor{})
	require.NoError(t, err)
	key, _ := keyOf(t, w, "a")
	assert.Empty(t, key, "forgotten for all")

	require.NoError(t, w.Integrations.Write(ctx, "b", move), "one after the other while there is no credential")
	_, err = w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{})
	requireCode(t, err, backend.CodeGroupConflict)
	require.NoError(t, w.Integrations.Write(ctx, "a", move))
	require.NoError(t, w.Integrations.Write(ctx, "c", move))
	assert.Equal(t, 2, w.reauth(t, entry("mia@example.com", "new")).After.Version)
}

func TestMovingToAnotherGroup(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	ctx := t.Context()
	require.NoError(t, service(ctx, w, "z", "other"))
	to := func(organization string) backend.Draft {
		return backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts("organization", organization)}
	}
	requireCode(t, w.Integrations.Write(ctx, "a", to("other")), backend.CodeCredentialPresent)
	require.NoError(t, w.Integrations.Write(ctx, "z", to("acme")), "it has no credential that could go elsewhere")
	key, _ := keyOf(t, w, "z")
	assert.Equal(t, "old", key)
	change := w.reauth(t, entry("mia@example.com", "new"))
	assert.Len(t, change.Siblings, 3)
}

// What credential_present tells people to do must not cost them their history.
func TestAMoveTakesCounterHistoryAndPinAlong(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	require.NoError(t, service(t.Context(), w, "a", "acme"))
	w.reauth(t, entry("mia@example.com", "one"))
	w.reauth(t, entry("mia@example.com", "two"))
	_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	moved := backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts("organization", "other")}
	moved.Settings.Flags = map[string]bool{"pin_identity": true}
	require.NoError(t, w.Integrations.Write(t.Context(), "a", moved))

	for _, world := range []*world{w, w.restarted()} {
		_, record, err := world.Credentials.Read(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, 2, record.Version)
		assert.Len(t, record.History, 3)
	}
	_, err = w.Swaps.Reauth(t.Context(), "a", entry("noa@example.com", "three"), backend.Actor{})
	requireCode(t, err, backend.CodeIdentityPinned)
	assert.Equal(t, 3, w.reauth(t, entry("mia@example.com", "three")).After.Version)
	assert.Len(t, storedKeys(t, w.storage, "credentials/"), 1, "the old record is gone")
}

func TestAVerdictOfOneSiblingOutweighsSilenceOfAnother(t *testing.T) {
	for _, silent := range []string{"b", "c"} {
		w := withGroup(t, &logical.InmemStorage{})
		w.upstream.answers(func(_ context.Context, target providers.Target, _ providers.Credential) (providers.Verified, error) {
			switch target.Settings.Text("service") {
			case "a":
				return providers.Verified{Identity: "mia@example.com"}, nil
			case silent:
				return providers.Verified{}, &providers.Error{Outcome: providers.Unreachable, Provider: "Sharing", Detail: "no answer"}
			default:
				return providers.Verified{}, &providers.Error{Outcome: providers.InsufficientScope, Provider: "Sharing", Detail: "no right"}
			}
		})
		_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
		refusal := requireCode(t, err, "insufficient_scope")
		assert.Len(t, refusal.Siblings, 1)
		assert.NotContains(t, refusal.Siblings, silent)
	}
}

func TestTheRecordGoesWithTheLastMember(t *testing.T) {
	store := &logical.InmemStorage{}
	w := withGroup(t, store)
	for _, name := range []string{"a", "c"} {
		require.NoError(t, w.Integrations.Delete(t.Context(), name))
		key, _ := keyOf(t, w, "b")
		assert.Equal(t, "old", key)
	}
	require.NoError(t, w.Integrations.Delete(t.Context(), "b"))
	assert.Empty(t, storedKeys(t, store, "credentials/sharing/"))
	assert.Empty(t, storedKeys(t, store, "groups/sharing/"))
}

func storedKeys(t *testing.T, s logical.Storage, prefix string) []string {
	t.Helper()
	keys, err := logical.CollectKeysWithPrefix(t.Context(), s, prefix)
	require.NoError(t, err)
	return keys
}

// lateIndex answers a Delete below groups/ that the context ended, if it does, and
// carries it out when told to, as Vault does with a request that is given up.
type lateIndex struct {
	*storage
	hangUp context.CancelFunc
	land   chan struct{}
	landed chan struct{}
}

func (s *lateIndex) Delete(ctx context.Context, key string) error {
	if s.hangUp == nil || !strings.HasPrefix(key, "groups/") {
		return s.storage.Delete(ctx, key)
	}
	s.hangUp()
	s.hangUp = nil
	select {
	case <-ctx.Done():
		go func() {
			<-s.land
			_ = s.storage.Delete(context.WithoutCancel(ctx), key)
			close(s.landed)
		}()
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		close(s.landed)
		return s.storage.Delete(ctx, key)
	}
}

// A delete that is given up must not take a member out of the index that came
// back meanwhile: nobody would check the credential for it any more.
func TestAHangUpDuringADeleteDoesNotLoseAMember(t *testing.T) {
	store := &lateIndex{storage: &storage{}, land: make(chan struct{}), landed: make(chan struct{})}
	w := withGroup(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.hangUp = cancel
	_ = w.Integrations.Delete(ctx, "c")
	require.NoError(t, service(t.Context(), w, "c", "Acme"))
	close(store.land)
	<-store.landed

	change := w.restarted().reauth(t, entry("mia@example.com", "new"))
	require.Len(t, change.Siblings, 2)
	assert.Equal(t, "c", change.Siblings[1].Name)
}

func TestPinningHoldsForTheWholeGroup(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	pin := backend.Draft{Provider: "sharing", AuthType: "key", Settings: providers.Settings{Flags: map[string]bool{"pin_identity": true}}}
	require.NoError(t, w.Integrations.Write(t.Context(), "c", pin))
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("noa@example.com", "new"), backend.Actor{})
	refusal := requireCode(t, err, backend.CodeIdentityPinned)
	assert.Contains(t, refusal.Message, `"c"`)
	assert.Equal(t, "a", refusal.Integration, "the one that was asked for")
	assert.Equal(t, []string{"c"}, refusal.Siblings)
}

// Everything at once, on few names, so that locks are taken in every order.
func TestGroupsDoNotDeadlock(t *testing.T) {
	w := withGroup(t, &logical.InmemStorage{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 150 {
				name := string(rune('a' + rand.IntN(4)))
				organization := []string{"acme", "other"}[rand.IntN(2)]
				switch rand.IntN(5) {
				case 0:
					_ = service(ctx, w, name, organization)
				case 1:
					_ = w.Integrations.Delete(ctx, name)
				case 2:
					_, _ = w.Swaps.Forget(ctx, name, backend.Actor{})
				default:
					_, _ = w.Swaps.Reauth(ctx, name, entry("mia@example.com", "k"), backend.Actor{})
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, ctx.Err(), "nobody waited for ever")
	for _, name := range []string{"a", "b", "c", "d"} {
		require.NoError(t, w.Integrations.Delete(ctx, name))
	}
	assert.Empty(t, storedKeys(t, w.storage, "credentials/"), "no secret outlives its integrations")
	assert.Empty(t, storedKeys(t, w.storage, "groups/"))
}

func TestParallelReauthsOfSiblingsAreSerialised(t *testing.T) {
	const each = 10
	w := withGroup(t, &logical.InmemStorage{})
	var wg sync.WaitGroup
	for i := range 3 * each {
		wg.Go(func() {
			_, err := w.Swaps.Reauth(context.Background(), string(rune('a'+i%3)), entry("mia@example.com", fmt.Sprint("k", i)), backend.Actor{})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	_, version := keyOf(t, w, "b")
	assert.Equal(t, 1+3*each, version)
}
