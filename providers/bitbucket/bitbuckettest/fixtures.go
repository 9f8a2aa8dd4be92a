package bitbuckettest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// BitbucketAnswers are answers that a check of Bitbucket can meet, by name.
// People, workspaces and ids are dummies.
func BitbucketAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/bitbucket.json")
}

// BitbucketOAuthAnswers are answers of the token endpoint of Bitbucket Cloud, by name.
func BitbucketOAuthAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/bitbucket_oauth.json")
}
