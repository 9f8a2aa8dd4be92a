package sei

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathCreds() []*framework.Path {
	fields := schemas(input.UntilFields(), waitGroup)
	fields["resource"] = &framework.FieldSchema{
		Type: framework.TypeString, Default: backend.DefaultResource, Description: "Pools only: the API resource the token will be used for, such as core or graphql. Each resource has its own quota.",
		DisplayAttrs: &framework.DisplayAttributes{Name: "Resource", Group: credentialGroup},
	}
	for _, field := range fields {
		field.Query = true
	}
	fields["name"] = nameField()
	return []*framework.Path{{
		Pattern: "creds/" + framework.GenericNameRegex("name"),
		Fields:  fields,
		Operations: operations(map[logical.Operation]operation{
			logical.ReadOperation:   {handler: e.readCreds, summary: "Read the current credential, ready to use.", verb: "read", suffix: "credential", answer: e.credsSchema(), refusals: []int{400, 404, 502}},
			logical.DeleteOperation: {handler: e.forgetCreds, summary: "Forget the credential; the configuration stays.", verb: "forget", suffix: "credential", refusals: []int{404}, active: true},
		}),
		HelpSynopsis:    "Read the current credential of an integration.",
		HelpDescription: credsHelp,
	}}
}

func (e *engine) readCreds(ctx context.Context, c call) (*logical.Response, error) {
	wanted, err := input.Resource(c.body)
	if err != nil {
		return nil, err
	}
	until, err := input.Until(c.body)
	if err != nil {
		return nil, err
	}
	if until.Wait > 0 {
		return e.awaitCreds(ctx, c, wanted, until)
	}
	out, err := e.store.Handouts.HandOut(ctx, c.name, wanted, c.actor(), e.WriteSafeReplicationState)
	if err != nil {
		return nil, err
	}
	return e.handedOut(ctx, out)
}

// awaitCreds is readCreds for a worker that waits for another credential than it has.
func (e *engine) awaitCreds(ctx context.Context, c call, resource string, until backend.Until) (*logical.Response, error) {
	out, crowded, err := e.store.Waiting.HandOut(ctx, waiting.Read{
		Name: c.name, Resource: resource, Who: c.actor(), Writable: e.WriteSafeReplicationState, Until: until,
	})
	if err != nil {
		return nil, err
	}
	resp, err := e.handedOut(ctx, out)
	if err == nil && crowded != "" {
		resp.AddWarning(crowded)
	}
	return resp, err
}

// handedOut is the answer to a worker.
func (e *engine) handedOut(ctx context.Context, out *handout.Handout) (*logical.Response, error) {
	in := out.Integration
	if out.Record.Current == nil {
		return nil, backend.NoCredential(in)
	}
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	p, err := e.store.Integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	auth, _ := e.registry.Spec(in.Provider).AuthType(in.AuthType)
	resp := answer(credsData(out, p, auth, mount.CredsTTL, e.now()))
	if out.Warning != "" {
		resp.AddWarning(out.Warning)
	}
	return resp, nil
}

func (e *engine) forgetCreds(ctx context.Context, c call) (*logical.Response, error) {
	change, err := e.store.Swaps.Forget(ctx, c.name, c.actor())
	if err != nil {
		return nil, err
	}
	for _, in := range append([]*backend.Integration{change.Integration}, change.Siblings...) {
		e.store.Notifier.Changed(in.Name)
	}
	return nil, nil //nolint:nilnil // there is nothing to say
}

// credsData is the answer that a worker gets. All of it comes from one record, so e-mail,
// key and headers always belong together.
func credsData(out *handout.Handout, p providers.Provider, auth providers.AuthType, ttl time.Duration, now time.Time) map[string]any {
	in, current := out.Integration, out.Record.Current
	expires := current.ExpiresAt
	if current.Access != nil {
		expires = current.Access.ExpiresAt
		ttl = min(ttl, max(minReadInterval, expires.Sub(now)/2)) // so that workers read again before the token expires
	}
	data := map[string]any{
		"name": in.Name, "provider": in.Provider, "auth_type": in.AuthType, "url": current.URL,
		"version": out.Record.Version, "identity": current.Identity, "fingerprint": out.Fingerprint(),
	}
	cred := current.Credential
	for _, f := range auth.Handed() {
		values := cred.Values(f.Name)
		if len(values) == 0 {
			continue
		}
		if f.Kind == providers.Pool {
			data[f.Name+"s"] = reveal(values)
			values = values[out.Member : out.Member+1]
			cred = cred.With(f.Name, values...)
		}
		data[f.Name] = values[0].Reveal()
	}
	if !out.ReadAgainAt.IsZero() {
		ttl = min(ttl, max(minReadInterval, out.ReadAgainAt.Sub(now))) // a report may be wrong, and be corrected before then
	}
	data["expires_at"], data["headers"] = timestamp(expires), providers.HeadersOf(p, in.AuthType, current.Scheme, cred)
	seconds := int64(readAgainIn(expires, ttl, now) / time.Second)
	data["ttl"], data["rotation_period"] = seconds, seconds
	data["last_vault_rotation"] = timestamp(current.VerifiedAt)
	return data
}

// minReadInterval keeps workers from reading all the time while a credential expires.
const minReadInterval = 5 * time.Second

// readAgainIn is when a worker should read again: after the mount's TTL, or when
// the credential expires if that is sooner. Reading an expired credential more often
// does not replace it any sooner.
func readAgainIn(expires time.Time, ttl time.Duration, now time.Time) time.Duration {
	if expires.IsZero() || !expires.After(now) {
		return ttl
	}
	return min(ttl, max(minReadInterval, expires.Sub(now)))
}

func reveal(secrets []providers.Secret) []string {
	texts := make([]string, 0, len(secrets))
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return texts
}

func (e *engine) credsSchema() map[string]*framework.FieldSchema {
	fields := map[string]*framework.FieldSchema{
		"name":            {Type: framework.TypeString, Description: "Name of the integration."},
		"provider":        {Type: framework.TypeString, Description: "Its provider."},
		"auth_type":       {Type: framework.TypeString, Description: "Its authentication type."},
		"url":             {Type: framework.TypeString, Description: "Root of the upstream to use this credential with."},
		"version":         {Type: framework.TypeInt, Description: "Version of the credential."},
		"identity":        {Type: framework.TypeString, Description: "The account it belongs to."},
		"fingerprint":     {Type: framework.TypeString, Description: "Fingerprint of the credential. For a pool, of the token in pat."},
		"expires_at":      {Type: framework.TypeString, Description: "RFC 3339, empty where unknown or never."},
		"headers":         {Type: framework.TypeMap, Description: "Headers to set on a request.", DisplayAttrs: &framework.DisplayAttributes{Group: credentialGroup, Sensitive: true}},
		"ttl":             {Type: framework.TypeInt, Description: "Seconds after which to read again."},
		"rotation_period": {Type: framework.TypeInt, Description: "The same as ttl, for Vault Agent and similar tools."},
		// Without it the Vault Secrets Operator reads static credentials once and never again.
		"last_vault_rotation": {Type: framework.TypeString, Description: "RFC 3339, when the credential was swapped in; for the Vault Secrets Operator."},
	}
	handed := form{}
	e.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		handed.add(auth.Handed(), owner{spec.Title, auth.Name}, credentialGroup)
		for _, f := range auth.Handed() {
			if f.Kind == providers.Pool {
				fields[f.Name+"s"] = &framework.FieldSchema{
					Type: framework.TypeStringSlice, Description: "All tokens of the pool.",
					DisplayAttrs: &framework.DisplayAttributes{Group: credentialGroup, Sensitive: true},
				}
			}
		}
	})
	for name, f := range handed.schemas() {
		if fields[name] == nil {
			fields[name] = f
		}
	}
	return fields
}

const credsHelp = `
Returns the credential's own fields, and headers ready to set on a request. The
credential carries no lease: read again after ttl seconds, or when the upstream
answers 401. An OAuth access token is refreshed here shortly before it expires.

Deleting this path forgets the credential; the configuration, the version counter
and the history stay.

    vault read sei/creds/jira-prod
    vault read -field=headers -format=json sei/creds/jira-prod
    vault read sei/creds/jira-prod version=3 wait=30s
`
