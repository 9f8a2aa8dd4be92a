package sei

import (
	"context"
	"errors"
	"strconv"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
)

// emit sends an event. Where Vault has no event system, and where one cannot be sent,
// nothing else is affected. data_path is what a subscriber must be allowed to read.
func (e *engine) emit(ctx context.Context, ev backend.Event) {
	metadata := []string{
		"name", ev.Integration, "provider", ev.Provider, "version", strconv.Itoa(ev.Version),
		"status", string(ev.Status), "code", ev.Code, "modified", strconv.FormatBool(modifies(ev)),
	}
	switch ev.Type {
	case backend.EventReauth, backend.EventReauthFailed, backend.EventRotate, backend.EventRollback:
		metadata = append(metadata, logical.EventMetadataDataPath, "creds/"+ev.Integration)
	case backend.EventHealthChanged:
		metadata = append(metadata, logical.EventMetadataDataPath, "health/"+ev.Integration)
	case backend.EventExpiring:
		metadata = append(metadata, logical.EventMetadataDataPath, "health/"+ev.Integration, "days_left", strconv.Itoa(ev.DaysLeft), "fingerprint", ev.Fingerprint)
	}
	err := logical.SendEvent(ctx, e, string(ev.Type), metadata...)
	if err != nil && !errors.Is(err, framework.ErrNoEvents) {
		e.Logger().Debug("an event was not sent", "type", string(ev.Type), "error", err)
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
	var refusal *backend.Error
	switch {
	case err == nil:
		for _, seen := range e.store.Watch.Swapped(ctx, change) {
			e.emit(ctx, backend.Event{
				Type: backend.EventReauth, Integration: seen.Integration.Name, Provider: seen.Integration.Provider,
				Version: seen.Record.Version, Status: seen.Health.Status,
			})
		}
	case errors.As(err, &refusal) && refusal.Integration != "" && refusal.Code != backend.CodeUnknownIntegration:
		e.emit(ctx, backend.Event{Type: backend.EventReauthFailed, Integration: refusal.Integration, Provider: refusal.Provider, Code: refusal.Code})
	}
}
