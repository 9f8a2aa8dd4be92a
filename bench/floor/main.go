// Command floor is the least that an external plugin of Vault can be: what the engine
// is compared with. Vault starts it. It answers
//
//	nothing          a map of the size and shape of creds/, without any work
//	stored           the same after one read of storage
//	put              a write: one Put
//	names/COUNT      a list of so many names
//	health/COUNT     such a list with four fields for each name
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin"
)

func main() {
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{BackendFactoryFunc: factory}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lists are answers of one kind, by their length. They are kept: it is not to be measured
// how they are made.
type lists struct {
	make func(count int) *logical.Response
	kept sync.Map
}

func factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	names, health := &lists{make: namesOnly}, &lists{make: withHealth}
	b := &framework.Backend{BackendType: logical.TypeLogical, Paths: []*framework.Path{
		path("nothing", logical.ReadOperation, func(context.Context, *logical.Request) (*logical.Response, error) { return credential(), nil }),
		path("stored", logical.ReadOperation, stored),
		path("put", logical.UpdateOperation, put),
		path("names/(?P<count>\\d+)/?", logical.ListOperation, names.answer),
		path("health/(?P<count>\\d+)/?", logical.ListOperation, health.answer),
	}}
	return b, b.Setup(ctx, conf)
}

func path(pattern string, op logical.Operation, answer func(context.Context, *logical.Request) (*logical.Response, error)) *framework.Path {
	return &framework.Path{
		Pattern: pattern,
		Fields:  map[string]*framework.FieldSchema{"count": {Type: framework.TypeInt}, "value": {Type: framework.TypeString}},
		Operations: map[logical.Operation]framework.OperationHandler{
			op: &framework.PathOperation{Callback: func(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
				if count, ok := data.GetOk("count"); ok {
					req.Path = fmt.Sprint(count)
				}
				return answer(ctx, req)
			}},
		},
	}
}

// credential is what creds/ answers for one token of GitHub.
func credential() *logical.Response {
	return &logical.Response{Data: map[string]any{
		"name": "i000042", "provider": "github", "auth_type": "pat", "url": "http://127.0.0.1:43210",
		"version": 1, "identity": "i000042", "fingerprint": "0123456789abcdef",
		"pat": "ghp_i000042_000000000000000000000000001", "pats": []string{"ghp_i000042_000000000000000000000000001"},
		"headers": map[string]string{
			"Accept": "application/vnd.github+json", "Authorization": "Bearer ghp_i000042_000000000000000000000000001",
		},
		"expires_at": "", "ttl": 300, "rotation_period": 300, "last_vault_rotation": "2027-01-02T03:04:05Z",
	}}
}

func stored(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	if _, err := req.Storage.Get(ctx, "stored"); err != nil {
		return nil, err
	}
	return credential(), nil
}

func put(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	value := make([]byte, 1<<10)
	return nil, req.Storage.Put(ctx, &logical.StorageEntry{Key: "stored", Value: value})
}

func (l *lists) answer(_ context.Context, req *logical.Request) (*logical.Response, error) {
	count, err := strconv.Atoi(req.Path)
	if err != nil {
		return nil, err
	}
	kept, known := l.kept.Load(count)
	if !known {
		kept, _ = l.kept.LoadOrStore(count, l.make(count))
	}
	resp, _ := kept.(*logical.Response)
	return resp, nil
}

func namesOnly(count int) *logical.Response {
	names := make([]string, 0, count)
	for n := range count {
		names = append(names, fmt.Sprintf("i%06d", n))
	}
	return logical.ListResponse(names)
}

func withHealth(count int) *logical.Response {
	names, _ := namesOnly(count).Data["keys"].([]string)
	info := make(map[string]any, count)
	for _, name := range names {
		info[name] = map[string]any{"status": "healthy", "reason": "", "checked_at": "2027-01-02T03:04:05Z", "expires_at": ""}
	}
	return logical.ListResponseWithInfo(names, info)
}
