package sei

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

const (
	fuzzClientSecret = "the-secret-of-the-fuzzed-client"
	fuzzOlderKey     = "the-older-key-of-the-fuzzed-jira"
	fuzzTenant       = "contoso.onmicrosoft.com"
	fuzzHook         = "the-hook-of-the-fuzzed-target"
	fuzzSigningKey   = "whsec_dGhlLWtleS1vZi10aGUtZnV6emVkLXRhcmdldA=="
)

// besieged is an engine with a credential of every provider, in a World of their
// upstreams, that can be put back to where it was after every request.
type besieged struct {
	*engine
	disk  *noting
	world *catalogtest.World
	// receiver takes every message.
	receiver *httptest.Server
	log      bytes.Buffer
	events   *eventLog
	names    []string                  // of the integrations
	forms    map[string]body           // by integration, what re-authenticates it
	secrets  map[string]bool           // that only creds/ may tell
	kept     map[string]bool           // that nothing may tell
	before   map[string][]byte         // the storage
	served   map[string]map[string]any // by integration, what creds/ answers
	state    string                    // of an authorization of bb, that its person consented to
	code     string
	// confirmation is what the page sends with them.
	confirmation string
	token        string          // of an open invitation of jira
	accessor     string          // of it
	seeded       map[string]body // configurations, by integration
}

// noting is a storage that knows which keys were written.
type noting struct {
	logical.Storage
	changed map[string]bool
}

func (n *noting) Put(ctx context.Context, e *logical.StorageEntry) error {
	n.changed[e.Key] = true
	return n.Storage.Put(ctx, e)
}

func (n *noting) Delete(ctx context.Context, key string) error {
	n.changed[key] = true
	return n.Storage.Delete(ctx, key)
}

// besiege builds the engine and its World. Close it.
func besiege(t testing.TB) *besieged {
	t.Helper()
	b := &besieged{
		disk: &noting{Storage: &logical.InmemStorage{}, changed: map[string]bool{}}, world: catalogtest.NewWorld(), events: &eventLog{},
		forms: map[string]body{}, secrets: map[string]bool{}, kept: map[string]bool{}, served: map[string]map[string]any{}, seeded: map[string]body{},
	}
	start := time.Now()
	b.engine = newEngine(b.disk, catalog.All("fuzz"), func() time.Time { return start })
	require.NoError(t, b.Setup(context.Background(), &logical.BackendConfig{
		StorageView: b.disk, System: &logical.StaticSystemView{}, EventsSender: b.events,
		Logger: hclog.New(&hclog.LoggerOptions{Output: &b.log, Level: hclog.Trace}),
	}))
	b.receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	b.must(t, logical.UpdateOperation, "config", body{"allowed_hosts": append(b.world.AllowedHosts(), b.receiver.URL), "public_address": "https://vault.example.com"})
	b.must(t, logical.UpdateOperation, "notify/ops", body{"url": b.receiver.URL + "/" + fuzzHook, "signing_key": fuzzSigningKey})
	b.kept[fuzzHook], b.kept[fuzzSigningKey] = true, true
	b.settle(t)
	b.settleOAuth(t)
	invited := b.must(t, logical.UpdateOperation, "invites/jira", nil)
	b.token, b.accessor = strings.TrimPrefix(linkPath(invited), invite.Path), fmt.Sprint(invited["accessor"])
	b.kept[b.token] = true
	b.before = b.stored(t)
	for _, name := range b.names {
		b.served[name] = b.creds(t, name)
	}
	b.store.Waiting.Close() // a read that waits would keep the fuzzer
	clear(b.disk.changed)
	return b
}

func (b *besieged) close() {
	b.Cleanup(context.Background())
	b.world.Close()
	b.receiver.Close()
}

// settle makes an integration of every provider, with the credential that its suite
// calls good, of Jira a version before it, and some that have none.
func (b *besieged) settle(t testing.TB) {
	t.Helper()
	for name, suite := range catalogtest.Suites() {
		suite.Good.Arrange(b.world)
		b.configure(t, name, settingsBody(name, b.world.Wire(suite.Good.Target)))
		p, _ := b.registry.Provider(name)
		auth, _ := p.Spec().AuthType(suite.Good.Target.AuthType)
		b.forms[name] = b.formOf(auth, suite.Good.Credential)
		if name == "jira" {
			older := maps.Clone(b.forms[name])
			older["api_key"] = fuzzOlderKey
			b.world.Jira.AddAPIToken(fmt.Sprint(older["email"]), fuzzOlderKey)
			b.secrets[fuzzOlderKey] = true
			b.must(t, logical.UpdateOperation, "reauth/"+name, older)
		}
		b.must(t, logical.UpdateOperation, "reauth/"+name, b.forms[name])
	}
	b.configure(t, "sibling", b.seeded["azure_devops"])
	b.forms["sibling"] = b.forms["azure_devops"]
	b.configure(t, "bare", b.seeded["jira"])
	b.configure(t, "app", body{"provider": "github", "auth_type": "github_app"})
}

// formOf is the body that enters a credential; its secrets are noted.
func (b *besieged) formOf(auth providers.AuthType, cred providers.Credential) body {
	form := body{}
	for _, f := range auth.Fields {
		values := reveal(cred.Values(f.Name))
		if f.Kind.Secret() {
			for _, value := range values {
				b.secrets[value] = true
			}
		}
		if f.Kind == providers.Pool {
			form[f.Name] = anys(values)
		} else if len(values) > 0 {
			form[f.Name] = values[0]
		}
	}
	return form
}

// settleOAuth makes integrations of both authorization servers, and leaves one
// authorization open that its person consented to.
func (b *besieged) settleOAuth(t testing.TB) {
	t.Helper()
	client := authserver.OAuthClient{ID: "engine", Secret: fuzzClientSecret, RedirectURI: oauthCallbackURI}
	b.world.Entra.AddClient(client)
	b.world.Entra.SignIn(azuredevopstest.AzureToken{Account: email, Organization: "contoso"})
	client.Scopes = []string{"account"}
	b.world.Bitbucket.AddClient(client)
	b.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: email})
	b.kept[fuzzClientSecret] = true
	for name, of := range map[string]string{"bb": "bitbucket", "ado": "azure_devops"} {
		settings := maps.Clone(b.seeded[of])
		maps.Copy(settings, body{"auth_type": "oauth", "client_id": client.ID, "client_secret": client.Secret, "redirect_uri": client.RedirectURI})
		if of == "azure_devops" {
			settings["tenant_id"] = fuzzTenant
		}
		b.configure(t, name, settings)
		b.must(t, logical.UpdateOperation, callbackPath, b.asked(t, b.consent(t, name)))
		b.forms[name] = body{"code": codeWord, "state": stateWord}
	}
	back := b.consent(t, "bb")
	b.state, b.code = fmt.Sprint(back["state"]), fmt.Sprint(back["code"])
	b.kept[b.state], b.kept[b.code] = true, true
	b.confirmation = fmt.Sprint(b.asked(t, back)["confirmation"])
	b.noteIssued()
}

// noteIssued notes the tokens that the upstreams made by themselves.
func (b *besieged) noteIssued() {
	w := b.world
	for _, token := range slices.Concat(w.Bitbucket.Issued(), w.Entra.Issued(), w.GitLab.Living("mia"), w.Harness.Living(email), w.SonarQube.Living("mia")) {
		b.secrets[token] = true
		if strings.Contains(token, "refresh") {
			b.kept[token] = true
		}
	}
}

// asked is the form of the page that a browser comes back to.
func (b *besieged) asked(t testing.TB, back body) body {
	t.Helper()
	page, _ := b.must(t, logical.ReadOperation, callbackPath, back)[logical.HTTPRawBody].(string)
	return formOf(page)
}

func (b *besieged) consent(t testing.TB, name string) body {
	t.Helper()
	address, _ := b.must(t, logical.UpdateOperation, "oauth/authorize/"+name, nil)["authorize_url"].(string)
	back, err := b.world.Consent(address, true)
	require.NoError(t, err)
	return queryOf(back)
}

func (b *besieged) configure(t testing.TB, name string, settings body) {
	t.Helper()
	b.must(t, logical.UpdateOperation, "integrations/"+name, settings)
	b.seeded[name] = settings
	b.names = append(b.names, name)
	slices.Sort(b.names)
}

// must demands an answer that is no refusal, and returns it.
func (b *besieged) must(t testing.TB, op logical.Operation, path string, data body) body {
	t.Helper()
	resp, err := b.HandleRequest(context.Background(), &logical.Request{Operation: op, Path: path, Data: data, Storage: b.disk})
	require.NoError(t, err, path)
	require.False(t, resp.IsError(), "%s: %v", path, resp)
	if resp == nil {
		return nil
	}
	require.NotContains(t, []any{statusRefused, statusBroken, statusUpstream}, resp.Data[logical.HTTPStatusCode], path)
	return resp.Data
}

// settingsBody is what configures a target.
func settingsBody(provider string, target providers.Target) body {
	data := body{"provider": provider, "auth_type": target.AuthType, "url": target.URL}
	for name, text := range target.Settings.Texts {
		data[name] = text
	}
	for name, list := range target.Settings.Lists {
		data[name] = anys(list)
	}
	return data
}
