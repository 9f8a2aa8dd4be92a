package jiratest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// JiraAnswers are answers that a check of Jira can meet, by name. People, hosts
// and ids are dummies.
func JiraAnswers() map[string]providertest.Answer {
	answers := providertest.ReadAnswers(fixtures, "fixtures/jira.json")
	answers["myself_unauthorized_cloud"] = providertest.JiraUnauthorized()
	return answers
}
