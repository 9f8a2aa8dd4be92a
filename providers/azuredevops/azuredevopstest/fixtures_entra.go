package azuredevopstest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// EntraAnswers are answers of the token endpoint of Microsoft Entra, by name.
// Applications, tokens and ids are dummies.
func EntraAnswers() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"token_success": {
			Source: "documented: MicrosoftDocs/entra-docs docs/identity-platform/v2-oauth2-auth-code-flow.md; tokens are dummies, scope is percent-encoded as on the page",
			Status: http.StatusOK,
			Body: `{"access_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.AAAA","token_type":"Bearer","expires_in":3599,
				"scope":"https%3A%2F%2Fgraph.microsoft.com%2Fmail.read","refresh_token":"AwABAAAAexampleRefreshTokenNotReal",
				"id_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.AAAA"}`,
		},
		"token_refresh_success": {
			Source: "documented: MicrosoftDocs/entra-docs docs/identity-platform/v2-oauth2-auth-code-flow.md; tokens are dummies, scope is percent-encoded as on the page",
			Status: http.StatusOK,
			Body: `{"access_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.AAAA","token_type":"Bearer","expires_in":3599,
				"scope":"https%3A%2F%2Fgraph.microsoft.com%2Fmail.read","refresh_token":"AwABAAAAexampleRefreshTokenNotReal",
				"id_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.AAAA"}`,
		},
		"code_already_redeemed": {
			Source: "recorded: davidjrh/dnn.azureadprovider issue 17; status 400 assumed",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS70002: Error validating credentials. AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.\r\nTrace ID: 9df0210d-bf9f-45d9-b19b-b326453e6400\r\nCorrelation ID: 48ac1682-e414-42c2-9eac-f1d6114e8648\r\nTimestamp: 2018-11-19 17:52:50Z",
				"error_codes":[70002,54005],"timestamp":"2018-11-19 17:52:50Z","trace_id":"9df0210d-bf9f-45d9-b19b-b326453e6400",
				"correlation_id":"48ac1682-e414-42c2-9eac-f1d6114e8648"}`,
		},
		"refresh_revoked": {
			Source: "recorded: Azure/azure-cli issue 16745; v1 or v2.0 is not shown",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '2021-01-05T05:09:31.5970000Z' and the TokensValidFrom date (before which tokens are not valid) for this user is '2021-01-14T06:26:06.0000000Z'.\r\nTrace ID: 0aaa7d90-73c6-46cc-9c9d-fc161b282000\r\nCorrelation ID: eb217b32-36ad-410b-9b1e-f71cd6947581\r\nTimestamp: 2021-01-31 05:56:19Z",
				"error_codes":[50173],"timestamp":"2021-01-31 05:56:19Z","trace_id":"0aaa7d90-73c6-46cc-9c9d-fc161b282000",
				"correlation_id":"eb217b32-36ad-410b-9b1e-f71cd6947581","error_uri":"https://login.microsoftonline.com/error?code=50173"}`,
		},
		"refresh_expired_inactive": {
			Source: "recorded: Azure/azure-cli issue 14244; v1 or v2.0 is not shown",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2020-02-26T21:52:54.2810613Z and was inactive for 90.00:00:00.\r\nTrace ID: 6e94ade5-10de-4d67-909a-14d845813500\r\nCorrelation ID: 0e87b495-1e24-4882-be85-d012c216f4f6\r\nTimestamp: 2020-07-06 22:31:52Z",
				"error_codes":[700082],"timestamp":"2020-07-06 22:31:52Z","trace_id":"6e94ade5-10de-4d67-909a-14d845813500",
				"correlation_id":"0e87b495-1e24-4882-be85-d012c216f4f6","error_uri":"https://login.microsoftonline.com/error?code=700082"}`,
		},
		"refresh_sign_in_frequency": {
			Source: "recorded: simonrob/email-oauth2-proxy issue 181; status by Azure/azure-sdk-for-python issue 28478, ids are dummies",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on 2023-06-02T14:27:05.8405153Z and the maximum allowed lifetime for this request is 86400.\r\nTrace ID: 0e87b495-1e24-4882-be85-d012c216f4f6\r\nCorrelation ID: 0e87b495-1e24-4882-be85-d012c216f4f6\r\nTimestamp: 2023-07-06 13:35:42Z",
				"error_codes":[70043],"timestamp":"2023-07-06 13:35:42Z","trace_id":"0e87b495-1e24-4882-be85-d012c216f4f6",
				"correlation_id":"0e87b495-1e24-4882-be85-d012c216f4f6","suberror":"token_expired"}`,
		},
		"refresh_sign_in_again": {
			Source: "recorded: sagarrabadiya/outlook-php issue 16; same text in Softeria/ms-365-mcp-server issue 522 and MoneyFox/MoneyFox issue 1965, status 400 assumed",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS70000: The user could not be authenticated as the grant is expired. The user must sign in again.\r\nTrace ID: 57a50e0a-2446-4543-8760-aff1583b2b00\r\nCorrelation ID: 80554d13-fead-4e28-a311-cf106e42dd92\r\nTimestamp: 2019-05-24 10:32:25Z",
				"error_codes":[70000],"timestamp":"2019-05-24 10:32:25Z","trace_id":"57a50e0a-2446-4543-8760-aff1583b2b00",
				"correlation_id":"80554d13-fead-4e28-a311-cf106e42dd92"}`,
		},
		"refresh_not_taken_now": {
			Source: "recorded without the envelope: BingAds/BingAds-Python-SDK issue 279, where the same token was taken a moment later",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS70000: The provided value for the input parameter 'refresh_token' or 'assertion' is not valid. Trace ID: 91af4011-2822-4038-b029-ddd8c46caf00 Correlation ID: ee3f808b-2662-4eca-ad60-c824a57f2719 Timestamp: 2024-04-15 18:41:56Z",
				"error_codes":[70000]}`,
		},
		"consent_required": {
			Source: "recorded: MicrosoftDocs/azure-docs issue 39189; status by OfficeDev/microsoft-teams-apps-contactgrouplookup issue 43",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_grant",
				"error_description":"AADSTS65001: The user or administrator has not consented to use the application with ID '00001111-aaaa-2222-bbbb-3333cccc4444' named 'ExampleApp'. Send an interactive authorization request for this user and resource.\r\nTrace ID: 7979ed8a-3959-4be5-9206-ce16f12a5900\r\nCorrelation ID: 73d7243c-43ba-4d8a-865a-0b8957def6c6\r\nTimestamp: 2019-09-19 08:55:37Z",
				"error_codes":[65001],"timestamp":"2019-09-19 08:55:37Z","trace_id":"7979ed8a-3959-4be5-9206-ce16f12a5900",
				"correlation_id":"73d7243c-43ba-4d8a-865a-0b8957def6c6","suberror":"consent_required"}`,
		},
		"conditional_access_blocked": {
			Source: "from source code: trufflesecurity/trufflehog pkg/detectors/azure_entra/serviceprincipal/v2/spv2_processdata_test.go; written by hand, text shortened there",
			Status: http.StatusBadRequest,
			Body:   `{"error":"access_denied","error_description":"AADSTS53003: Access blocked by Conditional Access policies."}`,
		},
		"invalid_client_secret": {
			Source: "recorded: OfficeDev/microsoft-365-agents-toolkit issue 8621; status also in Azure/sap-automation issue 418",
			Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_client",
				"error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '00001111-aaaa-2222-bbbb-3333cccc4444'.\r\nTrace ID: 6f6c4645-0202-4486-b625-fa957dfc4700\r\nCorrelation ID: 5fc87507-4086-4e77-b415-cee677eb232e\r\nTimestamp: 2023-05-06 06:03:00Z",
				"error_codes":[7000215],"timestamp":"2023-05-06 06:03:00Z","trace_id":"6f6c4645-0202-4486-b625-fa957dfc4700",
				"correlation_id":"5fc87507-4086-4e77-b415-cee677eb232e",
				"error_uri":"https://login.microsoftonline.com/error?code=7000215"}`,
		},
		"client_secret_expired": {
			Source: "from source code: trufflesecurity/trufflehog pkg/detectors/azure_entra/serviceprincipal/v2/spv2_processdata_test.go; written by hand, text shortened there",
			Status: http.StatusUnauthorized,
			Body:   `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app are expired."}`,
		},
		"invalid_scope": {
			Source: "documented: MicrosoftDocs/entra-docs docs/identity-platform/v2-oauth2-auth-code-flow.md; the page's example, status 400 by others of this shape",
			Status: http.StatusBadRequest,
			Body: `{"error":"invalid_scope",
				"error_description":"AADSTS70011: The provided value for the input parameter 'scope' is not valid. The scope https://foo.microsoft.com/mail.read is not valid.\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\nCorrelation ID: aaaa0000-bb11-2222-33cc-444444dddddd\r\nTimestamp: 2016-01-09 02:02:12Z",
				"error_codes":[70011],"timestamp":"2016-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd22-eeeeee333333",
				"correlation_id":"aaaa0000-bb11-2222-33cc-444444dddddd"}`,
		},
	}
}
