package catalogtest

import (
	"errors"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Bitbucket have in common.
const (
	bitbucketToken   = "ATATT3xFfGF0-a-token-with-scopes-for-bitbucket"
	bitbucketUnknown = "ATATT3xFfGF0-a-token-bitbucket-does-not-know"
	bitbucketPermit  = "/permission"
)

func bitbucketSuite() Suite {
	return Suite{
		Parts:     map[string]Suite{"access token": bitbucketAccessPart(), "Data Center": bitbucketServerPart()},
		Good:      bitbucketCase("an API token with scopes works", "", knowsMiaAtBitbucket, bitbucketGood).as(Good),
		FaultPath: "/2.0/user",
		Fake:      func(w *World) providertest.Fake { return w.Bitbucket },
		Cases:     slices.Concat(bitbucketTokenCases(), bitbucketWorkspaceCases(), bitbucketMembershipCases(), bitbucketHostCases(), bitbucketAnswerCases()),
		Questions: bitbucketCase("", "", knowsMiaAtBitbucket, nil).setting("workspace", orgName).asks(func(w *World) providertest.Fake { return w.Bitbucket }, "/2.0/user", bitbucketPermit),
	}
}

func bitbucketCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: BitbucketURL, AuthType: "api_key"},
		Credential: credential("email", miaEmail, "api_key", bitbucketToken),
	}
}

func knowsMiaAtBitbucket(w *World) {
	w.Bitbucket.AddAPIToken(miaEmail, bitbucketToken, bitbuckettest.BitbucketReadUser, bitbuckettest.BitbucketReadWorkspace)
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: orgName, Members: []string{miaEmail}})
}

func bitbucketGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, miaEmail), equal("AccountID told", strings.HasPrefix(v.AccountID, "5c00"), true),
		equal("Scopes told", v.Scopes != nil, false), equal("Warnings", len(v.Warnings), 0),
		equal("ExpiresAt", v.ExpiresAt.IsZero(), true), equal("URL", v.URL, ""),
	)
}

func named(fields ...string) check {
	return func(_ providers.Verified, err *providers.Error) error {
		return equal("Fields", strings.Join(err.Fields, " "), strings.Join(fields, " "))
	}
}

// all looks at everything.
func all(checks ...check) check {
	return func(v providers.Verified, err *providers.Error) error {
		var wrong []error
		for _, c := range checks {
			wrong = append(wrong, c(v, err))
		}
		return errors.Join(wrong...)
	}
}

func bitbucketTokenCases() []Case {
	scopes := func(scopes ...string) func(w *World) {
		return func(w *World) { w.Bitbucket.AddAPIToken(miaEmail, bitbucketToken, scopes...) }
	}
	onUser := func(f providertest.Fault) func(w *World) {
		return func(w *World) { knowsMiaAtBitbucket(w); f.Path = "/2.0/user"; w.Bitbucket.Behave(f) }
	}
	return []Case{
		bitbucketCase("a token that nobody knows is rejected", providers.Rejected, knowsMiaAtBitbucket, nil).
			with(credential("email", miaEmail, "api_key", bitbucketUnknown)).as(Bad),
		bitbucketCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsMiaAtBitbucket(w); w.Bitbucket.Revoke(bitbucketToken) }, nil).as(Revoked),
		bitbucketCase("an expired token is rejected", providers.Rejected, func(w *World) {
			w.Bitbucket.Behave(bitbuckettest.BitbucketAnswers()["token_invalid_401"].At("/2.0/user"))
		}, says("expired")).as(Expired),
		bitbucketCase("a token without scopes cannot be told from a wrong one, and both are said", providers.Rejected, scopes(), says("wrong", "without scopes")),
		bitbucketCase("the token of another account is rejected", providers.Rejected, knowsMiaAtBitbucket, nil).
			with(credential("email", "noah@example.com", "api_key", bitbucketToken)).as(WrongOwner),
		bitbucketCase("the e-mail address may be in another case", "", knowsMiaAtBitbucket, nil).
			with(credential("email", "Mia@Example.com", "api_key", bitbucketToken)),
		bitbucketCase("a token that may not read its user names the scope", providers.InsufficientScope, scopes(bitbuckettest.BitbucketReadRepository),
			all(missing(bitbuckettest.BitbucketReadUser), says(bitbuckettest.BitbucketReadRepository))).as(TooFew),
		bitbucketCase("an app password is refused before it is sent", providers.InvalidField, knowsMiaAtBitbucket, all(named("api_key"), says("removed"))).
			with(credential("email", miaEmail, "api_key", "ATBBanAppPasswordOfFormerTimes000000")),
		bitbucketCase("scopes are read where Bitbucket tells them", "", func(w *World) {
			w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: bitbucketToken, Email: miaEmail, Scopes: []string{bitbuckettest.BitbucketReadUser, bitbuckettest.BitbucketReadRepository}, TellScopes: true})
		}, func(v providers.Verified, _ *providers.Error) error {
			return equal("Scopes", strings.Join(v.Scopes, " "), bitbuckettest.BitbucketReadRepository+" "+bitbuckettest.BitbucketReadUser)
		}),
		bitbucketCase("a required scope that is told and missing is named", providers.InsufficientScope, func(w *World) {
			w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: bitbucketToken, Email: miaEmail, Scopes: []string{bitbuckettest.BitbucketReadUser}, TellScopes: true})
		}, missing(bitbuckettest.BitbucketReadRepository)).list("required_scopes", bitbuckettest.BitbucketReadUser, bitbuckettest.BitbucketReadRepository),
		bitbucketCase("required scopes that are not told cannot be proved", providers.InsufficientScope, knowsMiaAtBitbucket, says("does not tell")).
			list("required_scopes", bitbuckettest.BitbucketReadUser),
		bitbucketCase("a spent quota is no verdict", providers.RateLimited, func(w *World) {
			w.Bitbucket.Add(bitbuckettest.BitbucketToken{Token: bitbucketToken, Email: miaEmail, Scopes: []string{bitbuckettest.BitbucketReadUser}, Limited: true})
		}, retryAfter(0)),
		bitbucketCase("a 200 that names nobody proves nothing", providers.UpstreamError, onUser(providertest.Fault{Status: 200, Body: `{"type":"user","display_name":"Mia"}`}), nil).as(Anonymous),
		bitbucketCase("a 200 that names a team proves nothing", providers.UpstreamError, onUser(providertest.Fault{Status: 200, Body: `{"type":"team","uuid":"{1}","account_id":"1"}`}), nil),
		bitbucketCase("a user without account id is known by the UUID", "", onUser(providertest.Fault{Status: 200, Body: `{"type":"user","uuid":"{00000000-0000-0000-0000-000000000001}"}`}),
			func(v providers.Verified, _ *providers.Error) error {
				return equal("AccountID", v.AccountID, "{00000000-0000-0000-0000-000000000001}")
			}),
		bitbucketCase("an access token that is answered with 200 belongs to no user", providers.InsufficientScope, onUser(providertest.Fault{
			Status: 200, Body: `{"type":"user","uuid":"{1}"}`, Header: map[string]string{"X-Credential-Type": "workspace_access_token"},
		}), says("belongs to no user")),
		bitbucketCase("an API token may be called one", "", onUser(providertest.Fault{
			Status: 200, Body: `{"type":"user","uuid":"{1}"}`, Header: map[string]string{"X-Credential-Type": "api_token"},
		}), nil),
		bitbucketCase("lacking scopes without names are the one that is needed", providers.InsufficientScope, onUser(providertest.Fault{
			Status: 403, Body: `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":"none"}}`,
		}), missing(bitbuckettest.BitbucketReadUser)),
		bitbucketCase("names that are no scopes are not repeated", providers.InsufficientScope, onUser(providertest.Fault{
			Status: 403, Body: `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"required":["<b>!</b>"],"granted":["A B"]}}}`,
		}), missing(bitbuckettest.BitbucketReadUser)),
		bitbucketCase("words in the form of names are not repeated", providers.InsufficientScope, onUser(providertest.Fault{
			Status: 403, Body: `{"type":"error","error":{"message":"x","detail":{"required":["account","squirrel","read:user:github"],"granted":["squirrel:write","project","read:issue:bitbucket:x"]}}}`,
		}), all(missing("account"), says("lacks the scope account;", ", beside project"), saysNot("squirrel", "github", ":x"))),
		bitbucketCase("a 401 page of a proxy with another content type is no verdict", providers.UpstreamError, onUser(providertest.Fault{
			Status: 401, Body: providertest.UnauthorizedPage, Header: map[string]string{"Content-Type": "text/plain"},
		}), says("page")),
	}
}

// saysNot forbids parts of the sentence.
func saysNot(parts ...string) check {
	return func(_ providers.Verified, err *providers.Error) error {
		for _, p := range parts {
			if strings.Contains(err.Detail, p) {
				return errors.New("the sentence says " + p + ": " + err.Detail)
			}
		}
		return nil
	}
}

// bitbucketMembershipCases are about answers that tell a permission.
func bitbucketMembershipCases() []Case {
	uuid, _ := bitbuckettest.BitbucketWorkspace{Slug: orgName}.Body("")["uuid"].(string)
	told := func(name string, want providers.Outcome, workspace, body string, look check) Case {
		return bitbucketCase(name, want, func(w *World) {
			knowsMiaAtBitbucket(w)
			w.Bitbucket.Behave(providertest.Fault{Path: bitbucketPermit, Status: 200, Body: body})
		}, look).setting("workspace", workspace)
	}
	cases := []Case{
		told("no permission in no workspace proves nothing", providers.UpstreamError, orgName, `{"permission":"none","workspace":null}`, nil),
		told("a permission without a workspace proves nothing", providers.UpstreamError, orgName, `{"permission":"member"}`, nil),
		told("a permission in no workspace proves nothing", providers.UpstreamError, orgName, `{"permission":"member","workspace":null}`, nil),
		told("a workspace without names proves nothing", providers.UpstreamError, orgName, `{"permission":"owner","workspace":{}}`, nil),
		told("a UUID proves nothing of a slug", providers.UpstreamError, orgName, `{"permission":"owner","workspace":{"uuid":"`+uuid+`"}}`, nil),
		told("a foreign UUID proves nothing", providers.UpstreamError, uuid, `{"permission":"owner","workspace":{"uuid":"{00000000-0000-0000-0000-00000000000f}"}}`, says("renamed")),
		told("a slug proves nothing of a UUID", providers.UpstreamError, uuid, `{"permission":"owner","workspace":{"slug":"acme"}}`, nil),
		told("a UUID in other letters proves nothing", providers.UpstreamError, strings.ToUpper(uuid), `{"permission":"owner","workspace":{"uuid":"`+uuid+`"}}`, says("otherwise")),
		told("the permission none is no membership", providers.InsufficientScope, orgName, `{"permission":"none","workspace":{"slug":"acme"}}`, missing(orgName)),
		told("a permission that nobody documents proves nothing", providers.UpstreamError, orgName, `{"permission":"guest","workspace":{"slug":"acme"}}`, nil),
		told("a permission in another case proves nothing", providers.UpstreamError, orgName, `{"permission":"MEMBER","workspace":{"slug":"acme"}}`, nil),
		told("a workspace without permission proves nothing", providers.UpstreamError, orgName, `{"workspace":{"slug":"acme"}}`, nil),
	}
	for _, permission := range []string{"owner", "create-project", "collaborator", "member"} {
		cases = append(cases, told("the permission "+permission+" is a membership", "", orgName, `{"permission":"`+permission+`","workspace":{"slug":"Acme"}}`, bitbucketGood))
	}
	return cases
}

func bitbucketWorkspaceCases() []Case {
	in := func(name string, want providers.Outcome, arrange func(w *World), look check) Case {
		return bitbucketCase(name, want, arrange, look).setting("workspace", orgName)
	}
	having := func(ws bitbuckettest.BitbucketWorkspace) func(w *World) {
		return func(w *World) { knowsMiaAtBitbucket(w); w.Bitbucket.AddWorkspace(ws) }
	}
	on := func(f providertest.Fault) func(w *World) {
		return func(w *World) { knowsMiaAtBitbucket(w); f.Path = bitbucketPermit; w.Bitbucket.Behave(f) }
	}
	uuid, _ := bitbuckettest.BitbucketWorkspace{Slug: orgName}.Body("")["uuid"].(string)
	return []Case{
		in("a member of the workspace is verified", "", knowsMiaAtBitbucket, bitbucketGood),
		in("the workspace may be in another case", "", knowsMiaAtBitbucket, bitbucketGood).setting("workspace", "Acme"),
		in("the workspace may be a UUID", "", knowsMiaAtBitbucket, bitbucketGood).setting("workspace", uuid),
		in("somebody who is no member is told the workspace", providers.InsufficientScope, having(bitbuckettest.BitbucketWorkspace{Slug: orgName, Members: []string{"noah@example.com"}}),
			missing(orgName)).as(WrongOrg),
		in("a public workspace is no proof of membership", providers.InsufficientScope, having(bitbuckettest.BitbucketWorkspace{Slug: orgName, Public: true}), missing(orgName)),
		in("a workspace that does not exist is named", providers.InsufficientScope, knowsMiaAtBitbucket, missing("nobody")).setting("workspace", "nobody"),
		in("a token that may not read workspaces names the scope", providers.InsufficientScope, func(w *World) {
			w.Bitbucket.AddAPIToken(miaEmail, bitbucketToken, bitbuckettest.BitbucketReadUser)
		}, missing(bitbuckettest.BitbucketReadWorkspace)),
		in("a 403 in JSON is no membership either", providers.InsufficientScope, on(providertest.Fault{Status: 403, Body: `{"type":"error","error":{"message":"Forbidden"}}`}), missing(orgName)),
		in("a 403 of somebody else proves nothing", providers.UpstreamError, on(providertest.Fault{Status: 403, Body: "<html></html>", Header: map[string]string{"Content-Type": "text/html"}}), nil),
		in("a 401 after the user is known proves nothing", providers.UpstreamError, on(providertest.Fault{Status: 401}), says("something that is not Bitbucket's")),
		in("a 200 without permission proves nothing", providers.UpstreamError, on(providertest.Fault{Status: 200, Body: `{"type":"workspace_membership"}`}), nil),
		in("another workspace than the one asked for proves nothing", providers.UpstreamError, on(providertest.Fault{
			Status: 200, Body: `{"permission":"owner","workspace":{"slug":"other","uuid":"{2}"}}`,
		}), says("renamed")),
		in("a login page proves nothing", providers.UpstreamError, on(providertest.Fault{Status: 200, Body: "<html></html>", Header: map[string]string{"Content-Type": "text/html"}}), nil),
		in("trouble with the second request is no verdict", providers.UpstreamError, on(providertest.Fault{Status: 500}), nil),
		in("a limit on the second request is no verdict", providers.RateLimited, on(providertest.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}), nil),
		in("a workspace cannot be a path", providers.InvalidField, knowsMiaAtBitbucket, named("workspace")).setting("workspace", "../user"),
		in("answer workspaces_gone_410 to the workspace", providers.UpstreamError, on(bitbuckettest.BitbucketAnswers()["workspaces_gone_410"].At("")), says("newer version")),
		in("answer user_workspaces_item", providers.UpstreamError, on(bitbuckettest.BitbucketAnswers()["user_workspaces_item"].At("")), nil),
		in("answer privilege_scopes_403 to the workspace", providers.InsufficientScope, on(bitbuckettest.BitbucketAnswers()["privilege_scopes_403"].At("")), missing("project")),
	}
}

func bitbucketHostCases() []Case {
	at := func(name, address string) Case {
		return bitbucketCase(name, "", knowsMiaAtBitbucket, bitbucketGood).at(address)
	}
	return []Case{
		at("a slash at the end is accepted", "https://bitbucket.org/"),
		at("another case is accepted", "https://www.Bitbucket.org"),
		at("the API's host may be the url", "https://api.bitbucket.org"),
		at("the API's path may be in it", "https://api.bitbucket.org/2.0/"),
		bitbucketCase("the page of a workspace is not the root", providers.InvalidField, knowsMiaAtBitbucket, named("url")).at("https://bitbucket.org/acme"),
		bitbucketCase("a Data Center is not supported", providers.InvalidField, noArrangement, all(named("url"), says("Data Center"))).at("https://bitbucket.example.com"),
		bitbucketCase("a host that only looks alike is not called", providers.InvalidField, noArrangement, named("url")).at("https://notbitbucket.org"),
	}
}

func bitbucketAnswerCases() []Case {
	answers := bitbuckettest.BitbucketAnswers()
	user := func(name string, want providers.Outcome, look check) Case {
		return bitbucketCase("answer "+name, want, func(w *World) { knowsMiaAtBitbucket(w); w.Bitbucket.Behave(answers[name].At("/2.0/user")) }, look)
	}
	return slices.Concat([]Case{
		user("user_success", "", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, miaEmail), equal("AccountID", v.AccountID, "5c0000000000000000000001"))
		}),
		user("user_emails_success", providers.UpstreamError, nil),
		user("token_invalid_401", providers.Rejected, says("without scopes")),
		user("basic_login_failed_401", providers.Rejected, nil),
		user("access_token_expired_401", providers.Rejected, nil),
		user("access_token_user_403", providers.InsufficientScope, says("belongs to no user")),
		user("privilege_scopes_403", providers.InsufficientScope, all(missing("project"), says("account, issue:write"))),
		user("privilege_scopes_user_403", providers.InsufficientScope, missing("account")),
		user("forbidden_bare_403", providers.UpstreamError, nil),
		user("rate_limited_429", providers.RateLimited, retryAfter(0)),
		user("workspaces_gone_410", providers.UpstreamError, nil),
		user("dc_bad_credentials_401", providers.UpstreamError, says("Data Center")),
		user("dc_captcha_401", providers.UpstreamError, says("Data Center", "auth_type pat")),
	}, bitbucketRefusalCases())
}
