package catalogtest

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// actionsRuns is the end of the path that needs the right.
const actionsRuns = "/actions/runs"

// githubActionsSuite is all of GitHub's and what Actions adds.
func githubActionsSuite() Suite {
	s := githubSuite()
	cases := append(actionsOrgCases(), actionsAnswerCases()...)
	for _, c := range append([]Case{s.Good}, s.Cases...) {
		cases = append(cases, asActions(c))
	}
	s.Good = actionsCase("a classic token that sees the runs works", "", actionsOrg(githubtest.GitHubOrganization{}), githubGood).as(Good)
	s.Cases = cases
	s.Questions = append(s.Questions, s.Questions[0].Of.asks(s.Fake, "/orgs/acme/repos", actionsRuns)...)
	return s
}

// asActions is a case of GitHub whose repositories are not asked for: it has the same
// end, with a warning more that says so.
func asActions(c Case) Case {
	look := c.Check
	if c.Want != "" || look == nil {
		return c
	}
	c.Check = func(v providers.Verified, err *providers.Error) error {
		if len(v.Warnings) == 0 {
			return errors.New("no warning says that the right to read Actions was not proved")
		}
		v.Warnings = v.Warnings[:len(v.Warnings)-1]
		return look(v, err)
	}
	return c
}

func actionsCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return githubCase(name, want, arrange, look).list("organizations", orgName)
}

// actionsOrg knows the tokens of Mia and an organisation, which has a public and a
// private repository if it names none.
func actionsOrg(o githubtest.GitHubOrganization) func(w *World) {
	o.Login = orgName
	if o.Repositories == nil {
		o.Repositories = []githubtest.GitHubRepository{{Name: "website", Runs: 3}, {Name: "engine", Private: true, Runs: 4}}
	}
	return func(w *World) { knowsOcto(w); knowsFine(w); w.GitHub.AddOrganization(o) }
}

func actionsOrgCases() []Case {
	fine := credential("pat", fineToken)
	lacking := func(how string) func(w *World) {
		return func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Add(githubtest.GitHubToken{Token: fineToken, Login: "mia", FineGrained: true, NoActions: how})
		}
	}
	lists := func(name, body string) Case {
		return actionsCase(name, providers.UpstreamError, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(providertest.Fault{Path: "/repos", Status: http.StatusOK, Body: body})
		}, nil)
	}
	return []Case{
		actionsCase("a fine-grained token works", "", actionsOrg(githubtest.GitHubOrganization{}), warns(0)).with(fine),
		actionsCase("a private repository without runs proves the right", "", actionsOrg(githubtest.GitHubOrganization{
			Repositories: []githubtest.GitHubRepository{{Name: "engine", Private: true}},
		}), warns(0)),
		actionsCase("a fine-grained token that may not read Actions is refused", providers.InsufficientScope, lacking("forbidden"), missing("acme", "actions:read")).with(fine),
		actionsCase("a token from which the runs are hidden is refused", providers.InsufficientScope, lacking("hidden"), missing("acme", "actions:read")).with(fine),
		actionsCase("public repositories prove nothing, and a warning says so", "", actionsOrg(githubtest.GitHubOrganization{
			Repositories: []githubtest.GitHubRepository{{Name: "website", Runs: 3}},
		}), warns(1)),
		actionsCase("private repositories that are hidden are a warning", "", func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.AddClassic("mia", octoToken, "public_repo", "read:org")
		}, warns(2)),
		actionsCase("an organisation without repositories is a warning", "", actionsOrg(githubtest.GitHubOrganization{Repositories: []githubtest.GitHubRepository{}}), warns(1)),
		githubCase("no organisation at all is a warning", "", knowsOcto, warns(1)),
		actionsCase("all organisations that lack the right are named", providers.InsufficientScope, func(w *World) {
			lacking("forbidden")(w)
			for _, org := range []string{"one", "two"} {
				w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: org, Repositories: []githubtest.GitHubRepository{{Name: "x", Private: true}}})
			}
		}, missing("actions:read", "one", "two")).with(fine).list("organizations", "one", "two"),
		actionsCase("one token of a pool that lacks the right refuses all", providers.InsufficientScope, lacking("forbidden"), says("token 2 of 2")).
			with(credential("pat", octoToken, "pat", fineToken)),
		actionsCase("the token of a warning is told", "", func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.AddClassic("noah", noahToken, "public_repo", "read:org", "repo:status")
		}, func(v providers.Verified, _ *providers.Error) error {
			return equal("warning of token 2", slices.ContainsFunc(v.Warnings, func(w string) bool {
				return w == "token 2 of 2 sees only public repositories of the organisation acme, whose runs of GitHub Actions anybody may read, so its right to read others was not proved"
			}), true)
		}).with(credential("pat", octoToken, "pat", noahToken)),
		lists("a list without names proves nothing", `[{"private":true}]`),
		lists("a name that is a path proves nothing", `[{"name":"../user","private":true}]`),
		lists("null is no list", `null`),
		actionsCase("a broken list is no verdict", providers.UpstreamError, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(providertest.Fault{Path: "/repos", Status: http.StatusInternalServerError})
		}, nil),
		actionsCase("a 401 on the path of Actions is no verdict", providers.UpstreamError, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(githubtest.GitHubAnswers()["bad_credentials"].At(actionsRuns))
		}, nil),
		actionsCase("a refusal by somebody else on the path of Actions is no verdict", providers.UpstreamError, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(providertest.Fault{Path: actionsRuns, Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`})
		}, nil),
		actionsCase("single sign-on on the path of Actions is told", providers.SSORequired, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(githubtest.GitHubAnswers()["sso_required"].At(actionsRuns))
		}, missing(orgName)),
	}
}

func actionsAnswerCases() []Case {
	answers := githubtest.GitHubActionsAnswers()
	answer := func(name string, want providers.Outcome, look check) Case {
		return actionsCase("answer "+name, want, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(answers[name].At(actionsRuns))
		}, look)
	}
	lacks := missing("acme", "actions:read")
	return []Case{
		answer("runs_success", "", warns(0)),
		answer("workflow_success_classic_pat", providers.UpstreamError, nil),
		answer("artifact_not_found", providers.InsufficientScope, lacks),
		answer("runs_missing_actions_read", providers.InsufficientScope, lacks),
		answer("resource_not_accessible_by_integration", providers.InsufficientScope, lacks),
		actionsCase("a spent quota on the path of Actions is no verdict", providers.RateLimited, func(w *World) {
			actionsOrg(githubtest.GitHubOrganization{})(w)
			w.GitHub.Behave(githubtest.GitHubAnswers()["secondary_rate_limit_429"].At(actionsRuns))
		}, retryAfter(8*time.Second)),
	}
}
