package azuredevops

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// TestAzureRoot is where requests of an organisation go.
func TestAzureRoot(t *testing.T) {
	cases := []struct{ url, organization, api string }{
		{"https://dev.azure.com", "Contoso", "https://dev.azure.com/Contoso"},
		{"https://dev.azure.com/contoso/", "Contoso", "https://dev.azure.com/Contoso"},
		{"https://contoso.visualstudio.com", "Contoso", "https://contoso.visualstudio.com"},
		{"https://contoso.visualstudio.com/defaultcollection", "contoso", "https://contoso.visualstudio.com"},
		{"https://devops.example.com/tfs", "DefaultCollection", "https://devops.example.com/tfs/DefaultCollection"},
		{"https://devops.example.com/tfs/DefaultCollection", "DefaultCollection", "https://devops.example.com/tfs/DefaultCollection"},
		{"https://devops.example.com", "Main.Team_1", "https://devops.example.com/Main.Team_1"},
		{"https://devops.example.com", "Main Team", "https://devops.example.com/Main%20Team"},
		{"https://devops.example.com/tfs/TFS", "tfs", "https://devops.example.com/tfs/tfs"},
		{"https://devops.example.com", "tfs", "https://devops.example.com/tfs"},
		{"https://devops.example.com/tfs", "tfs", ""},
		{"https://devops.example.com/TFS/_apis", "tfs", ""},
		{"https://devops.example.com/%E2%84%AA", "k", "https://devops.example.com/%E2%84%AA/k"},
		{"https://dev.azure.com..", "contoso", ""},
		{"https://devops..example.com", "Main", ""},
		{"https://.devops.example.com", "Main", ""},
		{"https://.", "Main", ""},
		{"https://:443/tfs", "Main", ""},
		{"https://devops.example.com/tfs%2fMain", "Main", ""},
		{"https://[2001:db8::1]:443/tfs", "Main", "https://[2001:db8::1]/tfs/Main"},
		{"http://devops.example.com:8080/tfs", "Main", "http://devops.example.com:8080/tfs/Main"},
		{"https://dev.azure.com/contoso/Web", "contoso", ""},
		{"https://dev.azure.com/fabrikam", "contoso", ""},
		{"https://dev.azure.com", "con.toso", ""},
		{"https://dev.azure.com", "con_toso", ""},
		{"https://dev.azure.com", "-contoso", ""},
		{"https://dev.azure.com", strings.Repeat("a", 51), ""},
		{"https://app.vssps.visualstudio.com", "app.vssps", ""},
		{"https://visualstudio.com", "contoso", ""},
		{"https://vssps.dev.azure.com", "contoso", ""},
		{"https://devops.example.com", "..", ""},
		{"https://devops.example.com", "a..", ""},
		{"https://devops.example.com", "_apis", ""},
		{"https://devops.example.com", "a/b", ""},
		{"https://devops.example.com", "a%2fb", ""},
		{"https://devops.example.com", "a?b", ""},
	}
	for _, c := range cases {
		root, err := findAzureRoot(probe.Probe{Title: "Azure DevOps"}, c.url, c.organization)
		if c.api == "" {
			assert.NotNil(t, err, "%s %s", c.url, c.organization)
			continue
		}
		require.Nil(t, err, "%s %s", c.url, c.organization)
		assert.Equal(t, c.api, root.api)
	}
}

// FuzzAzureRoot: whatever is written, requests go to the host of url, and to a
// path that ends with the organisation.
func FuzzAzureRoot(f *testing.F) {
	seeds := []struct{ url, organization string }{
		{"https://dev.azure.com", "contoso"},
		{"https://dev.azure.com/contoso/_apis", "contoso"},
		{"https://contoso.visualstudio.com/DefaultCollection", "contoso"},
		{"https://devops.example.com/tfs/Main", "main"},
		{"https://devops.example.com/%2e%2e/x", ".."},
		{"https://[::1]:443/a//b", "a b"},
		{"https://dev.azure.com.:443", "x"},
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.url, s.organization)
	}
	f.Fuzz(func(t *testing.T, raw, organization string) {
		root, err := findAzureRoot(probe.Probe{Title: "Azure DevOps"}, raw, organization)
		if err != nil {
			assert.Len(t, err.Fields, 1)
			return
		}
		in, parseErr := url.Parse(strings.TrimSpace(raw))
		require.NoError(t, parseErr)
		out, parseErr := url.Parse(root.api)
		require.NoError(t, parseErr)
		assert.Equal(t, strings.TrimSuffix(strings.ToLower(in.Hostname()), "."), strings.TrimSuffix(out.Hostname(), "."))
		assert.Equal(t, in.Scheme, out.Scheme)
		assert.Empty(t, out.RawQuery)
		assert.True(t, strings.HasSuffix(out.Path, "/"+organization) || out.Path == "" && root.hosted)
	})
}

func TestAzureAccount(t *testing.T) {
	const unreadable = "?"
	cases := []struct{ name, properties, want string }{
		{"an address", `{"Account":{"$type":"System.String","$value":"mia@example.com"}}`, "mia@example.com"},
		{"a Windows name", `{"Account":{"$value":"CONTOSO\\mia"}}`, `CONTOSO\mia`},
		{"no account", `{"Mail":{"$value":"x"}}`, ""},
		{"null in it", `{"Account":null}`, ""},
		{"null for its value", `{"Account":{"$value":null}}`, ""},
		{"an empty value", `{"Account":{"$value":""}}`, ""},
		{"a text", `{"Account":"mia@example.com"}`, unreadable},
		{"a number", `{"Account":{"$value":7}}`, unreadable},
		{"a control character", `{"Account":{"$value":"mia\u001b[31m"}}`, unreadable},
		{"white space", `{"Account":{"$value":" "}}`, unreadable},
		{"white space around it", `{"Account":{"$value":" mia@example.com"}}`, unreadable},
		{"null", `null`, ""},
		{"a list", `[]`, unreadable},
		{"nothing", ``, ""},
	}
	for _, c := range cases {
		account, ok := azureAccount(json.RawMessage(c.properties))
		assert.Equal(t, c.want != unreadable, ok, c.name)
		if ok {
			assert.Equal(t, c.want, account, c.name)
		}
	}
}

func FuzzAzureAccount(f *testing.F) {
	seeds := []string{`{"Account":{"$value":"mia@example.com"}}`, `{"Account":{"$value":"a\nb"}}`, `{"Account":[]}`, `null`, ``, `{`}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, properties []byte) {
		if account, ok := azureAccount(properties); ok {
			assert.Equal(t, probe.Printable(account), account)
		}
	})
}

func TestAzureSignIn(t *testing.T) {
	cases := []struct {
		location string
		want     bool
	}{
		{"https://spsprodsin2.vssps.visualstudio.com/_signin?realm=dev.azure.com", true},
		{"https://app.vssps.visualstudio.com/_signin", true},
		{"https://app.vssps.VisualStudio.com/_SignIn/", true},
		{"http://app.vssps.visualstudio.com/_signin", false},
		{"https://app.vssps.visualstudio.com/contoso", false},
		{"https://visualstudio.com.example.com/_signin", false},
		{"https://evilvisualstudio.com/_signin", false},
		{"https://example.com/?x=.visualstudio.com/_signin", false},
		{"https://example.com\\.visualstudio.com/_signin", false},
		{"/_signin", false},
		{"https://%zz", false},
		{"", false},
	}
	for _, c := range cases {
		assert.Equal(t, c.want, isAzureSignIn(c.location), c.location)
	}
}

func FuzzAzureSignIn(f *testing.F) {
	seeds := []string{"https://app.vssps.visualstudio.com/_signin", "https://example.com/_signin", "//x", "", "https://%zz", "https://a@b.visualstudio.com/_signin"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		if isAzureSignIn(location) {
			assert.Contains(t, strings.ToLower(location), "visualstudio.com")
		}
	})
}

// FuzzAzureRefusal: no body and no header makes a refusal bad but a 401, and none
// is quoted.
func FuzzAzureRefusal(f *testing.F) {
	seeds := []struct {
		status       int
		header, body string
	}{
		{400, "", `{"message":"x","typeKey":"VssInvalidPreviewVersionException"}`},
		{401, "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired.", ``},
		{401, "%zz", `{"message":"TF400813: no","typeKey":"UnauthorizedRequestException"}`},
		{403, "", `{"typeKey":"RequestBlockedException"}`},
		{404, "", `{"message":7}`},
		{429, "", `TF400733: The request has been canceled`},
		{503, "", `{"message":"TF400733: x"}`},
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.status, s.header, []byte(s.body))
	}
	c := azureCheck{Probe: probe.Probe{Title: "Azure DevOps"}, root: azureRoot{}, organization: "contoso", service: azureServices()[0]}
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		res := &upstream.Response{Host: "devops.example.com", Status: status, Header: http.Header{"X-Tfs-Serviceerror": {header}}, Body: body}
		for _, err := range []*providers.Error{c.judge(res), c.judgeRight(res, "vso.work")} {
			assert.Equal(t, status == http.StatusOK, err == nil)
			if err == nil {
				continue
			}
			assert.True(t, err.Outcome != providers.Rejected || status == http.StatusUnauthorized)
			assert.NotContains(t, err.Detail, "TF4")
			assert.Less(t, len(err.Detail), 400)
		}
	})
}
