package bitbuckettest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// BitbucketAnswers are answers that a check of Bitbucket can meet, by name.
// People, workspaces and ids are dummies.
func BitbucketAnswers() map[string]providertest.Answer {
	plain := map[string]string{"Content-Type": "text/plain"}
	return map[string]providertest.Answer{
		"user_success": {
			Source: "recorded: comment in OAuth2ClientForBitbucket.cs of a public OAuth client",
			Status: http.StatusOK,
			Body: `{"username":"mia","display_name":"Mia Example","has_2fa_enabled":null,"nickname":"Mia","account_id":"5c0000000000000000000001",
				"links":{"self":{"href":"https://api.bitbucket.org/2.0/users/%7B00000000-0000-0000-0000-000000000001%7D"}},
				"created_on":"2019-02-19T10:36:46.361566-08:00","is_staff":false,"account_status":"active","type":"user","uuid":"{00000000-0000-0000-0000-000000000001}"}`,
		},
		"user_emails_success": {
			Source: "documented: developer.atlassian.com/cloud/bitbucket/rest/api-group-users; names no account",
			Status: http.StatusOK,
			Body: `{"pagelen":10,"values":[{"is_primary":true,"is_confirmed":true,"type":"email","email":"mia@example.com",
				"links":{"self":{"href":"https://api.bitbucket.org/2.0/user/emails/mia@example.com"}}}],"page":1,"size":1}`,
		},
		"user_workspaces_item": {
			Source: "recorded: gildas/bitbucket-cli testdata/workspace-access.json; the list around it is not shown, status 200 assumed",
			Status: http.StatusOK,
			Body: `{"pagelen":10,"page":1,"size":1,"values":[{"type":"workspace_access","administrator":true,"workspace":{"type":"workspace_base",
				"uuid":"{12345678-9abc-def0-1234-56789abcdef0}","slug":"acme","links":{"self":{"href":"https://api.bitbucket.org/2.0/workspaces/acme"}}}}]}`,
		},
		"token_invalid_401": {
			Source: "recorded: avivsinai/bitbucket-cli issues 30 and 174; also for a token without scopes",
			Status: http.StatusUnauthorized,
			Body:   `{"type":"error","error":{"message":"Token is invalid, expired, or not supported for this endpoint."}}`,
		},
		"basic_login_failed_401": {
			Source: "recorded: renovatebot/renovate issue 20533; plain text, cut there",
			Status: http.StatusUnauthorized, Header: plain,
			Body: "Login failed due to incorrect login credentials or method.\nFor information on authentication methods for Bitbucket Cloud APIs, visit:\n    https://developer.atlassian.com",
		},
		"access_token_expired_401": {
			Source: "recorded: lemurheavy/coveralls-public issue 1541",
			Status: http.StatusUnauthorized,
			Body:   `{"type":"error","error":{"message":"Access token expired."}}`,
		},
		"access_token_user_403": {
			Source: "from a client's code, and trufflesecurity/trufflehog pkg/analyzer/analyzers/bitbucket; body not shown",
			Status: http.StatusForbidden, Header: map[string]string{"X-Credential-Type": "repo_access_token"},
		},
		"privilege_scopes_403": {
			Source: "recorded: gildas/bitbucket-cli testdata/error-privileges.json",
			Status: http.StatusForbidden,
			Body: `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.",
				"detail":{"required":["project"],"granted":["runner:write","pipeline:variable","issue:write","pullrequest:write","account"]}}}`,
		},
		"privilege_scopes_user_403": {
			Source: "recorded: backstage/backstage issue 22383",
			Status: http.StatusForbidden,
			Body: `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.",
				"detail":{"required":["account"],"granted":["team"]}}}`,
		},
		"forbidden_bare_403": {
			Source: "reported: avivsinai/bitbucket-cli issue 70, for a path without /2.0",
			Status: http.StatusForbidden,
			Body:   `{"type":"error","error":{"message":"Forbidden"}}`,
		},
		"rate_limited_429": {
			Source: "recorded: MitjaBezensek/SharpBucket issue 108 and jenkinsci/bitbucket-branch-source-plugin pull 414",
			Status: http.StatusTooManyRequests,
			Header: map[string]string{
				"Server": "nginx", "Vary": "Authorization", "Cache-Control": "no-cache, no-store", "Content-Type": "text/plain",
				"X-OAuth-Scopes": "account, team, pullrequest, issue, snippet, webhook", "X-Credential-Type": "apikey",
				"X-Accepted-OAuth-Scopes": "repository", "X-Request-Count": "447",
			},
			Body: "Rate limit for this resource has been exceeded",
		},
		"workspaces_gone_410": {
			Source: "recorded: ktrysmt/go-bitbucket issue 357; status in aashari/mcp-server-atlassian-bitbucket issue 230",
			Status: http.StatusGone,
			Body: `{"type":"error","error":{"message":"CHANGE-2770 - Functionality has been deprecated","detail":"Please read the changelog entry for more details.",
				"data":{"announcement_url":"https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770"}}}`,
		},
		"no_api_hosted_404": {
			Source: "recorded: gildas/bitbucket-cli testdata/error-noapi.json; status in atlassian-api/atlassian-python-api issue 1471",
			Status: http.StatusNotFound,
			Body:   `{"type":"error","error":{"message":"Resource not found","detail":"There is no API hosted at this URL"}}`,
		},
		"workspace_permission_create_project": {
			Source: "documented: Atlassian's swagger of August 2026, in FabianSchurig/terraform-provider-bitbucket; composed of its schema",
			Status: http.StatusOK,
			Body:   permitted("create-project"),
		},
		"workspace_permission_member": {
			Source: "documented: as workspace_permission_create_project",
			Status: http.StatusOK,
			Body:   permitted("member"),
		},
		"workspace_permission_no_access_403": {
			Source: "documented: the description of the answer in the same swagger, in the form of its errors",
			Status: http.StatusForbidden,
			Body:   `{"type":"error","error":{"message":"The requesting user does not have access to the workspace."}}`,
		},
		"address_not_listed_403": {
			Source: "reported: the words of git operations, Atlassian's knowledge base 1155479141, in the form of the API's errors",
			Status: http.StatusForbidden,
			Body:   `{"type":"error","error":{"message":"To access this repository, an admin must whitelist your IP."}}`,
		},
		"realm_401": {
			Source: "reported: tests and code of public clients; the body may be empty",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "", "WWW-Authenticate": `Basic realm="Bitbucket.org HTTP"`},
		},
		"dc_bad_credentials_401": {
			Source: "recorded: shell transcript in a public repository; Data Center, status by another client's test",
			Status: http.StatusUnauthorized,
			Body: `{"errors":[{"context":null,"message":"Authentication failed. Please check your credentials and try again.",
				"exceptionName":"com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException"}]}`,
		},
		"dc_captcha_401": {
			Source: "recorded: jenkinsci/stashnotifier-plugin issue 263; Data Center",
			Status: http.StatusUnauthorized,
			Header: map[string]string{
				"Content-Type": "application/json;charset=UTF-8", "X-AREQUESTID": "@AMNY1Ux984x437972x0", "WWW-Authenticate": `Basic realm="Atlassian Bitbucket"`,
			},
			Body: `{"errors":[{"context":null,"message":"CAPTCHA required. Your Bitbucket account has been locked.",
				"exceptionName":"com.atlassian.bitbucket.auth.CaptchaRequiredAuthenticationException"}]}`,
		},
	}
}

func permitted(permission string) string {
	return `{"type":"workspace_membership","permission":"` + permission + `",
		"user":{"type":"user","uuid":"{470c176d-3574-44ea-bb41-89e8638bcca4}","nickname":"mia","display_name":"Mia Example"},
		"workspace":{"type":"workspace","uuid":"{a15fb181-db1f-48f7-b41f-e1eff06929d6}","slug":"acme","name":"Example Workspace"}}`
}
