package sei

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/providertest"
)

const addressRefused = `{"errorMessages":["The IP address has been rejected because it is not on the allowlist"]}`

// What did not look at a credential does not take back that it is dead.
func TestAnAnswerThatDidNotJudgeKeepsTheVerdict(t *testing.T) {
	m := withJira(t)
	m.jira.Revoke("key-1")
	require.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
	m.jira.DemandCaptcha(email, m.jiraURL+"/login.jsp")
	dead := m.write(t, "health/jira", nil)
	assert.Equal(t, "needs_reauth", dead.data["status"])
	assert.Equal(t, "credential_rejected", dead.data["code"])
	require.Len(t, dead.warnings, 1, "and says what the check met")
	assert.Contains(t, dead.warnings[0], "CAPTCHA")
	m.jira.DemandCaptcha(email, "")
	m.jira.Behave(providertest.Fault{Status: 403, Body: addressRefused})
	assert.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
	m.jira.Behave(providertest.Fault{})
	m.jira.AddAPIToken(email, "key-1")
	assert.Equal(t, "healthy", m.write(t, "health/jira", nil).data["status"], "a check that looked does")
}

// Of a credential that was good the person learns what to do.
func TestAnAnswerThatDidNotJudgeIsShown(t *testing.T) {
	m := withJira(t)
	m.jira.DemandCaptcha(email, m.jiraURL+"/login.jsp")
	assert.Equal(t, "captcha_required", m.write(t, "health/jira", nil).data["code"])
	m.jira.DemandCaptcha(email, "")
	m.jira.Revoke("key-1")
	assert.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
}

// Nor is a credential found to outlive its end by what did not look at it.
func TestAnAnswerThatDidNotJudgeOutlivesNoEnd(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	m.jira.AddAPIToken(email, "key-1")
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1", "expires_at": time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)})
	m.jira.Revoke("key-1")
	m.jira.DemandCaptcha(email, m.jiraURL+"/login.jsp")
	time.Sleep(1100 * time.Millisecond)
	assert.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
	m.jira.Behave(providertest.Fault{Status: 503, Body: "{}"})
	assert.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
	m.jira.Behave(providertest.Fault{Status: 403, Body: addressRefused})
	assert.Equal(t, "needs_reauth", m.write(t, "health/jira", nil).data["status"])
}

func TestHarnessAnswersThatDidNotJudge(t *testing.T) {
	var code atomic.Value
	code.Store("")
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if c, _ := code.Load().(string); c != "" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"metaData":{},"resource":null,"responseMessages":[{"code":"`+c+`","level":"ERROR","message":"x","exception":null,"failureTypes":[]}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"SUCCESS","data":{"valid":true,"accountIdentifier":"acc","parentIdentifier":"p1","email":"`+email+`","username":"mia","validTo":null}}`)
	}))
	t.Cleanup(upstream.Close)
	m := newMount(t)
	m.write(t, "integrations/x", body{"provider": "harness", "url": upstream.URL, "account_id": "acc"})
	m.write(t, "reauth/x", body{"email": email, "api_key": "pat.acc.b.c"})
	code.Store("NOT_WHITELISTED_IP")
	require.Equal(t, "degraded", m.write(t, "health/x", nil).data["status"])
	code.Store("INVALID_TOKEN")
	require.Equal(t, "needs_reauth", m.write(t, "health/x", nil).data["status"])
	for _, unjudged := range []string{"NOT_WHITELISTED_IP", "ACCOUNT_DOES_NOT_EXIST", "ACCOUNT_MIGRATED"} {
		code.Store(unjudged)
		assert.Equal(t, "needs_reauth", m.write(t, "health/x", nil).data["status"], unjudged)
	}
	code.Store("")
	assert.Equal(t, "healthy", m.write(t, "health/x", nil).data["status"])
}

// A pool that GitHub keeps out by its list of addresses is told to list that of Vault, and
// not to replace its tokens, which workers go on getting.
func TestAPoolKeptOutByItsAddress(t *testing.T) {
	m := withPool(t)
	m.github.Revoke("ghp_of_two")
	require.Equal(t, "degraded", m.write(t, "health/gh", nil).data["status"])
	m.github.Behave(providertest.Fault{Path: "/user", Status: 403, Body: `{"message":"Although you appear to have the correct authorization credentials, the 'acme' organization has an IP allow list enabled, and your IP address is not permitted to access this resource.","documentation_url":"https://docs.github.com/x"}`})
	m.write(t, "health/gh", nil)
	assert.Equal(t, []any{"insufficient_scope", "credential_rejected"}, m.memberCodes(t), "the dead one stays dead")
	assert.Equal(t, "ghp_of_one", m.read(t, "creds/gh")["pat"], "what was not judged is handed out")

	m.github.Behave(providertest.Fault{})
	m.github.AddClassic("two", "ghp_of_two", "repo", "read:org")
	require.Equal(t, "healthy", m.write(t, "health/gh", nil).data["status"])
	m.github.Behave(providertest.Fault{Path: "/user", Status: 403, Body: `{"message":"Although you appear to have the correct authorization credentials, the 'acme' organization has an IP allow list enabled, and your IP address is not permitted to access this resource.","documentation_url":"https://docs.github.com/x"}`})
	message := m.write(t, "health/gh", nil).data["message"]
	assert.Contains(t, message, "list the address of this Vault")
	assert.NotContains(t, message, "replace the pool")
}

func (m *mount) memberCodes(t *testing.T) []any {
	t.Helper()
	members, _ := m.read(t, "health/gh")["members"].([]map[string]any)
	var codes []any
	for _, member := range members {
		codes = append(codes, member["code"])
	}
	return codes
}
