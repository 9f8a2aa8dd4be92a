package sonarqubetest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// SonarQubeAnswers are answers that a check of SonarQube can meet, by name, and two
// of the endpoint that it must not ask.
func SonarQubeAnswers() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"users_current_logged_in": {
			Source: "documented: SonarSource/sonarqube current-example.json",
			Status: http.StatusOK,
			Body: `{"isLoggedIn":true,"login":"obiwan.kenobi","name":"Obiwan Kenobi","email":"obiwan.kenobi@starwars.com","local":true,
				"externalIdentity":"obiwan.kenobi","externalProvider":"sonarqube","scmAccounts":["obiwan:github","obiwan:bitbucket"],"groups":["Jedi","Rebel"],
				"permissions":{"global":["profileadmin","scan"]},"avatar":"f5aa64437a1821ffe8b563099d506aef","homepage":{"type":"PROJECT","component":"death-star-key"},
				"usingSonarLintConnectedMode":false,"dismissedNotices":{"educationPrinciples":false,"sonarlintAd":false},"id":"00000000-0000-0000-0000-000000000001"}`,
		},
		"token_expiration_header": {
			Source: "from the server's code: UserSessionInitializer of SonarSource/sonarqube; the form of user_tokens search-example.json",
			Status: http.StatusOK,
			Header: map[string]string{"SonarQube-Authentication-Token-Expiration": "2015-08-02T15:44:27+0200"},
			Body:   `{"isLoggedIn":true,"login":"obiwan.kenobi"}`,
		},
		"users_current_anonymous": {
			Source: "from the server's tests: CurrentActionTest of SonarSource/sonarqube",
			Status: http.StatusOK,
			Body:   `{"isLoggedIn":false,"permissions":{"global":["scan","provisioning"]},"scmAccounts":[],"groups":[]}`,
		},
		"unauthorized_401_empty": {
			Source: "from the server's code: UserSessionInitializer of SonarSource/sonarqube",
			Status: http.StatusUnauthorized,
		},
		"insufficient_privileges_403": {
			Source: "recorded: shijl0925/python-sonarqube-api issue 35",
			Status: http.StatusForbidden,
			Body:   `{"errors":[{"msg":"Insufficient privileges"}]}`,
		},
		"validate_true": {
			Source: "from the server's code: ValidateAction of SonarSource/sonarqube; also said to nobody",
			Status: http.StatusOK,
			Body:   `{"valid":true}`,
		},
		"validate_false": {
			Source: "from the server's code: ValidateAction of SonarSource/sonarqube",
			Status: http.StatusOK,
			Body:   `{"valid":false}`,
		},
	}
}
