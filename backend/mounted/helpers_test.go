package mounted_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/mounted"
	"vault-plugin-secrets-sei/providers"
)

// upstream is a provider whose answer a test decides.
type upstream struct {
	mu     sync.Mutex
	answer func(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error)
	// took are the values of the credentials that it verified.
	took map[string]bool
}

var _ providers.Provider = (*upstream)(nil)

func (*upstream) Spec() providers.Spec {
	return providers.Spec{
		Name: "fake", Title: "Fake", DefaultURL: "https://fake.example.com",
		Settings: []providers.Field{{Name: "team", Kind: providers.Text, Locates: true}, {Name: "part", Kind: providers.Text, Fixed: true}},
		AuthTypes: []providers.AuthType{
			{Name: "key", Fields: []providers.Field{
				{Name: "email", Kind: providers.Email, Required: true},
				{Name: "key", Kind: providers.Token, Required: true},
				{Name: "expires_at", Kind: providers.Time},
			}},
			{Name: "pool", Fields: []providers.Field{{Name: "pat", Kind: providers.Pool, Required: true}}},
			{Name: "app", Unsupported: "install the app again instead"},
		},
	}
}

func (u *upstream) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	u.mu.Lock()
	answer := u.answer
	u.mu.Unlock()
	if answer != nil {
		v, err := answer(ctx, t, cred)
		if err == nil {
			u.takes(cred)
		}
		return v, err
	}
	u.takes(cred)
	email := cred.Value("email").Reveal()
	v := providers.Verified{Identity: email, AccountID: "id-of-" + email}
	for i := range cred.Values("pat") {
		v.Members = append(v.Members, providers.Member{Identity: "user", AccountID: string(rune('a' + i))})
	}
	return v, nil
}

// takes notes the values of a credential that works.
func (u *upstream) takes(cred providers.Credential) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.took == nil {
		u.took = map[string]bool{}
	}
	for _, name := range cred.Fields() {
		for _, value := range cred.Values(name) {
			u.took[value.Reveal()] = true
		}
	}
}

func (u *upstream) hasTaken(value string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.took[value]
}

func (*upstream) Headers(string, providers.Credential) map[string]string { return nil }

func (u *upstream) answers(f func(context.Context, providers.Target, providers.Credential) (providers.Verified, error)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer = f
}

// refuses makes every check end with the outcome.
func (u *upstream) refuses(e *providers.Error) {
	u.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{}, e
	})
}

// posts is every receiver: it takes every message.
type posts struct{}

func (posts) Check(providers.Posting) error { return nil }

func (posts) Post(context.Context, providers.Posting) (providers.Posted, error) {
	return providers.Posted{Status: 204}, nil
}

// world is a backend over a storage, with an upstream and a clock.
type world struct {
	*mounted.Backend
	storage  logical.Storage
	upstream *upstream
	server   *tokenServer
	events   *events
	bank     *bank
	clock    *clock
	registry *providers.Registry
	flow     string           // the state of an open authorization
	invited  providers.Secret // token of an open invitation
	known    string           // accessor of it
}

// events are those that were sent so far.
type events struct {
	mu   sync.Mutex
	sent []backend.Event
}

func (e *events) take(_ context.Context, sent backend.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent = append(e.sent, sent)
}

// of returns those of a type.
func (e *events) of(kind backend.EventType) []backend.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []backend.Event
	for _, sent := range e.sent {
		if sent.Type == kind {
			found = append(found, sent)
		}
	}
	return found
}

// clock is a time that tests move, or that of a bubble of synctest.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	bubble bool
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bubble {
		return time.Now().UTC()
	}
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newWorld(storage logical.Storage) *world {
	w := &world{storage: storage, upstream: &upstream{}, server: &tokenServer{}, events: &events{}, clock: &clock{at: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}}
	w.bank = &bank{living: map[string]string{}, ends: map[string]time.Time{}, now: w.clock.now}
	w.registry = providers.NewRegistry(w.upstream, sharing{w.upstream}, browser{w.upstream, w.server}, sharedBrowser{browser{w.upstream, w.server}}, rotating{w.upstream, w.bank}).Posts(posts{})
	w.Backend = w.restarted().Backend
	return w
}

// restarted is the world with a new backend: nothing cached.
func (w *world) restarted() *world {
	fresh := *w
	fresh.Backend = mounted.New(w.storage, w.registry, w.clock.now, w.events.take)
	return &fresh
}

// texts is settings from names and values in turn.
func texts(pairs ...string) providers.Settings {
	s := providers.Settings{}.Clone()
	for pair := range slices.Chunk(pairs, 2) {
		s.Texts[pair[0]] = pair[1]
	}
	return s
}

// sleepy is a world whose clock is that of the bubble.
func sleepy(storage logical.Storage) *world {
	w := newWorld(storage)
	w.clock.bubble = true
	return w
}

func (w *world) create(t *testing.T, name, authType string) {
	t.Helper()
	require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "fake", AuthType: authType}))
}

func entry(email, key string) backend.Entry {
	return backend.Entry{Credential: providers.NewCredential(map[string][]providers.Secret{
		"email": {providers.NewSecret(email)}, "key": {providers.NewSecret(key)},
	})}
}

func pool(tokens ...string) backend.Entry {
	secrets := make([]providers.Secret, 0, len(tokens))
	for _, token := range tokens {
		secrets = append(secrets, providers.NewSecret(token))
	}
	return backend.Entry{Credential: providers.NewCredential(map[string][]providers.Secret{"pat": secrets})}
}

// reauth re-authenticates integration "a" and demands success.
func (w *world) reauth(t *testing.T, e backend.Entry) *backend.Change {
	t.Helper()
	change, err := w.Swaps.Reauth(t.Context(), "a", e, backend.Actor{Via: "reauth/a"})
	require.NoError(t, err)
	return change
}

// key is what readers of "a" get, or "" for none.
func (w *world) key(t *testing.T) string {
	t.Helper()
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	if record.Current == nil {
		return ""
	}
	return record.Current.Credential.Value("key").Reveal()
}

func requireCode(t *testing.T, err error, code string) backend.Error {
	t.Helper()
	var refusal *backend.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code, "%v", err)
	return *refusal
}

// status is what is known of an integration's health.
func (w *world) status(t *testing.T, name string) backend.Status {
	t.Helper()
	assessed, err := w.Watch.Health(t.Context(), name)
	require.NoError(t, err)
	return assessed.Health.Status
}
