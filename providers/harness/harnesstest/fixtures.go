package harnesstest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// HarnessAnswers are answers that a check of Harness can meet, by name. Where a
// source shows no status, it is the one of today's server.
func HarnessAnswers() map[string]providertest.Answer {
	const (
		validation = "from the server's code: io.harness.token.TokenValidationHelper and harness/harness-core pull 39425"
		spec       = "documented: api-evangelist/harness openapi/harness-token-api-openapi.yml"
	)
	return map[string]providertest.Answer{
		"token_validate_success_shape": {
			Source: spec + "; the page's placeholders",
			Status: http.StatusOK,
			Body: `{"status":"SUCCESS","data":{"identifier":"string","name":"string","validFrom":0,"validTo":0,"scheduledExpireTime":0,"valid":true,
				"accountIdentifier":"string","projectIdentifier":"string","orgIdentifier":"string","apiKeyIdentifier":"string","parentIdentifier":"string",
				"apiKeyType":"USER","description":"string","tags":{"property1":"string","property2":"string"},"email":"string","username":"string",
				"encodedPassword":"string"},"metaData":{},"correlationId":"string"}`,
		},
		"failure_400_shape": {
			Source: spec + "; the sample's status word is SUCCESS although it is a failure",
			Status: http.StatusBadRequest,
			Body:   `{"status":"SUCCESS","code":"DEFAULT_ERROR_CODE","message":"string","correlationId":"string","errors":[{"fieldId":"string","error":"string"}]}`,
		},
		"invalid_token": {
			Source: "recorded: harness/backstage-plugins issue 104; status not shown",
			Status: http.StatusUnauthorized,
			Body: `{"status":"ERROR","code":"INVALID_TOKEN","message":"Token is not valid.","correlationId":null,"detailedMessage":null,
				"responseMessages":[{"code":"INVALID_TOKEN","level":"ERROR","message":"Token is not valid.","exception":null,"failureTypes":[]}],"metadata":null}`,
		},
		"token_validate_invalid_401": {
			Source: validation, Status: http.StatusUnauthorized,
			Body: `{"status":"ERROR","code":"INVALID_TOKEN","message":"Token is not valid."}`,
		},
		"token_validate_expired_401": {
			Source: validation, Status: http.StatusUnauthorized,
			Body: `{"status":"ERROR","code":"EXPIRED_TOKEN","message":"Token expired."}`,
		},
		"token_validate_not_found_400": {
			Source: validation, Status: http.StatusBadRequest,
			Body: `{"status":"ERROR","code":"INVALID_REQUEST","message":"Invalid request: Invalid API token 000000000000000000000000: Token not found"}`,
		},
		"token_validate_empty_400": {
			Source: validation, Status: http.StatusBadRequest,
			Body: `{"status":"ERROR","code":"INVALID_REQUEST","message":"Invalid request: Invalid API Token: Token is Empty"}`,
		},
		"token_validate_expired_400": {
			Source: validation + "; before 2022", Status: http.StatusBadRequest,
			Body: `{"status":"ERROR","code":"INVALID_REQUEST","message":"Incoming API token integration has expired 000000000000000000000000"}`,
		},
		"signin_html_401": {
			Source: "from a client's test: harness/mcp-server tests/client/harness-client.test.ts",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "text/html"},
			Body:   `<html><head><script>function redirectPage() { window.location.href = "auth/#/signin?returnUrl=" + encodeURIComponent(window.location.href); } redirectPage();</script></head><body></body></html>`,
		},
		"service_account_403": {
			Source: "from a client's test: harness/cli modules/core/auth/login_test.go",
			Status: http.StatusForbidden,
		},
		"rate_limited_429": {
			Source: "documented: harness/developer-hub docs/platform/rate-limits.md; neither Retry-After nor body are",
			Status: http.StatusTooManyRequests,
		},
	}
}
