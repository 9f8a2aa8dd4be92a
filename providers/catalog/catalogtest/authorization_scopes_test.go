package catalogtest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

func TestBitbucketScopes(t *testing.T) {
	const root = "https://api.bitbucket.org/2.0"
	for name, tc := range map[string]struct {
		scopes                      []string
		user, workspace, repository int
	}{
		"account":            {[]string{"account"}, 200, 200, 403},
		"repository":         {[]string{"repository"}, 403, 403, 200},
		"what implies":       {[]string{"account:write", "pullrequest"}, 200, 200, 200},
		"names of API token": {[]string{"read:user:bitbucket", "read:repository:bitbucket"}, 403, 403, 403},
		"nothing":            {nil, 403, 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			f := flows(t)["bitbucket"]
			f.fake.AddClient(authserver.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Scopes: tc.scopes})
			access, _ := f.signedIn()
			as := []string{"Authorization", "Bearer " + access}
			ask(t, f.world, []question{
				{"user", "GET", root + "/user", "", as, tc.user},
				{"workspaces", "GET", root + "/user/workspaces", "", as, tc.workspace},
				{"repositories", "GET", root + "/repositories/acme", "", as, tc.repository},
				{"no password", "GET", root + "/user", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("mia@example.com:"+access))}, 401},
				{"no parameter", "GET", root + "/user?access_token=" + access, "", nil, 401},
			})
		})
	}
	f := flows(t)["bitbucket"]
	access, _ := f.signedIn()
	_, body := f.caller.do(http.MethodGet, root+"/repositories/acme", "", "Authorization", "Bearer "+access)
	assert.JSONEq(t, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"required":["repository"],"granted":["account"]}}}`, body)
}

// TestBitbucketSecrets sends a secret as RFC 6749 wants it in a header, and as curl
// does.
func TestBitbucketSecrets(t *testing.T) {
	f := flows(t)["bitbucket"]
	f.fake.AddClient(authserver.OAuthClient{ID: "sei", Secret: "a+b/c", RedirectURI: callback})
	for _, pair := range []string{"sei:a+b/c", "sei:a%2Bb%2Fc"} {
		status, _ := f.post(byCode(f.code()), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		assert.Equal(t, http.StatusOK, status, pair)
	}
}

func TestAPITokensAreNoBearers(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.Bitbucket.AddAPIToken("mia@example.com", "plain", "read:user:bitbucket")
	ask(t, w, []question{
		{"an API token is none", "GET", "https://api.bitbucket.org/2.0/user", "", []string{"Authorization", "Bearer plain"}, 401},
		{"an API token works as ever", "GET", "https://api.bitbucket.org/2.0/user", "", []string{"Authorization", "Basic bWlhQGV4YW1wbGUuY29tOnBsYWlu"}, 200},
	})
}

func TestAzureDevOpsScopes(t *testing.T) {
	const org = "https://dev.azure.com/contoso"
	for name, tc := range map[string]struct {
		asked           string
		client, account []string
		told            string
		code, build     int
	}{
		"everything":           {".default", nil, nil, azureScope + "user_impersonation " + azureScope + ".default", 200, 200},
		"what is registered":   {".default", []string{"vso.code"}, nil, azureScope + "vso.code " + azureScope + ".default", 200, 401},
		"what is asked for":    {"vso.build", nil, nil, azureScope + "vso.build", 401, 200},
		"what the account has": {".default", []string{"vso.code", "vso.build"}, []string{"vso.code"}, azureScope + "vso.code " + azureScope + ".default", 200, 401},
	} {
		t.Run(name, func(t *testing.T) {
			f := flows(t)["entra"]
			f.scope = azureScope + tc.asked + " offline_access"
			f.fake.AddClient(authserver.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Scopes: tc.client})
			f.world.Entra.SignIn(azuredevopstest.AzureToken{Account: "mia@example.com", Organization: "contoso", Scopes: tc.account})
			f.world.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "fabrikam"})
			f.world.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "main"})
			status, body := f.post(byCode(f.code()))
			require.Equal(t, 200, status, body)
			assert.Equal(t, tc.told, body["scope"])
			as := []string{"Authorization", "Bearer " + text(body, "access_token")}
			ask(t, f.world, []question{
				{"code", "GET", org + "/Web/_apis/git/repositories?api-version=7.1", "", as, tc.code},
				{"build", "GET", org + "/Web/_apis/build/definitions?api-version=7.1", "", as, tc.build},
				{"another organisation", "GET", "https://dev.azure.com/fabrikam/_apis/connectionData?api-version=7.1-preview", "", as, 203},
				{"a server trusts nobody", "GET", "https://devops.example.com/tfs/main/_apis/projects?api-version=7.1", "", as, 401},
				{"no password", "GET", org + "/_apis/connectionData?api-version=7.1-preview", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+text(body, "access_token")))}, 203},
			})
		})
	}
}

func TestEntraScopesOfTokens(t *testing.T) {
	f := flows(t)["entra"]
	f.scope = azureScope + "vso.code " + azureScope + "vso.build openid offline_access"
	status, body := f.post(byCode(f.code()))
	require.Equal(t, http.StatusOK, status, body)
	assert.NotEmpty(t, body["id_token"])
	renew := func(scope string) (int, map[string]any) {
		return f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(body, "refresh_token")}, "scope": {scope}})
	}
	status, less := renew(azureScope + "vso.code")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, azureScope+"vso.code", less["scope"])
	assert.NotContains(t, less, "id_token")
	for _, scope := range []string{azureScope + ".default", azureScope + "vso.work"} {
		status, more := renew(scope)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "consent_required", more["suberror"])
	}
	assert.Equal(t, 1, f.fake.Refreshes())

	f.scope = azureScope + ".default"
	status, body = f.post(byCode(f.code()))
	assert.Equal(t, http.StatusOK, status)
	assert.NotContains(t, body, "refresh_token", "without offline_access")
}
