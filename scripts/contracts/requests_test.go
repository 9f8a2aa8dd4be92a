package contracts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// sent is a request of a check.
type sent struct {
	provider, auth, by  string
	method, host        string
	path, query, header string // header is what makes it differ from others
	all                 http.Header
	body                string
}

// log keeps the requests to the fakes of a World.
type log struct {
	mu   sync.Mutex
	sent []sent
}

// over has the requests to a fake noted before it answers them.
func (l *log) over(fake http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(bytes.NewReader(body))
		l.mu.Lock()
		l.sent = append(l.sent, sent{
			method: r.Method, host: providertest.Hostname(r.Host), path: r.URL.EscapedPath(), query: r.URL.RawQuery,
			header: fmt.Sprint(r.Header.Get("Accept"), r.Header.Get("Content-Type"), r.Header.Get("X-Github-Api-Version"), r.Header.Get("Authorization") != ""),
			all:    r.Header.Clone(), body: string(body),
		})
		l.mu.Unlock()
		fake.ServeHTTP(w, r)
	})
}

// all are the requests so far.
func (l *log) all() []sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent)
}

// requests are all different ones that the checks send in the cases of all suites.
func requests(t *testing.T) []sent {
	t.Helper()
	different, err := collected()
	require.NoError(t, err)
	require.Greater(t, len(different), 50)
	return different
}

// collected runs the checks once for all tests.
var collected = sync.OnceValues(func() ([]sent, error) { //nolint:gochecknoglobals // always the same
	registry := catalog.All("contracts")
	defer registry.Close()
	all, err := inBrowser(registry)
	if err != nil {
		return nil, err
	}
	for name, suite := range catalogtest.Parts() {
		p, _ := registry.Provider(suite.Provider)
		for _, c := range append([]catalogtest.Case{suite.Good}, suite.Cases...) {
			for _, r := range asked(p, c) {
				r.provider, r.auth, r.by = suite.Provider, c.Target.AuthType, name+": "+c.Name
				all = append(all, r)
			}
		}
	}
	seen := map[string]sent{}
	for _, r := range all {
		seen[fmt.Sprint(r.provider, r.auth, r.method, r.host, r.path, "?", r.query, r.header, r.body)] = r
	}
	different := make([]sent, 0, len(seen))
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		different = append(different, seen[key])
	}
	return different, nil
})

// caseLimit is enough for answers on loopback; some cases are of upstreams that do not answer.
const caseLimit = 2 * time.Second

// asked are the requests of one check.
func asked(p providers.Provider, c catalogtest.Case) []sent {
	w, l := noted()
	defer w.Close()
	c.Arrange(w)
	ctx, cancel := context.WithTimeout(context.Background(), caseLimit)
	defer cancel()
	_, _ = p.Validate(ctx, w.Wire(c.Target), c.Credential) // how it ends is of others' tests
	return l.all()
}

// noted is a World that notes what its fakes are asked.
func noted() (*catalogtest.World, *log) {
	w, l := catalogtest.NewWorld(), &log{}
	for host, fake := range w.Hosts() {
		w.Handle(host, l.over(fake))
	}
	return w, l
}

// consented are what auth types ask that begin in a browser: for a token, for the next
// one, and with it.
func consented(p providers.Provider, target providers.Target, arrange func(w *catalogtest.World)) ([]sent, error) {
	w, l := noted()
	defer w.Close()
	arrange(w)
	target = w.Wire(target)
	ctx, cancel := context.WithTimeout(context.Background(), 10*caseLimit)
	defer cancel()
	authorizer, ok := p.(providers.Authorizer)
	if !ok {
		return nil, errors.New("it has no authorization server")
	}
	client, err := authorizer.OAuth(target)
	if err != nil {
		return nil, err
	}
	verifier := providers.NewSecret(strings.Repeat("v", 43))
	back, err := w.Consent(client.AuthorizeURL(providers.NewSecret("state"), verifier), true)
	if err != nil {
		return nil, err
	}
	grant, err := client.Exchange(ctx, providers.NewSecret(back.Query().Get("code")), verifier)
	if err != nil {
		return nil, err
	}
	if grant, err = client.Refresh(ctx, grant.RefreshToken); err != nil {
		return nil, err
	}
	_, err = p.Validate(ctx, target, providers.NewCredential(map[string][]providers.Secret{providers.OAuthAccessToken: {grant.AccessToken}}))
	return l.all(), err
}

// What the clients of both authorization servers are set up with.
const (
	callback = "https://vault.example.com/callback"
	tenant   = "11111111-2222-3333-4444-555555555555"
	mail     = "mia@example.com"
)

// inBrowser are the requests of the auth types that begin there.
func inBrowser(registry *providers.Registry) ([]sent, error) {
	settings := func(more ...string) providers.Settings {
		s := providers.Settings{}.Clone()
		s.Texts["client_id"], s.Texts["redirect_uri"] = "engine", callback
		s.Secrets["client_secret"] = providers.NewSecret("a-client-secret-of-the-engine")
		for i := 0; i < len(more); i += 2 {
			s.Texts[more[i]] = more[i+1]
		}
		return s
	}
	client := authserver.OAuthClient{ID: "engine", Secret: "a-client-secret-of-the-engine", RedirectURI: callback}
	var all []sent
	for name, one := range map[string]struct {
		target  providers.Target
		arrange func(w *catalogtest.World)
	}{
		"bitbucket": {
			providers.Target{URL: catalogtest.BitbucketURL, AuthType: "oauth", Settings: settings("workspace", "acme")},
			func(w *catalogtest.World) {
				client.Scopes = []string{"account", "repository"}
				w.Bitbucket.AddClient(client)
				w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Members: []string{mail}})
				w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: mail})
			},
		},
		"azure_devops": {
			providers.Target{URL: catalogtest.AzureDevOpsURL, AuthType: "oauth", Settings: settings("organization", "contoso", "service", "boards", "tenant_id", tenant)},
			func(w *catalogtest.World) {
				client.Tenant, client.Scopes = tenant, []string{"vso.work", "vso.project"}
				w.Entra.AddClient(client)
				w.Entra.SignIn(azuredevopstest.AzureToken{Account: mail, Organization: "contoso"})
				w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
			},
		},
	} {
		p, _ := registry.Provider(name)
		asked, err := consented(p, one.target, one.arrange)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range asked {
			r.provider, r.auth, r.by = name, one.target.AuthType, name+" in a browser"
			all = append(all, r)
		}
	}
	return all, nil
}
