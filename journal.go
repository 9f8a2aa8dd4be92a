package sei

import (
	"strings"

	"vault-plugin-secrets-sei/backend"
)

// logSwap writes one line for each stored swap. It has the fields of the history entry, for
// operators who have the server's log and lack the answer in the audit log.
func (e *engine) logSwap(s backend.Swap) {
	said := "credential swapped"
	if s.Cause == backend.CauseForget {
		said = "credential forgotten"
	}
	e.Logger().Info(said,
		"integration", s.Integration, "provider", s.Provider, "version", s.Version, "fingerprint", s.Fingerprint,
		"cause", string(s.Cause), "request_id", s.RequestID, "via", s.Via, "entity_id", s.EntityID,
		"identity_changed", s.IdentityChanged, "also_updated", strings.Join(s.AlsoUpdated, ","), "mount_uuid", e.mountUUID)
}
