package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// tlsError finds the sentence for a handshake that failed, or returns nil.
func (r Route) tlsError(ctx context.Context, host string, err error) *Error {
	if text := r.badCertificate(err); text != "" {
		return newError(TLS, host, text, host)
	}
	var noTLS tls.RecordHeaderError
	if errors.As(err, &noTLS) {
		return newError(TLS, host, "%q does not speak TLS on that port; check the port, and whether the address begins with http://", host)
	}
	text := cause(err)
	if !strings.HasPrefix(text, "tls: ") {
		return nil
	}
	switch {
	case strings.Contains(text, "protocol version"):
		return newError(TLS, host, "%q offers no version of TLS that is new enough; 1.2 is the oldest accepted", host)
	case fromPeer(err) && (demanded(ctx) || clientCertificateAlert(text)):
		return demandsCertificate(host)
	case strings.Contains(text, "unrecognized name"):
		return newError(TLS, host, "%q does not know the name by which it was called; check the host, and tls_server_name", host)
	case strings.Contains(text, "handshake failure"), strings.Contains(text, "insufficient security"):
		return newError(TLS, host, "the TLS handshake with %q did not succeed: it has no cipher in common with the engine, which takes those with forward secrecy", host)
	}
	return newError(TLS, host, "the TLS handshake with %q did not succeed", host)
}

// fromPeer reports whether the other side ended the handshake.
func fromPeer(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if op, ok := err.(*net.OpError); ok && op.Op == "remote error" { //nolint:errorlint // each layer is looked at
			return true
		}
	}
	return false
}

// clientCertificateAlert reports whether an alert of the other side judges the engine's
// certificate, of which there is none.
func clientCertificateAlert(text string) bool {
	alert := strings.TrimPrefix(text, "tls: ")
	return slices.Contains([]string{
		"certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate",
	}, alert)
}

func demandsCertificate(host string) *Error {
	return newError(TLS, host, "%q demands a client certificate (mutual TLS), which the engine does not have; name an address where it is not demanded of Vault", host)
}

// networkError finds the sentence for everything below TLS.
func networkError(ctx context.Context, host string, err error) *Error {
	var dns *net.DNSError
	switch {
	case demanded(ctx) && !isTimeout(err):
		return newError(Reset, host, "%q asked for a client certificate (mutual TLS), which the engine does not have, and broke the connection; name an address where it is not demanded of Vault", host)
	case errors.As(err, &dns) && dns.IsNotFound:
		return newError(NoSuchHost, host, "the name %q does not exist", host)
	case errors.As(err, &dns):
		return newError(NoSuchHost, host, "the name %q could not be resolved", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return newError(Refused, host, "%q refused the connection", host)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return newError(Refused, host, "no route leads to %q", host)
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return newError(Timeout, host, "%q did not answer within the time limit", host)
	case strings.HasPrefix(cause(err), "net/http: invalid header field"):
		return newError(InvalidValue, host, "the credential contains a character that cannot be sent")
	case strings.HasPrefix(cause(err), "net/http: server response headers exceeded"):
		return newError(TooLarge, host, "the header of the answer of %q is larger than %d KiB", host, maxHeader>>10)
	case strings.HasPrefix(cause(err), `malformed HTTP response "\x15\x03`): // an alert of TLS
		return newError(Reset, host, "%q speaks TLS on that port; the address must begin with https://", host)
	case strings.HasPrefix(cause(err), "malformed"):
		return newError(Reset, host, "%q answered with something that is not HTTP", host)
	default:
		return newError(Reset, host, "the connection to %q broke before the answer was complete", host)
	}
}

// cause is the text of the innermost error. Only its beginning is net/http's: what
// follows may quote the upstream, which must not choose how it is judged.
func cause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
