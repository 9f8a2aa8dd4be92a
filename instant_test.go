package sei

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// instant is a provider whose upstream answers at once, in this process: it takes what
// begins with "good". It is for tests that count.
type instant struct {
	issued *atomic.Int64
}

// together is instant, whose integrations share a credential by organization.
type together struct{ instant }

var (
	_ providers.Authorizer = instant{}
	_ providers.Sharer     = together{}
)

func (instant) Spec() providers.Spec {
	key := []providers.Field{{Name: "email", Kind: providers.Email, Required: true}, {Name: "key", Kind: providers.Token, Required: true}}
	return providers.Spec{
		Name: "instant", Title: "Instant", DefaultURL: "https://instant.example.com",
		AuthTypes: []providers.AuthType{
			{Name: "key", Fields: key},
			{Name: "pool", Fields: []providers.Field{{Name: "pat", Kind: providers.Pool, Required: true}}},
			{
				Name:     "oauth",
				Fields:   []providers.Field{{Name: providers.OAuthCode, Kind: providers.Token, Required: true}, {Name: providers.OAuthState, Kind: providers.Token, Required: true}},
				Issued:   []providers.Field{{Name: providers.OAuthAccessToken, Kind: providers.Token}},
				Settings: []providers.Field{{Name: "client_id", Kind: providers.Text, Required: true}},
			},
		},
	}
}

func (together) Spec() providers.Spec {
	spec := instant{}.Spec()
	spec.Name, spec.AuthTypes = "together", spec.AuthTypes[:1]
	spec.Settings = []providers.Field{{Name: "organization", Kind: providers.Text, Required: true}}
	return spec
}

func (together) SharedBy(t providers.Target) map[string]string {
	return map[string]string{"organization": t.Settings.Text("organization")}
}

func (instant) Validate(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
	v := providers.Verified{Identity: email, AccountID: "1"}
	for _, name := range []string{"key", "pat", providers.OAuthAccessToken} {
		for i, value := range cred.Values(name) {
			if !strings.HasPrefix(value.Reveal(), "good") {
				return providers.Verified{}, &providers.Error{Outcome: providers.Rejected, Provider: "Instant", Detail: "it is not good"}
			}
			if name == "pat" {
				v.Members = append(v.Members, providers.Member{Identity: fmt.Sprint("user ", i), AccountID: fmt.Sprint(i)})
			}
		}
	}
	return v, nil
}

func (instant) Headers(_ string, cred providers.Credential) map[string]string {
	return map[string]string{"Authorization": "Bearer " + cred.Value("key").Reveal()}
}

func (i instant) OAuth(providers.Target) (providers.OAuthClient, error) { return i, nil }

func (instant) AuthorizeURL(state, _ providers.Secret) string {
	return "https://instant.example.com/?state=" + state.Reveal()
}
func (instant) RedirectURI() string { return oauthCallbackURI }
func (instant) Callable() error     { return nil }

func (i instant) Exchange(_ context.Context, _, _ providers.Secret) (providers.Grant, error) {
	n := i.issued.Add(1)
	return providers.Grant{
		AccessToken:  providers.NewSecret(fmt.Sprintf("good-access-%07d", n)),
		RefreshToken: providers.NewSecret(fmt.Sprintf("refresh-%07d", n)), Life: time.Hour,
	}, nil
}

func (i instant) Refresh(ctx context.Context, token providers.Secret) (providers.Grant, error) {
	return i.Exchange(ctx, token, token)
}

// posts is every receiver: it takes every message at once.
type posts struct{}

func (posts) Check(providers.Posting) error { return nil }

func (posts) Post(context.Context, providers.Posting) (providers.Posted, error) {
	return providers.Posted{Status: 204}, nil
}

// instantMount is an engine whose upstreams answer at once, with a clock.
type instantMount struct {
	*mount
	disk  *failing
	clock *atomic.Int64 // Unix seconds
}

// withInstant has integrations key, pool, app, one and other, which share a credential,
// and none, which has no credential. All caches are cold.
func withInstant(t testing.TB) *instantMount {
	t.Helper()
	m := &instantMount{mount: &mount{storage: &logical.InmemStorage{}}, clock: &atomic.Int64{}}
	m.clock.Store(time.Now().Unix())
	m.disk = &failing{Storage: m.storage}
	m.restart(t)
	for name, settings := range map[string]body{
		"key": {"provider": "instant", "auth_type": "key"}, "none": {"provider": "instant", "auth_type": "key"},
		"pool": {"provider": "instant", "auth_type": "pool"}, "app": {"provider": "instant", "auth_type": "oauth", "client_id": "engine"},
		"one": {"provider": "together", "organization": "acme"}, "other": {"provider": "together", "organization": "acme"},
	} {
		m.must(t, logical.CreateOperation, "integrations/"+name, settings)
	}
	m.must(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": "good-before"})
	m.must(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": "good-old"})
	m.must(t, logical.UpdateOperation, "reauth/one", body{"email": email, "key": "good-old"})
	m.must(t, logical.UpdateOperation, "reauth/pool", body{"pat": []any{"good-one", "good-two"}})
	m.must(t, logical.UpdateOperation, "reauth/app", body{"state": m.begun(t), "code": "code"})
	m.must(t, logical.UpdateOperation, "config", body{"public_address": "https://vault.example.com"})
	m.must(t, logical.UpdateOperation, "notify/ops", body{"url": "https://chat.example.com/hook"})
	m.restart(t)
	return m
}

// restart makes a new engine: nothing is cached.
func (m *instantMount) restart(t testing.TB) {
	t.Helper()
	provider := instant{&atomic.Int64{}}
	m.engine = newEngine(m.disk, providers.NewRegistry(provider, together{provider}).Posts(posts{}), func() time.Time { return time.Unix(m.clock.Load(), 0) })
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.disk, System: &logical.StaticSystemView{}}))
	e := m.engine
	t.Cleanup(func() { e.Cleanup(context.Background()) })
}

// send is a request as Vault sends it, without checks of its answer.
func (m *instantMount) send(t testing.TB, op logical.Operation, path string, data body) (*logical.Response, error) {
	t.Helper()
	resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Data: data, Storage: m.disk, ID: "request-1", EntityID: "entity-1"})
	if resp.IsError() {
		err = resp.Error()
	}
	return resp, err
}

func (m *instantMount) must(t testing.TB, op logical.Operation, path string, data body) map[string]any {
	t.Helper()
	resp, err := m.send(t, op, path, data)
	require.NoError(t, err, "%s %s", op, path)
	if resp == nil {
		return nil
	}
	return resp.Data
}

// begun is the state of a new authorization of app.
func (m *instantMount) begun(t testing.TB) string {
	t.Helper()
	address, _ := m.must(t, logical.UpdateOperation, "oauth/authorize/app", nil)["authorize_url"].(string)
	_, state, _ := strings.Cut(address, "state=")
	return state
}
