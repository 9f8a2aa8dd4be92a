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
			HelpSynopsis:    "Renew the credential without a person, where the upstream can.",
			HelpDescription: rotateHelp,
		},
		{
			Pattern: "rollback/" + framework.GenericNameRegex("name"), Fields: name,
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.rollback, summary: "Go back to the credential before, if it still works.", verb: "roll-back", suffix: "credential", answer: reauthSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Go back to the credential before the one in use.",
			HelpDescription: rollbackHelp,
		},
	}
}

func (e *engine) rotate(ctx context.Context, c call) (*logical.Response, error) {
	return e.renew(ctx, c, input.AtRotate, e.store.Watch.Rotate)
}

func (e *engine) rollback(ctx context.Context, c call) (*logical.Response, error) {
	return e.renew(ctx, c, input.AtRollback, e.store.Watch.Rollback)
}

// renew swaps in a credential that nobody enters.
func (e *engine) renew(ctx context.Context, c call, here input.Place, act func(context.Context, string, backend.Actor) (*backend.Change, error)) (*logical.Response, error) {
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
GitLab, Harness and SonarQube let a token make its successor, OAuth tokens are renewed.
What is about to happen is stored before the upstream is asked, and the successor before
anybody uses it: wherever the engine is stopped, the next one takes it up.

With auto_rotate the engine does so by itself, rotate_before the credential ends.

    vault write -f sei/rotate/gitlab-prod
`

const rollbackHelp = `
The credential before is kept for the mount's rollback_window, and then erased. It is
checked like any other, and swapped in as a new version.

    vault write -f sei/rollback/jira-prod
`
