package probe

import (
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// WholeDays rounds up.
func WholeDays(d time.Duration) int { return int((d + Day - 1) / Day) }

// IsSuccessor reports whether text can be a token, and is not the one before.
func IsSuccessor(text string, old providers.Secret) bool {
	return text != "" && IsToken(text) && text != old.Reveal()
}

// Lives reads what became of a credential out of the end of its check: only a refusal of
// the credential itself says that it is dead.
func Lives(err *providers.Error) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case err.Outcome == providers.Rejected:
		return false, nil
	}
	return false, err
}

// Unprepared is a Rotation that Prepare did not make. Nothing is sent.
func (p Probe) Unprepared() *providers.Error {
	return p.Fail(providers.InvalidField, "the rotation was not prepared")
}

// IsToken accepts the characters that RFC 6749 (appendix A) allows in a token, but for
// the space, and no more of them than any vendor sends; none is a token, too.
func IsToken(text string) bool {
	const longest = 16 << 10
	return len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
