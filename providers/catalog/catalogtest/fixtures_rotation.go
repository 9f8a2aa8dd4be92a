package catalogtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// RotationAnswers are answers that a rotation can meet, by provider and name.
func RotationAnswers() map[string]map[string]providertest.Answer {
	return map[string]map[string]providertest.Answer{
		"gitlab": gitlabRotationAnswers(), "harness": harnessRotationAnswers(), "sonarqube": sonarqubeRotationAnswers(),
	}
}

func gitlabRotationAnswers() map[string]providertest.Answer {
	const service = "from the server's code: gitlabhq app/services/personal_access_tokens/rotate_service.rb and lib/api/helpers/personal_access_tokens_helpers.rb"
	return map[string]providertest.Answer{
		"token_self_rotate_success": {
			Source: "documented: gitlabhq doc/api/personal_access_tokens.md",
			Status: http.StatusOK,
			Body: `{"id":42,"name":"Rotated Token","revoked":false,"created_at":"2023-08-01T15:00:00.000Z","description":"Test Token description",
				"scopes":["api"],"user_id":1337,"last_used_at":null,"active":true,"expires_at":"2023-08-15","token":"s3cr3t"}`,
		},
		"legacy_disabled": {
			Source: service, Status: http.StatusBadRequest,
			Body: `{"message":"400 Bad request - Rotation of legacy personal access tokens is disabled. Use a fine-grained token instead."}`,
		},
		"already_revoked": {
			Source: service, Status: http.StatusBadRequest,
			Body: `{"message":"400 Bad request - Token already revoked"}`,
		},
		"expires_at_refused": {
			Source: service + "; the wording of the token's own error is a guess", Status: http.StatusBadRequest,
			Body: `{"message":"400 Bad request - Expiration date must be before 2027-01-01"}`,
		},
		"expires_at_invalid": {
			Source: "the form of Grape's refusals of a parameter", Status: http.StatusBadRequest,
			Body: `{"error":"expires_at is invalid"}`,
		},
		"not_allowed": {
			Source: "from the server's code: gitlabhq lib/api/personal_access_tokens/self_rotation.rb", Status: http.StatusMethodNotAllowed,
			Body: `{"message":"405 Method Not Allowed"}`,
		},
		"not_found": {
			Source: "the answer to a path that GitLab does not have", Status: http.StatusNotFound,
			Body: `{"error":"404 Not Found"}`,
		},
	}
}

func harnessRotationAnswers() map[string]providertest.Answer {
	const service = "from the server's code: TokenServiceImpl and TokenResource, in a public copy; the envelope of a recorded refusal"
	return map[string]providertest.Answer{
		"token_rotate_success_shape": {
			Source: "documented: api-evangelist/harness openapi/harness-token-api-openapi.yml; the page's placeholder is no token",
			Status: http.StatusOK,
			Body:   `{"status":"SUCCESS","data":"string","metaData":{},"correlationId":"string"}`,
		},
		"policy_denied": {
			Source: service + "; a policy's denial is a 200",
			Status: http.StatusOK,
			Body:   `{"status":"FAILURE","data":null,"metaData":null,"correlationId":"00000000-0000-4000-8000-000000000000"}`,
		},
		"token_limit": {
			Source: service, Status: http.StatusBadRequest,
			Body: `{"status":"ERROR","code":"INVALID_REQUEST","message":"Invalid request: Maximum Token limit has been reached","correlationId":null,"responseMessages":[]}`,
		},
		"access_denied": {
			Source: service, Status: http.StatusForbidden,
			Body: `{"status":"ERROR","code":"NG_ACCESS_DENIED","message":"Missing permission core_serviceaccount_manageapikey","correlationId":null,"responseMessages":[]}`,
		},
	}
}

func sonarqubeRotationAnswers() map[string]providertest.Answer {
	const action = "from the server's code: GenerateAction of SonarSource/sonarqube"
	return map[string]providertest.Answer{
		"user_tokens_generate_success": {
			Source: "documented: SonarSource/sonarqube generate-example.json",
			Status: http.StatusOK,
			Body: `{"login":"grace.hopper","name":"Third Party Application","createdAt":"2018-01-10T14:06:05+0100",
				"expirationDate":"2022-07-14T00:00:00+0100","token":"123456789","type":"USER_TOKEN"}`,
		},
		"user_tokens_generate_duplicate_400": {
			Source: action, Status: http.StatusBadRequest,
			Body: `{"errors":[{"msg":"A user token for login 'grace.hopper' and name 'Third Party Application' already exists"}]}`,
		},
		"expiration_too_soon": {
			Source: action, Status: http.StatusBadRequest,
			Body: `{"errors":[{"msg":"The minimum value for parameter expirationDate is 2022-07-14."}]}`,
		},
		"name_too_long": {
			Source: "the form of the server's refusals of a parameter", Status: http.StatusBadRequest,
			Body: `{"errors":[{"msg":"'name' length (101) is longer than the maximum authorized (100)"}]}`,
		},
	}
}
