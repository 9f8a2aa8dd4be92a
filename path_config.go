package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathConfig() []*framework.Path {
	return []*framework.Path{{
		Pattern: "config",
		Fields:  schemas(backend.MountFields(), "Mount"),
		Operations: operations(map[logical.Operation]operation{
			logical.UpdateOperation: {handler: e.writeConfig, summary: "Change settings of the mount.", verb: "configure", suffix: "mount", refusals: []int{400}, active: true},
			logical.ReadOperation:   {handler: e.readConfig, summary: "Read the settings of the mount.", verb: "read", suffix: "mount-configuration", answer: schemas(backend.MountFields(), "Mount")},
		}),
		HelpSynopsis:    "Settings of the mount.",
		HelpDescription: "A write changes the settings it sends; the others stay as they are. Durations read in seconds.\n\n    vault write sei/config allowed_hosts=https://jira.internal,https://*.example.com",
	}}
}

func (e *engine) writeConfig(ctx context.Context, c call) (*logical.Response, error) {
	fields := backend.MountFields()
	if err := e.words.Strict(c.body, fields, input.AtConfig, "the mount has "+input.FieldNames(fields)); err != nil {
		return nil, err
	}
	settings, err := input.Settings(fields, c.body)
	if err != nil {
		return nil, err
	}
	err = e.store.Mount.Write(ctx, settings)
	e.store.Sweeper.Configured()
	e.store.Notifier.Retry() // what was not allowed may be now
	return nil, err
}

func (e *engine) readConfig(ctx context.Context, _ call) (*logical.Response, error) {
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	data := map[string]any{}
	for _, f := range backend.MountFields() {
		data[f.Name] = mount.Settings.Value(f)
	}
	resp := answer(data)
	if _, err := providers.ParseAllowedHosts(mount.AllowedHosts.Entries()); err != nil {
		resp.AddWarning("allowed_hosts: " + err.Error() + "; until it is corrected it matches nothing")
	}
	return resp, nil
}
