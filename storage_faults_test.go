package sei

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/invite"
)

// failing counts storage calls and fails the one that a test chooses.
type failing struct {
	logical.Storage
	mu    sync.Mutex
	calls []string // "Put credentials/x", in order
	at    int
	// behind carries the call out that fails.
	behind bool
	// deaf counts nothing.
	deaf bool
}

// arm forgets the calls so far and fails the n-th from now, none if it is 0.
func (f *failing) arm(at int, behind bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.behind = nil, at, behind
}

func (f *failing) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *failing) step(call string, do func() error) error {
	f.mu.Lock()
	if f.deaf {
		f.mu.Unlock()
		return do()
	}
	f.calls = append(f.calls, call)
	hit, behind := len(f.calls) == f.at, f.behind
	f.mu.Unlock()
	if hit && !behind {
		return errors.New("no space left on device")
	}
	err := do()
	if hit {
		return errors.New("no space left on device")
	}
	return err
}

func (f *failing) Get(ctx context.Context, key string) (found *logical.StorageEntry, err error) {
	err = f.step("Get "+key, func() error { found, err = f.Storage.Get(ctx, key); return err })
	return found, err
}

func (f *failing) Put(ctx context.Context, e *logical.StorageEntry) error {
	return f.step("Put "+e.Key, func() error { return f.Storage.Put(ctx, e) })
}

func (f *failing) Delete(ctx context.Context, key string) error {
	return f.step("Delete "+key, func() error { return f.Storage.Delete(ctx, key) })
}

func (f *failing) List(ctx context.Context, prefix string) (keys []string, err error) {
	err = f.step("List "+prefix, func() error { keys, err = f.Storage.List(ctx, prefix); return err })
	return keys, err
}

// sent is a request of every operation of every path; TestEveryPathHasItsFaults
// demands that none is missing.
func sent(t *testing.T, m *instantMount) map[string]*logical.Request {
	t.Helper()
	fingerprint, _ := m.must(t, logical.ReadOperation, "creds/key", nil)["fingerprint"].(string)
	all := map[string]*logical.Request{}
	add := func(op logical.Operation, path string, data body) {
		all[string(op)+" "+path] = &logical.Request{Operation: op, Path: path, Data: data}
	}
	for _, path := range []string{"integrations/", "health/", "providers/", "notify/", "invites/"} {
		add(logical.ListOperation, path, nil)
	}
	for _, path := range []string{"integrations/key", "reauth/key", "creds/key", "health/key", "history/key", "status", "metrics", "config", "providers/instant", "notify/ops", "invites/key"} {
		add(logical.ReadOperation, path, nil)
	}
	add(logical.CreateOperation, "integrations/new", body{"provider": "instant", "auth_type": "key"})
	add(logical.UpdateOperation, "integrations/key", body{"description": "x"})
	add(logical.DeleteOperation, "integrations/key", nil)
	add(logical.UpdateOperation, "reauth/none", body{"email": email, "key": "good"})
	add(logical.UpdateOperation, "reauth/other", body{"email": email, "key": "good-old"})
	add(logical.UpdateOperation, "validate/key", body{"email": email, "key": "good"})
	add(logical.DeleteOperation, "creds/pool", nil)
	add(logical.ReadOperation, "creds/pool", nil)
	add(logical.ReadOperation, "creds/app", nil)
	add(logical.UpdateOperation, "creds/key/report", body{"fingerprint": fingerprint, "status_code": 200})
	add(logical.UpdateOperation, "health/key", nil)
	add(logical.UpdateOperation, "oauth/authorize/app", nil)
	add(logical.ReadOperation, callbackPath, body{"state": m.begun(t), "code": "code"})
	asks, _ := m.must(t, logical.ReadOperation, callbackPath, body{"state": m.begun(t), "code": "code"})[logical.HTTPRawBody].(string)
	add(logical.UpdateOperation, callbackPath, formOf(asks))
	add(logical.UpdateOperation, "rotate/app", nil)
	add(logical.UpdateOperation, "rollback/key", nil)
	add(logical.UpdateOperation, "config", body{"creds_ttl": 60})
	add(logical.UpdateOperation, "notify/new", body{"url": "https://chat.example.com/other"})
	add(logical.UpdateOperation, "notify/ops", body{"settle": 5})
	add(logical.UpdateOperation, "notify/ops/test", nil)
	add(logical.DeleteOperation, "notify/ops", nil)
	add(logical.UpdateOperation, "invites/key", body{"note": "x"})
	invited := m.must(t, logical.UpdateOperation, "invites/key", nil)
	all["end an invitation"] = &logical.Request{Operation: logical.DeleteOperation, Path: fmt.Sprint("invites/key/", invited["accessor"])}
	for op, form := range map[logical.Operation]body{logical.ReadOperation: nil, logical.HeaderOperation: nil, logical.UpdateOperation: {"email": email, "key": "good-old"}} {
		all[string(op)+" invite/"] = &logical.Request{Operation: op, Path: linkPath(invited), Data: form}
	}
	return all
}

// linkPath is the path of an invitation that was made.
func linkPath(invited body) string {
	link, _ := invited["url"].(string)
	return invite.Path + link[strings.LastIndexByte(link, '/')+1:]
}

// Every storage call of every operation of every path is made to fail in turn, and
// once more so that it is carried out all the same: an error that says so, and what is
// served is whole. backend tries every pair.
func TestStorageFaultsAtEveryPath(t *testing.T) {
	for name := range sent(t, withInstant(t)) {
		t.Run(name, func(t *testing.T) {
			for _, behind := range []bool{false, true} {
				for at := 1; ; at++ {
					m := withInstant(t)
					request := sent(t, m)[name]
					m.restart(t)
					m.disk.arm(at, behind)
					err := m.outcome(t, request)
					calls := m.disk.made()
					m.disk.arm(0, false)
					if len(calls) < at {
						require.NoError(t, err)
						assert.True(t, at > 1 || strings.Contains(name, "providers/"), "a cold request touches storage")
						break
					}
					require.ErrorContains(t, err, "500", "call %d of %v", at, calls)
					m.assertServed(t)
					if request.Path == callbackPath || strings.HasPrefix(request.Path, invite.Path) {
						request = sent(t, m)[name] // a state works once
					}
					require.NoError(t, m.outcome(t, request), "it works once storage does: call %d of %v", at, calls)
				}
			}
		})
	}
}

// outcome is nil or an error that begins with the status.
func (m *instantMount) outcome(t *testing.T, request *logical.Request) error {
	t.Helper()
	req := *request
	req.Data, req.Storage = maps.Clone(request.Data), m.disk
	resp, err := m.HandleRequest(t.Context(), &req)
	status, err := logical.RespondErrorCommon(&req, resp, err)
	if err != nil {
		return fmt.Errorf("%d: %w", status, err)
	}
	if resp != nil {
		if page, ok := resp.Data[logical.HTTPStatusCode].(int); ok && page != 200 {
			return fmt.Errorf("%d: %v", page, resp.Data[logical.HTTPRawBody])
		}
	}
	return nil
}

// assertServed checks that credentials are served whole, or are gone, with their
// integration or before it.
func (m *instantMount) assertServed(t *testing.T) {
	t.Helper()
	for name, want := range map[string][]string{"key": {"good-before", "good-old"}, "other": {"good-old"}} {
		resp, err := m.send(t, logical.ReadOperation, "creds/"+name, nil)
		if err != nil {
			require.Regexp(t, "^(unknown_integration|no_credential): ", err.Error())
			left, err := m.storage.Get(t.Context(), "credentials/"+name)
			require.NoError(t, err)
			assert.Nil(t, left, "no orphaned secret")
			continue
		}
		assert.Contains(t, want, resp.Data["key"])
		assert.Equal(t, "Bearer "+resp.Data["key"].(string), authorization(resp.Data)) //nolint:forcetypeassert // it is one of those
	}
}

// A path that nobody lists in sent would be one whose faults nobody tries.
func TestEveryPathHasItsFaults(t *testing.T) {
	m := withInstant(t)
	tried := map[string]bool{}
	for _, request := range sent(t, m) {
		tried[string(request.Operation)+" "+m.route(request.Path)] = true
	}
	for _, path := range paths(m.engine) {
		for op := range path.Operations {
			assert.True(t, tried[string(op)+" "+path.Pattern], "%s %s: name a request for it in sent()", op, path.Pattern)
		}
	}
}

// route is the pattern that a path matches.
func (m *instantMount) route(path string) string {
	route := m.Route(path)
	if route == nil {
		return ""
	}
	return route.Pattern
}
