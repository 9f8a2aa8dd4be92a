package catalogtest

import (
	"errors"
	"net/http"
	"slices"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// What the cases of SonarQube have in common.
const (
	sonarToken   = "squ_aTokenOfMiaAtSonarQube"
	sonarUnknown = "squ_aTokenThatNobodyKnows"
	sonarCurrent = "/api/users/current"
	sonarVersion = "/api/server/version"
	sonarOrgs    = "/api/organizations/search"
)

func sonarqubeSuite() Suite {
	cases := append(sonarqubeTokenCases(), sonarqubeOldCases()...)
	cases = append(cases, sonarqubeCloudCases()...)
	return Suite{
		Good:      sonarqubeCase("a user token works", "", knowsSonarQube, sonarqubeGood("bearer")).as(Good),
		FaultPath: sonarCurrent,
		Fake:      func(w *World) providertest.Fake { return w.SonarQube },
		Cases:     slices.Concat(cases, sonarqubeAnswerCases()),
		Questions: sonarqubeQuestions(),
		Open:      []string{sonarVersion},
	}
}

func sonarqubeCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: SonarQubeURL, AuthType: "api_key"},
		Credential: credential("username", "mia", "api_key", sonarToken),
	}
}

func knowsSonarQube(w *World) { w.SonarQube.AddToken("mia", sonarToken) }

func addsSonarQube(t sonarqubetest.SonarQubeToken) func(w *World) {
	t.Token = sonarToken
	if t.Login == "" {
		t.Login = "mia"
	}
	return func(w *World) { w.SonarQube.Add(t) }
}

func sonarqubeGood(scheme string) check {
	return func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(
			equal("Identity", v.Identity, "mia"), equal("Scheme", v.Scheme, scheme), equal("Warnings", len(v.Warnings), 0),
			equal("ExpiresAt", v.ExpiresAt.IsZero(), true), equal("Scopes told", v.Scopes != nil, false), equal("URL", v.URL, ""),
		)
	}
}

func fields(want string) check {
	return func(_ providers.Verified, err *providers.Error) error {
		return errors.Join(equal("number of Fields", len(err.Fields), 1), equal("Fields", err.Fields[0], want))
	}
}

func sonarqubeTokenCases() []Case {
	behaves := func(body string) func(w *World) {
		return func(w *World) {
			w.SonarQube.Behave(providertest.Fault{Path: sonarCurrent, Status: http.StatusOK, Body: body})
		}
	}
	kind := func(prefix string) Case {
		return sonarqubeCase("a token that begins with "+prefix+" is refused", providers.InvalidField, func(w *World) {
			w.SonarQube.AddToken("mia", prefix+"aTokenOfMia")
		}, fields("api_key")).with(credential("username", "mia", "api_key", prefix+"aTokenOfMia"))
	}
	unknown := credential("username", "mia", "api_key", sonarUnknown)
	return []Case{
		sonarqubeCase("a token that nobody knows is rejected", providers.Rejected, knowsSonarQube, nil).with(unknown).as(Bad),
		sonarqubeCase("a token that nobody knows is rejected where anybody is let in", providers.Rejected, func(w *World) {
			knowsSonarQube(w)
			w.SonarQube.AllowAnonymous(true)
		}, nil).with(unknown),
		sonarqubeCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsSonarQube(w); w.SonarQube.Revoke(sonarToken) }, nil).as(Revoked),
		sonarqubeCase("an expired token is rejected", providers.Rejected, func(w *World) {
			w.SonarQube.Behave(sonarqubetest.SonarQubeAnswers()["unauthorized_401_empty"].At(sonarCurrent))
		}, nil).as(Expired),
		sonarqubeCase("a user without rights has too few", providers.InsufficientScope, addsSonarQube(sonarqubetest.SonarQubeToken{Forbidden: true}), nil).as(TooFew),
		sonarqubeCase("a token of another user is a mismatch", providers.IdentityMismatch, addsSonarQube(sonarqubetest.SonarQubeToken{Login: "noah"}), fields("username")).as(WrongOwner),
		sonarqubeCase("a login in another case is a mismatch, and why is said", providers.IdentityMismatch, addsSonarQube(sonarqubetest.SonarQubeToken{Login: "Mia"}), says("upper and lower case")),
		sonarqubeCase("an answer to nobody is no verdict", providers.UpstreamError, func(w *World) {
			w.SonarQube.Behave(sonarqubetest.SonarQubeAnswers()["users_current_anonymous"].At(sonarCurrent))
		}, says("nobody")).as(Anonymous),
		sonarqubeCase("rubbish that the other endpoint calls valid is rejected", providers.Rejected, func(w *World) {
			w.SonarQube.AllowAnonymous(true)
			w.SonarQube.Behave(sonarqubetest.SonarQubeAnswers()["validate_true"].At("/api/authentication/validate"))
		}, nil).with(unknown),
		sonarqubeCase("a good token that the other endpoint calls invalid works", "", func(w *World) {
			knowsSonarQube(w)
			w.SonarQube.Behave(sonarqubetest.SonarQubeAnswers()["validate_false"].At("/api/authentication/validate"))
		}, sonarqubeGood("bearer")),
		sonarqubeCase("the id of a user is told by newer servers", "", addsSonarQube(sonarqubetest.SonarQubeToken{ID: "00000000-0000-0000-0000-000000000001"}),
			func(v providers.Verified, _ *providers.Error) error {
				return equal("AccountID", v.AccountID, "00000000-0000-0000-0000-000000000001")
			}),
		sonarqubeCase("an expiry with its offset is read", "", addsSonarQube(sonarqubetest.SonarQubeToken{Expires: "2096-12-31T15:44:27+0200"}), expiry("2096-12-31T13:44:27Z")),
		sonarqubeCase("an end that is told of a good token proves nothing against it", "", addsSonarQube(sonarqubetest.SonarQubeToken{Expires: "2015-08-02T15:44:27+0200"}), expiry("2015-08-02T13:44:27Z")),
		sonarqubeCase("a token without the header has no end", "", addsSonarQube(sonarqubetest.SonarQubeToken{}), noEnd),
		sonarqubeCase("a refusal without a reason proves nothing", providers.UpstreamError, func(w *World) {
			w.SonarQube.Behave(providertest.Fault{Path: sonarCurrent, Status: http.StatusForbidden, Body: `{"errors":[{}]}`})
		}, nil),
		sonarqubeCase("an expiry in another form is not misread", "", addsSonarQube(sonarqubetest.SonarQubeToken{Expires: "2026-12-31T15:44:27 CEST"}), both(warns(1), untold)),
		sonarqubeCase("nobody who is logged in proves nothing", providers.UpstreamError, behaves(`{"isLoggedIn":true}`), nil),
		sonarqubeCase("a login without saying so proves nothing", providers.UpstreamError, behaves(`{"login":"mia"}`), nil),
		sonarqubeCase("logged in in words proves nothing", providers.UpstreamError, behaves(`{"isLoggedIn":"true","login":"mia"}`), nil),
		sonarqubeCase("a proxy that wants a login is no verdict", providers.UpstreamError, func(w *World) {
			w.SonarQube.Behave(providertest.Fault{Path: sonarCurrent, Status: http.StatusUnauthorized, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>401</html>"})
		}, nil),
		sonarqubeCase("required scopes cannot be proved", providers.InsufficientScope, knowsSonarQube, says("does not tell")).list("required_scopes", "scan"),
		sonarqubeCase("the API's path may be part of the url", "", knowsSonarQube, sonarqubeGood("bearer")).at(SonarQubeURL + "/api/"),
		sonarqubeCase("a context path that is left out is told", providers.UpstreamError, knowsSonarQube, says("check url")).at("https://sonarqube.example.com"),
		sonarqubeCase("a server has no organizations", providers.InvalidField, knowsSonarQube, fields("organization")).setting("organization", "acme"),
		kind("sqa_"), kind("sqp_"), kind("sqb_"), kind("sqco_"),
	}
}

// sonarqubeOldCases are of servers that ignore Bearer.
func sonarqubeOldCases() []Case {
	old := func(name string, want providers.Outcome, anonymous bool, look check) Case {
		return sonarqubeCase(name, want, func(w *World) {
			w.SonarQubeOld.AddToken("mia", sonarToken)
			w.SonarQubeOld.AllowAnonymous(anonymous)
		}, look).at(SonarQubeOldURL)
	}
	unknown := credential("username", "mia", "api_key", sonarUnknown)
	noVersion := func(how string, f providertest.Fault) Case {
		f.Path = sonarVersion
		return sonarqubeCase("an old server that hides its version "+how+" works", "", func(w *World) {
			w.SonarQubeOld.AddToken("mia", sonarToken)
			w.SonarQubeOld.Behave(f)
		}, sonarqubeGood("basic")).at(SonarQubeOldURL)
	}
	return []Case{
		old("an old server works with Basic", "", false, sonarqubeGood("basic")),
		old("an old server that lets anybody in works with Basic", "", true, sonarqubeGood("basic")),
		old("an old server rejects a token that nobody knows", providers.Rejected, false, nil).with(unknown),
		old("an old server that lets anybody in rejects rubbish", providers.Rejected, true, nil).with(unknown),
		old("an old server names another user", providers.IdentityMismatch, true, nil).with(credential("username", "noah", "api_key", sonarToken)),
		noVersion("behind a refusal", providertest.Fault{Status: http.StatusForbidden, Body: "no"}),
		noVersion("behind a page", providertest.Fault{Status: http.StatusOK, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>99.9</html>"}),
		noVersion("by breaking off", providertest.Fault{Reset: true}),
		sonarqubeCase("a newer server is not asked again with Basic", providers.Rejected, func(w *World) {
			// Only Bearer is answered so; Basic would get through.
			knowsSonarQube(w)
			f := sonarqubetest.SonarQubeAnswers()["unauthorized_401_empty"].At(sonarCurrent)
			f.Times = 1
			w.SonarQube.Behave(f)
		}, nil),
	}
}

func sonarqubeCloudCases() []Case {
	cloud := func(name string, want providers.Outcome, organizations []string, look check) Case {
		return sonarqubeCase(name, want, func(w *World) {
			w.SonarQubeCloud.Add(sonarqubetest.SonarQubeToken{Token: sonarToken, Login: "mia", Organizations: organizations})
		}, look).at(SonarQubeCloudURL).setting("organization", "acme")
	}
	lists := func(name, body string) Case {
		return sonarqubeCase(name, providers.UpstreamError, func(w *World) {
			w.SonarQubeCloud.AddToken("mia", sonarToken)
			w.SonarQubeCloud.Behave(providertest.Fault{Path: sonarOrgs, Status: http.StatusOK, Body: body})
		}, nil).at(SonarQubeCloudURL).setting("organization", "acme")
	}
	return []Case{
		cloud("a 401 after the user is known proves nothing", providers.UpstreamError, nil, says("a moment later")).arranged(func(w *World) {
			w.SonarQubeCloud.AddToken("mia", sonarToken)
			w.SonarQubeCloud.Behave(sonarqubetest.SonarQubeAnswers()["unauthorized_401_empty"].At(sonarOrgs))
		}),
		cloud("SonarQube Cloud works", "", []string{"other", "acme"}, sonarqubeGood("bearer")),
		cloud("the other region works", "", []string{"acme"}, sonarqubeGood("bearer")).at(SonarQubeCloudUSURL + "/"),
		cloud("the address of a page may be the url", "", []string{"acme"}, sonarqubeGood("bearer")).at(SonarQubeCloudURL + "/organizations/acme/projects"),
		cloud("SonarQube Cloud works without organization", "", nil, sonarqubeGood("bearer")).setting("organization", ""),
		cloud("a public organization of others is not enough", providers.InsufficientScope, []string{"other"}, missing("acme")).as(WrongOrg),
		cloud("SonarQube Cloud rejects a token that nobody knows", providers.Rejected, nil, nil).with(credential("username", "mia", "api_key", sonarUnknown)),
		cloud("an organization's key cannot change the question", providers.InvalidField, nil, fields("organization")).setting("organization", "a&member=false"),
		lists("a list of nothing proves nothing", `{}`),
		lists("a list in another form proves nothing", `{"organizations":{"key":"acme"}}`),
	}
}

// sonarqubeQuestions are the requests of a check. SonarQube's own 401 has no body.
func sonarqubeQuestions() []Question {
	var questions []Question
	ask := func(c Case, fake func(w *World) *sonarqubetest.SonarQube, path string) {
		c.Arrange = func(w *World) {
			fake(w).Add(sonarqubetest.SonarQubeToken{Token: sonarToken, Login: "mia", Organizations: []string{"acme"}})
		}
		q := c.asks(func(w *World) providertest.Fake { return fake(w) }, path)[0]
		if path == sonarCurrent {
			q = q.owning(providertest.BareUnauthorized, providers.Rejected)
		}
		questions = append(questions, q)
	}
	server := sonarqubeCase("", "", nil, nil)
	cloud := server.at(SonarQubeCloudURL).setting("organization", "acme")
	ask(server, func(w *World) *sonarqubetest.SonarQube { return w.SonarQube }, sonarCurrent)
	ask(server.at(SonarQubeOldURL), func(w *World) *sonarqubetest.SonarQube { return w.SonarQubeOld }, sonarCurrent)
	ask(cloud, func(w *World) *sonarqubetest.SonarQube { return w.SonarQubeCloud }, sonarCurrent)
	ask(cloud, func(w *World) *sonarqubetest.SonarQube { return w.SonarQubeCloud }, sonarOrgs)
	return questions
}

func sonarqubeAnswerCases() []Case {
	answers := sonarqubetest.SonarQubeAnswers()
	answer := func(name string, want providers.Outcome, look check) Case {
		return sonarqubeCase("answer "+name, want, func(w *World) { knowsSonarQube(w); w.SonarQube.Behave(answers[name].At(sonarCurrent)) }, look).
			with(credential("username", "obiwan.kenobi", "api_key", sonarToken))
	}
	return []Case{
		answer("users_current_logged_in", "", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, "obiwan.kenobi"), equal("AccountID", v.AccountID, "00000000-0000-0000-0000-000000000001"))
		}),
		answer("users_current_logged_in", providers.IdentityMismatch, nil).named("answer users_current_logged_in for another user").with(credential("username", "mia", "api_key", sonarToken)),
		answer("token_expiration_header", "", expiry("2015-08-02T13:44:27Z")),
		answer("users_current_anonymous", providers.UpstreamError, nil),
		answer("unauthorized_401_empty", providers.Rejected, nil),
		answer("insufficient_privileges_403", providers.InsufficientScope, nil),
		answer("validate_true", providers.UpstreamError, nil),
		answer("validate_false", providers.UpstreamError, nil),
	}
}
