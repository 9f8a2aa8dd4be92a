package githubtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// GitHubAnswers are answers that a check of GitHub can meet, by name. People,
// organisations and ids are dummies.
func GitHubAnswers() map[string]providertest.Answer {
	answers := githubSuccesses()
	for name, a := range githubRefusals() {
		answers[name] = a
	}
	for name, a := range githubLimits() {
		answers[name] = a
	}
	return answers
}

func githubSuccesses() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"user_success_classic_pat": {
			Source: "recorded: PyGithub tests/ReplayData/Branch.setUp.txt",
			Status: http.StatusOK,
			Header: map[string]string{
				"X-OAuth-Scopes": "read:discussion, repo", "X-Accepted-OAuth-Scopes": "",
				"github-authentication-token-expiration": "2025-02-04 16:42:10 UTC",
				"X-RateLimit-Limit":                      "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "1735916356",
			},
			Body: `{"login":"example-user","id":1000001,"type":"User","site_admin":false,"name":"Example User","email":"user@example.com","notification_email":"user@example.com"}`,
		},
		"user_success_fine_grained_pat": {
			Source: "recorded: hub4j/github-api GHOrganizationTest testGetMembership",
			Status: http.StatusOK,
			Header: map[string]string{
				"github-authentication-token-expiration": "2024-06-17 10:06:09 +0100",
				"x-accepted-github-permissions":          "allows_permissionless_access=true",
			},
			Body: `{"login":"example-user","id":1000001,"type":"User","site_admin":false,"name":"Example User","email":null}`,
		},
		"user_success_ghu": {
			Source: "recorded: PyGithub tests/ReplayData/Authentication.testAppUserAuthentication.txt",
			Status: http.StatusOK,
			Header: map[string]string{
				"X-OAuth-Scopes": "", "X-Accepted-OAuth-Scopes": "", "x-oauth-client-id": "Iv1.0000000000000000",
				"github-authentication-token-expiration": "2023-06-08 03:28:00 UTC",
			},
			Body: `{"login":"example-user","id":1000001,"type":"User","email":"user@example.com"}`,
		},
		"user_success_no_expiry": {
			Source: "recorded: hub4j/github-api AppTest testOrgRepositories",
			Status: http.StatusOK,
			Header: map[string]string{
				"X-OAuth-Scopes":          "admin:org, admin:org_hook, admin:public_key, admin:repo_hook, delete_repo, gist, notifications, repo, user, write:discussion",
				"X-Accepted-OAuth-Scopes": "",
			},
			Body: `{"login":"example-user","id":1000001,"type":"User","email":"user@example.com","two_factor_authentication":true}`,
		},
		"org_success": {
			Source: "recorded: octokit/fixtures scenarios/api.github.com/get-organization",
			Status: http.StatusOK,
			Header: map[string]string{"X-OAuth-Scopes": "admin:org, repo", "X-Accepted-OAuth-Scopes": "admin:org, read:org, repo, user, write:org"},
			Body:   `{"login":"octokit-fixture-org","id":31898100,"type":"Organization","two_factor_requirement_enabled":false,"plan":{"name":"team","seats":5}}`,
		},
		"membership_active": {
			Source: "documented: docs.github.com/en/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user",
			Status: http.StatusOK,
			Body: `{"url":"https://api.github.com/orgs/acme/memberships/mia","state":"active","role":"admin","organization_url":"https://api.github.com/orgs/acme",
				"organization":{"login":"Acme","id":1},"user":{"login":"mia","id":1000001}}`,
		},
		"membership_pending": {
			Source: "documented: @octokit/openapi 23.0.2, orgs/get-membership-for-authenticated-user; the name replaced",
			Status: http.StatusOK,
			Body: `{"url":"https://api.github.com/orgs/acme/memberships/mia","state":"pending","role":"admin","organization_url":"https://api.github.com/orgs/acme","direct_membership":true,
				"enterprise_teams_providing_indirect_membership":["ent:justice-league"],"organization":{"login":"acme","id":1},"user":null}`,
		},
		"sso_partial_results": {
			Source: "documented: github/docs content/rest/authentication/authenticating-to-the-rest-api.md",
			Status: http.StatusOK,
			Header: map[string]string{"X-GitHub-SSO": "partial-results; organizations=21955855,20582480"},
			Body:   `[]`,
		},
	}
}

func githubRefusals() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"bad_credentials": {
			Source: "recorded: hub4j/github-api invalidJWTTokenRaisesException",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "55", "X-RateLimit-Reset": "1601386475"},
			Body:   `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}`,
		},
		"bad_credentials_enterprise": {
			Source: "the form of bad_credentials with the link of an Enterprise Server, as in PyGithub issue 1865",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"X-GitHub-Request-Id": "9d5a6d32-4f4a-4a43-a5d4-2f7c6ad2a5a0", "X-GitHub-Enterprise-Version": "3.14.2"},
			Body:   `{"message":"Bad credentials","documentation_url":"https://docs.github.com/enterprise-server@3.14/rest","status":"401"}`,
		},
		"bad_credentials_older": {
			Source: "the form of too_many_bad_logins, recorded in 2013, before refusals had a link",
			Status: http.StatusUnauthorized,
			Body:   `{"message":"Bad credentials"}`,
		},
		"json_web_token_401": {
			Source: "reported by users of GitHub Apps; what is said to a token in the form of an app's, with the link of bad_credentials",
			Status: http.StatusUnauthorized,
			Body:   `{"message":"A JSON web token could not be decoded","documentation_url":"https://docs.github.com/rest"}`,
		},
		"private_mode": {
			Source: "recorded: octokit/octokit.js issue 2709, PyGithub issue 1865; an Enterprise Server in private mode to whom no token came",
			Status: http.StatusUnauthorized,
			Body:   `{"message":"Must authenticate to access this API.","documentation_url":"https://developer.github.com/enterprise/2.21/v3"}`,
		},
		"requires_authentication": {
			Source: "recorded: activebridge/projectr issue 89",
			Status: http.StatusUnauthorized,
			Body:   `{"message":"Requires authentication","documentation_url":"https://developer.github.com/v3"}`,
		},
		"user_with_installation_token": {
			Source: "recorded: actions/create-github-app-token issue 258",
			Status: http.StatusForbidden,
			Body:   `{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest/users/users#get-the-authenticated-user","status":"403"}`,
		},
		"missing_user_agent": {
			Source: "recorded: PyGithub tests/ReplayData/SpecificExceptions.testBadUserAgent.txt",
			Status: http.StatusForbidden,
			Header: map[string]string{"Content-Type": "application/octet-stream"},
			Body:   `{"message":"Missing or invalid User Agent string. See http://developer.github.com/v3/#user-agent-required"}`,
		},
		"sso_required": {
			Source: "recorded: scala-steward-org/scala-steward-action issue 173",
			Status: http.StatusForbidden,
			Header: map[string]string{
				"X-GitHub-SSO":   "required; url=https://github.com/orgs/acme/sso?authorization_request=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
				"X-OAuth-Scopes": "repo", "X-RateLimit-Remaining": "4989",
			},
			Body: `{"message":"Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.","documentation_url":"https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/"}`,
		},
		"org_forbids_token_lifetime": {
			Source: "recorded: GladysAssistant/v4-website pull 408",
			Status: http.StatusForbidden,
			Body:   `{"message":"The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/personal-access-tokens/12345678"}`,
		},
		"enterprise_forbids_lifetime": {
			Source: "recorded: HHS/simpler-grants-gov issue 2547; the name of the enterprise replaced",
			Status: http.StatusForbidden,
			Body:   `{"message":"The 'Acme Holdings' enterprise forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/personal-access-tokens/4277325","documentation_url":"https://docs.github.com/rest","status":"403"}`,
		},
		"ip_allow_list": {
			Source: "recorded: aquasecurity/trivy-action issue 573; the name of the organisation replaced",
			Status: http.StatusForbidden,
			Body:   "{\"message\":\"Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.\"}",
		},
		"enterprise_ip_allow_list": {
			Source: "ip_allow_list as it would be of an enterprise; the words are a guess",
			Status: http.StatusForbidden,
			Body:   "{\"message\":\"Although you appear to have the correct authorization credentials, the `acme-holdings` enterprise has an IP allow list enabled, and 203.0.113.5 is not permitted to access this resource.\",\"documentation_url\":\"https://docs.github.com/rest\"}",
		},
		"oauth_app_restrictions": {
			Source: "reported by public clients; the name of the organisation replaced",
			Status: http.StatusForbidden,
			Body:   "{\"message\":\"Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.\",\"documentation_url\":\"https://docs.github.com/articles/restricting-access-to-your-organization-s-data/\"}",
		},
		"membership_not_affiliated_404": {
			Source: "documented: @octokit/openapi 23.0.2, orgs/get-membership-for-authenticated-user",
			Status: http.StatusNotFound,
			Body:   `{"message":"Not Found","documentation_url":"https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user","status":"404"}`,
		},
		"membership_no_access_403": {
			Source: "recorded: comment in a public project, 3 September 2026; its other fields are not shown",
			Status: http.StatusForbidden,
			Body:   `{"message":"You do not have access to this organization membership."}`,
		},
		"service_unavailable_html": {
			Source: "recorded: PyGithub tests/ReplayData/Exceptions.testNonJsonDataReturnedByGithub.txt; HTML labelled JSON",
			Status: http.StatusServiceUnavailable,
			Header: map[string]string{"Content-Type": "application/json; charset=utf-8"},
			Body:   "<html><body><h1>503 Service Unavailable</h1>No server is available to handle this request.</body></html>",
		},
		"enterprise_server_rate_limit_disabled": {
			Source: "recorded: vermiculus/magithub issue 104; a 404 that no check should take for a verdict",
			Status: http.StatusNotFound,
			Header: map[string]string{"X-GitHub-Media-Type": "github.v3; format=json"},
			Body:   `{"message":"Rate limiting is not enabled.","documentation_url":"https://developer.github.com/enterprise/2.9/v3"}`,
		},
	}
}

func githubLimits() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"too_many_bad_logins": {
			Source: "recorded: PyGithub tests/ReplayData/Authentication.testAuthorizationHeaderWithToken.txt",
			Status: http.StatusForbidden,
			Body:   `{"message":"Max number of login attempt exceeded"}`,
		},
		"primary_rate_limit_user": {
			Source: "recorded: zerocracy/judges-action issue 589; headers not shown there",
			Status: http.StatusForbidden,
			Body:   `{"message":"API rate limit exceeded for user ID 1000001. If you reach out to GitHub Support for help, please include the request ID 1C45:12F767:6C7E73:D8C627:6814705C and timestamp 2025-05-02 07:12:28 UTC."}`,
		},
		"primary_rate_limit_client_test": {
			Source: "from a client's test: google/go-github github/github_test.go TestDo_rateLimit_rateLimitError",
			Status: http.StatusForbidden,
			Header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "60", "X-RateLimit-Resource": "core"},
			Body:   `{"message":"API rate limit exceeded for xxx.xxx.xxx.xxx.","documentation_url":"https://docs.github.com/en/rest/overview/resources-in-the-rest-api#abuse-rate-limits"}`,
		},
		"secondary_rate_limit_retry_after": {
			Source: "recorded: PyGithub tests/ReplayData/SpecificExceptions.testAuthenticatedRateLimitExceeded.txt",
			Status: http.StatusForbidden,
			Header: map[string]string{"Retry-After": "60"},
			Body:   `{"documentation_url":"https://developer.github.com/v3/#abuse-rate-limits","message":"You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."}`,
		},
		"secondary_rate_limit_no_retry_after": {
			Source: "recorded: KnpLabs/php-github-api pull 1072 and issue 1070; only the message tells",
			Status: http.StatusForbidden,
			Header: map[string]string{"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "14", "X-RateLimit-Reset": "1655120964", "X-RateLimit-Resource": "search"},
			Body:   `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`,
		},
		"secondary_rate_limit_body": {
			Source: "recorded: app-sre/github-mirror pull 62; headers not shown there",
			Status: http.StatusForbidden,
			Body:   `{"documentation_url":"https://docs.github.com/en/free-pro-team@latest/rest/overview/resources-in-the-rest-api#secondary-rate-limits","message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`,
		},
		"secondary_rate_limit_429": {
			Source: "from a client's test: hub4j/github-api AbuseLimitHandlerTest testHandler_Wait_Secondary_Limits_Too_Many_Requests",
			Status: http.StatusTooManyRequests,
			Header: map[string]string{"Retry-After": "8", "X-OAuth-Scopes": "admin:org, repo", "X-Accepted-OAuth-Scopes": "repo"},
			Body:   `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again"}`,
		},
	}
}
