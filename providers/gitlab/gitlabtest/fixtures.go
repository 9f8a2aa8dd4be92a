package gitlabtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// GitLabAnswers are answers that a check of GitLab can meet, by name.
func GitLabAnswers() map[string]providertest.Answer {
	answers := gitlabSuccesses()
	for name, a := range gitlabRefusals() {
		answers[name] = a
	}
	for name, a := range gitlabDenied() {
		answers[name] = a
	}
	return answers
}

func gitlabSuccesses() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"token_self_success": {
			Source: "documented: gitlabhq doc/api/personal_access_tokens.md",
			Status: http.StatusOK,
			Body: `{"id":4,"name":"Test Token","revoked":false,"created_at":"2020-07-23T14:31:47.729Z","description":"Test Token description",
				"scopes":["api"],"user_id":3,"last_used_at":"2021-10-06T17:58:37.550Z","active":true,"expires_at":null}`,
		},
		"token_self_granular": {
			Source: "from the server's tests: gitlabhq spec/requests/api/personal_access_tokens/self_rotation_spec.rb, in the object of token_self_success; the date is made up",
			Status: http.StatusOK,
			Body: `{"id":4,"name":"Test Token","revoked":false,"created_at":"2020-07-23T14:31:47.729Z","description":"Test Token description",
				"scopes":["granular"],"user_id":3,"last_used_at":null,"active":true,"expires_at":"2096-12-15",
				"granular_scopes":[{"access":"user","permissions":["rotate_personal_access_token"],"project_id":null,"group_id":null},
				{"access":"selected_memberships","permissions":["read_job"],"project_id":1,"group_id":null}]}`,
		},
		"user_success": {
			Source: "documented: gitlabhq doc/api/users.md",
			Status: http.StatusOK,
			Body: `{"id":1,"username":"john_smith","email":"john@example.com","name":"John Smith","state":"active","created_at":"2012-05-23T08:00:58Z",
				"two_factor_enabled":true,"external":false,"private_profile":false}`,
		},
	}
}

// gitlabRefusals are about the token.
func gitlabRefusals() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"unauthorized_unknown_token": {
			Source: "documented: gitlabhq doc/api/rest/authentication.md", Status: http.StatusUnauthorized,
			Body: `{"message":"401 Unauthorized"}`,
		},
		"unauthorized_unknown_token_recorded": {
			Source: "recorded: ilijamt/vault-plugin-secrets-gitlab TestPathConfig_invalid_token, GitLab 19.1.1", Status: http.StatusUnauthorized,
			Header: map[string]string{"X-Gitlab-Meta": `{"correlation_id":"01KVXXHREW086SQM8CM9Q5YVR0","version":"1"}`},
			Body:   `{"message":"401 Unauthorized"}`,
		},
		"token_revoked_recorded_gitlab_com": {
			Source: "recorded: ilijamt/vault-plugin-secrets-gitlab TestWithGitlabUser_RotateToken, gitlab.com", Status: http.StatusUnauthorized,
			Header: map[string]string{
				"X-Gitlab-Meta":    `{"correlation_id":"9f46279b098afba7-AMS","version":"1"}`,
				"Www-Authenticate": `Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="Token was revoked. You have to re-authorize from the user."`,
			},
			Body: `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`,
		},
		"token_not_found": {
			Source: "from the server's code: gitlabhq lib/api/api_guard.rb", Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_token","error_description":"Bad Access Token."}`,
		},
		"unauthorized_with_reason": {
			Source: "from the server's code: unauthorized! of gitlabhq lib/api/helpers.rb, which takes a reason; the reason is made up", Status: http.StatusUnauthorized,
			Body: `{"message":"401 Unauthorized - Token is unknown"}`,
		},
		"token_expired": {
			Source: "from the server's code: gitlabhq lib/api/api_guard.rb", Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`,
		},
		"token_revoked": {
			Source: "recorded: mattermost/mattermost-plugin-gitlab issue 142", Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`,
		},
		"impersonation_disabled": {
			Source: "from the server's code: gitlabhq lib/api/api_guard.rb", Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_token","error_description":"Token is an impersonation token but impersonation was disabled."}`,
		},
		"dpop_demanded": {
			Source: "from the server's code: gitlabhq lib/api/api_guard.rb; the description is made up", Status: http.StatusUnauthorized,
			Body: `{"error":"dpop_error","error_description":"DPoP validation error"}`,
		},
		"insufficient_scope": {
			Source: "recorded: fh1ch/passport-gitlab2 issue 5", Status: http.StatusForbidden,
			Body: `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`,
		},
		"insufficient_granular_scope": {
			Source: "recorded: notes of a public client project, 2026", Status: http.StatusForbidden,
			Body: `{"error":"insufficient_granular_scope","error_description":"Access denied: This operation requires a fine-grained personal access token with the following project permissions: [Merge Request: Read]."}`,
		},
		"insufficient_granular_scope_self": {
			Source: "from a client's test", Status: http.StatusForbidden,
			Body: `{"error":"insufficient_granular_scope","error_description":"Access denied: This operation requires a fine-grained personal access token with the following user permissions: [read_personal_access_token]."}`,
		},
	}
}

// gitlabDenied are about its account and the address it came from.
func gitlabDenied() map[string]providertest.Answer {
	const reasons = "from the server's code: gitlabhq lib/gitlab/auth/user_access_denied_reason.rb"
	return map[string]providertest.Answer{
		"forbidden_plain": {
			Source: "recorded: mc1arke/sonarqube-community-branch-plugin issue 756", Status: http.StatusForbidden,
			Header: map[string]string{"Content-Type": "application/json", "Server": "nginx"},
			Body:   `{"message":"403 Forbidden"}`,
		},
		"account_blocked": {
			Source: reasons, Status: http.StatusForbidden,
			Body: `{"message":"403 Forbidden - Your account has been blocked."}`,
		},
		"terms_not_accepted": {
			Source: "recorded: dlang/dub-registry issue 343", Status: http.StatusForbidden,
			Body: `{"message":"403 Forbidden  - You (@example-user) must accept the Terms of Service in order to perform this action. Please access GitLab from a web browser to accept these terms."}`,
		},
		"internal_user": {
			Source: reasons, Status: http.StatusForbidden,
			Body: `{"message":"403 Forbidden - This action cannot be performed by internal users"}`,
		},
		"not_a_personal_access_token": {
			Source: "from the server's code: gitlabhq lib/api/personal_access_tokens/self_information.rb", Status: http.StatusBadRequest,
			Body: `{"message":"400 Bad request - This endpoint requires token type to be a personal access token"}`,
		},
		"rate_limited_429": {
			Source: "documented: gitlabhq doc/administration/settings/user_and_ip_rate_limits.md", Status: http.StatusTooManyRequests,
			Header: map[string]string{
				"Content-Type": "text/plain", "RateLimit-Limit": "60", "RateLimit-Name": "throttle_authenticated_api", "RateLimit-Observed": "67",
				"RateLimit-Remaining": "33", "RateLimit-Reset": "1609844400", "RateLimit-ResetTime": "Tue, 05 Jan 2021 11:00:00 GMT", "Retry-After": "30",
			},
			Body: "Retry later\n",
		},
		"rate_limited_past": {
			Source: "documented: the same page, without Retry-After", Status: http.StatusTooManyRequests,
			Header: map[string]string{"Content-Type": "text/plain", "RateLimit-Reset": "1609844400", "RateLimit-ResetTime": "Tue, 05 Jan 2021 11:00:00 GMT"},
			Body:   "Retry later\n",
		},
		"address_banned": {
			Source: "documented: docs.gitlab.com/security/rate_limits; the text is Rack Attack's own", Status: http.StatusForbidden,
			Header: map[string]string{"Content-Type": "text/plain"},
			Body:   "Forbidden\n",
		},
	}
}
