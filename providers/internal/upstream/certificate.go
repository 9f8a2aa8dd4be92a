package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// clientCertificateKey is for whether a server demanded a client certificate in a
// handshake made for a request. Some say nothing else before they hang up.
type clientCertificateKey struct{}

func withDemands(ctx context.Context) context.Context {
	return context.WithValue(ctx, clientCertificateKey{}, new(atomic.Bool))
}

// demanded reports whether the server asked for a client certificate.
func demanded(ctx context.Context) bool {
	flag, _ := ctx.Value(clientCertificateKey{}).(*atomic.Bool)
	return flag != nil && flag.Load()
}

// noCertificate answers a server that asks for a client certificate: there is none. That
// it asked is noted, and is no error: many go on without one.
func noCertificate(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if flag, _ := info.Context().Value(clientCertificateKey{}).(*atomic.Bool); flag != nil {
		flag.Store(true)
	}
	return &tls.Certificate{}, nil
}

// badCertificate finds what is wrong with a certificate, and what to do; "" if none was
// judged. It names nothing that the certificate holds, which the upstream chose.
func (r Route) badCertificate(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		sent    []*x509.Certificate
	)
	if errors.As(err, &verify) {
		sent = verify.UnverifiedCertificates
	}
	switch {
	case errors.As(err, &name):
		return r.badName(name.Certificate)
	case errors.As(err, &invalid):
		return badTime(invalid, sent)
	case errors.As(err, &unknown):
		return r.badAuthority(sent)
	case verify != nil:
		return "the certificate of %q cannot be trusted"
	}
	return ""
}

// badName is for a certificate that does not name the host.
func (r Route) badName(cert *x509.Certificate) string {
	switch {
	case cert == nil || len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0:
		return "the certificate of %q has no subjectAltName, and a name in its subject does not count, so no setting helps: it must be issued again with the host as subjectAltName"
	case r.ServerName != "":
		return "the certificate of %q is for another name than tls_server_name; enter there one of the names in its subjectAltName"
	}
	return "the certificate of %q is for another name; if that is expected, give one of the names in its subjectAltName as tls_server_name"
}

// badTime is for a certificate that is valid in form only. sent are those of the server,
// its own first.
func badTime(invalid x509.CertificateInvalidError, sent []*x509.Certificate) string {
	whose := "the certificate of %q"
	if invalid.Cert != nil && len(sent) > 0 && !invalid.Cert.Equal(sent[0]) {
		whose = "an authority's certificate, by which that of %q is signed,"
	}
	switch invalid.Reason {
	case x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return whose + " is not yet valid; compare the clocks of both, and wait or have it issued again"
		}
		return whose + " has expired; it must be renewed"
	case x509.IncompatibleUsage:
		return whose + " is not made for servers and cannot be trusted; it must be issued again with the extended key usage of a server"
	case x509.NotAuthorizedToSign, x509.TooManyIntermediates:
		return "the certificate of %q cannot be trusted: it is signed by a certificate that may not sign others"
	case x509.CANotAuthorizedForThisName, x509.CANotAuthorizedForExtKeyUsage:
		return "the certificate of %q cannot be trusted: its authority may not sign for this name or use"
	default:
		return "the certificate of %q cannot be trusted"
	}
}

// badAuthority is for a certificate that leads to nobody who is trusted. sent are those
// of the server, its own first.
func (r Route) badAuthority(sent []*x509.Certificate) string {
	own := r.CACert != ""
	switch {
	case slices.ContainsFunc(sent, weaklySigned):
		return "the certificate of %q, or one that it is signed by, is signed with SHA-1 or MD5, which is not accepted; it must be issued again"
	case len(sent) > 0 && selfSigned(sent[0]) && own:
		return "the certificate of %q is signed by itself, and is none of those in ca_cert; give it there"
	case len(sent) > 0 && selfSigned(sent[0]):
		return "the certificate of %q is signed by itself and not by an authority that is trusted; if it is your own, give it as ca_cert"
	case len(sent) == 1 && own:
		return "the certificate of %q is signed by none of those in ca_cert, and the server sends no intermediate certificate: let it send the intermediate, or give that in ca_cert, too; if the authority is another one, give its certificate there"
	case own:
		return "the certificate of %q is signed by none of those in ca_cert, which counts in the place of the system's, nor by one of the intermediate certificates that the server sends; give the authority's certificate there, or the intermediate that is missing"
	case len(sent) == 1:
		return "the certificate of %q is signed by an authority that is not trusted, and the server sends no intermediate certificate; if the authority is your own, give its certificate as ca_cert, else let the server send the intermediate"
	}
	return "the certificate of %q is signed by an authority that is not trusted; if it is your own, give its certificate as ca_cert"
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// weaklySigned reports whether a signature counts that nobody accepts any more. That of
// an authority by itself proves nothing, and does not.
func weaklySigned(c *x509.Certificate) bool {
	weak := []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}
	return !selfSigned(c) && slices.Contains(weak, c.SignatureAlgorithm)
}
