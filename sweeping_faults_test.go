package sei

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// A check that broke off is over once one by hand succeeded, or once nobody checks.
func TestAFaultOfAnIntegrationThatIsCheckedNoMoreIsOver(t *testing.T) {
	for name, end := range map[string]func(u *unattended){
		"by hand": func(u *unattended) { u.send(t, logical.UpdateOperation, "health/a", nil) },
		"by time": func(u *unattended) { u.hours(t, 1) },
		"by a swap": func(u *unattended) {
			u.send(t, logical.UpdateOperation, "reauth/a", body{"email": email, "key": "good-other"})
		},
		"by forgetting": func(u *unattended) { u.send(t, logical.DeleteOperation, "creds/a", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnattended(t)
			u.upstream.mood.Store("panics")
			u.hours(t, 3)
			require.Len(t, u.send(t, logical.ReadOperation, "health/a", nil).Warnings, 1)
			u.send(t, logical.UpdateOperation, "integrations/a", body{"health_check_interval": 0})
			u.upstream.mood.Store("")
			end(u)
			assert.Empty(t, u.send(t, logical.ReadOperation, "health/a", nil).Warnings)
			assert.Empty(t, u.send(t, logical.ReadOperation, "status", nil).Warnings)
		})
	}
}

// A refresh that storage refused is over once a person has consented again or the
// credential is forgotten.
func TestAFaultOfARefreshIsOverWithItsCredential(t *testing.T) {
	for _, way := range []string{"consent", "forget"} {
		t.Run(way, func(t *testing.T) {
			u := &unattended{storage: &setupStorage{Storage: &logical.InmemStorage{}}, log: &serverLog{}}
			u.clock.Store(1_800_000_000)
			u.engine = newEngine(u.storage, providers.NewRegistry(instant{&atomic.Int64{}}), func() time.Time { return time.Unix(u.clock.Load(), 0) })
			require.NoError(t, u.Setup(t.Context(), &logical.BackendConfig{
				StorageView: u.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: u.log}),
			}))
			t.Cleanup(func() { u.Cleanup(context.Background()) })
			consent := func() {
				page, _ := u.send(t, logical.UpdateOperation, "oauth/authorize/app", nil).Data["authorize_url"].(string)
				_, state, _ := strings.Cut(page, "state=")
				u.send(t, logical.UpdateOperation, "reauth/app", body{"state": state, "code": "code"})
			}
			u.send(t, logical.CreateOperation, "integrations/app", body{"provider": "instant", "auth_type": "oauth", "client_id": "engine"})
			consent()
			u.clock.Add(3400)
			u.storage.refuses.Store(true)
			u.send(t, logical.ReadOperation, "creds/app", nil)
			u.storage.refuses.Store(false)
			require.NotEmpty(t, u.send(t, logical.ReadOperation, "health/app", nil).Warnings)
			if way == "consent" {
				consent()
			} else {
				u.send(t, logical.DeleteOperation, "creds/app", nil)
			}
			assert.Empty(t, u.send(t, logical.ReadOperation, "health/app", nil).Warnings)
			assert.Empty(t, u.send(t, logical.ReadOperation, "status", nil).Warnings)
		})
	}
}
