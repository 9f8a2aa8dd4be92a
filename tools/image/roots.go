package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// roots are the certificate authorities that the image trusts, as PEM: those of Mozilla's
// list, as the Go project publishes it in the module golang.org/x/crypto/x509roots, at the
// version and sum that go.mod and go.sum have. An authority that Mozilla trusts for older
// certificates only is left out, since a file of this form cannot say so.
func roots() ([]byte, error) {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}
