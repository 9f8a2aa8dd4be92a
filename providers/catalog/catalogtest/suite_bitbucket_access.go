package catalogtest

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of access tokens have in common.
const (
	accessToken = "ATCTT3xFfGN0-an-access-token-of-a-repository"
	accessPath  = "/repositories/acme/app"
)

// bitbucketAccessPart is the suite of access tokens of workspaces, projects and
// repositories.
func bitbucketAccessPart() Suite {
	good := accessCase("the token of a repository works", "", knowsAccess, accessGood).as(Good)
	quiet := accessCase("", "", quietAccess, nil)
	project := ofProject("", "", hasAccess(bitbuckettest.ProjectToken, "acme/WEB", "project"), nil)
	workspace := ofWorkspace("", "", hasAccess(bitbuckettest.WorkspaceToken, "acme", "repository"), nil)
	fake := func(w *World) providertest.Fake { return w.Bitbucket }
	return Suite{
		Good:      good,
		FaultPath: accessPath,
		Fake:      fake,
		Questions: slices.Concat(good.asks(fake, accessPath), quiet.asks(fake, "/2.0/user"), project.asks(fake, "/projects/WEB"), workspace.asks(fake, "/repositories/acme")),
		Cases:     slices.Concat(accessTokenCases(), accessLifeCases(), accessReachCases(), accessNameCases(), accessSettingCases()),
		Without:   map[Situation]string{Expired: "access tokens have no end"},
	}
}

func accessCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: BitbucketURL, AuthType: "access_token"},
		Credential: credential("access_token", accessToken),
	}.setting("workspace", orgName).setting("repository", "app")
}

func ofProject(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return accessCase(name, want, arrange, look).setting("repository", "").setting("project", "WEB")
}

func ofWorkspace(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return accessCase(name, want, arrange, look).setting("repository", "")
}

// hasRepositories adds a workspace with two repositories in two projects.
func hasRepositories(w *World) {
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: orgName, Repositories: []string{"WEB/app", "OPS/infra"}})
}

func hasAccess(kind, of string, scopes ...string) func(w *World) {
	return func(w *World) { hasRepositories(w); w.Bitbucket.AddAccessToken(kind, of, accessToken, scopes...) }
}

func knowsAccess(w *World) {
	hasAccess(bitbuckettest.RepositoryToken, "acme/app", "repository", "pullrequest")(w)
}

// quietAccess tells the kind of the token only where a user is refused to it.
func quietAccess(w *World) {
	hasRepositories(w)
	w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: accessToken, Kind: bitbuckettest.RepositoryToken, Of: "acme/app", Scopes: []string{"repository", "pullrequest"}, Quiet: true})
}

// opened makes the workspace public after arrange.
func opened(arrange func(w *World)) func(w *World) {
	return func(w *World) {
		arrange(w)
		w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: orgName, Repositories: []string{"WEB/app", "OPS/infra"}, Public: true})
	}
}

func accessGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, "acme/app (access token of a repository)"), equal("AccountID told", strings.HasPrefix(v.AccountID, "{"), true),
		equal("Scopes", strings.Join(v.Scopes, " "), "pullrequest repository"), equal("Warnings", len(v.Warnings), 0), equal("URL", v.URL, ""),
	)
}

func is(identity string) check {
	return func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(equal("Identity", v.Identity, identity), equal("AccountID told", v.AccountID != "", true))
	}
}

func accessTokenCases() []Case {
	return []Case{
		accessCase("a token that nobody knows is rejected", providers.Rejected, hasRepositories, says("revoked")).as(Bad),
		accessCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsAccess(w); w.Bitbucket.Revoke(accessToken) }, nil).as(Revoked),
		accessCase("a token that may not read repositories names the scope", providers.InsufficientScope,
			hasAccess(bitbuckettest.RepositoryToken, "acme/app", "pipeline"), all(missing("repository"), says("beside pipeline"))).as(TooFew),
		accessCase("a scope that has it inside is enough", "", hasAccess(bitbuckettest.RepositoryToken, "acme/app", "repository:write"), nil),
		accessCase("a required scope that is missing is named", providers.InsufficientScope, knowsAccess, missing("pipeline")).list("required_scopes", "repository", "pipeline"),
		accessCase("required scopes that are told are proved", "", knowsAccess, accessGood).list("required_scopes", "repository"),
		accessCase("a spent quota is no verdict", providers.RateLimited, func(w *World) {
			hasRepositories(w)
			w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: accessToken, Kind: bitbuckettest.RepositoryToken, Of: "acme/app", Scopes: []string{"repository"}, Limited: true})
		}, nil),
		accessCase("the API token of an account is no access token", providers.Rejected, func(w *World) {
			hasRepositories(w)
			w.Bitbucket.AddAPIToken(miaEmail, accessToken, bitbuckettest.BitbucketReadUser)
		}, says("auth_type api_key")).as(WrongOwner),
		accessCase("a list of addresses is told", providers.InsufficientScope, func(w *World) {
			knowsAccess(w)
			w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: orgName, Repositories: []string{"WEB/app"}, Listed: true})
		}, all(missing(orgName), says("not judged"))),
		bitbucketCase("an access token that is entered with an e-mail address is recognised", providers.Rejected, hasRepositories, says("use auth_type access_token")).
			with(credential("email", miaEmail, "api_key", accessToken)),
	}
}

// accessLifeCases are about what proves that the token was looked at.
func accessLifeCases() []Case {
	answers := bitbuckettest.BitbucketAnswers()
	on := func(arrange func(w *World), f providertest.Fault) func(w *World) {
		return func(w *World) { arrange(w); w.Bitbucket.Behave(f) }
	}
	kind := func(kind string) providertest.Fault {
		return providertest.Fault{Path: accessPath, Status: 200, Header: map[string]string{"X-Credential-Type": kind}, Body: answers["access_token_scopes_200"].Body}
	}
	shown := func(private string) providertest.Fault {
		return providertest.Fault{Path: accessPath, Status: 200, Body: `{"type":"repository","full_name":"acme/app","uuid":"{1}","is_private":` + private + `}`}
	}
	return []Case{
		accessCase("what is public proves nothing of a bad token", providers.Rejected, opened(hasRepositories), nil),
		accessCase("what is public proves nothing where nobody says what came", providers.UpstreamError, opened(func(w *World) {
			hasRepositories(w)
			w.Bitbucket.Behave(providertest.Fault{Path: "/2.0/user", Status: 403, Body: `{"type":"error","error":{"message":"Forbidden"}}`})
		}), says("X-Credential-Type", "not known whether it looked at the token")).as(Anonymous),
		accessCase("the kind that is told with the refusal of a user proves a token", "", quietAccess, accessGood),
		accessCase("it proves one of what is public, too", "", opened(quietAccess), all(is("acme/app (access token of a repository)"), warned("public"))),
		accessCase("what is private and the refusal of the token contradict each other", providers.UpstreamError, on(hasRepositories, shown("true")), says("a moment later")),
		accessCase("what is public and the refusal of the token do not", providers.Rejected, on(hasRepositories, shown("false")), nil),
		accessCase("a refusal that tells the kind is none of the token", providers.InsufficientScope, on(knowsAccess, providertest.Fault{
			Path: accessPath, Status: 401, Header: map[string]string{"X-Credential-Type": "repo_access_token"}, Body: answers["token_invalid_401"].Body,
		}), missing("acme/app")),
		accessCase("an endpoint that does not take the token says nothing of it", providers.InsufficientScope,
			on(quietAccess, providertest.Fault{Path: accessPath, Status: 401, Body: answers["token_invalid_401"].Body}), missing("acme/app")),
		accessCase("the kind of an API token is another", providers.IdentityMismatch, on(knowsAccess, kind("api_token")), all(named("access_token"), says("api_key"))),
		accessCase("the kind of a consumer's token is another", providers.IdentityMismatch, on(knowsAccess, kind("oauth2")), named("access_token")),
		accessCase("a kind that nobody knows proves nothing", "", on(knowsAccess, kind("robot_token")), nil),
		accessCase("a kind that nobody knows proves nothing of a bad token", providers.UpstreamError, on(hasRepositories, kind("robot_token")), says("a moment later")),
		accessCase("a user who is told is another kind of owner", providers.IdentityMismatch, func(w *World) {
			quietAccess(w)
			w.Bitbucket.Behave(answers["user_success"].At("/2.0/user"))
		}, named("access_token")),
		accessCase("answer access_token_scopes_200", "", on(knowsAccess, answers["access_token_scopes_200"].At(accessPath)), func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("AccountID", v.AccountID, "{0a9dbb35-1d8e-4a6c-8b61-7d0e6cb6d0a1}"), equal("Scopes", strings.Join(v.Scopes, " "), "repository:write"))
		}),
		accessCase("answer access_token_user_403 proves a token", "", on(quietAccess, answers["access_token_user_403"].At("/2.0/user")), nil),
		accessCase("answer token_invalid_401 to both", providers.Rejected, on(hasRepositories, answers["token_invalid_401"].At("")), nil),
		accessCase("answer rate_limited_429", providers.RateLimited, on(knowsAccess, answers["rate_limited_429"].At(accessPath)), nil),
		accessCase("answer workspaces_gone_410", providers.UpstreamError, on(knowsAccess, answers["workspaces_gone_410"].At(accessPath)), says("newer version")),
		accessCase("answer privilege_scopes_403", providers.InsufficientScope, on(quietAccess, answers["privilege_scopes_403"].At(accessPath)), missing("project")),
		accessCase("answer dc_bad_credentials_401", providers.UpstreamError, on(knowsAccess, answers["dc_bad_credentials_401"].At(accessPath)), says("auth_type pat")),
	}
}

// accessReachCases are about tokens that work and are for something else.
func accessReachCases() []Case {
	repository := func(of string) func(w *World) { return hasAccess(bitbuckettest.RepositoryToken, of, "repository") }
	project, workspace := hasAccess(bitbuckettest.ProjectToken, "acme/WEB", "project", "repository"), hasAccess(bitbuckettest.WorkspaceToken, "acme", "project", "repository")
	empty := func(w *World) {
		workspace(w)
		w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: orgName, Repositories: []string{}})
	}
	return []Case{
		accessCase("the token of another repository does not reach it", providers.InsufficientScope, repository("acme/infra"), all(missing("acme/app"), says("one of a repository"))).as(WrongOrg),
		accessCase("the token of another workspace does not reach it", providers.InsufficientScope, repository("other/app"), missing("acme/app")),
		accessCase("a repository that does not exist is named", providers.InsufficientScope, knowsAccess, missing("acme/none")).setting("repository", "none"),
		accessCase("another kind of token that does not say so does not reach it either", providers.InsufficientScope, func(w *World) {
			hasRepositories(w)
			w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: accessToken, Kind: bitbuckettest.RepositoryToken, Of: "acme/infra", Scopes: []string{"repository"}, Quiet: true})
		}, missing("acme/app")),
		accessCase("the token of its project reaches a repository", "", project, is("acme/app (access token of a project)")),
		accessCase("the token of its workspace reaches a repository", "", workspace, is("acme/app (access token of a workspace)")),
		accessCase("the repository may be in another case", "", knowsAccess, nil).setting("repository", "App"),
		ofProject("the token of a project works", "", project, is("acme/WEB (access token of a project)")),
		ofProject("the token of its workspace reaches a project", "", workspace, is("acme/WEB (access token of a workspace)")),
		ofProject("the token of another project does not reach it", providers.InsufficientScope, hasAccess(bitbuckettest.ProjectToken, "acme/OPS", "project"), missing("acme/WEB")),
		ofProject("a project needs its scope", providers.InsufficientScope, hasAccess(bitbuckettest.ProjectToken, "acme/WEB", "repository"), missing("project")),
		ofProject("the token of a repository does not reach a project", providers.InsufficientScope, hasAccess(bitbuckettest.RepositoryToken, "acme/app", "project"), missing("acme/WEB")),
		ofWorkspace("the token of a workspace works", "", workspace, all(is("acme (access token of a workspace)"), warns(0))),
		ofWorkspace("the token of a repository is less than its workspace", providers.InsufficientScope, knowsAccess, all(named("repository"), says("set repository"))),
		ofWorkspace("the token of a project is less than its workspace", providers.InsufficientScope, project, named("project")),
		ofWorkspace("the token of another workspace does not reach this one", providers.InsufficientScope, hasAccess(bitbuckettest.WorkspaceToken, "other", "repository"), missing(orgName)),
		ofWorkspace("a workspace without repositories is a warning", "", empty, warned("sees no repository")),
		ofWorkspace("a workspace that is public is a warning", "", opened(workspace), warned("public")),
	}
}

// accessNameCases are 200s that tell the kind of the token and not what was asked for.
func accessNameCases() []Case {
	answers := func(c Case, body string) Case {
		path := accessPath
		switch {
		case c.Target.Settings.Text("project") != "":
			path = "/projects/WEB"
		case c.Target.Settings.Text("repository") == "":
			path = "/repositories/acme"
		}
		return c.arranged(func(w *World) {
			knowsAccess(w)
			w.Bitbucket.Behave(providertest.Fault{Path: path, Status: http.StatusOK, Body: body, Header: map[string]string{"X-Credential-Type": "workspace_access_token"}})
		})
	}
	wrong := func(what, body string) Case {
		return answers(accessCase(what, providers.UpstreamError, nil, nil), body)
	}
	wrongProject := func(what, body string) Case { return answers(ofProject(what, providers.UpstreamError, nil, nil), body) }
	wrongList := func(what, body string) Case {
		return answers(ofWorkspace(what, providers.UpstreamError, nil, nil), body)
	}
	return []Case{
		wrong("another repository than the one asked for proves nothing", `{"type":"repository","full_name":"acme/other","uuid":"{1}"}`),
		wrong("a repository of another workspace proves nothing", `{"type":"repository","full_name":"other/app","uuid":"{1}"}`),
		wrong("a repository that is called something else proves nothing", `{"type":"team","full_name":"acme/app"}`),
		wrong("a repository without a name proves nothing", `{"type":"repository"}`),
		wrongProject("another project proves nothing", `{"type":"project","key":"OPS"}`),
		wrongProject("a project of another workspace proves nothing", `{"type":"project","key":"WEB","workspace":{"slug":"other"}}`),
		answers(ofProject("a project that does not tell its workspace is the one asked for", "", nil, is("acme/WEB (access token of a workspace)")), `{"type":"project","key":"WEB"}`),
		wrongList("a list of another workspace proves nothing", `{"values":[{"type":"repository","full_name":"other/app"}]}`),
		wrongList("a list of something else proves nothing", `{"values":[{"type":"user"}]}`),
		wrongList("no list proves nothing", `{"pagelen":1}`),
		wrongList("a login page proves nothing", `<html></html>`),
	}
}

func accessSettingCases() []Case {
	uuid := "{00000000-0000-0000-0000-00000000000f}"
	return []Case{
		accessCase("a workspace is needed", providers.InvalidField, noArrangement, named("workspace")).setting("workspace", ""),
		accessCase("project and repository exclude each other", providers.InvalidField, noArrangement, named("project")).setting("project", "WEB"),
		accessCase("a repository cannot be a path", providers.InvalidField, noArrangement, named("repository")).setting("repository", "../app"),
		ofProject("a project cannot be a path", providers.InvalidField, noArrangement, named("project")).setting("project", "WEB/../OPS"),
		accessCase("a Data Center has other tokens", providers.InvalidField, noArrangement, all(named("url"), says("auth_type pat"))).at("https://bitbucket.example.com"),
		accessCase("the repository may be a UUID", providers.InsufficientScope, knowsAccess, missing("acme/"+uuid)).setting("repository", uuid),
		accessCase("the API's host may be the url", "", knowsAccess, accessGood).at("https://api.bitbucket.org/2.0"),
	}
}
