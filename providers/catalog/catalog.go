package catalog

import (
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops"
	"vault-plugin-secrets-sei/providers/bitbucket"
	"vault-plugin-secrets-sei/providers/github"
	"vault-plugin-secrets-sei/providers/gitlab"
	"vault-plugin-secrets-sei/providers/harness"
	"vault-plugin-secrets-sei/providers/internal/upstream"
	"vault-plugin-secrets-sei/providers/jira"
	"vault-plugin-secrets-sei/providers/sonarqube"
	"vault-plugin-secrets-sei/providers/webhook"
)

// All returns every provider of this build. The version goes into the
// User-Agent. Close the registry when it is no longer used.
func All(version string) *providers.Registry {
	client := upstream.New(version)
	return providers.NewRegistry(
		jira.New(client),
		github.New(client),
		bitbucket.New(client),
		azuredevops.New(client),
		harness.New(client),
		gitlab.New(client),
		github.NewActions(client),
		sonarqube.New(client),
	).OnClose(client.Close).OnTiming(client.TimeRequests).Posts(webhook.New(client))
}
