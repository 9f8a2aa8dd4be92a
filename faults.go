package sei

import (
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend/fault"
)

// maxFaultWarnings is how many faults one answer lists.
const maxFaultWarnings = 10

// logFault writes to the server's log when a fault of the work beside requests begins,
// and when it is over.
func (e *engine) logFault(f fault.Fault, ended bool) {
	if ended {
		e.Logger().Info("what went wrong while nobody asked is over", "doing", string(f.Deed), "integration", f.Integration, "since", timestamp(f.Since))
		return
	}
	parts := []any{"doing", string(f.Deed), "integration", f.Integration, "reason", f.Reason}
	if f.Stack != "" {
		parts = append(parts, "stack", f.Stack)
	}
	e.Logger().Error("something goes wrong while nobody asks; health/ and status show it until it is over", parts...)
}

// warnOfFaults adds the faults of the work beside requests, of one integration, or of all
// with "". Without the warning an old status would look up to date.
func (e *engine) warnOfFaults(resp *logical.Response, name string) {
	faults := e.store.Faults(name)
	for i, f := range faults {
		if i == maxFaultWarnings {
			resp.AddWarning(fmt.Sprintf("%d more faults like these; health/NAME has those of an integration", len(faults)-i))
			return
		}
		resp.AddWarning(f.Sentence())
	}
}
