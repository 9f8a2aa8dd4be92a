package providers

import "time"

// wholeDays rounds up.
func wholeDays(d time.Duration) int { return int((d + day - 1) / day) }

// isSuccessor reports whether text can be a token, and is not the one before.
func isSuccessor(text string, old Secret) bool {
	return text != "" && isToken(text) && text != old.Reveal()
}

// lives reads what became of a credential out of the end of its check: only a refusal of
// the credential itself says that it is dead.
func lives(err *Error) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case err.Outcome == Rejected:
		return false, nil
	}
	return false, err
}

// unprepared is a Rotation that Prepare did not make. Nothing is sent.
func (p probe) unprepared() *Error {
	return p.fail(InvalidField, "the rotation was not prepared")
}
