package sonarqubetest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// SonarQubeAnswers are answers that a check of SonarQube can meet, by name, and two
// of the endpoint that it must not ask.
func SonarQubeAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/sonarqube.json")
}
