package catalogtest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of GitHub have in common.
const (
	octoToken  = "ghp_aTokenOfMiaWithScopesRepoAndReadOrg0"
	fineToken  = "github_pat_aFineGrainedTokenOfMia"
	noahToken  = "ghp_aTokenOfNoahWithScopesRepoAndReadOrg"
	spareToken = "ghp_anotherTokenOfMiaWithTheSameScopes00"
	noToken    = "ghp_aTokenThatNobodyKnows000000000000000"
	orgName    = "acme"
)

func githubSuite() Suite {
	return Suite{
		Good:      githubCase("a classic token works", "", knowsOcto, githubGood).as(Good),
		FaultPath: "/user",
		Fake:      func(w *World) providertest.Fake { return w.GitHub },
		Questions: githubQuestions(),
		Cases:     slices.Concat(githubTokenCases(), githubOrgCases(), githubMemberCases(), githubListCases(), githubDoubtCases(), githubPoolCases(), githubHostCases(), githubAnswerCases()),
	}
}

// githubQuestions are the requests of a check, of GitHub's own hosts and of a server's.
func githubQuestions() []Question {
	known := func(fake func(w *World) *githubtest.GitHub) func(w *World) {
		return func(w *World) {
			fake(w).AddClassic("mia", octoToken, "repo", "read:org")
			fake(w).AddOrganization(githubtest.GitHubOrganization{Login: orgName, Repositories: []githubtest.GitHubRepository{{Name: "engine", Private: true}}})
		}
	}
	vendor, server := func(w *World) *githubtest.GitHub { return w.GitHub }, func(w *World) *githubtest.GitHub { return w.GitHubEnterprise }
	c := githubCase("", "", nil, nil).list("organizations", orgName)
	return slices.Concat(
		c.arranged(known(vendor)).asks(func(w *World) providertest.Fake { return w.GitHub }, "/user", "/orgs/acme", membershipOfAcme, listOfOrgs),
		c.arranged(known(server)).at(GitHubEnterpriseURL).asks(func(w *World) providertest.Fake { return w.GitHubEnterprise }, "/user", "/orgs/acme", membershipOfAcme, listOfOrgs))
}

func githubCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: GitHubURL, AuthType: "pat"},
		Credential: credential("pat", octoToken),
	}
}

func knowsOcto(w *World) { w.GitHub.AddClassic("mia", octoToken, "repo", "read:org") }

func knowsFine(w *World) { w.GitHub.AddFineGrained("mia", fineToken) }

func githubGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, "mia"), equal("Scopes", strings.Join(v.Scopes, " "), "read:org repo"),
		equal("Members", len(v.Members), 1), equal("Warnings", strings.Join(v.Warnings, "; "), ""),
		equal("ExpiresAt", v.ExpiresAt.IsZero(), true), equal("URL", v.URL, ""),
	)
}

func missing(want ...string) check {
	return func(_ providers.Verified, err *providers.Error) error {
		return equal("Missing", strings.Join(err.Missing, " "), strings.Join(want, " "))
	}
}

func githubTokenCases() []Case {
	fine := credential("pat", fineToken)
	email := func(told string) func(w *World) {
		return func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Email: told, Scopes: []string{"repo", "read:org"}})
		}
	}
	withEmail := credential("pat", octoToken, "email", miaEmail)
	return []Case{
		githubCase("a token that nobody knows is rejected", providers.Rejected, knowsOcto, nil).with(credential("pat", noToken)).as(Bad),
		githubCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsOcto(w); w.GitHub.Revoke(octoToken) }, nil).as(Revoked),
		githubCase("an expired token is rejected", providers.Rejected, func(w *World) {
			w.GitHub.Behave(githubtest.GitHubAnswers()["bad_credentials"].At("/user"))
		}, nil).as(Expired),
		githubCase("a fine-grained token tells no scopes", "", knowsFine, func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Scopes told", v.Scopes != nil, false), equal("Warnings", len(v.Warnings), 0))
		}).with(fine),
		githubCase("a classic token without recommended scopes is a warning", "", func(w *World) { w.GitHub.AddClassic("mia", octoToken) }, warns(1)),
		githubCase("a required scope may be inside another", "", func(w *World) {
			w.GitHub.AddClassic("mia", octoToken, "repo", "admin:org")
		}, nil).list("required_scopes", "public_repo", "read:org"),
		githubCase("a required scope that is missing is named", providers.InsufficientScope, knowsOcto, missing("workflow")).
			list("required_scopes", "repo", "workflow").as(TooFew),
		githubCase("required scopes of a fine-grained token cannot be proved", providers.InsufficientScope, knowsFine, missing("repo")).
			with(fine).list("required_scopes", "repo"),
		githubCase("the token of an app's installation is no user's", providers.InsufficientScope, func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Installation: true})
		}, says("installation")),
		githubCase("the public e-mail address is the one entered", "", email("Mia@example.com"), warns(0)).with(withEmail),
		githubCase("another public e-mail address is a mismatch", providers.IdentityMismatch, email("noah@example.com"), says("leave email out")).
			with(withEmail).as(WrongOwner),
		githubCase("an e-mail address that GitHub does not show is a warning", "", email(""), warns(1)).with(withEmail),
		githubCase("an expiry in UTC is read", "", expires("2096-12-01 10:00:00 UTC"), expiry("2096-12-01T10:00:00Z")),
		githubCase("an expiry with an offset is read", "", expires("2096-12-01 10:00:00 -0500"), expiry("2096-12-01T15:00:00Z")),
		githubCase("an expiry with an offset that no place has is not believed", "", expires("2096-12-01 10:00:00 +2000"), both(untold, warns(1))),
		githubCase("an expiry in another zone is not misread", "", expires("2026-12-01 10:00:00 PST"), both(untold, warns(1))),
		githubCase("a token without the header has no end", "", knowsOcto, noEnd),
		githubCase("a spent quota is no verdict", providers.RateLimited, func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Limited: true})
		}, func(_ providers.Verified, err *providers.Error) error {
			return equal("RetryAfter about half an hour", err.RetryAfter > 25*time.Minute && err.RetryAfter <= 30*time.Minute, true)
		}),
		githubCase("a 403 that asks to wait is a rate limit", providers.RateLimited, func(w *World) {
			w.GitHub.Behave(providertest.Fault{Path: "/user", Status: 403, Body: `{"message":"Slow down."}`, Header: map[string]string{"Retry-After": "30"}})
		}, retryAfter(30*time.Second)),
		githubCase("a suspended account is blocked", providers.AccountBlocked, func(w *World) {
			w.GitHub.Behave(providertest.Fault{Path: "/user", Status: 403, Body: `{"message":"Sorry. Your account was suspended."}`})
		}, nil),
		githubCase("a 200 of another API proves nothing", providers.UpstreamError, func(w *World) {
			w.GitHub.Behave(providertest.Fault{Path: "/user", Status: 200, Body: `{"user":{"login":"mia","id":1}}`})
		}, nil).as(Anonymous),
		githubCase("an id of zero proves nothing", providers.UpstreamError, func(w *World) {
			w.GitHub.Behave(providertest.Fault{Path: "/user", Status: 200, Body: `{"login":"mia","id":0}`})
		}, nil),
	}
}

func expires(header string) func(w *World) {
	return func(w *World) {
		w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Scopes: []string{"repo", "read:org"}, Expires: header})
	}
}

func expiry(want string) check {
	return func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(equal("ExpiresAt", v.ExpiresAt.Format(time.RFC3339), want), equal("NoEnd", v.NoEnd, false))
	}
}

// noEnd demands that the upstream said that there is no end.
func noEnd(v providers.Verified, _ *providers.Error) error {
	return errors.Join(equal("no ExpiresAt", v.ExpiresAt.IsZero(), true), equal("NoEnd", v.NoEnd, true))
}

// untold demands that the upstream did not tell whether there is an end.
func untold(v providers.Verified, _ *providers.Error) error {
	return errors.Join(equal("no ExpiresAt", v.ExpiresAt.IsZero(), true), equal("NoEnd", v.NoEnd, false))
}

func githubOrgCases() []Case {
	org := func(o githubtest.GitHubOrganization) func(w *World) {
		return func(w *World) { knowsOcto(w); knowsFine(w); w.GitHub.AddOrganization(o) }
	}
	of := func(name string, want providers.Outcome, o githubtest.GitHubOrganization, look check) Case {
		o.Login = "Acme"
		return githubCase(name, want, org(o), look).list("organizations", orgName)
	}
	fine := credential("pat", fineToken)
	return []Case{
		of("an organisation is found whatever its case", "", githubtest.GitHubOrganization{}, warns(0)),
		of("an organisation that the account cannot see is named", providers.InsufficientScope, githubtest.GitHubOrganization{Members: []string{"noah"}}, missing(orgName)).as(WrongOrg),
		of("single sign-on is told with its page", providers.SSORequired, githubtest.GitHubOrganization{SSO: "required"},
			actionURL("https://github.com/orgs/Acme/sso?authorization_request=AAAAAAAAAAAAAAAA")),
		of("single sign-on that only hides results is told", providers.SSORequired, githubtest.GitHubOrganization{SSO: "partial"}, missing(orgName)),
		of("a fine-grained token needs no single sign-on", "", githubtest.GitHubOrganization{SSO: "required"}, warns(0)).with(fine),
		of("an organisation that forbids classic tokens is named", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "classic"}, missing(orgName)),
		of("an organisation that forbids long lives is named", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "lifetime"}, says("shorter life")).with(fine),
		of("an organisation that forbids fine-grained tokens is named", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "fine_grained"}, missing(orgName)).with(fine),
		of("an organisation's IP allow list says that the address must be listed", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "address"},
			both(missing(orgName), says("not judged", "the organisation acme", "list the address of this Vault"))),
		of("an enterprise that forbids classic tokens is told", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "enterprise_classic"},
			both(missing(orgName), says("the enterprise of the organisation acme", "kind of token"))),
		of("an enterprise that forbids long lives is told with the page", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "enterprise_lifetime"},
			both(says("the enterprise of the organisation acme", "shorter life"), actionURL("https://github.com/settings/personal-access-tokens/12345678"))).with(fine),
		of("an enterprise that forbids long lives of classic tokens is told with the page", providers.InsufficientScope, githubtest.GitHubOrganization{Forbids: "enterprise_lifetime"},
			both(missing(orgName), actionURL("https://github.com/settings/tokens/99202709"))),
		githubCase("single sign-on that knows the token is fine", "", func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Scopes: []string{"repo", "read:org"}, Authorized: []string{orgName}})
			w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: orgName, SSO: "required"})
		}, warns(0)).list("organizations", orgName),
		githubCase("the page of single sign-on is not told if it is on another host", providers.SSORequired, func(w *World) {
			knowsOcto(w)
			w.GitHub.Behave(providertest.Fault{
				Path: "/orgs/acme", Status: 403, Body: `{"message":"Resource protected by organization SAML enforcement."}`,
				Header: map[string]string{"X-GitHub-SSO": "required; url=https://elsewhere.example.com/orgs/acme/sso"},
			})
		}, actionURL("")).list("organizations", orgName),
		githubCase("the page of a policy is not told if it is on another host", providers.InsufficientScope, func(w *World) {
			knowsOcto(w)
			w.GitHub.Behave(providertest.Fault{Path: "/orgs/acme", Status: 403, Body: `{"message":"The 'x' enterprise forbids access via a token. See https://elsewhere.example.com/settings/tokens/1 or http://user:p@github.com/settings"}`})
		}, actionURL("")).list("organizations", orgName),
		githubCase("the page of a policy holds no token", providers.InsufficientScope, func(w *World) {
			knowsOcto(w)
			w.GitHub.Behave(providertest.Fault{Path: "/orgs/acme", Status: 403, Body: `{"message":"The 'x' enterprise forbids access via a token. See https://github.com/settings/` + octoToken + `"}`})
		}, actionURL("")).list("organizations", orgName),
		githubCase("a renamed organisation is not taken for the one configured", providers.UpstreamError, func(w *World) {
			knowsOcto(w)
			w.GitHub.Behave(providertest.Fault{Path: "/orgs/acme", Status: 200, Times: 1, Body: `{"login":"other","id":5}`})
		}, nil).list("organizations", orgName),
		githubCase("an organisation's name cannot be a path", providers.InvalidField, knowsOcto, nil).list("organizations", "../user"),
	}
}

func githubHostCases() []Case {
	return []Case{
		githubCase("GitHub Enterprise Server works", "", func(w *World) {
			w.GitHubEnterprise.AddClassic("mia", octoToken, "repo", "read:org")
		}, githubGood).at(GitHubEnterpriseURL + "/"),
		githubCase("single sign-on of GitHub Enterprise Server is told with its page", providers.SSORequired, func(w *World) {
			w.GitHubEnterprise.AddClassic("mia", octoToken, "repo", "read:org")
			w.GitHubEnterprise.AddOrganization(githubtest.GitHubOrganization{Login: orgName, SSO: "required"})
		}, actionURL("https://github.example.com/orgs/acme/sso?authorization_request=AAAAAAAAAAAAAAAA")).
			at(GitHubEnterpriseURL+"/api/v3/").list("organizations", orgName),
		githubCase("data residency works", "", knowsOcto, githubGood).at(GitHubDataResidence),
		githubCase("the API's host may be the url", "", knowsOcto, githubGood).at("https://api.github.com/"),
		githubCase("an organisation's page is not the root", providers.InvalidField, knowsOcto, nil).at("https://github.com/acme"),
		githubCase("a host that is no GitHub is told", providers.UpstreamError, noArrangement, nil).at("https://jira.example.com"),
	}
}

// githubAnswerCases are the answers that have no case above.
func githubAnswerCases() []Case {
	answers := githubtest.GitHubAnswers()
	answer := func(path, name string, want providers.Outcome, look check) Case {
		return githubCase("answer "+name+" to "+path, want, func(w *World) { knowsOcto(w); w.GitHub.Behave(answers[name].At(path)) }, look)
	}
	user := func(name string, want providers.Outcome, look check) Case { return answer("/user", name, want, look) }
	org := func(name string, want providers.Outcome, look check) Case {
		return answer("/orgs/acme", name, want, look).list("organizations", orgName)
	}
	scopes := func(want string) check {
		return func(v providers.Verified, _ *providers.Error) error {
			return equal("Scopes", strings.Join(v.Scopes, " "), want)
		}
	}
	notTold := func(v providers.Verified, _ *providers.Error) error {
		return equal("Scopes told", v.Scopes != nil, false)
	}
	return []Case{
		user("user_success_classic_pat", "", both(scopes("read:discussion repo"), expiry("2025-02-04T16:42:10Z"))),
		user("user_success_fine_grained_pat", "", both(notTold, expiry("2024-06-17T09:06:09Z"))),
		user("user_success_ghu", "", notTold),
		user("user_success_no_expiry", "", warns(0)),
		user("bad_credentials", providers.Rejected, nil),
		user("bad_credentials_enterprise", providers.Rejected, nil),
		user("bad_credentials_older", providers.Rejected, nil),
		user("json_web_token_401", providers.Rejected, nil),
		user("requires_authentication", providers.UpstreamError, says("did not see the token")),
		user("private_mode", providers.UpstreamError, says("did not see the token", "not judged")),
		user("private_mode", providers.UpstreamError, says("did not see the token")).named("answer private_mode of an Enterprise Server").at(GitHubEnterpriseURL).arranged(func(w *World) {
			w.GitHubEnterprise.AddClassic("mia", octoToken)
			w.GitHubEnterprise.Behave(answers["private_mode"].At("/user"))
		}),
		org("private_mode", providers.UpstreamError, says("did not see the token")),
		user("bad_credentials_enterprise", providers.Rejected, nil).named("answer bad_credentials_enterprise of an Enterprise Server").at(GitHubEnterpriseURL).arranged(func(w *World) {
			w.GitHubEnterprise.Behave(answers["bad_credentials_enterprise"].At("/user"))
		}),
		user("user_with_installation_token", providers.InsufficientScope, nil),
		user("missing_user_agent", providers.UpstreamError, nil),
		user("service_unavailable_html", providers.UpstreamError, nil),
		user("enterprise_server_rate_limit_disabled", providers.UpstreamError, nil),
		user("too_many_bad_logins", providers.RateLimited, retryAfter(time.Minute)),
		user("primary_rate_limit_user", providers.RateLimited, retryAfter(time.Minute)),
		user("primary_rate_limit_client_test", providers.RateLimited, retryAfter(time.Minute)),
		user("secondary_rate_limit_retry_after", providers.RateLimited, retryAfter(time.Minute)),
		user("secondary_rate_limit_no_retry_after", providers.RateLimited, retryAfter(time.Minute)),
		user("secondary_rate_limit_body", providers.RateLimited, retryAfter(time.Minute)),
		user("secondary_rate_limit_429", providers.RateLimited, retryAfter(8*time.Second)),
		user("sso_required", providers.SSORequired, nil),
		org("sso_required", providers.SSORequired, actionURL("https://github.com/orgs/acme/sso?authorization_request=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
		org("org_forbids_token_lifetime", providers.InsufficientScope, both(missing(orgName), actionURL("https://github.com/settings/personal-access-tokens/12345678"))),
		user("org_forbids_token_lifetime", providers.InsufficientScope, says("an organisation of the token's account")),
		user("enterprise_forbids_lifetime", providers.InsufficientScope, both(says("the enterprise of the token's account"), actionURL("https://github.com/settings/personal-access-tokens/4277325"))),
		org("enterprise_forbids_lifetime", providers.InsufficientScope, both(says("the enterprise of the organisation acme"), actionURL("https://github.com/settings/personal-access-tokens/4277325"))),
		user("ip_allow_list", providers.InsufficientScope, says("list the address of this Vault")),
		org("ip_allow_list", providers.InsufficientScope, both(missing(orgName), says("list the address of this Vault"))),
		user("enterprise_ip_allow_list", providers.InsufficientScope, says("the enterprise of the token's account", "list the address of this Vault")),
		org("enterprise_ip_allow_list", providers.InsufficientScope, both(missing(orgName), says("the enterprise of the organisation acme"))),
		org("oauth_app_restrictions", providers.InsufficientScope, both(missing(orgName), says("approve"))),
		org("secondary_rate_limit_body", providers.RateLimited, nil),
		githubCase("answer org_success", "", func(w *World) {
			knowsOcto(w)
			w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: "Octokit-Fixture-Org"})
			fault := answers["org_success"].At("/orgs/Octokit-Fixture-Org")
			fault.Times = 1 // the membership's path has the same end
			w.GitHub.Behave(fault)
		}, nil).list("organizations", "Octokit-Fixture-Org"),
		githubCase("answer membership_active", "", func(w *World) {
			knowsOcto(w)
			w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: orgName, Public: true})
			w.GitHub.Behave(answers["membership_active"].At("/user/memberships/orgs/acme"))
		}, warns(0)).list("organizations", orgName),
		githubCase("answer sso_partial_results", providers.SSORequired, func(w *World) {
			knowsOcto(w)
			w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: orgName, ID: 20582480})
			w.GitHub.Behave(answers["sso_partial_results"].At("/user/orgs"))
		}, missing(orgName)).list("organizations", orgName),
	}
}
