package catalogtest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Harness have in common.
const (
	harnessToken   = "pat." + harnesstest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfMiaAtHarness"
	harnessSAT     = "sat." + harnesstest.DefaultHarnessAccount + ".0123456789abcdef01234567.aTokenOfAnotherOwner"
	harnessForeign = "pat.another_account_000000.0123456789abcdef01234567.aTokenOfAnotherPlace"
	harnessCheck   = "/ng/api/token/validate"
)

func harnessSuite() Suite {
	cases := append(harnessTokenCases(), harnessHostCases()...)
	return Suite{
		Good:      harnessCase("a user's token works", "", knowsHarness, harnessGood).as(Good),
		FaultPath: harnessCheck,
		Fake:      func(w *World) providertest.Fake { return w.Harness },
		Cases:     slices.Concat(cases, harnessOwnerCases(), harnessAnswerCases()),
		Questions: []Question{harnessCase("", "", knowsHarness, nil).asks(func(w *World) providertest.Fake { return w.Harness }, harnessCheck)[0].
			owning(providertest.BareForbidden, providers.InsufficientScope)}, // answer service_account_403
		Posts: []string{harnessCheck},
	}
}

func harnessCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	c := Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: HarnessURL, AuthType: "api_key"},
		Credential: credential("email", miaEmail, "api_key", harnessToken),
	}
	return c.setting("account_id", harnesstest.DefaultHarnessAccount)
}

func knowsHarness(w *World) { w.Harness.AddToken(miaEmail, harnessToken) }

func addsHarness(t harnesstest.HarnessToken) func(w *World) {
	if t.Token == "" {
		t.Token = harnessToken
	}
	if t.Email == "" {
		t.Email = miaEmail
	}
	return func(w *World) { w.Harness.Add(t) }
}

func harnessGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, miaEmail), equal("AccountID", v.AccountID, harnesstest.DefaultHarnessAccount+"/mia"),
		equal("Warnings", len(v.Warnings), 0), equal("ExpiresAt", v.ExpiresAt.IsZero(), true),
		equal("Scopes told", v.Scopes != nil, false), equal("URL", v.URL, ""),
	)
}

func harnessTokenCases() []Case {
	end := time.Date(2097, 3, 1, 12, 0, 0, 0, time.UTC)
	past := time.Date(2017, 3, 1, 12, 0, 0, 0, time.UTC)
	behaves := func(body string) func(w *World) {
		return func(w *World) {
			w.Harness.Behave(providertest.Fault{Path: harnessCheck, Status: http.StatusOK, Body: body})
		}
	}
	sat := credential("email", "bot@service.harness.io", "api_key", harnessSAT)
	return []Case{
		harnessCase("a token that nobody knows is rejected", providers.Rejected, noArrangement, nil).as(Bad),
		harnessCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsHarness(w); w.Harness.Revoke(harnessToken) }, nil).as(Revoked),
		harnessCase("an expired token is rejected", providers.Rejected, addsHarness(harnesstest.HarnessToken{Expired: true}), says("expired")).as(Expired),
		harnessCase("an owner without access to the account has too few rights", providers.InsufficientScope,
			addsHarness(harnesstest.HarnessToken{Disabled: true}), missing(harnesstest.DefaultHarnessAccount)).as(TooFew),
		harnessCase("a token of another person is a mismatch", providers.IdentityMismatch, addsHarness(harnesstest.HarnessToken{Email: "noah@example.com"}), nil).as(WrongOwner),
		harnessCase("a token of another account is rejected, and why may be seen", providers.Rejected,
			addsHarness(harnesstest.HarnessToken{Token: harnessForeign, Account: "another_account_000000"}), says("not account_id")).
			with(credential("email", miaEmail, "api_key", harnessForeign)).as(WrongOrg),
		harnessCase("an answer that names another account is not believed", providers.InsufficientScope,
			behaves(`{"status":"SUCCESS","data":{"valid":true,"accountIdentifier":"another_account_000000","email":"`+miaEmail+`"}}`), missing(harnesstest.DefaultHarnessAccount)),
		harnessCase("a service account's token works", "", addsHarness(harnesstest.HarnessToken{
			Token: harnessSAT, Email: "bot@service.harness.io", ServiceAccount: true, Parent: "bot",
		}), func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, "bot@service.harness.io"), equal("AccountID", v.AccountID, harnesstest.DefaultHarnessAccount+"/bot"))
		}).with(sat),
		harnessCase("the e-mail address is compared without case", "", addsHarness(harnesstest.HarnessToken{Email: "Mia@Example.com", Parent: "mia"}), warns(0)),
		harnessCase("an e-mail address that is not told is a warning", "", addsHarness(harnesstest.HarnessToken{HideEmail: true}), warns(1)),
		harnessCase("the end of a token is read", "", addsHarness(harnesstest.HarnessToken{ValidTo: end.UnixMilli()}), expiry("2097-03-01T12:00:00Z")),
		harnessCase("an end that is told of a valid token proves nothing against it", "", addsHarness(harnesstest.HarnessToken{ValidTo: past.UnixMilli()}), expiry("2017-03-01T12:00:00Z")),
		harnessCase("nor does the end of its overlap", "", addsHarness(harnesstest.HarnessToken{
			ValidTo: end.UnixMilli(), ScheduledExpireTime: past.UnixMilli(),
		}), expiry("2017-03-01T12:00:00Z")),
		harnessCase("a token that ends at 0 has no end", "", addsHarness(harnesstest.HarnessToken{}), noEnd),
		harnessCase("a rotated token ends when the overlap does", "", addsHarness(harnesstest.HarnessToken{
			ValidTo: end.UnixMilli(), ScheduledExpireTime: end.Add(-24 * time.Hour).UnixMilli(),
		}), func(v providers.Verified, err *providers.Error) error {
			return errors.Join(expiry("2097-02-28T12:00:00Z")(v, err), equal("Warnings", len(v.Warnings), 1))
		}),
		harnessCase("an end beyond all calendars is none", "", addsHarness(harnesstest.HarnessToken{ValidTo: 1 << 62}), harnessGood),
		harnessCase("required scopes cannot be proved", providers.InsufficientScope, knowsHarness, says("does not tell")).list("required_scopes", "view"),
		harnessCase("a 200 that says FAILURE proves nothing", providers.UpstreamError, behaves(`{"status":"FAILURE","data":null}`), nil).as(Anonymous),
		harnessCase("a 200 that says ERROR proves nothing", providers.UpstreamError,
			behaves(`{"status":"ERROR","data":{"valid":true,"accountIdentifier":"`+harnesstest.DefaultHarnessAccount+`","email":"`+miaEmail+`"}}`), nil),
		harnessCase("a 200 that says the token is not valid is a refusal", providers.Rejected, behaves(`{"status":"SUCCESS","data":{"valid":false}}`), nil),
		harnessCase("a 200 with the code of a refusal is one", providers.Rejected, behaves(harnesstest.HarnessAnswers()["invalid_token"].Body), nil),
		harnessCase("a 200 that does not say valid proves nothing", providers.UpstreamError,
			behaves(`{"status":"SUCCESS","data":{"accountIdentifier":"`+harnesstest.DefaultHarnessAccount+`","email":"`+miaEmail+`"}}`), nil),
		harnessCase("a 200 without an account proves nothing", providers.UpstreamError, behaves(`{"status":"SUCCESS","data":{"valid":true,"email":"`+miaEmail+`"}}`), nil),
		harnessCase("valid in words proves nothing", providers.UpstreamError, behaves(`{"status":"SUCCESS","data":{"valid":"true"}}`), nil),
	}
}

// harnessOwnerCases are about who the key belongs to.
func harnessOwnerCases() []Case {
	owner := func(name string, want providers.Outcome, fields string, look check) Case {
		return harnessCase(name, want, func(w *World) {
			w.Harness.Behave(providertest.Fault{Path: harnessCheck, Status: http.StatusOK, Body: `{"status":"SUCCESS","data":{"valid":true,"accountIdentifier":"` + harnesstest.DefaultHarnessAccount + `"` + fields + `}}`})
		}, look)
	}
	known := func(identity string) check {
		return func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, identity), equal("Warnings", len(v.Warnings), 1))
		}
	}
	return []Case{
		owner("an e-mail address that is null is not told", "", `,"email":null,"username":"Mia Example"`, known("Mia Example")),
		owner("an e-mail address that is empty is not told", "", `,"email":"","parentIdentifier":"mia"`, known("mia")),
		owner("an owner without any name is not the one entered", providers.UpstreamError, ``, says("owner")),
		owner("an e-mail address that cannot be shown proves nothing", providers.UpstreamError, `,"email":"noah\u001b[31m@example.com","username":"noah"`, says("e-mail")),
		owner("an e-mail address of white space proves nothing", providers.UpstreamError, `,"email":" \t","username":"noah"`, nil),
		owner("an e-mail address that is broken text proves nothing", providers.UpstreamError, `,"email":"\ud800@example.com","username":"noah"`, nil),
		owner("an e-mail address without end proves nothing", providers.UpstreamError, `,"email":"`+strings.Repeat("a", 300)+`@example.com","username":"noah"`, nil),
		owner("an e-mail address that is a number proves nothing", providers.UpstreamError, `,"email":7,"username":"noah"`, nil),
		owner("an e-mail address that is a list proves nothing", providers.UpstreamError, `,"email":["`+miaEmail+`"],"username":"mia"`, nil),
	}
}

func harnessHostCases() []Case {
	own := func(w *World) { w.HarnessOwn.AddToken(miaEmail, harnessToken) }
	return []Case{
		harnessCase("the gateway's path may be part of the url", "", knowsHarness, harnessGood).at(HarnessURL + "/gateway/"),
		harnessCase("the path of the API may be part of the url", "", knowsHarness, harnessGood).at(HarnessURL + "/gateway/ng/api"),
		harnessCase("the address of a page may be the url", "", knowsHarness, harnessGood).at(HarnessURL + "/ng/account/" + harnesstest.DefaultHarnessAccount + "/main-dashboard"),
		harnessCase("another cluster works", "", knowsHarness, harnessGood).at(HarnessEuropeURL),
		harnessCase("a self-managed installation works", "", own, harnessGood).at(HarnessOwnURL + "/"),
		harnessCase("a host that is no Harness is told", providers.UpstreamError, noArrangement, says("check url")).at("https://gitlab.com"),
		harnessCase("an account id is demanded", providers.InvalidField, knowsHarness, nil).setting("account_id", ""),
		harnessCase("an account id cannot change the question", providers.InvalidField, knowsHarness, nil).setting("account_id", "a&routingId=b"),
	}
}

func harnessAnswerCases() []Case {
	answers := harnesstest.HarnessAnswers()
	answer := func(name string, want providers.Outcome, look check) Case {
		return harnessCase("answer "+name, want, func(w *World) { knowsHarness(w); w.Harness.Behave(answers[name].At(harnessCheck)) }, look)
	}
	old := answers["invalid_token"]
	old.Status = http.StatusBadRequest
	return slices.Concat([]Case{
		answer("token_validate_success_shape", "", func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, "string"), equal("ExpiresAt", v.ExpiresAt.IsZero(), true))
		}).with(credential("email", "string", "api_key", harnessToken)).setting("account_id", "string"),
		answer("failure_400_shape", providers.UpstreamError, nil),
		answer("invalid_token", providers.Rejected, nil),
		harnessCase("answer invalid_token as before 2022", providers.Rejected, func(w *World) { w.Harness.Behave(old.At(harnessCheck)) }, nil),
		answer("token_validate_invalid_401", providers.Rejected, nil),
		answer("token_validate_expired_401", providers.Rejected, says("expired")),
		answer("token_validate_not_found_400", providers.Rejected, nil),
		answer("token_validate_empty_400", providers.Rejected, nil),
		answer("token_validate_expired_400", providers.Rejected, says("expired")),
		answer("signin_html_401", providers.UpstreamError, nil),
		answer("service_account_403", providers.InsufficientScope, nil),
		harnessCase("a 403 in the form of Harness is an owner without access", providers.InsufficientScope, func(w *World) {
			w.Harness.Behave(providertest.Fault{Path: harnessCheck, Status: http.StatusForbidden, Body: `{"status":"ERROR","code":"ACCESS_DENIED","message":"no"}`})
		}, missing(harnesstest.DefaultHarnessAccount)),
		answer("rate_limited_429", providers.RateLimited, retryAfter(0)),
	}, harnessRefusalCases())
}
