package catalogtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// TestGitLabRotatesStrictly demands the real semantics of a rotation.
func TestGitLabRotatesStrictly(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	now := time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)
	w.GitLab.SetClock(func() time.Time { return now })
	w.GitLab.AddToken("mia", "first", "api")
	w.GitLab.AddToken("mia", "reader", "read_api")
	w.GitLab.AddToken("mia", "selfish", "self_rotate")
	w.GitLab.Add(gitlabtest.GitLabToken{Token: "oauth", Username: "mia", Is: "oauth"})
	w.GitLab.Add(gitlabtest.GitLabToken{Token: "expired", Username: "mia", Scopes: []string{"api"}, Expires: "2096-03-01"})
	w.GitLab.Add(gitlabtest.GitLabToken{Token: "fine", Username: "mia", FineGrained: true})
	const self, api = "https://gitlab.com/api/v4/personal_access_tokens/self", "https://gitlab.com/api/v4/user"
	const rotate = self + "/rotate"
	as := func(token string) []string {
		return []string{"PRIVATE-TOKEN", token, "Content-Type", "application/json"}
	}
	ask(t, w, []question{
		{"a scope is demanded", "POST", rotate, "", as("reader"), 403},
		{"a permission is demanded", "POST", rotate, "", as("fine"), 403},
		{"an OAuth token cannot", "POST", rotate, "", as("oauth"), 405},
		{"an expired token cannot", "POST", rotate, "", as("expired"), 401},
		{"nor nobody", "POST", rotate, "", nil, 401},
		{"a GET is not found", "GET", rotate, "", as("first"), 404},
		{"a date is demanded", "POST", rotate, `{"expires_at":"soon"}`, as("first"), 400},
		{"a form must be one", "POST", rotate, `expires_at=%`, []string{"PRIVATE-TOKEN", "first", "Content-Type", "application/x-www-form-urlencoded"}, 400},
		{"JSON must be", "POST", rotate, `{`, as("first"), 400},
		{"a day to come is demanded", "POST", rotate, `{"expires_at":"2096-02-28"}`, as("first"), 400},
		{"a year is the most", "POST", rotate, `{"expires_at":"2097-03-02"}`, as("first"), 400},
	})
	assert.Equal(t, providertest.Renewals{Asked: 10}, w.GitLab.Renewals())
	assert.Equal(t, []string{"fine", "first", "reader", "selfish"}, w.GitLab.Living("mia"), "nothing was changed")
	w.GitLab.SetRules(providertest.RenewalRules{MaxDays: 30})
	ask(t, w, []question{{"less than a year may be the most", "POST", rotate, `{"expires_at":"2096-04-01"}`, as("first"), 400}})
	w.GitLab.SetRules(providertest.RenewalRules{NoLegacy: true})
	ask(t, w, []question{{"legacy tokens may be disabled", "POST", rotate, `{"expires_at":"2096-03-15"}`, as("first"), 400}})
	w.GitLab.SetRules(providertest.RenewalRules{})

	c := newCaller(t, w)
	again := func(token, body string) (made struct {
		ID        int64
		Token     string
		Name      string
		Scopes    []string
		ExpiresAt string `json:"expires_at"`
	},
	) {
		t.Helper()
		status, text := c.do(http.MethodPost, rotate, body, as(token)...)
		require.Equal(t, http.StatusOK, status, text)
		require.NoError(t, json.Unmarshal([]byte(text), &made))
		return made
	}
	second := again("first", "")
	assert.Equal(t, "2096-03-08", second.ExpiresAt, "a week, where nothing is said")
	assert.Equal(t, "Test Token", second.Name)
	assert.Equal(t, []string{"api"}, second.Scopes)
	third := again(second.Token, `{"expires_at":"2096-12-24"}`)
	assert.Equal(t, "2096-12-24", third.ExpiresAt)
	assert.Greater(t, third.ID, second.ID)
	assert.NotEmpty(t, again("selfish", "").Token)
	ask(t, w, []question{
		{"ordinary use of a dead token is refused", "GET", self, "", as("first"), 401},
		{"and hurts nobody", "GET", api, "", as(third.Token), 200},
	})
	assert.Zero(t, w.GitLab.Renewals().FamiliesRevoked)
	ask(t, w, []question{
		{"its rotation is refused", "POST", rotate, "", as("first"), 401},
		{"and revokes its family", "GET", api, "", as(third.Token), 401},
		{"and no other", "GET", api, "", as("reader"), 200},
	})
	assert.Equal(t, 1, w.GitLab.Renewals().FamiliesRevoked)
	assert.Equal(t, 3, w.GitLab.Renewals().Made)
	now = now.AddDate(0, 0, 7)
	assert.Equal(t, []string{"fine", "reader"}, w.GitLab.Living(""), "a week is over")
}

// TestGitLabRotatesOnce has many ask at once for a successor of one token.
func TestGitLabRotatesOnce(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.GitLab.AddToken("mia", "first", "api")
	c := newCaller(t, w)
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if status, _ := c.do(http.MethodPost, "https://gitlab.com/api/v4/personal_access_tokens/self/rotate", "", "PRIVATE-TOKEN", "first"); status == http.StatusOK {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int32(1), good.Load())
	assert.Equal(t, 1, w.GitLab.Renewals().Made)
	assert.Empty(t, w.GitLab.Living("mia"), "theft, by all that GitLab knows")
}

// TestHarnessRotatesStrictly demands the real semantics of a rotation.
func TestHarnessRotatesStrictly(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	now := time.Now()
	w.Harness.SetClock(func() time.Time { return now })
	validTo := now.Add(30 * 24 * time.Hour).UnixMilli()
	w.Harness.Add(harnesstest.HarnessToken{Token: "known", Email: "mia@example.com", ValidTo: validTo})
	w.Harness.AddToken("mia@example.com", "other")
	w.Harness.Add(harnesstest.HarnessToken{Token: "robot", Parent: "bot", ServiceAccount: true, Org: "acme"})
	w.Harness.Add(harnesstest.HarnessToken{Token: "meek", Parent: "bot2", ServiceAccount: true, Unmanaged: true})
	const token, account = "https://app.harness.io/ng/api/token/", "?accountIdentifier=" + harnesstest.DefaultHarnessAccount
	mine := account + "&apiKeyType=USER&parentIdentifier=mia&apiKeyIdentifier=key"
	at := fmt.Sprintf("&rotateTimestamp=%d", now.Add(time.Hour).UnixMilli())
	as := func(token string) []string { return []string{"x-api-key", token} }
	bot := account + "&apiKeyType=SERVICE_ACCOUNT&parentIdentifier=bot&apiKeyIdentifier=key"
	update := func(change string) string {
		return fmt.Sprintf(`{"identifier":"token","name":"renamed","accountIdentifier":%q,"apiKeyType":"USER","parentIdentifier":"mia","apiKeyIdentifier":"key",%s}`, harnesstest.DefaultHarnessAccount, change)
	}
	ask(t, w, []question{
		{"a key is demanded", "POST", token + "rotate/token" + mine + at, "", nil, 401},
		{"a known one", "POST", token + "rotate/token" + mine + at, "", as("unknown"), 400},
		{"the account is demanded", "POST", token + "rotate/token?apiKeyType=USER&parentIdentifier=mia&apiKeyIdentifier=key" + at, "", as("known"), 400},
		{"the kind is demanded", "POST", token + "rotate/token" + account + "&parentIdentifier=mia&apiKeyIdentifier=key" + at, "", as("known"), 400},
		{"a user's own is demanded", "POST", token + "rotate/token" + account + "&apiKeyType=USER&parentIdentifier=noah&apiKeyIdentifier=key" + at, "", as("known"), 400},
		{"without rotateTimestamp the server fails", "POST", token + "rotate/token" + mine, "", as("known"), 500},
		{"and where there is no such token", "POST", token + "rotate/nothing" + mine + at, "", as("known"), 500},
		{"a right is demanded", "POST", token + "rotate/token" + account + "&apiKeyType=SERVICE_ACCOUNT&parentIdentifier=bot2&apiKeyIdentifier=key" + at, "", as("meek"), 403},
		{"a service account has a scope", "POST", token + "rotate/token" + bot + at, "", as("robot"), 400},
		{"an update demands a key", "PUT", token + "token" + account, update(`"validTo":0`), nil, 401},
		{"an update needs JSON", "PUT", token + "token" + account, "x", as("known"), 400},
		{"the past is refused", "PUT", token + "token" + account, update(`"validTo":7`), as("known"), 400},
		{"a rotated token is not updated", "PUT", token + "token" + account, update(fmt.Sprintf(`"scheduledExpireTime":7,"validTo":%d`, validTo)), as("known"), 400},
		{"another is not meant", "PUT", token + "token2" + account, update(fmt.Sprintf(`"validTo":%d`, validTo)), as("known"), 400},
	})
	assert.Equal(t, providertest.Renewals{Asked: 9}, w.Harness.Renewals())
	c := newCaller(t, w)
	w.Harness.SetRules(providertest.RenewalRules{Deny: true, MaxDays: 1})
	for method, url := range map[string]string{"POST": token + "rotate/token" + mine + at, "PUT": token + "token" + account} {
		status, body := c.do(method, url, update(fmt.Sprintf(`"validTo":%d`, validTo)), as("known")...)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, `"status":"FAILURE"`)
	}
	w.Harness.SetRules(providertest.RenewalRules{})
	assert.Equal(t, []string{"known", "other"}, w.Harness.Living("mia@example.com"))

	var made struct{ Data string }
	status, body := c.do(http.MethodPost, token+"rotate/token"+mine+at, "", as("known")...)
	require.Equal(t, http.StatusOK, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &made))
	assert.Regexp(t, `^pat\.`+harnesstest.DefaultHarnessAccount+`\.[0-9a-f]{24}\.[0-9A-Za-z]{20}$`, made.Data)
	assert.Len(t, w.Harness.Living("mia@example.com"), 3)
	_, body = c.do(http.MethodGet, token+"aggregate"+account, "", as(made.Data)...)
	assert.Regexp(t, `"identifier":"rotated_[A-Za-z]{15}"`, body)
	assert.Equal(t, 2, strings.Count(body, fmt.Sprintf(`"validTo":%d`, validTo)), "the successor has the end of the one before")
	now = now.Add(time.Hour)
	assert.Equal(t, []string{"other", made.Data}, w.Harness.Living("mia@example.com"))
	_, body = c.do(http.MethodPut, token+"token"+account, update(fmt.Sprintf(`"validTo":%d`, validTo+1)), as(made.Data)...)
	assert.Contains(t, body, fmt.Sprintf(`"validTo":%d`, validTo+1))
	ask(t, w, []question{
		{"the overlap is over", "GET", token + "aggregate" + account, "", as("known"), 401},
		{"a service account's", "POST", token + "rotate/token" + bot + "&orgIdentifier=acme" + at, "", as("robot"), 200},
	})
	w.Harness.SetRules(providertest.RenewalRules{MaxTokens: 2})
	ask(t, w, []question{{"a key may be full", "POST", token + "rotate/token2" + mine + at, "", as("other"), 400}})
	_, body = c.do(http.MethodGet, token+"aggregate"+account, "", as(made.Data)...)
	assert.Equal(t, 2, strings.Count(body, `"identifier":"rotated_`), "and has its end set all the same")
	assert.Equal(t, 2, w.Harness.Renewals().Made)
	assert.Equal(t, 1, w.Harness.Renewals().Lengthened)
}

// TestSonarQubeTokensAreStrict demands the real semantics of making and revoking tokens.
func TestSonarQubeTokensAreStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	now := time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)
	w.SonarQube.SetClock(func() time.Time { return now })
	w.SonarQube.AddToken("mia", "known")
	w.SonarQubeOld.AddToken("mia", "known")
	w.SonarQube.Add(sonarqubetest.SonarQubeToken{Token: "noah", Login: "noah", Name: "noah's", Expires: "2096-03-02T00:00:00+0000"})
	const server = "https://sonarqube.example.com/sonar/api/user_tokens/"
	form := func(token string) []string {
		return []string{"Authorization", "Bearer " + token, "Content-Type", "application/x-www-form-urlencoded"}
	}
	ask(t, w, []question{
		{"a token is demanded", "POST", server + "generate", "name=a", nil, 401},
		{"a POST is demanded", "GET", server + "generate?name=a", "", form("known"), 404},
		{"a name is demanded", "POST", server + "generate", "", form("known"), 400},
		{"of 100 characters at most", "POST", server + "generate", "name=" + strings.Repeat("a", 101), form("known"), 400},
		{"for oneself", "POST", server + "generate", "name=a&login=noah", form("known"), 403},
		{"a known type is demanded", "POST", server + "generate", "name=a&type=TOKEN", form("known"), 400},
		{"a date is demanded", "POST", server + "generate", "name=a&expirationDate=soon", form("known"), 400},
		{"tomorrow is the first", "POST", server + "generate", "name=a&expirationDate=2096-03-01", form("known"), 400},
		{"a name is unique", "POST", server + "generate", "name=integration", form("known"), 400},
		{"revoking demands a token", "POST", server + "revoke", "name=a", nil, 401},
		{"and a name", "POST", server + "revoke", "", form("known"), 400},
		{"for oneself, too", "POST", server + "revoke", "name=noah's&login=noah", form("known"), 403},
		{"of nothing is done already", "POST", server + "revoke", "name=nothing", form("known"), 204},
		{"of another's, too", "POST", server + "revoke", "name=noah's", form("known"), 204},
	})
	assert.Equal(t, providertest.Renewals{Asked: 8}, w.SonarQube.Renewals())
	w.SonarQube.SetRules(providertest.RenewalRules{MaxDays: 30})
	ask(t, w, []question{
		{"an end may be demanded", "POST", server + "generate", "name=a", form("known"), 400},
		{"of so many days", "POST", server + "generate", "name=a&expirationDate=2096-04-15", form("known"), 400},
	})
	w.SonarQube.SetRules(providertest.RenewalRules{})
	assert.Equal(t, []string{"known", "noah"}, w.SonarQube.Living(""))

	c := newCaller(t, w)
	var made struct{ Login, Name, Token, Type, ExpirationDate string }
	status, body := c.do(http.MethodPost, server+"generate", "name=a&type=USER_TOKEN&expirationDate=2096-03-02", form("known")...)
	require.Equal(t, http.StatusOK, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &made))
	assert.Regexp(t, `^squ_[0-9a-f]{40}$`, made.Token)
	assert.Equal(t, []string{"mia", "a", "USER_TOKEN", "2096-03-02T00:00:00+0000"}, []string{made.Login, made.Name, made.Type, made.ExpirationDate})
	_, body = c.do(http.MethodGet, server+"search", "", form(made.Token)...)
	assert.Contains(t, body, `"name":"a"`)
	assert.Contains(t, body, `"name":"integration"`)
	assert.NotContains(t, body, "noah")
	now = now.Add(12 * time.Hour)
	assert.Equal(t, []string{"known"}, w.SonarQube.Living(""), "the day has come")
	ask(t, w, []question{
		{"it has ended", "GET", server + "search", "", form(made.Token), 401},
		{"one can revoke oneself", "POST", server + "revoke", "name=integration", form("known"), 204},
		{"and is gone", "GET", server + "search", "", form("known"), 401},
	})
	assert.Equal(t, providertest.Renewals{Asked: 11, Made: 1, Revoked: 1}, w.SonarQube.Renewals())
	status, _ = c.do(http.MethodPost, "https://sonarqube-old.example.com/api/user_tokens/generate", "name=a&expirationDate=soon",
		"Authorization", "Basic a25vd246", "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, http.StatusBadRequest, status, "9.9 knows of ends")
}

// TestControlOfRenewals does it from afar.
func TestControlOfRenewals(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	control := httptest.NewServer(w.Control())
	t.Cleanup(control.Close)
	remote := caller{t, http.DefaultClient}
	tell := func(path string) string {
		t.Helper()
		status, body := remote.do(http.MethodGet, control.URL+path, "")
		require.Equal(t, http.StatusOK, status, body)
		return body
	}
	w.GitLab.Add(gitlabtest.GitLabToken{Token: "short", Username: "mia", Expires: time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)})
	w.GitLab.AddToken("noah", "long")
	assert.JSONEq(t, `["long","short"]`, tell("/gitlab/living"))
	assert.JSONEq(t, `["short"]`, tell("/gitlab/living?account=mia"))
	assert.JSONEq(t, `{"asked":0,"made":0,"lengthened":0,"revoked":0,"families_revoked":0}`, tell("/gitlab/renewals"))
	status, _ := remote.do(http.MethodPost, control.URL+"/gitlab/clock", `{"ahead_seconds":172800}`)
	assert.Equal(t, http.StatusNoContent, status)
	assert.JSONEq(t, `["long"]`, tell("/gitlab/living"))
	status, _ = remote.do(http.MethodPost, control.URL+"/harness/rules", `{"deny":true}`)
	assert.Equal(t, http.StatusNoContent, status)
	for path, want := range map[string]int{"/jira/clock": 400, "/gitlab/clock": 400, "/sonarqube/rules": 400, "/nobody/rules": 404} {
		status, _ = remote.do(http.MethodPost, control.URL+path, "x")
		assert.Equal(t, want, status, path)
	}
	for _, path := range []string{"/jira/living", "/github/renewals", "/nobody/living"} {
		status, _ = remote.do(http.MethodGet, control.URL+path, "")
		assert.Equal(t, http.StatusNotFound, status, path)
	}
}
