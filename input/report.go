package input

import (
	"errors"
	"regexp"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// ReportFields are the fields of a worker's report.
func ReportFields() []providers.Field {
	return []providers.Field{
		{Name: "fingerprint", Title: "Fingerprint", Kind: providers.Text, Required: true, Description: "Fingerprint, from creds/, of the token that the report is about."},
		{Name: "status_code", Title: "Status code", Kind: providers.Count, Min: 100, Max: 599, Description: "HTTP status of the upstream's answer. After a 401 another token of the pool is handed out and the credential is checked; after a 429 its quota counts as used up."},
		{Name: "remaining", Title: "Remaining", Kind: providers.Count, Description: "Requests left, from the upstream's rate limit headers."},
		{Name: "reset_at", Title: "Reset at", Kind: providers.Text, Description: "When the quota is full again: RFC 3339, or seconds since 1970."},
		{Name: "resource", Title: "Resource", Kind: providers.Text, Default: backend.DefaultResource, Description: "The API resource that the quota belongs to, such as core or graphql. Each resource has its own quota."},
	}
}

// Report reads a worker's report on a token: exactly the fields of [ReportFields].
func (v Vocabulary) Report(body map[string]any) (backend.Report, error) {
	fields := ReportFields()
	if err := v.Strict(body, fields, AtReport, "a report has "+FieldNames(fields)); err != nil {
		return backend.Report{}, err
	}
	if err := missing(fields, body); err != nil {
		return backend.Report{}, err
	}
	settings, err := Settings(fields, without(body, "reset_at"))
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

// Resource reads the API resource that a worker wants a token of a pool for.
func Resource(body map[string]any) (string, error) {
	raw, asked := body["resource"]
	if !asked {
		return backend.DefaultResource, nil
	}
	name, err := asText(raw)
	if err == nil {
		err = checkResource(name)
	}
	var bad invalid
	bad.note("resource", err)
	return name, bad.err()
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
