package catalogtest

import (
	"errors"
	"net/http"
	"slices"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Bitbucket Data Center have in common.
const (
	serverToken = "BBDC-MDEyMzQ1Njc4OTAxOmFiY2RlZmdoaWprbG1ub3Bx"
	serverAsked = "/application-properties"
)

// bitbucketServerPart is the suite of HTTP access tokens of Data Center.
func bitbucketServerPart() Suite {
	good := serverCase("the token of a user works", "", knowsServer, serverGood).as(Good)
	fake := func(w *World) providertest.Fake { return w.BitbucketServer }
	project := serverCase("", "", knowsServer, nil).setting("project", "WEB")
	questions := slices.Concat(good.asks(fake, serverAsked), project.asks(fake, "/projects/WEB"))
	for _, q := range good.asks(fake, "/users") {
		q.Harmless = true
		questions = append(questions, q)
	}
	return Suite{
		Good:      good,
		FaultPath: serverAsked,
		Fake:      fake,
		Questions: questions,
		Cases:     slices.Concat(serverTokenCases(), serverNobodyCases(), serverReachCases(), serverPlaceCases(), serverAnswerCases()),
		Without:   map[Situation]string{WrongOwner: "a token is all that is entered"},
	}
}

func serverCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: BitbucketServerURL, AuthType: "pat"},
		Credential: credential("pat", serverToken),
	}
}

func knowsServer(w *World) {
	w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: serverToken, Name: "mia", Email: miaEmail, Reads: []string{"WEB", "WEB/app"}})
	hasProjects(w)
}

func hasProjects(w *World) {
	w.BitbucketServer.AddProject(bitbuckettest.ServerProject{Key: "WEB", Repositories: []string{"app"}})
	w.BitbucketServer.AddProject(bitbuckettest.ServerProject{Key: "OPEN", Repositories: []string{"site"}, Public: true})
	w.BitbucketServer.AddProject(bitbuckettest.ServerProject{Key: "OPS"})
}

func serverGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, miaEmail), equal("AccountID told", v.AccountID != "" && v.AccountID != "mia", true),
		equal("Scopes told", v.Scopes != nil, false), equal("Warnings", len(v.Warnings), 0), equal("URL", v.URL, ""),
	)
}

func onServer(arrange func(w *World), f providertest.Fault) func(w *World) {
	return func(w *World) { arrange(w); w.BitbucketServer.Behave(f) }
}

func serverTokenCases() []Case {
	const exception = `{"errors":[{"context":null,"message":"no","exceptionName":"com.atlassian.bitbucket.AuthorisationException"}]}`
	return []Case{
		serverCase("a token that nobody knows is rejected", providers.Rejected, hasProjects, says("expired or revoked")).as(Bad),
		serverCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsServer(w); w.BitbucketServer.Revoke(serverToken) }, nil).as(Revoked),
		serverCase("an expired token is rejected", providers.Rejected, onServer(knowsServer, bitbuckettest.BitbucketAnswers()["dc_bad_credentials_401"].At(serverAsked)), nil).as(Expired),
		serverCase("a token that may not ask anything has too few rights", providers.InsufficientScope, onServer(knowsServer, providertest.Fault{
			Path: serverAsked, Status: http.StatusUnauthorized, Header: map[string]string{"X-AUSERNAME": "mia"}, Body: exception,
		}), says("the token works")).as(TooFew),
		serverCase("the token of a repository belongs to no person", "", func(w *World) {
			w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: serverToken, Name: "access-token-user/1/7", Reads: []string{"WEB/app"}})
			hasProjects(w)
		}, is("access-token-user/1/7")).setting("project", "WEB").setting("repository", "app"),
		serverCase("a user's name may have signs", "", func(w *World) {
			w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: serverToken, Name: "mia müller", Email: miaEmail})
		}, is(miaEmail)),
		serverCase("somebody whose name contains the user's is another", "", func(w *World) {
			w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: "BBDC-other", Name: "mia2", Email: "noah@example.com"})
			w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: serverToken, Name: "mia"})
		}, is("mia")),
		serverCase("a deactivated account is blocked", providers.AccountBlocked, func(w *World) {
			w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: serverToken, Name: "mia", Email: miaEmail, Inactive: true})
		}, nil),
		serverCase("trouble with the list of users is no failure", "", onServer(knowsServer, providertest.Fault{Path: "/users", Status: 500}), is("mia")),
		serverCase("required scopes cannot be proved", providers.InsufficientScope, knowsServer, says("does not tell")).list("required_scopes", "REPO_READ"),
	}
}

// serverNobodyCases are about answers as to nobody, which anybody gets.
func serverNobodyCases() []Case {
	const properties = `{"version":"9.4.0","displayName":"Bitbucket"}`
	users := func(f providertest.Fault) func(w *World) {
		return func(w *World) {
			knowsServer(w)
			w.BitbucketServer.HideNames()
			f.Path = "/users"
			w.BitbucketServer.Behave(f)
		}
	}
	return []Case{
		serverCase("a 200 that names nobody proves nothing", providers.UpstreamError, onServer(knowsServer, providertest.Fault{Path: serverAsked, Status: 200, Body: properties}), says("X-AUSERNAME")).as(Anonymous),
		serverCase("a user called anonymous is nobody", providers.UpstreamError, onServer(knowsServer, providertest.Fault{
			Path: serverAsked, Status: 200, Body: properties, Header: map[string]string{"X-AUSERNAME": "anonymous"},
		}), nil),
		serverCase("a name that nobody can read is none", providers.UpstreamError, onServer(knowsServer, providertest.Fault{
			Path: serverAsked, Status: 200, Body: properties, Header: map[string]string{"X-AUSERNAME": "mia%zz"},
		}), nil),
		serverCase("a name that is removed on the way proves nothing, though users are told", providers.UpstreamError, func(w *World) {
			knowsServer(w)
			w.BitbucketServer.HideNames()
		}, says("something in between removes")),
		serverCase("a bad token that is taken for nobody cannot be told from one that was not seen", providers.UpstreamError, func(w *World) {
			hasProjects(w)
			w.BitbucketServer.TakeBadForNobody()
		}, says("did not see the token")),
		serverCase("a bad token that is refused by the second question is rejected", providers.Rejected, users(bitbuckettest.BitbucketAnswers()["dc_bad_credentials_401"].At("")), nil),
		serverCase("a limit on the second question is no verdict", providers.RateLimited, users(providertest.Fault{Status: 429}), nil),
		serverCase("a page in place of the second question is no verdict", providers.UpstreamError, users(providertest.Fault{Status: 401, Body: providertest.UnauthorizedPage, Header: map[string]string{"Content-Type": "text/html"}}), nil),
		serverCase("a name beside something else than Bitbucket proves nothing", providers.UpstreamError, onServer(knowsServer, providertest.Fault{
			Path: serverAsked, Status: 200, Body: `{"version":"10.3.1","displayName":"Jira"}`, Header: map[string]string{"X-AUSERNAME": "mia"},
		}), says("that it is a Bitbucket")),
	}
}

func serverReachCases() []Case {
	in := func(name string, want providers.Outcome, project, repository string, look check) Case {
		return serverCase(name, want, knowsServer, look).setting("project", project).setting("repository", repository)
	}
	answers := bitbuckettest.BitbucketAnswers()
	on := func(name string, want providers.Outcome, f providertest.Fault, look check) Case {
		f.Path = "/repos/app"
		return in(name, want, "WEB", "app", look).arranged(onServer(knowsServer, f))
	}
	as := func(name string) map[string]string { return map[string]string{"X-AUSERNAME": name} }
	return []Case{
		in("a project that the token sees is enough", "", "WEB", "", serverGood),
		in("a repository that the token sees is enough", "", "web", "App", serverGood),
		in("what is public is seen", "", "OPEN", "site", serverGood),
		in("a project that the token does not see is named", providers.InsufficientScope, "OPS", "", missing("OPS")).as(WrongOrg),
		in("a project that does not exist is named", providers.InsufficientScope, "NONE", "", missing("NONE")),
		in("a repository that does not exist is named", providers.InsufficientScope, "WEB", "none", missing("WEB/none")),
		in("a project of a person has a tilde", providers.InsufficientScope, "~mia", "", missing("~mia")),
		on("answer dc_no_such_repository_404", providers.InsufficientScope, answers["dc_no_such_repository_404"].At(""), missing("WEB/app")),
		on("answer dc_not_permitted_401 to the repository", providers.InsufficientScope, answers["dc_not_permitted_401"].At(""), missing("WEB/app")),
		on("a CAPTCHA may be wanted a moment later", providers.CaptchaRequired, answers["dc_captcha_401"].At(""), says("did not look at the token")),
		on("a token that is refused a moment later is no verdict", providers.UpstreamError, answers["dc_bad_credentials_401"].At(""), says("a moment later")),
		on("another repository proves nothing", providers.UpstreamError, providertest.Fault{Status: 200, Header: as("mia"), Body: `{"slug":"other","project":{"key":"WEB"}}`}, says("renamed")),
		on("a repository of another project proves nothing", providers.UpstreamError, providertest.Fault{Status: 200, Header: as("mia"), Body: `{"slug":"app","project":{"key":"OPS"}}`}, nil),
		on("a repository that is shown to somebody else proves nothing", providers.UpstreamError, providertest.Fault{Status: 200, Header: as("noah"), Body: `{"slug":"app","project":{"key":"WEB"}}`}, says("another user")),
		on("a repository that is shown to nobody proves nothing", providers.UpstreamError, providertest.Fault{Status: 200, Body: `{"slug":"app","project":{"key":"WEB"}}`}, says("or none")),
		on("a fault is no verdict", providers.UpstreamError, providertest.Fault{Status: 502}, nil),
	}
}

func serverPlaceCases() []Case {
	at := func(name, address string, look check) Case {
		return serverCase(name, providers.InvalidField, noArrangement, look).at(address)
	}
	return []Case{
		serverCase("the API's path is accepted", "", knowsServer, serverGood).at(BitbucketServerURL + "/rest/api/latest/"),
		serverCase("the context path is needed", providers.UpstreamError, knowsServer, says("context path")).at("https://bitbucket.example.com"),
		at("Bitbucket Cloud has other tokens", BitbucketURL, named("url")),
		at("the API of Bitbucket Cloud has other tokens", "https://api.bitbucket.org/2.0", named("url")),
		at("the page of a project is not the root", BitbucketServerURL+"/projects/WEB", named("url")),
		serverCase("a host that is not allowed is not called", providers.AddressNotAllowed, noArrangement, nil).at("https://bitbucket.other.example.com"),
		serverCase("there are no workspaces", providers.InvalidField, noArrangement, named("workspace")).setting("workspace", "acme"),
		serverCase("a repository needs its project", providers.InvalidField, noArrangement, named("project")).setting("repository", "app"),
		serverCase("a project cannot be a path", providers.InvalidField, noArrangement, named("project")).setting("project", "../users"),
		serverCase("a repository cannot be a path", providers.InvalidField, noArrangement, named("repository")).setting("project", "WEB").setting("repository", ".."),
	}
}

func serverAnswerCases() []Case {
	answers := bitbuckettest.BitbucketAnswers()
	asked := func(name string, want providers.Outcome, look check) Case {
		return serverCase("answer "+name, want, onServer(knowsServer, answers[name].At(serverAsked)), look)
	}
	page := all(actionURL(BitbucketServerURL), says("did not look at the token"))
	twice := answers["dc_captcha_401"]
	twice.Status = http.StatusForbidden
	return []Case{
		asked("dc_application_properties_200", "", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, miaEmail), equal("AccountID", v.AccountID, "104"))
		}),
		asked("dc_bad_credentials_401", providers.Rejected, nil),
		asked("dc_captcha_401", providers.CaptchaRequired, page),
		serverCase("a CAPTCHA may be a 403", providers.CaptchaRequired, onServer(knowsServer, twice.At(serverAsked)), page),
		asked("dc_not_permitted_401", providers.UpstreamError, says("did not see the token")),
		asked("token_invalid_401", providers.UpstreamError, nil),
	}
}
