package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
)

func (e *engine) pathStatus() []*framework.Path {
	return []*framework.Path{{
		Pattern: "status",
		Operations: operations(map[logical.Operation]operation{
			logical.ReadOperation: {handler: e.readStatus, summary: "Read the state of all integrations at a glance.", verb: "read", suffix: "status", answer: statusSchema()},
		}),
		HelpSynopsis:    "All integrations at a glance: counts by status, the next expiries, and which need a person.",
		HelpDescription: "expires_next lists up to 50 tokens, soonest first, with days_left. needs_person lists the\nintegrations whose status is degraded or needs_reauth; see health/<name> of each.\nnext_check and next_rotation are the soonest of all that the engine does by itself.\n\n    vault read -format=json sei/status",
	}}
}

func (e *engine) readStatus(ctx context.Context, _ call) (*logical.Response, error) {
	fleet, err := e.store.Watch.Fleet(ctx)
	if err != nil {
		return nil, err
	}
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	byProvider := map[string]any{}
	for provider, counts := range fleet.ByProvider {
		byProvider[provider] = countsOf(counts)
	}
	resp := answer(map[string]any{
		"total": fleet.Total, "by_status": countsOf(fleet.ByStatus), "by_provider": byProvider,
		"expires_next": e.expiryList(fleet.Expiring, mount), "needs_person": e.needList(fleet.NeedsPerson, mount),
	})
	e.addSoonest(resp.Data, fleet, mount)
	e.warnOfFaults(resp, "")
	return resp, nil
}

// countsOf has every status, so that a dashboard finds a zero where nothing is.
func countsOf(counts map[backend.Status]int) map[string]any {
	all := map[string]any{}
	for _, status := range backend.Statuses() {
		all[string(status)] = counts[status]
	}
	return all
}

// addSoonest adds what the engine is about to do next of all integrations; see addNext.
func (e *engine) addSoonest(data map[string]any, fleet *health.Fleet, mount *backend.Mount) {
	data["next_check"], data["next_rotation"] = "", ""
	if e.WriteSafeReplicationState() {
		next := e.store.Sweeper.Soonest(fleet.All, mount)
		data["next_check"], data["next_rotation"] = timestamp(next.Check), timestamp(next.Rotation)
	}
}

func (e *engine) expiryList(expiries []health.Expiry, mount *backend.Mount) []map[string]any {
	list := make([]map[string]any, 0, len(expiries))
	for _, x := range expiries {
		next := map[string]any{}
		e.addNext(next, x.Of, mount)
		list = append(list, map[string]any{
			"name": x.Of.Integration.Name, "provider": x.Of.Integration.Provider, "fingerprint": x.Fingerprint, "identity": x.Identity,
			"expires_at": timestamp(x.ExpiresAt), "days_left": int(x.ExpiresAt.Sub(e.now()).Hours() / 24),
			"next_rotation": next["next_rotation"],
		})
	}
	return list
}

func (e *engine) needList(needs []*health.Assessment, mount *backend.Mount) []map[string]any {
	list := make([]map[string]any, 0, len(needs))
	for _, assessed := range needs {
		next := map[string]any{}
		e.addNext(next, assessed, mount)
		list = append(list, map[string]any{
			"name": assessed.Integration.Name, "provider": assessed.Integration.Provider, "status": string(assessed.Health.Status),
			"code": assessed.Health.Code, "message": assessed.Health.Message, "since": timestamp(assessed.Health.Since),
			"next_check": next["next_check"],
		})
	}
	return list
}

func statusSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"next_check":    {Type: framework.TypeString, Description: "RFC 3339, when the engine checks the next credential by itself; see health/<name>."},
		"next_rotation": {Type: framework.TypeString, Description: "RFC 3339, when auto_rotate acts next; see health/<name>."},
		"total":         {Type: framework.TypeInt, Description: "How many integrations there are."},
		"by_status":     {Type: framework.TypeMap, Description: "How many have each status."},
		"by_provider":   {Type: framework.TypeMap, Description: "The same for each provider."},
		"expires_next":  {Type: framework.TypeSlice, Description: "Tokens that expire next, soonest first: name, provider, fingerprint, identity, expires_at, days_left, next_rotation."},
		"needs_person":  {Type: framework.TypeSlice, Description: "Integrations that need a person: name, provider, status, code, message, since, next_check."},
	}
}
