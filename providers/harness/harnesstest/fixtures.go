package harnesstest

import (
	"embed"

	"vault-plugin-secrets-sei/providers/providertest"
)

//go:embed fixtures/*.json
var fixtures embed.FS

// HarnessAnswers are answers that a check of Harness can meet, by name. Where a
// source shows no status, it is the one of today's server.
func HarnessAnswers() map[string]providertest.Answer {
	return providertest.ReadAnswers(fixtures, "fixtures/harness.json")
}
