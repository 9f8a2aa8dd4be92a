package catalogtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// harnessRefusalCases are refusals by their code: harness-core ErrorCode.java.
func harnessRefusalCases() []Case {
	coded := func(code string, want providers.Outcome, look check) Case {
		return harnessCase("a token that is refused with "+code, want, addsHarness(harnesstest.HarnessToken{Refusal: code}), look)
	}
	says401 := func(name string, want providers.Outcome, body string, look check) Case {
		return harnessCase(name, want, func(w *World) {
			w.Harness.Behave(providertest.Fault{Path: harnessCheck, Status: http.StatusUnauthorized, Body: body})
		}, look)
	}
	with := func(name string, status int, body string, want providers.Outcome, look check) Case {
		c := says401(name, want, body, look)
		c.Arrange = func(w *World) { w.Harness.Behave(providertest.Fault{Path: harnessCheck, Status: status, Body: body}) }
		return c
	}
	listed := all(missing(harnesstest.DefaultHarnessAccount), says("list the address of this Vault", "not judged"))
	elsewhere := all(named("account_id", "url"), says("check account_id", "cluster"))
	return []Case{
		coded("INVALID_TOKEN", providers.Rejected, nil),
		coded("EXPIRED_TOKEN", providers.Rejected, says("expired")),
		coded("REVOKED_TOKEN", providers.Rejected, says("revoked")),
		coded("INVALID_CREDENTIAL", providers.Rejected, nil),
		coded("USER_DISABLED", providers.AccountBlocked, says("disabled", "administrator")),
		coded("USER_LOCKED", providers.AccountBlocked, nil),
		coded("INACTIVE_ACCOUNT", providers.AccountBlocked, says("not active")),
		coded("ACCOUNT_DOES_NOT_EXIST", providers.InsufficientScope, elsewhere),
		coded("NOT_WHITELISTED_IP", providers.InsufficientScope, listed),
		coded("IP_NOT_ALLOWED", providers.InsufficientScope, listed),
		coded("ACCESS_DENIED", providers.UpstreamError, says("says nothing of the key")),
		coded("UNKNOWN_ERROR", providers.UpstreamError, nil),
		coded("SOMETHING_NEW", providers.UpstreamError, nil),
		says401("a refusal without a code is about the token", providers.Rejected, `{"status":"ERROR","code":null,"message":"Token is not valid.","correlationId":null}`, nil),
		says401("a refusal of the status alone is nobody's", providers.UpstreamError, `{"status":"ERROR"}`, says("something that is not Harness's")),
		says401("a code without the form is nobody's", providers.UpstreamError, `{"code":"INVALID_TOKEN","message":"no"}`, nil),
		says401("the code may be in the messages alone", providers.Rejected, `{"metaData":null,"resource":null,"responseMessages":[{"code":"INVALID_TOKEN","level":"ERROR","message":"Token is not valid."}]}`, nil),
		says401("a code in the messages counts beside another", providers.AccountBlocked, `{"status":"ERROR","code":"UNKNOWN_ERROR","message":"no","responseMessages":[{"code":"USER_DISABLED","level":"ERROR"}]}`, nil),
		says401("an address that is refused in words is no word on the token", providers.InsufficientScope, `{"status":"ERROR","code":"UNKNOWN_ERROR","message":"Current IP Address (192.0.2.7) is not whitelisted."}`, listed),
		with("an address that is not listed may be told with 403", http.StatusForbidden, `{"status":"ERROR","code":"NOT_WHITELISTED_IP","message":"no"}`, providers.InsufficientScope, listed),
		with("a disabled owner may be told with 400", http.StatusBadRequest, `{"status":"ERROR","code":"USER_DISABLED","message":"no"}`, providers.AccountBlocked, nil),
		with("a disabled owner may be told with 200", http.StatusOK, `{"status":"FAILURE","code":"USER_DISABLED","message":"no","data":null}`, providers.AccountBlocked, nil),
		with("an account that has moved is told", http.StatusMovedPermanently, `{"status":"ERROR","code":"ACCOUNT_MIGRATED","message":"no"}`, providers.UpstreamError, elsewhere),
	}
}
