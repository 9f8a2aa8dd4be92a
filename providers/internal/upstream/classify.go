package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// tlsError finds the sentence for a handshake that failed, or returns nil.
func tlsError(host string, err error) *Error {
	var (
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		noTLS    tls.RecordHeaderError
		anyOfTLS = strings.HasPrefix(cause(err), "tls: ")
		tooOld   = anyOfTLS && strings.Contains(cause(err), "protocol version")
	)
	switch {
	case errors.As(err, &unknown):
		return newError(TLS, host, "the certificate of %q is signed by an authority that is not trusted; if it is your own, give its certificate as ca_cert", host)
	case errors.As(err, &name):
		return newError(TLS, host, "the certificate of %q is for another name; if that is expected, give the name as tls_server_name", host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return newError(TLS, host, "the certificate of %q has expired or is not yet valid", host)
	case errors.As(err, &invalid), errors.As(err, &verify):
		return newError(TLS, host, "the certificate of %q cannot be trusted", host)
	case errors.As(err, &noTLS):
		return newError(TLS, host, "%q does not speak TLS on that port", host)
	case tooOld:
		return newError(TLS, host, "%q offers no version of TLS that is new enough; 1.2 is the oldest accepted", host)
	case anyOfTLS:
		return newError(TLS, host, "the TLS handshake with %q did not succeed", host)
	}
	return nil
}

// networkError finds the sentence for everything below TLS.
func networkError(host string, err error) *Error {
	var dns *net.DNSError
	switch {
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
