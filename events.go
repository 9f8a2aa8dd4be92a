package sei

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
)

// eventPrefix begins the type of every event.
const eventPrefix = "sei/"

// emit sends an event, and has the targets of notifications hear of the integration. Where
// Vault has no event system, and where one cannot be sent, nothing else is affected.
func (e *engine) emit(ctx context.Context, ev backend.Event) {
	e.store.Notifier.Changed(ev.Integration)
	subject := subjectOf(ev)
	metadata := []string{
		// Newer servers judge by path who may receive an event, older ones by data_path.
		logical.EventMetadataPath, subject,
		logical.EventMetadataDataPath, subject,
		logical.EventMetadataOperation, strings.TrimPrefix(string(ev.Type), eventPrefix),
		logical.EventMetadataModified, strconv.FormatBool(modifies(ev)),
		"name", ev.Integration, "provider", ev.Provider, "version", strconv.Itoa(ev.Version),
		"status", string(ev.Status), "code", ev.Code,
	}
	if ev.Type == backend.EventExpiring {
		metadata = append(metadata, "days_left", strconv.Itoa(ev.DaysLeft), "fingerprint", ev.Fingerprint)
	}
	if ev.Type == backend.EventInvited {
		metadata = append(metadata, "invitation", ev.Invitation)
	}
	err := logical.SendEvent(ctx, e, string(ev.Type), metadata...)
	if err != nil && !errors.Is(err, framework.ErrNoEvents) {
		e.Logger().Debug("an event was not sent", "type", string(ev.Type), "error", err)
	}
}

// subjectOf is the path of what an event tells about. It is relative to the mount: Vault
// puts the mount before it.
func subjectOf(ev backend.Event) string {
	switch ev.Type {
	case backend.EventHealthChanged, backend.EventExpiring:
		return "health/" + ev.Integration
	case backend.EventInvited:
		return "invites/" + ev.Integration
	default:
		return "creds/" + ev.Integration
	}
}

// modifies reports whether an event is about a credential that was swapped.
func modifies(ev backend.Event) bool {
	switch ev.Type {
	case backend.EventReauth, backend.EventRotate, backend.EventRollback:
		return ev.Code == ""
	default:
		return false
	}
}

// announceReauth sends the event of a finished re-authentication, and those of the
// integrations that share the credential.
func (e *engine) announceReauth(ctx context.Context, change *backend.Change, err error) {
	e.countReauth(change, err)
	var refusal *backend.Error
	switch {
	case err == nil:
		for _, assessed := range e.store.Watch.Swapped(ctx, change) {
			e.emit(ctx, backend.Event{
				Type: backend.EventReauth, Integration: assessed.Integration.Name, Provider: assessed.Integration.Provider,
				Version: assessed.Record.Version, Status: assessed.Health.Status,
			})
		}
	case errors.As(err, &refusal) && refusal.Integration != "" && refusal.Code != backend.CodeUnknownIntegration:
		e.emit(ctx, backend.Event{Type: backend.EventReauthFailed, Integration: refusal.Integration, Provider: refusal.Provider, Code: refusal.Code})
	}
}

// logSwap writes one line for each stored swap. It has the fields of the history entry, for
// operators who have the server's log and lack the answer in the audit log.
func (e *engine) logSwap(s backend.Swap) {
	said := "credential swapped"
	if s.Cause == backend.CauseForget {
		said = "credential forgotten"
	}
	e.Logger().Info(said,
		"integration", s.Integration, "provider", s.Provider, "version", s.Version, "fingerprint", s.Fingerprint,
		"cause", string(s.Cause), "request_id", s.RequestID, "via", s.Via, "entity_id", s.EntityID, "invitation", s.Invitation,
		"identity_changed", s.IdentityChanged, "also_updated", strings.Join(s.AlsoUpdated, ","), "mount_uuid", e.mountUUID)
}

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
