package catalogtest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Azure DevOps have in common.
const (
	azureToken   = "a52charactersoftokenthatmiamadeforcontosoandnothinge"
	azureUnknown = "a52charactersoftokenthatnobodyhasevermadeatallforany"
	azureOrg     = "contoso"
	azureConnect = "/_apis/connectionData"
	azureProject = "/_apis/projects"
)

func azureSuite() Suite {
	return Suite{
		Good:      azureCase("boards", "a token for boards works", "", knowsMiaAtAzure("vso.project", "vso.work"), azureGood).as(Good),
		FaultPath: azureConnect,
		Fake:      func(w *World) providertest.Fake { return w.AzureDevOps },
		Cases: slices.Concat(azureTokenCases(), azureAnonymousCases(), azureIdentityCases(), azureServiceCases(),
			azurePublicCases(), azureNumberedCases(), azureHostCases(), azureServerCases(), azureAnswerCases()),
		Questions: azureQuestions(),
	}
}

func azureCase(service, name string, want providers.Outcome, arrange func(w *World), look check) Case {
	c := Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: AzureDevOpsURL, AuthType: "pat"},
		Credential: credential("email", miaEmail, "pat", azureToken),
	}
	return c.setting("organization", azureOrg).setting("service", service)
}

// knowsMiaAtAzure has two organisations of one project each; the token is for one.
func knowsMiaAtAzure(scopes ...string) func(w *World) {
	return func(w *World) {
		w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "Contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
		w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "fabrikam", Projects: []azuredevopstest.AzureProject{{Name: "Fiber"}}})
		w.AzureDevOps.AddPAT("Contoso", miaEmail, azureToken, scopes...)
	}
}

// onAzure makes the good fake misbehave.
func onAzure(path string, f providertest.Fault) func(w *World) {
	return func(w *World) {
		knowsMiaAtAzure()(w)
		f.Path = path
		w.AzureDevOps.Behave(f)
	}
}

func azureGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, miaEmail), equal("AccountID", len(v.AccountID), 36), equal("Scopes told", v.Scopes != nil, false),
		equal("Warnings", len(v.Warnings), 0), equal("ExpiresAt", v.ExpiresAt.IsZero(), true),
		equal("URL "+v.URL, v.URL == AzureDevOpsURL+"/contoso" || v.URL == "https://contoso.visualstudio.com", true),
	)
}

func azureTokenCases() []Case {
	boards := func(name string, want providers.Outcome, arrange func(w *World), look check) Case {
		return azureCase("boards", name, want, arrange, look)
	}
	one := func(t azuredevopstest.AzureToken) func(w *World) {
		return func(w *World) {
			knowsMiaAtAzure()(w)
			t.Token, t.Account = azureToken, miaEmail
			w.AzureDevOps.Add(t)
		}
	}
	return []Case{
		boards("a token that nobody knows is rejected", providers.Rejected, knowsMiaAtAzure(), says("wrong, expired, revoked")).
			with(credential("email", miaEmail, "pat", azureUnknown)).as(Bad),
		boards("a revoked token is rejected", providers.Rejected, func(w *World) { knowsMiaAtAzure()(w); w.AzureDevOps.Revoke(azureToken) }, nil).as(Revoked),
		boards("an expired token is told as such", providers.Rejected, one(azuredevopstest.AzureToken{Expired: true}), says("it has expired")).as(Expired),
		boards("a token for all organisations works", "", one(azuredevopstest.AzureToken{}), azureGood),
		boards("a token for another organisation is rejected", providers.Rejected, knowsMiaAtAzure(), says("another organisation than fabrikam")).
			setting("organization", "fabrikam").as(WrongOrg),
		boards("an organisation that does not exist is no verdict", providers.UpstreamError, knowsMiaAtAzure(), named("organization")).setting("organization", "nobody"),
		boards("an organisation that is not shown is named", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
			Status: 404, Body: `{"message":"The resource cannot be found.","typeKey":"HostDoesNotExistException"}`,
		}), missing(azureOrg)),
		boards("a 403 in JSON is no access to the organisation", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
			Status: 403, Body: `{"message":"VS403: no","typeKey":"AccessDeniedException"}`,
		}), missing(azureOrg)),
		boards("too much use is no verdict", providers.RateLimited, one(azuredevopstest.AzureToken{Blocked: true}), retryAfter(30*time.Second)),
		boards("a delayed answer is a good one", "", one(azuredevopstest.AzureToken{Delayed: true}), azureGood),
		boards("required scopes cannot be proved", providers.InsufficientScope, knowsMiaAtAzure(), says("does not tell")).list("required_scopes", "vso.work"),
		boards("an organisation cannot be a path", providers.InvalidField, knowsMiaAtAzure(), named("organization")).setting("organization", "../fabrikam"),
		boards("a service that does not exist is refused", providers.InvalidField, knowsMiaAtAzure(), named("service")).setting("service", "wikis"),
		boards("a redirect to the sign-in of somebody else is no verdict", providers.UpstreamError, onAzure(azureConnect, providertest.Fault{
			Status: 302, Header: map[string]string{"Location": "https://visualstudio.com.example.com/_signin"},
		}), says("redirect")),
		boards("a 203 of somebody else is no verdict", providers.UpstreamError, onAzure(azureConnect, providertest.Fault{
			Status: 203, Body: "<html><title>Proxy</title></html>", Header: map[string]string{"Content-Type": "text/html"},
		}), nil),
	}
}

// azureAnonymousCases are organisations that answer anybody.
func azureAnonymousCases() []Case {
	public := func(w *World) {
		knowsMiaAtAzure("vso.project", "vso.work")(w)
		w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Open", Public: true}, {Name: "Closed"}}})
		w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "fabrikam", Projects: []azuredevopstest.AzureProject{{Name: "Open", Public: true}}})
	}
	unknown := credential("email", miaEmail, "pat", azureUnknown)
	both := func(who string) providertest.Fault {
		return providertest.Fault{Status: 200, Body: `{"authenticatedUser":` + who + `,"authorizedUser":` + who + `}`}
	}
	boards := func(name string, want providers.Outcome, arrange func(w *World), look check) Case {
		return azureCase("boards", name, want, arrange, look)
	}
	return []Case{
		boards("a bad token is nobody where projects are public", providers.Rejected, public, says("anonymous")).with(unknown).as(Anonymous),
		boards("the token of another organisation is nobody, too", providers.Rejected, public, says("anonymous")).setting("organization", "fabrikam"),
		boards("a good token is somebody where projects are public", "", public, azureGood),
		boards("nobody is known by the id alone", providers.Rejected, onAzure(azureConnect, both(`{"id":"AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa","descriptor":"x"}`)), nil),
		boards("nobody is known by the descriptor alone", providers.Rejected, onAzure(azureConnect,
			both(`{"id":"11111111-1111-1111-1111-111111111111","descriptor":"System:PublicAccess;11111111-1111-1111-1111-111111111111"}`)), nil),
		boards("the zero id is nobody's", providers.UpstreamError, onAzure(azureConnect,
			both(`{"id":"00000000-0000-0000-0000-000000000000","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;x\\mia@example.com"}`)), nil),
		boards("a group is no account", providers.UpstreamError, onAzure(azureConnect,
			both(`{"id":"11111111-1111-1111-1111-111111111111","descriptor":"Microsoft.TeamFoundation.Identity;S-1-9-1551374245-1204400969"}`)), nil),
		boards("a Windows account is none of dev.azure.com", providers.UpstreamError, onAzure(azureConnect,
			both(`{"id":"11111111-1111-1111-1111-111111111111","descriptor":"System.Security.Principal.WindowsIdentity;S-1-5-21-1-2-3-1001"}`)), nil),
	}
}

// azureIdentityCases are about whose token it is.
func azureIdentityCases() []Case {
	const account = `{"id":"11111111-1111-1111-1111-11111111111A","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;x\\y","providerDisplayName":"Mia Example","properties":`
	answer := func(properties, authorized string) func(w *World) {
		return onAzure(azureConnect, providertest.Fault{Status: 200, Body: `{"authenticatedUser":` + account + properties + `},"authorizedUser":` + authorized + `}`})
	}
	same := `{"id":"11111111-1111-1111-1111-11111111111a"}`
	const nameless = `{"id":"11111111-1111-1111-1111-11111111111A","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;x\\y"}`
	boards := func(name string, want providers.Outcome, arrange func(w *World), look check) Case {
		return azureCase("boards", name, want, arrange, look)
	}
	unproved := func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(equal("Warnings", len(v.Warnings), 1), equal("Identity", v.Identity == miaEmail, false), equal("AccountID", v.AccountID, "11111111-1111-1111-1111-11111111111a"))
	}
	return []Case{
		boards("the e-mail address may be in another case", "", knowsMiaAtAzure(), azureGood).with(credential("email", "Mia@Example.com", "pat", azureToken)),
		boards("the token of another account is a mismatch", providers.IdentityMismatch, knowsMiaAtAzure(), named("email")).
			with(credential("email", "noah@example.com", "pat", azureToken)).as(WrongOwner),
		boards("an account without properties is a warning", "", answer(`null`, same), unproved),
		boards("an account that is null is a warning", "", answer(`{"Account":null}`, same), unproved),
		boards("an account without value is a warning", "", answer(`{"Account":{"$type":"System.String"}}`, same), unproved),
		boards("an account whose value is empty is a warning, and not the one entered", "", answer(`{"Account":{"$value":""}}`, same), unproved),
		boards("properties of another form prove nothing", providers.UpstreamError, answer(`{"Account":"noah@example.com"}`, same), nil),
		boards("properties that are a list prove nothing", providers.UpstreamError, answer(`["noah@example.com"]`, same), nil),
		boards("an account that is a number proves nothing", providers.UpstreamError, answer(`{"Account":{"$value":7}}`, same), nil),
		boards("an account that cannot be shown proves nothing", providers.UpstreamError, answer(`{"Account":{"$value":"noah\u001b[31m@example.com"}}`, same), says("cannot be read")),
		boards("an account without end proves nothing", providers.UpstreamError, answer(`{"Account":{"$value":"`+strings.Repeat("a", 300)+`@example.com"}}`, same), nil),
		boards("an account without any name is known by its id", "", onAzure(azureConnect, providertest.Fault{
			Status: 200, Body: `{"authenticatedUser":` + nameless + `,"authorizedUser":` + nameless + `}`,
		}), func(v providers.Verified, _ *providers.Error) error {
			return equal("Identity", v.Identity, "11111111-1111-1111-1111-11111111111a")
		}),
		boards("a guest's name is no address to compare", "", answer(`{"Account":{"$value":"mia_example.com#EXT#@contoso.onmicrosoft.com"}}`, same), unproved),
		boards("a Windows name is no address to compare", "", answer(`{"Account":{"$value":"CONTOSO\\mia"}}`, same), unproved),
		boards("two different accounts prove nothing", providers.UpstreamError, answer(`null`, `{"id":"22222222-2222-2222-2222-222222222222"}`), says("another, or none")),
		boards("an account that is not authorized proves nothing", providers.UpstreamError, answer(`null`, `{}`), nil),
		boards("an account authorized as nobody is rejected", providers.Rejected, answer(`null`, `{"id":"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}`), nil),
	}
}

func azureServiceCases() []Case {
	projects := func(projects ...azuredevopstest.AzureProject) func(w *World) {
		return func(w *World) {
			knowsMiaAtAzure()(w)
			w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: azureOrg, Projects: projects})
		}
	}
	off := azuredevopstest.AzureProject{Name: "Off", Off: []string{"git", "build"}}
	html := map[string]string{"Content-Type": "text/html"}
	cases := []Case{
		azureCase("boards", "a token that may not list projects names the scope", providers.InsufficientScope, knowsMiaAtAzure("vso.work"), missing("vso.project")),
		azureCase("boards", "an account that sees no project is told", providers.InsufficientScope, projects(), all(missing(azureOrg), says("no project"))),
		azureCase("repos", "a project without repositories is passed over", "", projects(off, azuredevopstest.AzureProject{Name: "Web"}), azureGood),
		azureCase("pipelines", "a project without pipelines is passed over", "", projects(off, azuredevopstest.AzureProject{Name: "Web"}), azureGood),
		azureCase("repos", "three projects are tried and no more", providers.InsufficientScope, func(w *World) {
			a, b, c := off, off, off
			b.Name, c.Name = "Off2", "Off3"
			projects(a, b, c, azuredevopstest.AzureProject{Name: "Web"})(w)
		}, all(missing("vso.code"), says("no access"))),
		azureCase("boards", "boards need no project's area", "", projects(off), azureGood),
		azureCase("boards", "projects without ids prove nothing", providers.UpstreamError, onAzure(azureProject, providertest.Fault{Status: 200, Body: `{"count":1,"value":[{"id":"../x"},{"id":7}]}`}), nil),
		azureCase("boards", "an answer without a list proves nothing", providers.UpstreamError, onAzure(azureProject, providertest.Fault{Status: 200, Body: `{"count":1}`}), nil),
		azureCase("boards", "a sign-in page instead of projects proves nothing", providers.UpstreamError, onAzure(azureProject, azuredevopstest.AzureAnswers()["signin_page_203"].At("")), nil),
		azureCase("boards", "a token that is called expired in between is no verdict", providers.UpstreamError, onAzure(azureProject, azuredevopstest.AzureAnswers()["pat_expired_401"].At("")), says("a moment later")),
		azureCase("boards", "a server that refuses all versions is told", providers.UpstreamError, onAzure(azureProject, providertest.Fault{
			Status: 400, Body: `{"message":"out of range","typeKey":"VssVersionOutOfRangeException"}`,
		}), says("versions 5.0 to 7.1")),
		azureCase("repos", "a 403 of somebody else proves nothing", providers.UpstreamError, onAzure("/_apis/git/pullrequests", providertest.Fault{Status: 403, Body: "<html></html>", Header: html}), nil),
		azureCase("repos", "a 403 in JSON is no access", providers.InsufficientScope, onAzure("/_apis/git/pullrequests", providertest.Fault{
			Status: 403, Body: `{"message":"TF401027: You need the Git 'GenericRead' permission","typeKey":"GitNeedsPermissionException"}`,
		}), missing("vso.code")),
		azureCase("pipelines", "trouble with the last request is no verdict", providers.UpstreamError, onAzure("/_apis/build/definitions", providertest.Fault{Status: 503}), nil),
		azureCase("pipelines", "a limit on the last request is no verdict", providers.RateLimited, onAzure("/_apis/build/definitions", providertest.Fault{
			Status: 429, Header: map[string]string{"Retry-After": "7"},
		}), retryAfter(7*time.Second)),
		azureCase("pipelines", "definitions are numbered, and that is fine", "", onAzure("/_apis/build/definitions", providertest.Fault{Status: 200, Body: `{"count":1,"value":[{"id":7,"name":"CI"}]}`}), azureGood),
	}
	scopes := map[string]string{"boards": "vso.work", "repos": "vso.code", "pipelines": "vso.build"}
	for service, scope := range scopes {
		others := []string{"vso.project"}
		for _, s := range scopes {
			if s != scope {
				others = append(others, s)
			}
		}
		cases = append(cases,
			azureCase(service, "a token with just the right of "+service+" works", "", knowsMiaAtAzure("vso.project", scope), azureGood),
			azureCase(service, "a token without the right of "+service+" names the scope", providers.InsufficientScope, knowsMiaAtAzure(others...), missing(scope)).as(TooFew),
		)
	}
	return cases
}

// azurePublicCases are about projects that anybody may read.
func azurePublicCases() []Case {
	const first = "11111111-1111-1111-1111-111111111111"
	open := azuredevopstest.AzureProject{Name: "Open", Public: true, ID: first}
	in := func(projects ...azuredevopstest.AzureProject) func(w *World) {
		return func(w *World) {
			knowsMiaAtAzure()(w)
			w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: azureOrg, Projects: projects})
		}
	}
	warned := func(v providers.Verified, err *providers.Error) error {
		if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "public") {
			return errors.New("no warning, or another, of projects that are public")
		}
		v.Warnings = nil
		return azureGood(v, err)
	}
	many := func() []azuredevopstest.AzureProject {
		var projects []azuredevopstest.AzureProject
		for _, name := range []string{"A", "B", "C", "D"} {
			projects = append(projects, azuredevopstest.AzureProject{Name: name, Public: true})
		}
		return append(projects, azuredevopstest.AzureProject{Name: "Closed"})
	}
	return []Case{
		azureCase("boards", "public projects alone are a warning", "", in(open), warned),
		azureCase("repos", "repositories of public projects alone are a warning", "", in(open), warned),
		azureCase("pipelines", "a project that is not public is asked first", "", func(w *World) {
			in(open, azuredevopstest.AzureProject{Name: "Closed"})(w)
			w.AzureDevOps.Behave(providertest.Fault{Path: "/" + first + "/_apis/build/definitions", Status: 500})
		}, azureGood),
		azureCase("repos", "a project that is not public is found behind others", "", in(many()...), azureGood),
		azureCase("repos", "a public project in place of one that is off is a warning", "", in(open, azuredevopstest.AzureProject{Name: "Off", Off: []string{"git"}}), warned),
		azureCase("repos", "a project is public in any case of the word", "", func(w *World) {
			in(open)(w)
			w.AzureDevOps.Behave(providertest.Fault{Path: azureProject, Status: 200, Body: `{"value":[{"id":"` + first + `","visibility":"Public"}]}`})
		}, warned),
	}
}

// azureQuestions are the requests of a check.
func azureQuestions() []Question {
	at := func(service string, paths ...string) []Question {
		return azureCase(service, "", "", knowsMiaAtAzure(), nil).asks(func(w *World) providertest.Fake { return w.AzureDevOps }, paths...)
	}
	return slices.Concat(at("boards", azureConnect, azureProject, "/_apis/wit/workitemrelationtypes"),
		at("repos", "/_apis/git/pullrequests"), at("pipelines", "/_apis/build/definitions"))
}

func azureNumberedCases() []Case {
	return []Case{azureCase("boards", "a message with its number is Azure DevOps', too", providers.InsufficientScope, onAzure(azureConnect, providertest.Fault{
		Status: 403, Body: `{"message":"TF400813: no"}`,
	}), missing(azureOrg))}
}

func azureHostCases() []Case {
	at := func(name, address string) Case {
		return azureCase("repos", name, "", knowsMiaAtAzure(), azureGood).at(address)
	}
	not := func(name, address string) Case {
		return azureCase("repos", name, providers.InvalidField, knowsMiaAtAzure(), named("url")).at(address)
	}
	return []Case{
		at("a slash at the end is accepted", AzureDevOpsURL+"/"),
		at("the organisation may be in the url", AzureDevOpsURL+"/contoso"),
		at("the organisation in the url may be in another case", AzureDevOpsURL+"/Contoso/"),
		at("the API's path may be in the url", AzureDevOpsURL+"/contoso/_apis"),
		at("the former address works", "https://contoso.visualstudio.com"),
		at("the former address works with its collection", "https://Contoso.visualstudio.com/DefaultCollection/"),
		not("another organisation in the url is refused", AzureDevOpsURL+"/fabrikam"),
		not("a project's page is not the root", AzureDevOpsURL+"/contoso/Web"),
		not("the former address of another organisation is refused", "https://fabrikam.visualstudio.com"),
		not("a host of a service is refused", "https://vssps.dev.azure.com/contoso"),
		not("the host of profiles is refused", "https://app.vssps.visualstudio.com"),
	}
}

func azureServerCases() []Case {
	const windows = `CONTOSO\mia`
	server := func(name string, want providers.Outcome, look check) Case {
		return azureCase("repos", "Server: "+name, want, func(w *World) {
			w.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "Main", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
			w.AzureDevOpsServer.AddPAT("", windows, azureToken)
		}, look).at(AzureDevOpsServerURL).setting("organization", "main")
	}
	known := func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(equal("Identity", v.Identity, windows), equal("Warnings", len(v.Warnings), 1))
	}
	moved := server("a redirect to the sign-in of Services is no verdict", providers.UpstreamError, says("redirect"))
	arrange := moved.Arrange
	moved.Arrange = func(w *World) {
		arrange(w)
		w.AzureDevOpsServer.Behave(azuredevopstest.AzureAnswers()["signin_redirect_body"].At(azureConnect))
	}
	refused := server("", providers.Rejected, nil).named("answer server_wrong_pat_401")
	refused.Arrange = func(w *World) {
		w.AzureDevOpsServer.Behave(azuredevopstest.AzureAnswers()["server_wrong_pat_401"].At(azureConnect))
	}
	return []Case{
		server("a collection is an organisation", "", known),
		server("the collection may be in the url", "", known).at(AzureDevOpsServerURL + "/Main/"),
		server("a path in another case is the same", "", known).at("https://devops.example.com/tfs/MAIN"),
		server("a url that is only the collection is ambiguous", providers.InvalidField, all(named("url"), says("leave it out", "/tfs/tfs"))).setting("organization", "tfs"),
		server("two dots at the end of the host are refused", providers.InvalidField, named("url")).at("https://devops.example.com../tfs"),
		server("the context path is needed", providers.UpstreamError, named("organization")).at("https://devops.example.com"),
		server("a wrong token is rejected", providers.Rejected, nil).with(credential("email", miaEmail, "pat", azureUnknown)),
		server("another collection is not found", providers.UpstreamError, nil).setting("organization", "Other"),
		moved, refused,
	}
}

func azureAnswerCases() []Case {
	answers := azuredevopstest.AzureAnswers()
	to := func(path, service, name string, want providers.Outcome, look check) Case {
		return azureCase(service, "answer "+name+" to "+path, want, onAzure(path, answers[name].At("")), look)
	}
	connect := func(name string, want providers.Outcome, look check) Case {
		return to(azureConnect, "boards", name, want, look)
	}
	return slices.Concat([]Case{
		connect("connection_data_success", "", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, miaEmail), equal("AccountID", v.AccountID, "ad7ddcd2-0562-665d-84ce-f024d9266741"))
		}),
		connect("connection_data_anonymous", providers.Rejected, says("anonymous")),
		connect("connection_data_401", providers.Rejected, nil),
		connect("connection_data_401_entra_organization", providers.Rejected, nil),
		connect("pat_expired_401", providers.Rejected, says("it has expired")),
		connect("signin_page_203", providers.Rejected, says("sign-in page", "good one")),
		connect("object_moved_401", providers.Rejected, nil),
		connect("signin_redirect_body", providers.Rejected, says("sign-in page")),
		connect("unauthorized_json_tf400813", providers.Rejected, nil),
		connect("preview_version_400", providers.UpstreamError, says("versions 5.0 to 7.1")),
		connect("operation_not_allowed", providers.InsufficientScope, nil),
		connect("rate_limited_blocked", providers.RateLimited, retryAfter(0)),
		connect("rate_limited_429", providers.RateLimited, retryAfter(30*time.Second)),
		connect("profile_success", providers.UpstreamError, nil),
		connect("projects_success", providers.UpstreamError, nil),
		to(azureProject, "boards", "projects_success", "", azureGood),
		to(azureProject, "boards", "scope_missing_401", providers.InsufficientScope, missing("vso.project")),
		to("/_apis/wit/workitemrelationtypes", "boards", "scope_missing_401", providers.InsufficientScope, missing("vso.work")),
		to("/_apis/git/pullrequests", "repos", "scope_missing_401", providers.InsufficientScope, missing("vso.code")),
		to("/_apis/build/definitions", "pipelines", "scope_missing_401", providers.InsufficientScope, missing("vso.build")),
		to("/_apis/git/pullrequests", "repos", "rate_limited_blocked", providers.RateLimited, nil),
	}, azureRefusalCases(), azureRefusalAnswerCases(), azureVersionCases())
}
