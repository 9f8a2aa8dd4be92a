package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
)

func (e *engine) pathRotate() []*framework.Path {
	name := map[string]*framework.FieldSchema{"name": nameField()}
	return []*framework.Path{
		{
			Pattern: "rotate/" + framework.GenericNameRegex("name"), Fields: name,
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.rotate, summary: "Let the upstream make a new credential, and swap it in.", verb: "rotate", suffix: "credential", answer: reauthSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Rotate the credential without a person, where the upstream supports it.",
			HelpDescription: rotateHelp,
		},
		{
			Pattern: "rollback/" + framework.GenericNameRegex("name"), Fields: name,
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.rollback, summary: "Go back to the previous credential, if it still works.", verb: "roll-back", suffix: "credential", answer: reauthSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Go back to the previous credential.",
			HelpDescription: rollbackHelp,
		},
	}
}

func (e *engine) rotate(ctx context.Context, c call) (*logical.Response, error) {
	return e.swapIn(ctx, c, input.AtRotate, e.store.Swaps.Rotate)
}

func (e *engine) rollback(ctx context.Context, c call) (*logical.Response, error) {
	return e.swapIn(ctx, c, input.AtRollback, e.store.Swaps.Rollback)
}

// swapIn answers a swap for which nobody enters a credential: a rotation or a rollback.
func (e *engine) swapIn(ctx context.Context, c call, here input.Place, act func(context.Context, string, backend.Actor) (*backend.Change, error)) (*logical.Response, error) {
	in, _, err := e.authType(ctx, c.name)
	if err != nil {
		return nil, err
	}
	if err := e.words.Strict(c.body, nil, here, "this path takes no fields"); err != nil {
		return nil, about(err, in.Name, in.Provider)
	}
	change, err := act(ctx, c.name, c.actor())
	if err != nil {
		return nil, err
	}
	return answer(reauthData(change), change.Warnings...), nil
}

const rotateHelp = `
GitLab, Harness and SonarQube let a token issue its successor; OAuth tokens are refreshed.
The engine stores its intent before it asks the upstream, and the successor before anybody
uses it. If the engine stops in between, the next one finishes the rotation.

With auto_rotate the engine rotates by itself, rotate_before the credential expires, in
the windows of rotation_schedule if there are any. A write to this path is not held.

    vault write -f sei/rotate/gitlab-prod
`

const rollbackHelp = `
The previous credential is kept for the mount's rollback_window, and then erased. A
rollback checks it like any other credential, and swaps it in as a new version.

    vault write -f sei/rollback/jira-prod
`
