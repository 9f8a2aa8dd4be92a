package sonarqube

import (
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

var _ providers.Idler = sonarqube{}

// IdleLife is 60 days on SonarQube Cloud; servers keep tokens.
// https://docs.sonarsource.com/sonarqube-cloud/managing-your-account/managing-tokens
func (s sonarqube) IdleLife(t providers.Target) time.Duration {
	if c, err := s.check(t); err == nil && c.cloud {
		return 60 * probe.Day
	}
	return 0
}
