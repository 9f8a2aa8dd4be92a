package jiratest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// JiraAnswers are answers that a check of Jira can meet, by name. People, hosts
// and ids are dummies.
func JiraAnswers() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"myself_success_cloud": {
			Source: "documented: Atlassian's OpenAPI, as copied in salto-io/jira-swaggers platform-swagger.v3.json",
			Status: http.StatusOK,
			Body: `{"self":"https://acme.atlassian.net/rest/api/3/user?accountId=5b10a2844c20165700ede21g","key":"","accountId":"5b10a2844c20165700ede21g",
				"accountType":"atlassian","name":"","emailAddress":"mia@example.com","displayName":"Mia Example","active":true,"timeZone":"Australia/Sydney",
				"groups":{"size":3,"items":[]},"applicationRoles":{"size":1,"items":[]}}`,
		},
		"myself_success_data_center": {
			Source: "from a client's test: andygrunwald/go-jira onpremise/user_test.go TestUserService_GetSelf",
			Status: http.StatusOK,
			Body: `{"self":"https://jira.example.com/jira/rest/api/2/user?username=mia","key":"mia","name":"mia","emailAddress":"mia@example.com",
				"displayName":"Mia Example","active":true,"timeZone":"Australia/Sydney","groups":{"size":3,"items":[]},"expand":"groups,applicationRoles"}`,
		},
		"myself_data_center_documented": {
			Source: "documented: Atlassian's OpenAPI of Jira Data Center 10.0, as copied in marcosgalleterobbva/jiradc-cli; the names are those of the suite",
			Status: http.StatusOK,
			Body: `{"self":"https://jira.example.com/jira/rest/api/2/user?username=mia","key":"mia","name":"mia","emailAddress":"mia@example.com","displayName":"Mia Example",
				"active":true,"deleted":false,"lastLoginTime":"2023-08-30T16:37:01+1000","timeZone":"Australia/Sydney","locale":"en_AU"}`,
		},
		"myself_email_hidden_cloud": {
			Source: "documented: Atlassian's OpenAPI of Jira Cloud, December 2025, schema User, as copied in jarekbird/jira-api-mcp-wrapper",
			Status: http.StatusOK,
			Body: `{"accountId":"5b10a2844c20165700ede21g","accountType":"app","appType":"service","active":true,"displayName":"Example Service",
				"emailAddress":null,"timeZone":"Australia/Sydney"}`,
		},
		"ip_rejected": {
			Source: "reported: public clients quote the message and a 403; the form is that of Jira's refusals",
			Status: http.StatusForbidden,
			Body:   `{"errorMessages":["The IP address has been rejected because it is not on the allowlist of this organization."],"errors":{}}`,
		},
		"ip_rejected_message": {
			Source: "reported: as ip_rejected, in one message",
			Status: http.StatusForbidden,
			Body:   `{"message":"The IP address has been rejected by the site's IP allowlist"}`,
		},
		"ip_rejected_page": {
			Source: "reported: as ip_rejected, on a page",
			Status: http.StatusForbidden,
			Header: map[string]string{"Content-Type": "text/html;charset=UTF-8"},
			Body:   "<html><body><p>Your IP address has been rejected by the IP allowlist</p></body></html>",
		},
		"myself_unauthorized_cloud": providertest.JiraUnauthorized(),
		"myself_unauthorized_bare": {
			Source: "myself_unauthorized_cloud as it is where the login filter says nothing: pycontribs/jira issue 1897",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "text/plain"},
			Body:   "Client must be authenticated to access this resource.",
		},
		"unauthorized_json_older": {
			Source: "recorded: jira-node/node-jira-client issue 255",
			Status: http.StatusUnauthorized,
			Body:   `{"message":"Client must be authenticated to access this resource.","status-code":401}`,
		},
		"data_center_unauthorized": {
			Source: "recorded: pycontribs/jira issue 1627 (a header of Jira 9.0) and stablyai/orca issue 8538 (the challenge); the body is not shown there",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "", "X-AREQUESTID": "764x10559x1", "WWW-Authenticate": `OAuth realm="https%3A%2F%2Fjira.example.com%2Fjira"`},
		},
		"data_center_unauthorized_messages": {
			Source: "the form of Jira's refusals with the words of its OpenAPI's 401",
			Status: http.StatusUnauthorized,
			Body:   `{"errorMessages":["You are not authenticated. Authentication required to perform this operation."],"errors":{}}`,
		},
		"data_center_unauthorized_page": {
			Source: "the page of unauthorized_html_older without the login filter's header",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "text/html;charset=UTF-8"},
			Body:   "<h1>Unauthorized (401)</h1>\n<p>Encountered a <code>&quot;401 - Unauthorized&quot;</code> error while loading this page.</p>\n<p><a href=\"/secure/MyJiraHome.jspa\">Go to Jira home</a></p>",
		},
		"unauthorized_html_older": {
			Source: "recorded: GothenburgBitFactory/bugwarrior issue 689",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "text/html;charset=UTF-8", "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
			Body:   "<h1>Unauthorized (401)</h1>\n<p>Encountered a <code>&quot;401 - Unauthorized&quot;</code> error while loading this page.</p>",
		},
		"expired_token_anonymous_200": {
			Source: "recorded: MrRefactoring/jira.js issue 418; body not shown there",
			Status: http.StatusOK,
			Header: map[string]string{
				"Content-Type": "application/json;charset=UTF-8", "Server": "AtlassianEdge", "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
			},
			Body: `{"accountId":"5b10a2844c20165700ede21g","emailAddress":"mia@example.com","active":true}`,
		},
		"bad_credential_on_search_200": {
			Source: "recorded: brekkylab/backlot backlot/routers/atlassian; body as project_search_success without items",
			Status: http.StatusOK,
			Header: map[string]string{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
			Body:   `{"maxResults":1,"startAt":0,"total":0,"isLast":true,"values":[]}`,
		},
		"project_search_success": {
			Source: "documented: Atlassian's OpenAPI, as copied in salto-io/jira-swaggers platform-swagger.v3.json",
			Status: http.StatusOK,
			Body: `{"self":"https://acme.atlassian.net/rest/api/3/project/search?startAt=0&maxResults=2","maxResults":2,"startAt":0,"total":7,"isLast":false,
				"values":[{"self":"https://acme.atlassian.net/rest/api/3/project/EX","id":"10000","key":"EX","name":"Example","simplified":false,"style":"classic"}]}`,
		},
		"bearer_on_site_host_403": {
			Source: "recorded: brekkylab/backlot backlot/errors/atlassian.py",
			Status: http.StatusForbidden,
			Body:   `{"error":"Failed to parse Connect Session Auth Token"}`,
		},
		"gateway_scope_mismatch": {
			Source: "recorded: raycast/extensions issue 11212; community.developer.atlassian.com t/81389",
			Status: http.StatusUnauthorized,
			Body:   `{"code":401,"message":"Unauthorized; scope does not match"}`,
		},
		"captcha_403": {
			Source: "recorded: cristibaluta/Jit issue 12; the page is not shown there",
			Status: http.StatusForbidden,
			Header: map[string]string{
				"Content-Type":                   "text/html;charset=UTF-8",
				"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp",
				"X-Seraph-Loginreason":           "AUTHENTICATION_DENIED",
			},
			Body: "<html><body>Basic Authentication Failure - Reason : AUTHENTICATION_DENIED</body></html>",
		},
		"denied_200_auth_session": {
			Source: "recorded: go-jira/jira issue 8",
			Status: http.StatusOK,
			Header: map[string]string{
				"Content-Type": "application/json;charset=UTF-8", "X-Ausername": "example-user", "X-Seraph-Loginreason": "AUTHENTICATION_DENIED",
			},
			Body: `{"self":"https://jira.example.com/rest/api/latest/user?username=example-user","name":"example-user",
				"loginInfo":{"failedLoginCount":12,"loginCount":240}}`,
		},
		"rate_limited_burst": {
			Source: "documented: developer.atlassian.com/cloud/jira/platform/rate-limiting; body not documented",
			Status: http.StatusTooManyRequests,
			Header: map[string]string{
				"Retry-After": "1", "RateLimit-Reason": "jira-burst-based", "X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "0",
			},
		},
		"server_info_success": {
			Source: "documented: Atlassian's OpenAPI; answered to everybody, so it proves nothing",
			Status: http.StatusOK,
			Body:   `{"baseUrl":"https://acme.atlassian.net/jira","version":"1001.0.0-SNAPSHOT","versionNumbers":[5,0,0],"serverTitle":"My Jira instance"}`,
		},
		"tenant_info_success": {
			Source: "documented: support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id; answered to everybody",
			Status: http.StatusOK,
			Body:   `{"cloudId":"` + DefaultCloudID + `"}`,
		},
	}
}
