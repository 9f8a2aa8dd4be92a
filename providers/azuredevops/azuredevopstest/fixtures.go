package azuredevopstest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// AzureAnswers are answers that a check of Azure DevOps can meet, by name.
// People, organisations and ids are dummies.
func AzureAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/azure_devops.json")
}

// EntraAnswers are answers of the token endpoint of Microsoft Entra, by name.
// Applications, tokens and ids are dummies.
func EntraAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/entra.json")
}
