package sei

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/canary"
	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// canaryNamed is a secret that reads differently in each form of writing.
func canaryNamed(name string) string { return "canary-" + name + `-+/="q"\b&<t>?~.` }

// Vault Community has no subscription to events, so the acceptance tests cannot see
// them: here is what Vault is given to send, of every type.
func TestEventsTellNoSecret(t *testing.T) {
	log := &eventLog{}
	m := withEvents(t, log)
	sonarqube := sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "2025.1.0.102418"})
	server := httptest.NewServer(sonarqube)
	t.Cleanup(server.Close)
	m.write(t, "integrations/sq", body{"provider": "sonarqube", "url": server.URL})
	soon := timestamp(time.Now().Add(50 * time.Hour))
	for _, name := range []string{"one", "two"} {
		m.jira.AddAPIToken(email, canaryNamed(name))
		m.write(t, "reauth/jira", body{"email": email, "api_key": canaryNamed(name), "expires_at": soon})
	}
	m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": canaryNamed("refused")}, 400, "credential_rejected")
	m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": []any{canaryNamed("list")}}, 400, "invalid_field")
	m.write(t, "rollback/jira", nil)
	sonarqube.AddToken("ada", canaryNamed("sonarqube"))
	m.write(t, "reauth/sq", body{"username": "ada", "api_key": canaryNamed("sonarqube")})
	m.write(t, "rotate/sq", nil)
	m.write(t, "integrations/jira", body{"health_check_interval": 1})
	require.NoError(t, m.initialize(t.Context(), nil))
	require.Eventually(t, func() bool { return slices.Contains(log.types(), "sei/expiring") }, 30*time.Second, 50*time.Millisecond)
	m.jira.Revoke(canaryNamed("one"))
	m.write(t, "health/jira", nil)

	for _, kind := range []backend.EventType{
		backend.EventReauth, backend.EventReauthFailed, backend.EventHealthChanged, backend.EventExpiring, backend.EventRotate, backend.EventRollback,
	} {
		assert.Contains(t, log.types(), string(kind))
	}
	shown, err := json.Marshal(log.sent)
	require.NoError(t, err)
	assertSecretless(t, append(m.jira.Secrets(), sonarqube.Secrets()...), string(shown), strings.Join(log.whole, "\n"))
}

// panicking is Jira with a mistake that shows the credential.
type panicking struct {
	providers.Provider
	with func(secret string) any
}

func (p panicking) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	if secret := cred.Value("api_key").Reveal(); secret != "key-1" {
		panic(p.with(secret))
	}
	return p.Provider.Validate(ctx, t, cred)
}

func (p panicking) Headers(_ string, cred providers.Credential) map[string]string {
	panic(p.with(canaryNamed("headers") + cred.Value("api_key").Reveal()))
}

// Whatever is panicked with, and wherever: the log and the answer do not tell it.
func TestPanicsTellNoSecret(t *testing.T) {
	for name, with := range map[string]func(secret string) any{
		"a text":    func(secret string) any { return "the upstream said " + secret },
		"an error":  func(secret string) any { return errors.New(secret) },
		"bytes":     func(secret string) any { return []byte(secret) },
		"an object": func(secret string) any { return map[string]string{"token": secret} },
	} {
		t.Run(name, func(t *testing.T) {
			m := withJira(t)
			var log bytes.Buffer
			real, _ := m.registry.Provider("jira")
			m.engine = newEngine(m.storage, providers.NewRegistry(panicking{real, with}), time.Now)
			require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{
				StorageView: m.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace}),
			}))
			sent := body{"email": email, "api_key": canaryNamed("sent")}
			var answers []string
			for path, op := range map[string]logical.Operation{
				"reauth/jira": logical.UpdateOperation, "validate/jira": logical.UpdateOperation, "creds/jira": logical.ReadOperation,
			} {
				resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Data: sent, Storage: m.storage})
				answers = append(answers, fmt.Sprintf("%s: %+v %v", path, resp, err))
			}
			assert.Contains(t, fmt.Sprint(answers), "internal error")
			assert.Contains(t, log.String(), "a request panicked")
			assertSecretless(t, []providertest.Secret{{Kind: "headers", Value: canaryNamed("headers")}, {Kind: "sent", Value: canaryNamed("sent")}}, log.String(), fmt.Sprint(answers))
		})
	}
}

func assertSecretless(t *testing.T, secrets []providertest.Secret, texts ...string) {
	t.Helper()
	var set canary.Set
	for _, s := range secrets {
		set.Add(s.Kind, s.Value)
	}
	require.Positive(t, set.Len())
	needles := set.Needles()
	for _, text := range texts {
		require.NotEmpty(t, text)
		assert.Empty(t, needles.In(text))
	}
}
