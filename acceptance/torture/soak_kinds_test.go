package torture_test

import (
	"fmt"
	"maps"
	"sync"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// soaked is an integration of the soak.
type soaked struct {
	sync.Mutex

	name     string
	settings map[string]any
	// credential makes the nth one at the upstream, and returns what a person enters and the
	// token in it; consent does so in a browser.
	credential func(n int) (body map[string]any, token string)
	consent    func(url string) (map[string]any, error)
	revoke     func(token string)
	rotates    bool

	entered int
	token   string
}

// wrong is what the upstream refuses: a credential that it forgot.
func (in *soaked) wrong() map[string]any {
	body, token := in.credential(in.entered)
	in.entered++
	in.revoke(token)
	return body
}

// soakedOf are so many integrations, of each kind as many as of the others.
func soakedOf(f *harness.Fakes, count int, callback string) []*soaked {
	kinds := soakKinds(f, callback)
	all := make([]*soaked, count)
	for i := range all {
		all[i] = kinds[i%len(kinds)](i / len(kinds))
	}
	return all
}

func soakKinds(f *harness.Fakes, callback string) []func(i int) *soaked {
	w := f.World
	behind := func(settings map[string]any) map[string]any {
		settings["proxy_url"], settings["ca_cert"] = w.ProxyURL(), w.CAPEM()
		return settings
	}
	w.GitHubEnterprise.AddOrganization(githubtest.GitHubOrganization{Login: "acme", Repositories: []githubtest.GitHubRepository{{Name: "app", Private: true, Runs: 1}}})
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Repositories: []string{"WEB/app"}})
	w.BitbucketServer.AddProject(bitbuckettest.ServerProject{Key: "WEB", Repositories: []string{"app"}})
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
	one := func(provider string, i int, settings map[string]any, revoke func(string), make func(token string) map[string]any) *soaked {
		name := fmt.Sprintf("%s-%d", provider, i)
		return &soaked{name: name, settings: settings, revoke: revoke, credential: func(n int) (map[string]any, string) {
			token := fmt.Sprintf("%s-soak-%d", name, n)
			return make(token), token
		}}
	}
	return append([]func(i int) *soaked{
		func(i int) *soaked {
			return one("jira", i, map[string]any{"provider": "jira", "auth_type": "api_key", "url": f.URLs["JIRA"]}, w.Jira.Revoke, func(token string) map[string]any {
				email := personOf(i)
				w.Jira.AddAPIToken(email, token)
				return map[string]any{"email": email, "api_key": token}
			})
		},
		func(i int) *soaked {
			return one("jira-dc", i, map[string]any{"provider": "jira", "auth_type": "pat", "url": f.URLs["JIRA_DC"]}, w.JiraDataCenter.Revoke, func(token string) map[string]any {
				w.JiraDataCenter.Add(jiratest.JiraToken{Token: token, PAT: true, Name: fmt.Sprint("person", i), Email: personOf(i)})
				return map[string]any{"pat": token}
			})
		},
		func(i int) *soaked {
			return one("github", i, map[string]any{"provider": "github", "auth_type": "pat", "url": f.URLs["GITHUB"], "organizations": "acme"}, w.GitHubEnterprise.Revoke, func(token string) map[string]any {
				w.GitHubEnterprise.AddClassic(fmt.Sprint("octo", i), "ghp_"+token, "repo", "read:org")
				w.GitHubEnterprise.AddClassic(fmt.Sprint("hubot", i), token, "repo", "read:org")
				return map[string]any{"pat": []string{"ghp_" + token, token}}
			})
		},
		func(i int) *soaked {
			return one("actions", i, map[string]any{"provider": "github_actions", "url": f.URLs["GITHUB"], "organizations": "acme"}, w.GitHubEnterprise.Revoke, func(token string) map[string]any {
				w.GitHubEnterprise.AddFineGrained(fmt.Sprint("mona", i), token)
				return map[string]any{"pat": token}
			})
		},
		func(i int) *soaked {
			return one("bitbucket-dc", i, behind(map[string]any{"provider": "bitbucket", "auth_type": "pat", "url": catalogtest.BitbucketServerURL, "project": "WEB"}), w.BitbucketServer.Revoke, func(token string) map[string]any {
				w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: token, Name: fmt.Sprint("person", i), Email: personOf(i), Reads: []string{"WEB"}})
				return map[string]any{"pat": token}
			})
		},
		func(i int) *soaked {
			return one("bitbucket", i, behind(map[string]any{"provider": "bitbucket", "auth_type": "access_token", "workspace": "acme", "repository": "app"}), w.Bitbucket.Revoke, func(token string) map[string]any {
				w.Bitbucket.AddAccessToken(bitbuckettest.RepositoryToken, "acme/app", token, "repository")
				return map[string]any{"access_token": token}
			})
		},
		func(i int) *soaked {
			in := one("harness", i, behind(map[string]any{"provider": "harness", "url": catalogtest.HarnessOwnURL, "account_id": "acme"}), w.HarnessOwn.Revoke, nil)
			in.credential = func(n int) (map[string]any, string) {
				token := fmt.Sprintf("pat.acme.soak%dn%d.person", i, n)
				w.HarnessOwn.Add(harnesstest.HarnessToken{Token: token, Account: "acme", Email: personOf(i)})
				return map[string]any{"email": personOf(i), "api_key": token}, token
			}
			in.rotates = true
			return in
		},
		func(i int) *soaked {
			in := one("gitlab", i, behind(map[string]any{"provider": "gitlab", "url": catalogtest.GitLabOwnURL}), w.GitLabOwn.Revoke, func(token string) map[string]any {
				w.GitLabOwn.Add(gitlabtest.GitLabToken{Token: token, Username: fmt.Sprint("person", i), Scopes: []string{"api"}, Expires: "2099-01-31"})
				return map[string]any{"pat": token}
			})
			in.rotates = true
			return in
		},
		func(i int) *soaked {
			in := one("sonarqube", i, behind(map[string]any{"provider": "sonarqube", "url": catalogtest.SonarQubeURL}), w.SonarQube.Revoke, func(token string) map[string]any {
				w.SonarQube.AddToken(fmt.Sprint("person", i), token)
				return map[string]any{"username": fmt.Sprint("person", i), "api_key": token}
			})
			in.rotates = true
			return in
		},
		func(i int) *soaked {
			in := one("ado", i, behind(map[string]any{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": "repos", "credential_group": fmt.Sprint("group-", i)}), w.AzureDevOps.Revoke, func(token string) map[string]any {
				w.AzureDevOps.AddPAT("acme", personOf(i), token)
				return map[string]any{"email": personOf(i), "pat": token}
			})
			return in
		},
	}, consentingKinds(f, callback, behind)...)
}

func personOf(i int) string { return fmt.Sprintf("person%d@example.com", i) }

// consentingKinds are those whose tokens an authorization server issues and the engine renews.
func consentingKinds(f *harness.Fakes, callback string, behind func(map[string]any) map[string]any) []func(i int) *soaked {
	w := f.World
	oauth := map[string]any{"auth_type": "oauth", "client_id": "engine", "client_secret": "secret-of-the-soak", "redirect_uri": callback}
	w.Bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: "secret-of-the-soak", RedirectURI: callback, Scopes: []string{"account"}})
	w.Entra.AddClient(authserver.OAuthClient{ID: "engine", Secret: "secret-of-the-soak", RedirectURI: callback, Tenant: "contoso.onmicrosoft.com"})
	var browser sync.Mutex
	kind := func(provider string, settings map[string]any, signIn func(i int)) func(i int) *soaked {
		return func(i int) *soaked {
			own := maps.Clone(oauth)
			maps.Copy(own, settings)
			if own["organization"] != nil {
				own["credential_group"] = fmt.Sprint("group-", i)
			}
			return &soaked{name: fmt.Sprintf("%s-%d", provider, i), settings: behind(own), consent: func(url string) (map[string]any, error) {
				browser.Lock()
				defer browser.Unlock()
				signIn(i)
				back, err := w.Consent(url, true)
				if err != nil {
					return nil, err
				}
				return map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")}, nil
			}}
		}
	}
	return []func(i int) *soaked{
		kind("bitbucket-oa", map[string]any{"provider": "bitbucket"}, func(i int) {
			w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: personOf(i)})
		}),
		kind("ado-oa", map[string]any{"provider": "azure_devops", "organization": "acme", "service": "boards", "tenant_id": "contoso.onmicrosoft.com"}, func(i int) {
			w.Entra.SignIn(azuredevopstest.AzureToken{Account: personOf(i), Organization: "acme"})
		}),
	}
}
