package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

func sharedBy(t *testing.T, target providers.Target) map[string]string {
	t.Helper()
	sharer, ok := provider(t, "azure_devops").(providers.Sharer)
	require.True(t, ok)
	return sharer.SharedBy(target)
}

func azureTarget(url, organization string, more ...string) providers.Target {
	return providers.Target{URL: url, AuthType: "pat", Settings: texts(append([]string{"organization", organization, "service", "boards"}, more...)...)}
}

// TestOneOrganizationIsOneGroup: spelling does not split it.
func TestOneOrganizationIsOneGroup(t *testing.T) {
	groups := map[string][]providers.Target{
		"Services": {
			azureTarget("https://dev.azure.com", "contoso"),
			azureTarget("https://dev.azure.com/", "Contoso"),
			azureTarget("https://DEV.azure.com:443", "CONTOSO"),
			azureTarget("https://dev.azure.com./", "contoso"),
			azureTarget("https://dev.azure.com/contoso", "contoso"),
			azureTarget("https://dev.azure.com/CONTOSO/_apis/", "contoso"),
			azureTarget("https://contoso.visualstudio.com", "contoso"),
			azureTarget("https://Contoso.VisualStudio.com/DefaultCollection", "contoso"),
			azureTarget("https://dev.azure.com", "contoso", "service", "repos"),
			azureTarget("https://dev.azure.com", "contoso", "description", "another", "credential_group", ""),
		},
		"Server": {
			azureTarget("https://devops.example.com/tfs", "Main"),
			azureTarget("https://devops.example.com/tfs/Main", "main"),
			azureTarget("https://devops.example.com:443/tfs/main/_apis", "MAIN"),
			azureTarget("https://devops.example.com/TFS", "Main"),
			azureTarget("https://DevOps.example.com/Tfs/MAIN/", "main"),
		},
	}
	for name, targets := range groups {
		for _, target := range targets {
			assert.Equal(t, sharedBy(t, targets[0]), sharedBy(t, target), "%s: %s %v", name, target.URL, target.Settings.Texts)
		}
	}
}

// TestTwoOrganizationsAreNeverOneGroup, whatever their names.
func TestTwoOrganizationsAreNeverOneGroup(t *testing.T) {
	targets := []providers.Target{
		azureTarget("https://dev.azure.com", "contoso"),
		azureTarget("https://dev.azure.com", "contoso", "credential_group", "contoso"),
		azureTarget("https://dev.azure.com", "contoso", "credential_group", "Contoso"),
		azureTarget("https://dev.azure.com", "fabrikam"),
		azureTarget("https://dev.azure.com", "contoso-"),
		azureTarget("https://dev.azure.com", "contoso-fabrikam"),
		azureTarget("https://dev.azure.com", "contosofabrikam"),
		azureTarget("https://dev.azure.com", "contoso/fabrikam"),
		azureTarget("https://dev.azure.com", "contoso/../fabrikam"),
		azureTarget("https://dev.azure.com", "contoso "),
		azureTarget("https://dev.azure.com", "contoso\x00"),
		azureTarget("https://dev.azure.com", "c\u043entoso"), // a Cyrillic o
		azureTarget("https://dev.azure.com", "k"),
		azureTarget("https://dev.azure.com", "\u212a"), // the Kelvin sign, whose lower case is k
		azureTarget("https://dev.azure.com", "DefaultCollection"),
		azureTarget("https://dev.azure.com", ""),
		azureTarget("https://dev.azure.com/fabrikam", "contoso"),
		azureTarget("https://fabrikam.visualstudio.com", "contoso"),
		azureTarget("https://contoso.fabrikam.visualstudio.com", "contoso"),
		azureTarget("http://dev.azure.com", "contoso"),
		azureTarget("https://dev.azure.com:8443", "contoso"),
		azureTarget("https://dev.azure.com.example.com", "contoso"),
		azureTarget("https://devops.example.com", "contoso"),
		azureTarget("https://devops.example.com", "tfs"),
		azureTarget("https://devops.example.com/tfs", "tfs"),
		azureTarget("https://devops.example.com/tfs/tfs", "tfs"),
		azureTarget("https://devops.example.com/K", "contoso"),
		azureTarget("https://devops.example.com/%E2%84%AA", "contoso"),
		azureTarget("https://devops.example.com/a%2fb", "contoso"),
		azureTarget("https://devops.example.com/a/b", "contoso"),
		azureTarget("https://dev.azure.com..", "contoso"),
		azureTarget("https://devops.example.com/tfs", "contoso"),
		azureTarget("https://devops.example.com/tfs/contoso", "fabrikam"),
		azureTarget("https://devops.example.com/tfs/contoso/fabrikam", "contoso"),
		azureTarget("https://devops.example.com/contoso", "dev.azure.com"),
		azureTarget("dev.azure.com", "contoso"),
	}
	seen := map[string]int{}
	for i, target := range targets {
		shared := sharedBy(t, target)
		key := strings.Join([]string{shared["url"], shared["organization"], shared["credential_group"]}, "\x00\x00")
		j, twice := seen[key]
		assert.False(t, twice, "%s %q shares with %s %q", target.URL, target.Settings.Texts, targets[j].URL, targets[j].Settings.Texts)
		assert.Len(t, shared, 3)
		seen[key] = i
	}
}

// FuzzSharedBy: two names share only if they are the same but for their case.
func FuzzSharedBy(f *testing.F) {
	seeds := []struct{ url, one, other string }{
		{"https://dev.azure.com", "contoso", "Contoso"},
		{"https://dev.azure.com", "contoso", "contoso-"},
		{"https://dev.azure.com/contoso", "contoso", "contoso/"},
		{"https://contoso.visualstudio.com", "contoso", "\u212aontoso"},
		{"https://devops.example.com/tfs/main", "main", "tfs"},
		{"https://devops.example.com/tfs", "..", ""},
		{"0", "\n", ""},
		{"https://dev.azure.com", "contoso\r\n", "Contoso"},
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.url, s.one, s.other)
	}
	registry := catalog.All("1")
	f.Cleanup(registry.Close)
	azure, _ := registry.Provider("azure_devops")
	f.Fuzz(func(t *testing.T, url, one, other string) {
		checker, ok := azure.(providers.SettingsChecker)
		require.True(t, ok)
		a, b := azureTarget(url, one), azureTarget(url, other)
		shared, again := sharedBy(t, a), sharedBy(t, b)
		if shared["url"] == again["url"] && shared["organization"] == again["organization"] {
			// A value that was read from a file ends in a line break, which is not part of it.
			assert.True(t, strings.EqualFold(providers.Line(one), providers.Line(other)))
		}
		if checker.CheckSettings(a) == nil {
			assert.NotContains(t, one, "/")
			assert.Regexp(t, `^[0-9A-Za-z]`, one)
			assert.Equal(t, strings.ToLower(providers.Line(one)), shared["organization"])
		}
	})
}

// TestWhatDecidesSharingStaysPut demands that integrations cannot change who they
// share a credential with while there is one: the settings that decide it never
// change, or not then.
func TestWhatDecidesSharingStaysPut(t *testing.T) {
	sharers := 0
	for _, name := range registry(t).Names() {
		p := provider(t, name)
		sharer, ok := p.(providers.Sharer)
		if !ok {
			continue
		}
		sharers++
		spec := p.Spec()
		for _, auth := range spec.AuthTypes {
			held := map[string]bool{}
			for _, f := range spec.SettingsOf(auth.Name) {
				held[f.Name] = f.Locates || f.Fixed
			}
			for setting := range sharer.SharedBy(providers.Target{URL: spec.DefaultURL, AuthType: auth.Name}) {
				assert.True(t, held[setting], "%s of %s can change while a credential is stored", setting, name)
			}
		}
	}
	assert.Positive(t, sharers)
}
