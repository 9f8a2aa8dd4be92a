package catalogtest

import (
	"errors"
	"slices"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// azureRefusalCases are refusals of Azure DevOps' own in all their forms.
func azureRefusalCases() []Case {
	boards := func(name string, want providers.Outcome, arrange func(w *World), look check) Case {
		return azureCase("boards", name, want, arrange, look)
	}
	in := func(o azuredevopstest.AzureOrganization, t azuredevopstest.AzureToken) func(w *World) {
		return func(w *World) {
			o.Name, o.Projects = azureOrg, []azuredevopstest.AzureProject{{Name: "Web"}}
			t.Token, t.Account = azureToken, miaEmail
			w.AzureDevOps.AddOrganization(o)
			w.AzureDevOps.Add(t)
		}
	}
	page := func(status int, title string) func(w *World) {
		return onAzure(azureConnect, providertest.Fault{
			Status: status, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, Body: "<!DOCTYPE html>\n<HTML lang=\"en\"><head>\n" + title + "</head><body></body></html>",
		})
	}
	signIn := func(name, title string) Case {
		return boards("the title of the sign-in page "+name, providers.Rejected, page(203, title), says("sign-in page"))
	}
	return []Case{
		boards("an account that is no member of the organisation is told", providers.InsufficientScope, in(azuredevopstest.AzureOrganization{}, azuredevopstest.AzureToken{Stranger: true}), all(missing(azureOrg), says("works", "no member"))),
		boards("a token for all organisations may be forbidden", providers.InsufficientScope, in(azuredevopstest.AzureOrganization{NoGlobalTokens: true}, azuredevopstest.AzureToken{}), all(missing(azureOrg), says("for all accessible organisations", "this organisation alone"))),
		boards("conditional access is told", providers.InsufficientScope, in(azuredevopstest.AzureOrganization{Conditional: true}, azuredevopstest.AzureToken{}), all(missing(azureOrg), says("conditional access"))),
		boards("an organisation that is switched off is no verdict", providers.UpstreamError, in(azuredevopstest.AzureOrganization{Off: true}, azuredevopstest.AzureToken{}), says("switched off", "administrator")),
		boards("an account that is not active is blocked", providers.AccountBlocked, in(azuredevopstest.AzureOrganization{}, azuredevopstest.AzureToken{Inactive: true}), says("not active")),
		boards("an account that is authorized as one that is not active is blocked", providers.AccountBlocked, onAzure(azureConnect, providertest.Fault{
			Status: 200, Body: `{"authenticatedUser":` + azurePerson + `},"authorizedUser":` + azurePerson + `,"isActive":false}}`,
		}), nil),
		boards("an account that does not tell whether it is active works", "", onAzure(azureConnect, providertest.Fault{
			Status: 200, Body: `{"authenticatedUser":` + azurePerson + `,"isActive":null},"authorizedUser":` + azurePerson + `}}`,
		}), nil),
		signIn("may have line breaks", "<title>\r\n\r\n            Azure DevOps Services | Sign In\r\n\r\n</title>"),
		signIn("may have attributes", `<title data-x="1" >Azure DevOps Services | Sign In</title>`),
		signIn("may be in capitals", `<TITLE>AZURE DEVOPS SERVICES | SIGN IN</TITLE>`),
		signIn("may be encoded", "<title>&#xD;\n Azure&nbsp;DevOps Services &#124; Sign&#160;In </title>"),
		boards("a page of somebody else with a title like it is no verdict", providers.UpstreamError, page(203, "<title>Sign in to Azure DevOps Services | Sign In</title>"), nil),
		boards("a sign-in page with 401 is the same", providers.Rejected, page(401, "<title>\n Azure DevOps Services | Sign In\n</title>"), says("sign-in page")),
		boards("a title with a number of the service is its own", providers.InsufficientScope, page(403, "<title>\r\n TF400813: no\r\n</title>"), missing(azureOrg)),
		boards("a number in the middle of a title is not", providers.UpstreamError, page(403, "<title>Blocked: TF400813</title>"), nil),
		boards("a 401 page with a number is no page of a proxy", providers.InsufficientScope, page(401, "<title>TF400813: The user &#39;fb80544b-3a07-6095-8fcc-5e895f9d39c4&#39; is not authorized</title>"), says("no member")),
		boards("an account that has never signed in is told so", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
			Status: 401, Header: map[string]string{"Content-Type": "application/json"},
			Body: `{"message":"TF401444: Please sign-in at least once as mia@example.com in a web browser to enable access to the service.","typeKey":"UnauthorizedRequestException"}`,
		}), all(missing(azureOrg), says("sign in with a browser once"))),
		boards("a refusal in text is its own by its header", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
			Status: 403, Body: "no", Header: map[string]string{"Content-Type": "text/plain", "X-TFS-ServiceError": "VS403%3A%20no"},
		}), missing(azureOrg)),
		boards("a refusal without a word is its own by its header", providers.Rejected, onAzure(azureConnect, providertest.Fault{
			Status: 401, Header: map[string]string{"Content-Type": "", "X-TFS-ProcessId": "7684c2a2-7a9b-4fb0-a8b3-8eeada50c3cb"},
		}), nil),
		boards("a challenge for the address that was asked is that of a mesh", providers.UpstreamError, onAzure(azureConnect, providertest.Fault{
			Status: 401, Header: map[string]string{"Content-Type": "", "WWW-Authenticate": `Basic realm="https://contoso.visualstudio.com/_apis/connectionData"`},
		}), nil),
		boards("a policy by address is told like everybody's", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
			Status: 403, Body: `{"message":"VS403000: Your IP address is not on the allowlist.","typeKey":"AccessDeniedException"}`,
		}), all(missing(azureOrg), says("list the address of this Vault"))),
		azureCase("boards", "projects may be of the organisation", "", func(w *World) {
			knowsMiaAtAzure()(w)
			w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: azureOrg, Projects: []azuredevopstest.AzureProject{{Name: "Web", Visibility: "organization"}}})
		}, azureGood),
	}
}

const azurePerson = `{"id":"11111111-1111-1111-1111-11111111111a","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;x\\mia@example.com","properties":{"Account":{"$value":"mia@example.com"}}`

// azureRefusalAnswerCases are the recorded ones.
func azureRefusalAnswerCases() []Case {
	answers := azuredevopstest.AzureAnswers()
	to := func(path, service, name string, want providers.Outcome, look check) Case {
		return azureCase(service, "answer "+name+" to "+path, want, onAzure(path, answers[name].At("")), look)
	}
	const projects, repos = azureProject, "/_apis/git/pullrequests"
	cases := []Case{
		to(azureConnect, "boards", "signin_page_203_blanks", providers.Rejected, says("sign-in page")),
		to(azureConnect, "boards", "bearer_refused_401", providers.Rejected, nil),
		to(azureConnect, "boards", "no_member_401", providers.InsufficientScope, all(missing(azureOrg), says("no member"))),
		to(azureConnect, "boards", "nobody_401", providers.Rejected, nil),
		to(azureConnect, "boards", "error_improper_form", providers.InsufficientScope, missing(azureOrg)),
		to(azureConnect, "boards", "controller_not_found_404_text", providers.UpstreamError, named("organization")),
		to(azureConnect, "boards", "project_does_not_exist_404", providers.InsufficientScope, nil),
		to(projects, "boards", "projects_success_recorded", "", azureGood),
		to(repos, "repos", "project_does_not_exist_404", providers.InsufficientScope, missing("vso.code")),
		to(repos, "repos", "controller_not_found_404_text", providers.UpstreamError, nil),
		to(repos, "repos", "error_improper_form", providers.InsufficientScope, missing("vso.code")),
	}
	for _, path := range []string{azureConnect, projects, repos} {
		cases = append(cases,
			to(path, "repos", "conditional_access_403_html", providers.InsufficientScope, all(missing(azureOrg), says("conditional access"))),
			to(path, "repos", "conditional_access_403", providers.InsufficientScope, all(missing(azureOrg), says("conditional access"))),
			to(path, "repos", "organization_deactivated_503", providers.UpstreamError, says("switched off")),
			to(path, "repos", "global_token_401", providers.InsufficientScope, all(missing(azureOrg), says("for all accessible organisations"))),
		)
	}
	return cases
}

// azureVersionCases are servers that know older versions of the API.
func azureVersionCases() []Case {
	server := func(name, newest string, want providers.Outcome, look check) Case {
		return azureCase("pipelines", "Server: "+name, want, func(w *World) {
			w.AzureDevOpsServer.Limit(newest)
			w.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "Main", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
			w.AzureDevOpsServer.AddPAT("", miaEmail, azureToken)
		}, look).at(AzureDevOpsServerURL).setting("organization", "Main")
	}
	tells := func(version string) check {
		return func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, miaEmail), equal("APIVersion", v.APIVersion, version))
		}
	}
	known := server("the version that was found is asked for first", "5.0", "", tells("5.0"))
	known.Target.APIVersion = "5.0"
	old := server("a version that is known no more is found again", "5.0", "", tells("5.0"))
	old.Target.APIVersion = "6.0"
	return slices.Concat([]Case{
		server("one of today knows the newest version", "7.2", "", tells("")),
		server("2022.1 knows version 7.1", "7.1", "", tells("")),
		server("2022 knows version 7.0", "7.0", "", tells("7.0")),
		server("2020 knows version 6.0", "6.0", "", tells("6.0")),
		server("2019 Update 1 knows version 5.1", "5.1", "", tells("5.0")),
		server("2019 knows version 5.0", "5.0", "", tells("5.0")),
		server("one that is older still is told", "4.1", providers.UpstreamError, says("2019")),
		server("a token that it does not know is rejected all the same", "6.0", providers.Rejected, nil).with(credential("email", miaEmail, "pat", azureUnknown)),
		known, old,
	})
}
