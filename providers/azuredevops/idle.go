package azuredevops

import (
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

var _ providers.Idler = azureDevOps{}

// IdleLife is 90 days: of refresh tokens by Microsoft Entra's rule, of personal access
// tokens because their account must have signed in.
func (azureDevOps) IdleLife(providers.Target) time.Duration { return 90 * probe.Day }
