package catalogtest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// RotationAnswers are answers that a rotation can meet, by provider and name.
func RotationAnswers() map[string]map[string]providertest.Answer {
	answers := map[string]map[string]providertest.Answer{}
	for _, provider := range []string{"gitlab", "harness", "sonarqube"} {
		answers[provider] = providertest.ReadAnswers(fixtures, "fixtures/"+provider+"_rotation.json")
	}
	return answers
}
