package catalogtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

const (
	membershipOfAcme = "/user/memberships/orgs/acme"
	listOfOrgs       = "/user/orgs"
)

// warned demands a warning with a part.
func warned(part string) check {
	return func(v providers.Verified, _ *providers.Error) error {
		if !slices.ContainsFunc(v.Warnings, func(w string) bool { return strings.Contains(w, part) }) {
			return fmt.Errorf("no warning of %q says %q", v.Warnings, part)
		}
		return nil
	}
}

// orgCase is a case with one organisation, in which a fault befalls one path.
func orgCase(name string, want providers.Outcome, o githubtest.GitHubOrganization, f providertest.Fault, look check) Case {
	o.Login = orgName
	return githubCase(name, want, func(w *World) {
		knowsOcto(w)
		knowsFine(w)
		w.GitHub.AddOrganization(o)
		w.GitHub.Behave(f)
	}, look).list("organizations", orgName)
}

// doubtful are faults that no request after the first may take for a word on the token.
func doubtful(path string) map[string]providertest.Fault {
	faults := map[string]providertest.Fault{"a refusal of somebody else": {Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`}}
	for _, name := range []string{
		"server_error", "bad_gateway_html", "rate_limited", "reset", "login_page", "signin_203", "redirect", "truncated_json", "wrong_types",
		"empty_object", "unauthorized_empty", "forbidden_html", "not_found_html", "gone",
	} {
		faults[strings.ReplaceAll(name, "_", " ")], _ = providertest.NamedFault(name, ElsewhereURL)
	}
	faults["bad credentials"] = githubtest.GitHubAnswers()["bad_credentials"].At("")
	for name, f := range faults {
		f.Path = path
		faults[name] = f
	}
	return faults
}

func doubtCases(path string, faults map[string]providertest.Fault) []Case {
	var cases []Case
	for name, f := range faults {
		want := providers.UpstreamError
		switch {
		case f.Reset:
			want = providers.Unreachable
		case f.Status == http.StatusTooManyRequests:
			want = providers.RateLimited
		}
		cases = append(cases, orgCase("no verdict by "+name+" to "+path, want, githubtest.GitHubOrganization{}, f, nil))
	}
	return cases
}

func githubMemberCases() []Case {
	const unproved = "that the account is a member of acme was not proved"
	fine := credential("pat", fineToken)
	const stranger = "its account is not affiliated with acme"
	blind := orgCase("a fine-grained token that may not read members is a warning", "", githubtest.GitHubOrganization{}, providertest.Fault{}, both(warned(unproved), warns(1))).with(fine)
	known := blind.Arrange
	blind.Arrange = func(w *World) {
		known(w)
		w.GitHub.Add(githubtest.GitHubToken{Token: fineToken, Login: "mia", FineGrained: true, NoMembers: true})
	}
	scoped := func(name string, look check, scopes ...string) Case {
		return githubCase(name, "", func(w *World) {
			w.GitHub.AddClassic("mia", octoToken, scopes...)
			w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: orgName})
		}, look).list("organizations", orgName)
	}
	membership := func(name string, want providers.Outcome, a providertest.Answer, look check) Case {
		return orgCase(name, want, githubtest.GitHubOrganization{}, a.At(membershipOfAcme), look)
	}
	cases := []Case{
		orgCase("anybody sees a public organisation, so a stranger is a warning", "", githubtest.GitHubOrganization{Public: true}, providertest.Fault{}, both(warned(stranger), warns(1))),
		orgCase("a stranger with a fine-grained token is the same warning", "", githubtest.GitHubOrganization{Public: true}, providertest.Fault{}, both(warned(stranger), warns(1))).with(fine),
		orgCase("a billing manager is a warning", "", githubtest.GitHubOrganization{Public: true, Billing: []string{"mia"}}, providertest.Fault{}, both(warned("billing manager"), warns(1))),
		orgCase("an administrator is none", "", githubtest.GitHubOrganization{Public: true}, githubtest.GitHubAnswers()["membership_active"].At(membershipOfAcme), githubGood),
		orgCase("a member of a public organisation is none", "", githubtest.GitHubOrganization{Public: true, Members: []string{"mia"}}, providertest.Fault{}, githubGood),
		orgCase("somebody who is invited is a warning", "", githubtest.GitHubOrganization{Public: true, Pending: []string{"mia"}}, providertest.Fault{}, both(warned("invited"), warned(unproved))),
		blind,
		scoped("a classic token without a scope for it is a warning", both(warned(unproved), warned("read:org, user and repo")), "gist"),
		scoped("the scope repo tells the membership", both(warned("single sign-on was not checked"), both(warned("lacks recommended scopes: read:org"), warns(2))), "repo"),
		scoped("the scope user tells the membership and the list", warns(1), "user"),
		githubCase("all organisations of strangers are one warning", "", func(w *World) {
			knowsOcto(w)
			for _, org := range []string{"one", "two"} {
				w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: org, Public: true})
			}
		}, warned("its account is not affiliated with one, two")).list("organizations", "one", "two"),
		membership("a membership of another organisation proves nothing", providers.UpstreamError, providertest.Answer{Status: 200, Body: `{"state":"active","organization":{"login":"other"}}`}, nil),
		membership("a membership of no organisation proves nothing", providers.UpstreamError, providertest.Answer{Status: 200, Body: `{"state":"active"}`}, nil),
		membership("a state that nobody knows proves nothing", providers.UpstreamError, providertest.Answer{Status: 200, Body: `{"state":"maybe","organization":{"login":"acme"}}`}, nil),
		membership("a policy is no open question", providers.InsufficientScope, githubtest.GitHubAnswers()["org_forbids_token_lifetime"], missing(orgName)),
		membership("answer membership_pending", "", githubtest.GitHubAnswers()["membership_pending"], warned("invited")),
		membership("answer membership_not_affiliated_404", "", githubtest.GitHubAnswers()["membership_not_affiliated_404"], both(warned(stranger), warns(1))),
		membership("answer membership_no_access_403", "", githubtest.GitHubAnswers()["membership_no_access_403"], both(warned(unproved), warns(1))),
		membership("answer ip_allow_list to the membership", providers.InsufficientScope, githubtest.GitHubAnswers()["ip_allow_list"], says("list the address of this Vault")),
		membership("single sign-on is no open question", providers.SSORequired, githubtest.GitHubAnswers()["sso_required"], missing(orgName)),
	}
	return append(cases, doubtCases(membershipOfAcme, doubtful(membershipOfAcme))...)
}

func githubListCases() []Case {
	policies := func() []Case {
		var cases []Case
		for _, name := range []string{"ip_allow_list", "enterprise_ip_allow_list", "enterprise_forbids_lifetime", "oauth_app_restrictions"} {
			cases = append(cases, orgCase("answer "+name+" to the list of organisations", providers.InsufficientScope, githubtest.GitHubOrganization{}, githubtest.GitHubAnswers()[name].At(listOfOrgs), nil))
		}
		return cases
	}
	list := func(name string, want providers.Outcome, a providertest.Answer, look check) Case {
		return orgCase(name, want, githubtest.GitHubOrganization{}, a.At(listOfOrgs), look)
	}
	faults := doubtful(listOfOrgs)
	faults["null"] = providertest.Fault{Path: listOfOrgs, Status: http.StatusOK, Body: `null`}
	return append(append(policies(),
		list("a list of organisations that is refused is a warning", "", providertest.Answer{
			Status: 403, Body: `{"message":"You need at least read:org scope or user scope to list your organizations."}`,
		}, warned("single sign-on was not checked")),
		list("a list of organisations that is not found is a warning", "", providertest.Answer{
			Status: 404, Body: `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`,
		}, warned("single sign-on was not checked")),
		githubCase("all organisations that single sign-on hides are named", providers.SSORequired, func(w *World) {
			knowsOcto(w)
			for _, org := range []string{"two", "one", "three"} {
				w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: org, SSO: "partial"})
			}
		}, both(missing("one", "two"), says("the organisations one, two"))).list("organizations", "two", "one"),
	), doubtCases(listOfOrgs, faults)...)
}

// githubDoubtCases are answers to the other requests that look like a verdict.
func githubDoubtCases() []Case {
	user := func(name string, status int, contentType, body string) Case {
		return githubCase(name, providers.UpstreamError, func(w *World) {
			knowsOcto(w)
			w.GitHub.Behave(providertest.Fault{Path: "/user", Status: status, Body: body, Header: map[string]string{"Content-Type": contentType}})
		}, nil)
	}
	faults := doubtful("/orgs/acme")
	faults["a 404 of somebody else"] = providertest.Fault{Path: "/orgs/acme", Status: http.StatusNotFound, Body: `{"message":"Not Found"}`}
	return append([]Case{
		user("a 401 that is a page proves nothing", http.StatusUnauthorized, "text/html", "<html><body>Sign in to the proxy</body></html>"),
		user("a 401 that is a page and labelled JSON proves nothing", http.StatusUnauthorized, "application/json", "<html><body>Sign in to the proxy</body></html>"),
		user("a 403 in the JSON of somebody else proves nothing", http.StatusForbidden, "application/json", `{"message":"Forbidden"}`),
		user("a suspension by somebody else is none", http.StatusForbidden, "application/json", `{"message":"Access suspended by policy"}`),
	}, doubtCases("/orgs/acme", faults)...)
}
