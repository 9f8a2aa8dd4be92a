package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/input"
)

// notifyPath is where targets of notifications are.
const notifyPath = "notify/"

// targetGroup is the display group of their settings.
const targetGroup = "Target"

func (e *engine) pathNotify() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "notify/?$",
			Operations: operations(map[logical.Operation]operation{
				logical.ListOperation: {handler: e.listTargets, summary: "List the targets of notifications.", verb: "list", suffix: "targets", answer: targetListSchema(), refusals: []int{404}, active: true},
			}),
			HelpSynopsis:    "List the targets of notifications.",
			HelpDescription: "Returns the names of all targets of this mount, and for each in key_info: host, format,\nlast_delivered_at, last_failure, last_failure_at, pending.",
		},
		{
			Pattern: notifyPath + framework.GenericNameRegex("name") + "/test",
			Fields:  map[string]*framework.FieldSchema{"name": targetName()},
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.testTarget, summary: "Send one message to a target now.", verb: "check", suffix: "target", answer: testSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Send one message to a target, now.",
			HelpDescription: "The answer says whether it was taken, and with which id it was sent. If it was, what\nwaits for this target is tried again at once.\n\n    vault write -f sei/notify/ops/test",
		},
		{
			Pattern: notifyPath + framework.GenericNameRegex("name"),
			Fields:  targetSchema(),
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.writeTarget, summary: "Create a target of notifications or change settings of it.", verb: "write", suffix: "target", refusals: []int{400}, active: true},
				logical.ReadOperation:   {handler: e.readTarget, summary: "Read a target's settings and state.", verb: "read", suffix: "target", answer: targetAnswer(), refusals: []int{404}, active: true},
				logical.DeleteOperation: {handler: e.deleteTarget, summary: "Delete a target.", verb: "delete", suffix: "target", refusals: []int{404}, active: true},
			}),
			HelpSynopsis:    "Configure who is told what happens to credentials.",
			HelpDescription: notifyHelp,
		},
	}
}

func (e *engine) listTargets(ctx context.Context, _ call) (*logical.Response, error) {
	names, err := e.store.Notifier.List(ctx)
	if err != nil {
		return nil, err
	}
	info := map[string]any{}
	for _, name := range names {
		target, err := e.store.Notifier.Read(ctx, name)
		if err != nil {
			return nil, err
		}
		state := e.stateOf(target)
		state["format"] = target.Values().Text("format")
		info[name] = state
	}
	return logical.ListResponseWithInfo(names, info), nil
}

// stateOf is where a target is, and how it goes with it.
func (e *engine) stateOf(target *notify.Target) map[string]any {
	state := e.store.Notifier.State(target)
	return map[string]any{
		"host": target.Host(), "last_delivered_at": timestamp(state.LastDeliveredAt),
		"last_failure": state.LastFailure, "last_failure_at": timestamp(state.LastFailureAt), "pending": state.Pending,
	}
}

func (e *engine) writeTarget(ctx context.Context, c call) (*logical.Response, error) {
	fields := notify.Fields()
	if err := e.words.Strict(c.body, fields, input.AtNotify, "a target has "+input.FieldNames(fields)); err != nil {
		return nil, err
	}
	settings, err := input.Settings(fields, c.body)
	if err != nil {
		return nil, err
	}
	return nil, e.store.Notifier.Write(ctx, c.name, c.MountPoint, settings)
}

func (e *engine) readTarget(ctx context.Context, c call) (*logical.Response, error) {
	target, err := e.store.Notifier.Read(ctx, c.name)
	if err != nil {
		return nil, err
	}
	data := e.stateOf(target)
	data["name"] = target.Name
	settings := target.Values()
	for _, f := range notify.Fields() {
		if f.Kind.Secret() {
			data[f.Name+setSuffix] = settings.Has(f)
			continue
		}
		data[f.Name] = settings.Value(f)
	}
	return answer(data), nil
}

func (e *engine) deleteTarget(ctx context.Context, c call) (*logical.Response, error) {
	return nil, e.store.Notifier.Delete(ctx, c.name)
}

func (e *engine) testTarget(ctx context.Context, c call) (*logical.Response, error) {
	if err := e.words.Strict(c.body, nil, input.AtNotify, "a test takes no fields"); err != nil {
		return nil, err
	}
	id, err := e.store.Notifier.Test(ctx, c.name, c.MountPoint)
	if err != nil {
		return nil, err
	}
	return answer(map[string]any{"delivered": true, "id": id}), nil
}

// targetName is the target's name in a path.
func targetName() *framework.FieldSchema {
	return &framework.FieldSchema{
		Type: framework.TypeString, Required: true, Description: "Name of the target.",
		DisplayAttrs: &framework.DisplayAttributes{Name: "Target", Identifier: true},
	}
}

func targetSchema() map[string]*framework.FieldSchema {
	fields := schemas(notify.Fields(), targetGroup)
	fields["url"].Required = false // of a target that there is, it need not be sent again
	fields["name"] = targetName()
	return fields
}

func targetAnswer() map[string]*framework.FieldSchema {
	fields := targetSchema()
	for _, f := range notify.Fields() {
		if f.Kind.Secret() {
			delete(fields, f.Name)
			fields[f.Name+setSuffix] = &framework.FieldSchema{Type: framework.TypeBool, Description: "Whether " + f.Name + " is stored; it is never read back."}
		}
	}
	for name, field := range map[string]*framework.FieldSchema{
		"host":              {Type: framework.TypeString, Description: "Host of url, which is not secret."},
		"last_delivered_at": {Type: framework.TypeString, Description: "RFC 3339, when the target last took a message, since the plugin started; empty if it did not."},
		"last_failure":      {Type: framework.TypeString, Description: "Why it last did not take one."},
		"last_failure_at":   {Type: framework.TypeString, Description: "RFC 3339, when that was."},
		"pending":           {Type: framework.TypeInt, Description: "Integrations of which there is something to tell that the target has not taken yet."},
	} {
		fields[name] = field
	}
	return fields
}

func targetListSchema() map[string]*framework.FieldSchema {
	fields := keysSchema()
	fields["key_info"] = &framework.FieldSchema{Type: framework.TypeMap, Description: "By name: host, format, last_delivered_at, last_failure, last_failure_at, pending."}
	return fields
}

func testSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"delivered": {Type: framework.TypeBool, Description: "Whether the receiver took the message; it did, else there is an error."},
		"id":        {Type: framework.TypeString, Description: "The id with which it was sent."},
	}
}

const notifyHelp = `
A target is an address to which the engine posts a message when a credential needs
somebody, and when it works again. A write creates it or changes the settings it
sends. Its url is a secret and is never read back.

A target is told what is so: at a change, once the status has held for settle
seconds, and again and again until it takes the message. A message may come twice,
with the same id. After a longer absence the target is told what is so then.

    vault write sei/notify/ops format=slack url=-

A read says when it last took a message, why it last did not, and for how many
integrations something waits. notify/<name>/test sends one message now.
`
