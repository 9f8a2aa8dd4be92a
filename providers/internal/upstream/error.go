package upstream

import (
	"errors"
	"fmt"
)

// Kind says why a request had no usable answer.
type Kind uint8

// The kinds of failure.
const (
	Canceled     Kind = iota + 1 // the caller gave up
	Timeout                      // the time limit passed
	NoSuchHost                   // the name does not resolve
	Refused                      // nothing listens there, or no way leads there
	Reset                        // the connection broke
	TLS                          // the certificate or the handshake was no good
	Proxy                        // the proxy answered CONNECT with something else than 200
	NotAllowed                   // the mount's allowed_hosts, or the default rule, forbid the address
	TooLarge                     // the answer is larger than the limit
	NotJSON                      // the answer is not one JSON document
	InvalidURL                   // the address is not an http or https URL that can be called
	InvalidRoute                 // ca_cert, proxy_url or tls_server_name cannot be used
	InvalidValue                 // the credential cannot be put into a header
)

// Error is a request without a usable answer. It holds no text that an upstream
// chose, no credential and no query string.
type Error struct {
	Kind Kind
	// Host is the host as the caller named it: the upstream, or the proxy.
	Host string
	// Detail is a sentence without its first capital letter and its full stop.
	Detail string
	// Field names the setting at fault, where one is.
	Field string
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Detail }

func newError(kind Kind, host, format string, args ...any) *Error {
	return &Error{Kind: kind, Host: host, Detail: fmt.Sprintf(format, args...)}
}

// atField names the setting that an error of this package is about.
func atField(err error, field string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Field = field
	}
	return err
}

func fieldError(kind Kind, field, format string, args ...any) *Error {
	e := newError(kind, "", format, args...)
	e.Field = field
	return e
}
