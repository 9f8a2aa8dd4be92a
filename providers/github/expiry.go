package github

import (
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// parseGitHubExpiry reads the header github-authentication-token-expiration. It
// comes with a numeric offset or with the letters UTC. Any other zone name is
// refused, because Go would read the letters PST as an offset of zero. The zero
// time means that nothing is known.
func parseGitHubExpiry(text string) time.Time {
	text = strings.TrimSpace(text)
	t, err := time.Parse("2006-01-02 15:04:05 -0700", text)
	if clock, ok := strings.CutSuffix(text, " UTC"); ok {
		t, err = time.Parse(time.DateTime, clock)
	}
	// A year beyond four digits cannot be written as RFC 3339.
	if t = t.UTC(); err != nil || t.Year() < 1970 || t.Year() > providers.LastYear {
		return time.Time{}
	}
	return t
}
