package catalogtest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of GitLab have in common.
const (
	gitlabPAT  = "glpat-aTokenOfMiaAtGitLab"
	gitlabSelf = "/api/v4/personal_access_tokens/self"
	gitlabUser = "/api/v4/user"
)

func gitlabSuite() Suite {
	cases := append(gitlabTokenCases(), gitlabHostCases()...)
	fake := func(w *World) providertest.Fake { return w.GitLab }
	return Suite{
		Good:      gitlabCase("a personal access token works", "", knowsGitLab, gitlabGood).as(Good),
		FaultPath: gitlabSelf,
		Fake:      fake,
		Cases:     slices.Concat(cases, gitlabAnswerCases()),
		Questions: gitlabCase("", "", knowsGitLab, nil).asks(fake, gitlabSelf, gitlabUser),
		Without: map[Situation]string{
			WrongOwner: "a token is all that is entered, and names its own user",
			WrongOrg:   "GitLab has no setting for a group",
		},
	}
}

func gitlabCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: GitLabURL, AuthType: "pat"},
		Credential: credential("pat", gitlabPAT),
	}
}

func knowsGitLab(w *World) { w.GitLab.AddToken("mia", gitlabPAT, "read_api") }

func addsGitLab(t gitlabtest.GitLabToken) func(w *World) {
	t.Token, t.Username = gitlabPAT, "mia"
	if t.Scopes == nil && !t.FineGrained {
		t.Scopes = []string{"read_api"}
	}
	return func(w *World) { w.GitLab.Add(t) }
}

func gitlabGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, "mia"), equal("AccountID told", v.AccountID != "", true), equal("Scopes", strings.Join(v.Scopes, " "), "read_api"),
		equal("Warnings", strings.Join(v.Warnings, "; "), ""), equal("ExpiresAt", v.ExpiresAt.IsZero(), true), equal("URL", v.URL, ""),
	)
}

// gitlabRefused is a token in a state, and what is said of it.
func gitlabRefused(state string, want providers.Outcome, parts ...string) Case {
	return gitlabCase("a token in state "+state+" is refused", want, addsGitLab(gitlabtest.GitLabToken{Is: state}), says(parts...))
}

func gitlabTokenCases() []Case {
	behaves := func(path, body string) func(w *World) {
		return func(w *World) {
			knowsGitLab(w)
			w.GitLab.Behave(providertest.Fault{Path: path, Status: http.StatusOK, Body: body})
		}
	}
	return []Case{
		gitlabCase("a token that nobody knows is rejected", providers.Rejected, noArrangement, nil).as(Bad),
		gitlabRefused("expired", providers.Rejected, "expired").as(Expired),
		gitlabRefused("revoked", providers.Rejected, "revoked").as(Revoked),
		gitlabRefused("oauth", providers.InvalidField, "OAuth or job token"),
		gitlabRefused("blocked", providers.AccountBlocked, "blocked"),
		gitlabRefused("pending", providers.AccountBlocked, "approval"),
		gitlabRefused("terms", providers.AccountBlocked, "terms of service"),
		gitlabRefused("deactivated", providers.AccountBlocked, "deactivated"),
		gitlabRefused("password_expired", providers.AccountBlocked, "password"),
		gitlabRefused("unconfirmed", providers.AccountBlocked, "not confirmed"),
		gitlabCase("a token that may not read its user has too few rights", providers.InsufficientScope,
			addsGitLab(gitlabtest.GitLabToken{Scopes: []string{"read_repository"}}), missing("read_api")).as(TooFew),
		gitlabCase("a token without the recommended scope is a warning", "", addsGitLab(gitlabtest.GitLabToken{Scopes: []string{"read_user"}}), warns(1)),
		gitlabCase("a scope may be inside another", "", addsGitLab(gitlabtest.GitLabToken{Scopes: []string{"api"}}), warns(0)).
			list("required_scopes", "read_api", "read_user", "self_rotate"),
		gitlabCase("a required scope that is missing is named", providers.InsufficientScope, knowsGitLab, missing("self_rotate")).
			list("required_scopes", "read_api", "self_rotate"),
		gitlabCase("a bot's token works", "", addsGitLab(gitlabtest.GitLabToken{Bot: true}), gitlabGood),
		gitlabCase("a fine-grained token tells no scopes", "", addsGitLab(gitlabtest.GitLabToken{FineGrained: true, Permissions: []string{"read_personal_access_token", "read_user"}}),
			func(v providers.Verified, _ *providers.Error) error {
				return errors.Join(equal("Scopes told", v.Scopes != nil, false), equal("Warnings", len(v.Warnings), 0))
			}),
		gitlabCase("required scopes of a fine-grained token cannot be proved", providers.InsufficientScope,
			addsGitLab(gitlabtest.GitLabToken{FineGrained: true, Permissions: []string{"read_personal_access_token", "read_user"}}), missing("read_api")).list("required_scopes", "read_api"),
		gitlabCase("a fine-grained token that may not read itself has too few rights", providers.InsufficientScope,
			addsGitLab(gitlabtest.GitLabToken{FineGrained: true, Permissions: []string{"read_user"}}), missing("read_personal_access_token")),
		gitlabCase("a fine-grained token that may not read its user has too few rights", providers.InsufficientScope,
			addsGitLab(gitlabtest.GitLabToken{FineGrained: true, Permissions: []string{"read_personal_access_token"}}), missing()),
		gitlabCase("a token ends when its date begins", "", addsGitLab(gitlabtest.GitLabToken{Expires: "2096-12-15"}), expiry("2096-12-15T00:00:00Z")),
		gitlabCase("an end that is told of an active token proves nothing against it", "", addsGitLab(gitlabtest.GitLabToken{Expires: "2016-12-15"}), expiry("2016-12-15T00:00:00Z")),
		gitlabCase("a token whose end is null has none", "", addsGitLab(gitlabtest.GitLabToken{}), noEnd),
		gitlabCase("a 401 after the token is known may tell of DPoP", providers.AccountBlocked, func(w *World) {
			knowsGitLab(w)
			w.GitLab.Behave(gitlabtest.GitLabAnswers()["dpop_demanded"].At(gitlabUser))
		}, says("DPoP")),
		gitlabCase("an account that is not active is blocked", providers.AccountBlocked, addsGitLab(gitlabtest.GitLabToken{State: "blocked"}), actionURL(GitLabURL)),
		gitlabCase("a token that is told as revoked is rejected", providers.Rejected, behaves(gitlabSelf, `{"id":4,"user_id":3,"active":false,"revoked":true,"scopes":["api"]}`), says("revoked")),
		gitlabCase("a token that is told as inactive is rejected", providers.Rejected, behaves(gitlabSelf, `{"id":4,"user_id":3,"active":false,"revoked":false,"scopes":["api"]}`), nil),
		gitlabCase("a token that is not told as active proves nothing", providers.UpstreamError, behaves(gitlabSelf, `{"id":4,"user_id":3,"scopes":["api"]}`), nil),
		gitlabCase("a token without a user proves nothing", providers.UpstreamError, behaves(gitlabSelf, `{"id":4,"active":true,"revoked":false}`), nil).as(Anonymous),
		gitlabCase("a user who is not the token's proves nothing", providers.UpstreamError, behaves(gitlabUser, `{"id":1,"username":"noah","state":"active"}`), nil),
		gitlabCase("a user without a name proves nothing", providers.UpstreamError, behaves(gitlabUser, `{"id":1,"state":"active"}`), nil),
		gitlabCase("a login page in place of the user proves nothing", providers.UpstreamError, func(w *World) {
			knowsGitLab(w)
			w.GitLab.Behave(providertest.Fault{Path: gitlabUser, Status: http.StatusOK, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html></html>"})
		}, nil),
		gitlabCase("a proxy that wants a login is no verdict", providers.UpstreamError, func(w *World) {
			w.GitLab.Behave(providertest.Fault{Path: gitlabSelf, Status: http.StatusUnauthorized, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>401</html>"})
		}, nil),
	}
}

func gitlabHostCases() []Case {
	own := func(w *World) { w.GitLabOwn.AddToken("mia", gitlabPAT, "read_api") }
	return []Case{
		gitlabCase("GitLab below a path works", "", own, gitlabGood).at(GitLabOwnURL),
		gitlabCase("the API's path may be part of the url", "", own, gitlabGood).at(GitLabOwnURL + "/api/v4/"),
		gitlabCase("the page of a person who must act is that GitLab's", providers.AccountBlocked, func(w *World) {
			w.GitLabOwn.Add(gitlabtest.GitLabToken{Token: gitlabPAT, Username: "mia", Is: "terms"})
		}, actionURL(GitLabOwnURL)).at(GitLabOwnURL + "/"),
		gitlabCase("an encoded slash in the path is refused", providers.InvalidField, own, fields("url")).at("https://gitlab.example.com/gitlab%2Fapi/v4"),
		gitlabCase("an encoded slash in another case is refused", providers.InvalidField, own, fields("url")).at("https://gitlab.example.com/gitlab%2f"),
		gitlabCase("an empty part of the host's name is refused", providers.InvalidField, own, fields("url")).at("https://gitlab..example.com/gitlab"),
		gitlabCase("a path that is left out is told", providers.UpstreamError, own, says("check url")).at("https://gitlab.example.com"),
		gitlabCase("GitLab before 15.5 is told", providers.UpstreamError, func(w *World) { w.GitLabOld.AddToken("mia", gitlabPAT, "read_api") }, says("15.5")).at(GitLabOldURL),
	}
}

func gitlabAnswerCases() []Case {
	answers := gitlabtest.GitLabAnswers()
	answer := func(path, name string, want providers.Outcome, look check) Case {
		return gitlabCase("answer "+name+" to "+path, want, func(w *World) { knowsGitLab(w); w.GitLab.Behave(answers[name].At(path)) }, look)
	}
	self := func(name string, want providers.Outcome, look check) Case {
		return answer(gitlabSelf, name, want, look)
	}
	user := func(name string, want providers.Outcome, look check) Case {
		return answer(gitlabUser, name, want, look)
	}
	of := func(id int64, path, name string, look check) Case {
		c := answer(path, name, "", look)
		c.Arrange = func(w *World) {
			addsGitLab(gitlabtest.GitLabToken{UserID: id})(w)
			w.GitLab.Behave(answers[name].At(path))
		}
		return c
	}
	return []Case{
		of(3, gitlabSelf, "token_self_success", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Scopes", strings.Join(v.Scopes, " "), "api"), equal("AccountID", v.AccountID, "3"), equal("ExpiresAt", v.ExpiresAt.IsZero(), true))
		}),
		of(3, gitlabSelf, "token_self_granular", func(v providers.Verified, err *providers.Error) error {
			return errors.Join(equal("Scopes told", v.Scopes != nil, false), expiry("2096-12-15T00:00:00Z")(v, err))
		}),
		of(1, gitlabUser, "user_success", func(v providers.Verified, _ *providers.Error) error {
			return equal("Identity", v.Identity, "john_smith")
		}),
		self("unauthorized_unknown_token", providers.Rejected, nil),
		self("unauthorized_unknown_token_recorded", providers.Rejected, nil),
		self("token_revoked_recorded_gitlab_com", providers.Rejected, says("revoked")),
		self("token_not_found", providers.Rejected, nil),
		self("unauthorized_with_reason", providers.Rejected, nil),
		self("token_expired", providers.Rejected, says("expired")),
		self("token_revoked", providers.Rejected, says("revoked")),
		self("impersonation_disabled", providers.Rejected, says("impersonation")),
		self("dpop_demanded", providers.AccountBlocked, says("DPoP")),
		user("unauthorized_unknown_token", providers.UpstreamError, says("a moment later")),
		user("token_expired", providers.UpstreamError, says("a moment later")),
		user("insufficient_scope", providers.InsufficientScope, missing("read_api")),
		self("insufficient_scope", providers.InsufficientScope, nil),
		self("insufficient_granular_scope_self", providers.InsufficientScope, missing("read_personal_access_token")),
		user("insufficient_granular_scope", providers.InsufficientScope, missing()),
		self("forbidden_plain", providers.InsufficientScope, nil),
		user("account_blocked", providers.AccountBlocked, says("blocked")),
		self("terms_not_accepted", providers.AccountBlocked, actionURL(GitLabURL)),
		self("internal_user", providers.AccountBlocked, nil),
		self("not_a_personal_access_token", providers.InvalidField, nil),
		self("rate_limited_429", providers.RateLimited, retryAfter(30*time.Second)),
		user("rate_limited_429", providers.RateLimited, retryAfter(30*time.Second)),
		self("rate_limited_past", providers.RateLimited, retryAfter(0)),
		self("address_banned", providers.UpstreamError, nil),
	}
}
