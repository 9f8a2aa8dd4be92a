package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/input"
)

func (e *engine) pathReport() []*framework.Path {
	fields := schemas(input.ReportFields(), "Report")
	fields["name"] = nameField()
	return []*framework.Path{{
		Pattern: "creds/" + framework.GenericNameRegex("name") + "/report",
		Fields:  fields,
		Operations: operations(map[logical.Operation]operation{
			logical.UpdateOperation: {handler: e.report, summary: "Report the upstream's answer to a token.", verb: "report", suffix: "token", refusals: []int{400, 404}, active: true},
		}),
		HelpSynopsis:    "Report how the upstream answered a token that creds/ handed out.",
		HelpDescription: reportHelp,
	}}
}

func (e *engine) report(ctx context.Context, c call) (*logical.Response, error) {
	in, err := e.store.Integrations.Read(ctx, c.name)
	if err != nil {
		return nil, err
	}
	r, err := e.words.Report(c.body)
	if err != nil {
		return nil, about(err, in.Name, in.Provider)
	}
	if err := e.store.Handouts.Report(ctx, c.name, r); err != nil {
		return nil, err
	}
	switch {
	case r.Refused():
		e.store.Sweeper.Soon(c.name)
	case r.Spent():
		e.store.Sweeper.SoonOfQuota(c.name)
	}
	return nil, nil //nolint:nilnil // nothing to say
}

const reportHelp = `
For pools, whose tokens share the load: creds/ hands out one token until its quota is
nearly used up, and then the token with the most requests left. The engine learns quotas
from these reports and from its own checks. Tokens of one account share a quota. A report
is kept in memory, writes no storage, and counts until the next report or check, for an
hour at most.

    vault write sei/creds/github-prod/report fingerprint=... status_code=200 \
        remaining=12 reset_at=1800000000
`
