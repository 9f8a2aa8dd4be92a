package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

func (e *engine) pathHistory() []*framework.Path {
	return []*framework.Path{{
		Pattern: "history/" + framework.GenericNameRegex("name"),
		Fields:  map[string]*framework.FieldSchema{"name": nameField()},
		Operations: operations(map[logical.Operation]operation{
			logical.ReadOperation: {handler: e.readHistory, summary: "Read who swapped the credential, when and why.", verb: "read", suffix: "history", answer: historySchema(), refusals: []int{404}},
		}),
		HelpSynopsis:    "Read the history of an integration's credential.",
		HelpDescription: historyHelp,
	}}
}

func (e *engine) readHistory(ctx context.Context, c call) (*logical.Response, error) {
	_, record, err := e.store.Credentials.Read(ctx, c.name)
	if err != nil {
		return nil, err
	}
	entries := make([]map[string]any, 0, len(record.History))
	for _, h := range record.History {
		entries = append(entries, map[string]any{
			"version": h.Version, "time": timestamp(h.Time), "cause": string(h.Cause), "via": h.Via,
			"identity": h.Identity, "fingerprint": h.Fingerprint, "identity_changed": h.IdentityChanged, "account_fingerprint": h.AccountFingerprint,
			"entity_id": h.EntityID, "display_name": h.DisplayName, "request_id": h.RequestID, "invitation": h.Invitation,
		})
	}
	return answer(map[string]any{"name": c.name, "version": record.Version, "entries": entries}), nil
}

func historySchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":    {Type: framework.TypeString, Description: "Name of the integration."},
		"version": {Type: framework.TypeInt, Description: "The current version."},
		"entries": {Type: framework.TypeSlice, Description: "The changes, newest first: version, time, cause, via, identity, fingerprint, identity_changed, account_fingerprint, entity_id, display_name, request_id, invitation."},
	}
}

const historyHelp = `
Entries are newest first: version, time, cause (reauth, rotate, refresh, rollback,
forget), via (the path of the request), identity, fingerprint, identity_changed,
account_fingerprint, entity_id, display_name, request_id, invitation (the accessor, if
one was used; entity_id and display_name are then of whoever invited). Of the refreshes of an
access token, the newest of each version is kept. The mount's history_limit bounds the
number of entries; changes of the account are kept beyond it.

    vault read -format=json sei/history/jira-prod
`
