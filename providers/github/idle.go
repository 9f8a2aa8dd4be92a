package github

import (
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

var (
	_ providers.Idler = github{}
	_ providers.Idler = githubActions{}
)

// IdleLife is a year.
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation
func (github) IdleLife(providers.Target) time.Duration { return 365 * probe.Day }

// IdleLife is a year: the tokens are GitHub's.
func (githubActions) IdleLife(providers.Target) time.Duration { return 365 * probe.Day }
