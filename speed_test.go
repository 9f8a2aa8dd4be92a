package sei

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/bench"
	"vault-plugin-secrets-sei/providers/catalog"
)

// fleet is an engine with integrations of GitHub at an upstream that answers at once.
type fleet struct {
	*engine
	storage *logical.InmemStorage
	ahead   time.Duration // of the real time
}

func newFleet(b *testing.B, size int) *fleet {
	b.Helper()
	upstream, err := bench.NewUpstream(b.Context(), 1)
	require.NoError(b, err)
	b.Cleanup(upstream.Close)
	f := &fleet{storage: &logical.InmemStorage{}}
	f.engine = newEngine(f.storage, catalog.All("test"), func() time.Time { return time.Now().Add(f.ahead) })
	require.NoError(b, f.Setup(b.Context(), &logical.BackendConfig{StorageView: f.storage, System: &logical.StaticSystemView{}}))
	b.Cleanup(func() { f.Cleanup(context.Background()) })
	f.do(b, logical.UpdateOperation, "config", body{"allowed_hosts": "http://127.0.0.1"})
	for n := range size {
		name := fmt.Sprintf("i%06d", n)
		f.do(b, logical.UpdateOperation, "integrations/"+name, body{"provider": "github", "url": upstream.Address(0)})
		f.do(b, logical.UpdateOperation, "reauth/"+name, body{"pat": bench.Token(name, 1)})
	}
	return f
}

func (f *fleet) do(b *testing.B, op logical.Operation, path string, data body) *logical.Response {
	b.Helper()
	resp, err := f.HandleRequest(b.Context(), &logical.Request{Operation: op, Path: path, Data: data, Storage: f.storage})
	require.NoError(b, err)
	require.False(b, resp.IsError(), "%v", resp)
	return resp
}

func BenchmarkReadCreds(b *testing.B) {
	f := newFleet(b, 1)
	f.do(b, logical.UpdateOperation, "reauth/i000000", body{"pat": []any{bench.Token("one", 1)}})
	b.Run("single", func(b *testing.B) { f.repeat(b, logical.ReadOperation, "creds/i000000", nil) })
	f.do(b, logical.UpdateOperation, "reauth/i000000", body{"pat": []any{bench.Token("one", 1), bench.Token("two", 1), bench.Token("three", 1), bench.Token("four", 1)}})
	b.Run("pool", func(b *testing.B) { f.repeat(b, logical.ReadOperation, "creds/i000000", nil) })
}

func BenchmarkReauth(b *testing.B) {
	newFleet(b, 1).repeat(b, logical.UpdateOperation, "reauth/i000000", body{"pat": bench.Token("i000000", 2)})
}

func BenchmarkList(b *testing.B) {
	f := newFleet(b, 1000)
	b.Run("integrations", func(b *testing.B) { f.repeat(b, logical.ListOperation, "integrations/", nil) })
	b.Run("health", func(b *testing.B) { f.repeat(b, logical.ListOperation, "health/", nil) })
	b.Run("status", func(b *testing.B) { f.repeat(b, logical.ReadOperation, "status", nil) })
}

// repeat sends a request again and again.
func (f *fleet) repeat(b *testing.B, op logical.Operation, path string, data body) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		f.do(b, op, path, data)
	}
}

func BenchmarkCredsData(b *testing.B) {
	f := newFleet(b, 1)
	out, err := f.store.Handouts.HandOut(b.Context(), "i000000", backend.DefaultResource, backend.Actor{}, nil)
	require.NoError(b, err)
	p, _ := f.registry.Provider("github")
	auth, _ := p.Spec().AuthType("pat")
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		credsData(out, p, auth, time.Minute, now)
	}
}
