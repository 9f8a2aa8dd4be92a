package providers

import (
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// foreign is the failure of a refusal that is not in the vendor's own form: somebody in
// between gave it, such as a mesh, an ingress or a gateway, and it says nothing of the
// credential.
func (p probe) foreign(res *upstream.Response, vendor string) *Error {
	return p.fail(UpstreamError, "%q answered HTTP %d with something that is not %s's, such as the answer of a proxy, gateway or firewall in between; the credential was not judged, check url and what stands before it",
		res.Host, res.Status, vendor)
}
