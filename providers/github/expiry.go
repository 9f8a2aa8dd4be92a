package github

import (
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/internal/probe"
)

// parseGitHubExpiry reads the header github-authentication-token-expiration. It
// comes with a numeric offset or with the letters UTC. Any other zone name is
// refused, because Go would read the letters PST as an offset of zero. The zero
// time means that nothing is known.
func parseGitHubExpiry(text string) time.Time {
	text = strings.TrimSpace(text)
	if clock, ok := strings.CutSuffix(text, " UTC"); ok {
		text = clock + " +0000"
	}
	t := probe.ParseEnd("2006-01-02 15:04:05 -0700", text)
	if t.Year() < 1970 {
		return time.Time{}
	}
	return t
}
