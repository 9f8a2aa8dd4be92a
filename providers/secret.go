package providers

import (
	"errors"
	"fmt"
	"log/slog"
)

// redacted is what every way of printing a Secret yields.
const redacted = "[redacted]"

// Secret holds one value that must not be printed. No fmt verb, no encoder and
// no logger shows it, not even through reflection on an unexported field that
// holds it; only Reveal does. The zero value is the empty secret. A Secret is
// immutable and safe for concurrent use.
type Secret struct {
	// A closure and not a string: fmt prints unexported fields by reflection,
	// without asking String, and would show a string.
	reveal func() string
}

// NewSecret wraps a value.
func NewSecret(value string) Secret {
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value. Call it only to send the credential to the upstream
// that the integration names, to store it, or to answer creds/.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String, GoString and Format redact.
func (s Secret) String() string { return redacted }

// GoString redacts %#v.
func (s Secret) GoString() string { return redacted }

// Format redacts every other verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue redacts structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText fails, so that no JSON, YAML or XML encoder writes a Secret by
// accident; storage reveals it on purpose.
func (s Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("a secret cannot be encoded")
}
