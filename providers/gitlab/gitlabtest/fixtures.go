package gitlabtest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// GitLabAnswers are answers that a check of GitLab can meet, by name.
func GitLabAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/gitlab.json")
}
