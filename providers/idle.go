package providers

import "time"

const day = 24 * time.Hour

// Idler is implemented by providers whose upstreams end a token that nobody uses.
type Idler interface {
	// IdleLife is how long a token of the target lives without being used; 0 where it
	// does not end so. It looks at the target's url, auth type and settings only.
	IdleLife(t Target) time.Duration
}

// IdleLife is a year.
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation
func (github) IdleLife(Target) time.Duration { return 365 * day }

// IdleLife is a year: the tokens are GitHub's.
func (githubActions) IdleLife(Target) time.Duration { return 365 * day }

// IdleLife is 90 days: of refresh tokens by Microsoft Entra's rule, of personal access
// tokens because their account must have signed in.
func (azureDevOps) IdleLife(Target) time.Duration { return 90 * day }

// IdleLife is 60 days on SonarQube Cloud; servers keep tokens.
// https://docs.sonarsource.com/sonarqube-cloud/managing-your-account/managing-tokens
func (s sonarqube) IdleLife(t Target) time.Duration {
	if c, err := s.check(t); err == nil && c.cloud {
		return 60 * day
	}
	return 0
}

var (
	_ Idler = github{}
	_ Idler = githubActions{}
	_ Idler = azureDevOps{}
	_ Idler = sonarqube{}
)
