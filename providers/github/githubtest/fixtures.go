package githubtest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// GitHubAnswers are answers that a check of GitHub can meet, by name. People,
// organisations and ids are dummies.
func GitHubAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/github.json")
}

// GitHubActionsAnswers are answers that a check of GitHub Actions can meet beside
// GitHubAnswers, by name.
func GitHubActionsAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/github_actions.json")
}
