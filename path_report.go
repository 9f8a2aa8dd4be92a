package sei

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathReport() []*framework.Path {
	fields := schemas(reportFields(), "Report")
	fields["name"] = nameField()
	return []*framework.Path{{
		Pattern: "creds/" + framework.GenericNameRegex("name") + "/report",
		Fields:  fields,
		Operations: operations(map[logical.Operation]operation{
			logical.UpdateOperation: {handler: e.report, summary: "Tell what the upstream said of a token.", verb: "report", suffix: "token", refusals: []int{400, 404}, active: true},
		}),
		HelpSynopsis:    "Tell what the upstream said of a token that creds/ handed out.",
		HelpDescription: reportHelp,
	}}
}

// reportFields are what a worker can tell.
func reportFields() []providers.Field {
	return []providers.Field{
		{Name: "fingerprint", Title: "Fingerprint", Kind: providers.Text, Required: true, Description: "That of creds/, which says which token it is about."},
		{Name: "status_code", Title: "Status code", Kind: providers.Count, Min: 100, Max: 599, Description: "HTTP status that the upstream answered with. After a 401 another token of the pool is handed out and the credential is checked; after a 429 its quota counts as used up."},
		{Name: "remaining", Title: "Remaining", Kind: providers.Count, Description: "Requests left, as the upstream's rate headers say."},
		{Name: "reset_at", Title: "Reset at", Kind: providers.Text, Description: "When the quota is full again: RFC 3339, or seconds since 1970."},
		{Name: "resource", Title: "Resource", Kind: providers.Text, Default: backend.DefaultResource, Description: "What the quota is of, such as core or graphql, which count apart."},
	}
}

func (e *engine) report(ctx context.Context, c call) (*logical.Response, error) {
	in, err := e.store.Integrations.Read(ctx, c.name)
	if err != nil {
		return nil, err
	}
	r, err := e.words.parseReport(c.body)
	if err != nil {
		return nil, about(err, in.Name, in.Provider)
	}
	if err := e.store.Credentials.Report(ctx, c.name, r); err != nil {
		return nil, err
	}
	switch {
	case r.Refused():
		e.store.Watch.Soon(c.name)
	case r.Spent():
		e.store.Watch.SoonOfQuota(c.name)
	}
	return nil, nil //nolint:nilnil // nothing to say
}

func (v vocabulary) parseReport(body map[string]any) (backend.Report, error) {
	fields := reportFields()
	if err := v.strict(body, fields, atReport, "a report has "+fieldNames(fields)); err != nil {
		return backend.Report{}, err
	}
	if err := missing(fields, body); err != nil {
		return backend.Report{}, err
	}
	settings, err := parseSettings(fields, without(body, "reset_at"))
	if err != nil {
		return backend.Report{}, err
	}
	var bad invalid
	r := backend.Report{
		Fingerprint: settings.Text("fingerprint"), StatusCode: settings.Number("status_code"), Resource: settings.Text("resource"),
	}
	if left, told := settings.Numbers["remaining"]; told {
		r.Remaining = &left
	}
	if r.Resource == "" {
		r.Resource = backend.DefaultResource
	}
	bad.note("resource", checkResource(r.Resource))
	if raw, told := body["reset_at"]; told {
		r.ResetAt, err = parseMoment(raw)
		bad.note("reset_at", err)
	}
	return r, bad.err()
}

// without is a body without one of its fields.
func without(body map[string]any, name string) map[string]any {
	rest := map[string]any{}
	for key, value := range body {
		if key != name {
			rest[key] = value
		}
	}
	return rest
}

var resourceForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func checkResource(name string) error {
	if resourceForm.MatchString(name) {
		return nil
	}
	return errors.New("must be a short name in small letters, such as core or graphql")
}

// parseMoment reads RFC 3339 or seconds since 1970.
func parseMoment(raw any) (time.Time, error) {
	wrong := errors.New("must be a time such as 2027-03-31T12:00:00Z, or seconds since 1970")
	if text, ok := line(raw).(string); ok {
		raw = text
		if len(text) > maxNumber {
			return time.Time{}, errLong
		}
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t.UTC(), nil
		}
	}
	seconds, err := asWhole(raw)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}, wrong
	}
	return time.Unix(seconds, 0).UTC(), nil
}

const reportHelp = `
For pools, whose tokens spread the load: creds/ hands out one token until its quota is
nearly gone, and then the one with most left. It knows what workers report and what
checks find. Tokens of one account share a quota. A report is kept in memory, writes no
storage, and rules until the next report or check, and for an hour at most.

    vault write sei/creds/github-prod/report fingerprint=... status_code=200 \
        remaining=12 reset_at=1800000000
`
