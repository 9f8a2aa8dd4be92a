package sei

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/input"
)

func (e *engine) pathHealth() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "health/?$",
			Operations: operations(map[logical.Operation]operation{
				logical.ListOperation: {handler: e.listHealth, summary: "List the health of the integrations.", verb: "list", suffix: "health", answer: healthListSchema(), refusals: []int{404}},
			}),
			HelpSynopsis:    "List the health of all integrations.",
			HelpDescription: "Returns the names, and for each in key_info: status, reason (a code), checked_at,\nexpires_at, provider, labels.",
		},
		{
			Pattern: "health/" + framework.GenericNameRegex("name"),
			Fields:  map[string]*framework.FieldSchema{"name": nameField()},
			Operations: operations(map[logical.Operation]operation{
				logical.ReadOperation:   {handler: e.readHealth, summary: "Read the last known health of an integration.", verb: "read", suffix: "health", answer: healthSchema(), refusals: []int{404}},
				logical.UpdateOperation: {handler: e.checkHealth, summary: "Check the credential in use at the upstream, now.", verb: "check", suffix: "health", answer: healthSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Read the health of an integration, or check it now.",
			HelpDescription: healthHelp,
		},
	}
}

func (e *engine) listHealth(ctx context.Context, _ call) (*logical.Response, error) {
	all, err := e.store.Watch.All(ctx)
	if err != nil {
		return nil, err
	}
	list := e.listed.of(all)
	resp := logical.ListResponseWithInfo(list.names, list.info)
	e.warnOfFaults(resp, "")
	return resp, nil
}

// healthList is the answer to a list of health. Answers share it, so nobody changes it.
type healthList struct {
	names []string
	info  map[string]any // of healthInfo, by name
}

// listedLife is how long the last list is kept, as long as the backend keeps its
// snapshot: with many integrations both are large.
const listedLife = time.Second

// listed keeps the list that was made of the latest snapshot, because dashboards ask for
// it again and again. The zero value has none.
type listed struct {
	mu   sync.Mutex
	from *health.Snapshot
	list healthList
}

// of returns the list of a snapshot. Requests that wait for the same one make it once.
func (l *listed) of(all *health.Snapshot) healthList {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from != all {
		l.from, l.list = all, healthListOf(all.Assessments)
		time.AfterFunc(listedLife, func() { l.drop(all) })
	}
	return l.list
}

// drop forgets the list of a snapshot unless a newer one has replaced it.
func (l *listed) drop(all *health.Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from == all {
		l.from, l.list = nil, healthList{}
	}
}

// healthInfo is one integration's. A struct is encoded in a fraction of the time that a
// map takes.
type healthInfo struct {
	Status    string `json:"status"`
	Reason    string `json:"reason"`
	CheckedAt string `json:"checked_at"`
	ExpiresAt string `json:"expires_at"`
	Provider  string `json:"provider"`
	// Labels are those of the integration, never nil.
	Labels map[string]string `json:"labels"`
}

func healthListOf(all []*health.Assessment) healthList {
	list, none := healthList{make([]string, 0, len(all)), make(map[string]any, len(all))}, map[string]string{}
	for _, assessed := range all {
		h, in := assessed.Health, assessed.Integration
		labels := in.Settings.Maps["labels"]
		if labels == nil {
			labels = none
		}
		list.names = append(list.names, in.Name)
		list.info[in.Name] = healthInfo{string(h.Status), h.Code, timestamp(h.CheckedAt), timestamp(h.ExpiresAt), in.Provider, labels}
	}
	return list
}

func (e *engine) readHealth(ctx context.Context, c call) (*logical.Response, error) {
	assessed, err := e.store.Watch.Health(ctx, c.name)
	if err != nil {
		return nil, err
	}
	return e.healthAnswer(ctx, assessed)
}

func (e *engine) checkHealth(ctx context.Context, c call) (*logical.Response, error) {
	in, _, err := e.authType(ctx, c.name)
	if err != nil {
		return nil, err
	}
	if err := e.words.Strict(c.body, nil, input.AtHealth, "this path takes no fields: it checks the credential in use"); err != nil {
		return nil, about(err, in.Name, in.Provider)
	}
	assessed, err := e.store.Watch.Check(backend.AskedBy(ctx, c.actor()), c.name)
	e.store.Notifier.Changed(c.name) // the first status after a start is no change, and has no event
	if err != nil {
		return nil, err
	}
	return e.healthAnswer(ctx, assessed)
}

func (e *engine) healthAnswer(ctx context.Context, assessed *health.Assessment) (*logical.Response, error) {
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	resp := answer(healthData(assessed, e.now()))
	if warning := e.addNext(resp.Data, assessed, mount); warning != "" {
		resp.AddWarning(warning)
	}
	if end := assessed.IdleEnd; !end.IsZero() && end.Sub(e.now()) <= mount.ExpiryWarning {
		resp.AddWarning(fmt.Sprintf("at the upstream a credential that nobody uses expires; as far as the engine knows, this one was last used on %s and would expire on %s: check it, or set health_check_interval",
			timestamp(assessed.Health.CheckedAt), timestamp(end)))
	}
	for _, note := range assessed.Notes {
		resp.AddWarning(note)
	}
	if assessed.Trouble != nil {
		resp.AddWarning(fmt.Sprintf("automatic rotation has failed since %s: %s: %s", timestamp(assessed.Trouble.Since), assessed.Trouble.Code, assessed.Trouble.Message))
	}
	e.warnOfFaults(resp, assessed.Integration.Name)
	return resp, nil
}

// addNext adds what the engine is about to do of an integration, as far as this node knows:
// the active one does it. The warning is "" if all is as it was set.
func (e *engine) addNext(data map[string]any, assessed *health.Assessment, mount *backend.Mount) (warning string) {
	data["next_check"], data["next_rotation"] = "", ""
	if !e.WriteSafeReplicationState() {
		return ""
	}
	next := e.store.Sweeper.Next(assessed, mount)
	data["next_check"], data["next_rotation"] = timestamp(next.Check), timestamp(next.Rotation)
	if !next.Outside {
		return ""
	}
	return fmt.Sprintf("no window of rotation_schedule begins in time before the credential ends on %s, so none is waited for: it is rotated on %s",
		timestamp(assessed.Record.Current.ExpiresAt), timestamp(next.Rotation))
}

// nextSchema describes what addNext adds.
func nextSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"next_check":    {Type: framework.TypeString, Description: "RFC 3339, when the engine checks the credential next by itself; a moment that has passed means now. Empty where it does not, and on nodes that are not active."},
		"next_rotation": {Type: framework.TypeString, Description: "RFC 3339, when auto_rotate acts; a moment that has passed means now. Empty where it does not, and on nodes that are not active."},
	}
}

func healthData(assessed *health.Assessment, now time.Time) map[string]any {
	h := assessed.Health
	data := map[string]any{
		"name": assessed.Integration.Name, "provider": assessed.Integration.Provider, "version": assessed.Record.Version,
		"status": string(h.Status), "code": h.Code, "message": h.Message,
		"checked_at": timestamp(h.CheckedAt), "since": timestamp(h.Since), "expires_at": timestamp(h.ExpiresAt),
	}
	if len(h.Members) > 0 {
		data["members"] = memberList(h.Members, now)
	}
	return data
}

// memberList describes each token of a pool: its health, and its quotas as workers
// reported them.
func memberList(members []health.MemberHealth, now time.Time) []map[string]any {
	list := make([]map[string]any, 0, len(members))
	for _, m := range members {
		quotas := map[string]any{}
		for resource, q := range m.Quotas {
			if q.ResetAt.After(now) {
				quotas[resource] = map[string]any{"remaining": q.Remaining, "reset_at": timestamp(q.ResetAt)}
			}
		}
		list = append(list, map[string]any{
			"position": m.Position, "fingerprint": m.Fingerprint, "identity": m.Identity, "status": string(m.Status), "code": m.Code,
			"expires_at": timestamp(m.ExpiresAt), "quotas": quotas,
		})
	}
	return list
}

func healthListSchema() map[string]*framework.FieldSchema {
	fields := keysSchema()
	fields["key_info"] = &framework.FieldSchema{Type: framework.TypeMap, Description: "By name: status, reason, checked_at, expires_at, provider, labels."}
	return fields
}

func healthSchema() map[string]*framework.FieldSchema {
	fields := map[string]*framework.FieldSchema{
		"name":       {Type: framework.TypeString, Description: "Name of the integration."},
		"provider":   {Type: framework.TypeString, Description: "Its provider."},
		"version":    {Type: framework.TypeInt, Description: "Version of the credential it is about."},
		"status":     {Type: framework.TypeString, Description: "not_checked, healthy, expiring, degraded, unreachable or needs_reauth."},
		"code":       {Type: framework.TypeString, Description: "Why, in the codes of refusals; empty for verified."},
		"message":    {Type: framework.TypeString, Description: "Why and what to do, as a sentence."},
		"checked_at": {Type: framework.TypeString, Description: "RFC 3339, when the upstream was last asked, as far as this node knows."},
		"since":      {Type: framework.TypeString, Description: "RFC 3339, when the status became what it is."},
		"expires_at": {Type: framework.TypeString, Description: "RFC 3339, empty where unknown or never; for a pool, the earliest expiry."},
		"members":    {Type: framework.TypeSlice, Description: "The tokens of a pool: position, fingerprint, identity, status, code, expires_at, quotas."},
	}
	maps.Copy(fields, nextSchema())
	return fields
}

const healthHelp = `
A read returns the last known health and sends nothing. A write checks the credential in
use at the upstream, now; a rejection counts only after a second request has confirmed it.
The engine checks by itself every health_check_interval: next_check says when. With
auto_rotate it renews the credential at next_rotation, where the upstream can.

Statuses: healthy; expiring (works, expires soon); degraded (works in part: a token of the
pool, a right or the quota is missing); unreachable (the last check got no clear answer);
needs_reauth (there is no credential, or the upstream rejects it, or it has expired);
not_checked (this auth type cannot be checked).

    vault read sei/health/jira-prod
    vault write -f sei/health/jira-prod
`
