package bitbuckettest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// BitbucketOAuthAnswers are answers of the token endpoint of Bitbucket Cloud, by name.
func BitbucketOAuthAnswers() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"oauth_token_success": {
			Source: "recorded: terrakube-io/terrakube issue 47; tokens masked there; since May 2026 scope is announced in place of scopes",
			Status: http.StatusOK,
			Body: `{"scopes":"repository","access_token":"XXXXXX","expires_in":7200,"token_type":"bearer","state":"authorization_code",
				"refresh_token":"XXXXX"}`,
		},
		"oauth_refresh_success": {
			Source: "from source code: avivsinai/bitbucket-cli pkg/oauth/flow_test.go TestRefreshToken; written by hand",
			Status: http.StatusOK,
			Body:   `{"access_token":"at-new","refresh_token":"rt-new","expires_in":7200}`,
		},
		"oauth_invalid_grant": {
			Source: "from source code: avivsinai/bitbucket-cli pkg/oauth/flow_test.go TestExchangeCodeError; written by hand",
			Status: http.StatusBadRequest,
			Body:   `{"error":"invalid_grant","error_description":"code already used"}`,
		},
		"oauth_invalid_refresh_token": {
			Source: "recorded: readthedocs/readthedocs.org issue 2992; the envelope is RFC 6749's, status 400 assumed",
			Status: http.StatusBadRequest,
			Body:   `{"error":"invalid_request","error_description":"Invalid refresh_token"}`,
		},
	}
}
