package serve

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
)

// inputs makes the inputs of fields, with what was entered before. A secret is never
// repeated: whoever entered it enters it again.
func inputs(fields []engine.Field, entered map[string]string, refusal *page.Refusal, rows int) []page.Input {
	list := make([]page.Input, 0, len(fields))
	for _, f := range fields {
		in := page.Input{Field: f, Type: inputType(f), Value: entered[f.Name]}
		if f.Secret {
			in.Value = ""
		}
		if in.Type == "lines" {
			for i := range rows {
				in.Lines = append(in.Lines, fmt.Sprint(i+1))
			}
		}
		in.Bad = refusal != nil && slices.Contains(refusal.Fields, f.Name)
		list = append(list, in)
	}
	return list
}

// inputType is the kind of input for a field.
func inputType(f engine.Field) string {
	switch {
	case f.Kind == "pool":
		return "lines"
	case f.Secret:
		return "password"
	case len(f.Values) > 0:
		return "select"
	}
	types := map[string]string{"email": "email", "time": "date", "flag": "checkbox", "pem": "textarea", "list": "textarea", "map": "textarea"}
	if kind, ok := types[f.Kind]; ok {
		return kind
	}
	return "text"
}

// hint says how a setting is entered, where its description does not.
func hint(f engine.Field) string {
	return map[string]string{"list": "One a line.", "map": "key=value, one a line.", "duration": "Such as 90s, 1h or 14d."}[f.Kind]
}

// prefix is that of the engine's fields in a form.
const prefix = "f."

// entry reads a credential from a form: what is sent, and what may be shown again.
func entry(fields []engine.Field, form url.Values) (sent map[string]any, shown map[string]string) {
	sent, shown = map[string]any{}, map[string]string{}
	for _, f := range fields {
		values := slices.DeleteFunc(slices.Clone(form[prefix+f.Name]), func(v string) bool { return strings.TrimSpace(v) == "" })
		switch {
		case len(values) == 0:
			continue
		case len(values) > 1:
			sent[f.Name] = values
		default:
			sent[f.Name] = values[0]
		}
		if !f.Secret {
			shown[f.Name] = values[0]
		}
	}
	return sent, shown
}

// settingLines are what an integration was configured with, for people: sorted, the provider
// first, without its state.
func settingLines(settings engine.Settings) (lines []page.Setting, unset []string) {
	state := []string{
		"name", "status", "version", "identity", "fingerprint", "scopes_known", "expires_at", "reauthenticated_at", "reauth_supported", "rotate_supported",
		"scopes", "next_check", "next_rotation",
	}
	order := func(name string) string {
		if i := slices.Index([]string{"provider", "auth_type", "url", "description", "labels"}, name); i >= 0 {
			return fmt.Sprint(i)
		}
		return name
	}
	names := slices.SortedFunc(maps.Keys(settings), func(a, b string) int { return strings.Compare(order(a), order(b)) })
	for _, name := range names {
		if slices.Contains(state, name) {
			continue
		}
		text := textOf(settings[name])
		line := page.Setting{Title: name, Long: strings.Contains(text, "-----BEGIN")}
		switch {
		case text == "":
			unset = append(unset, name)
			continue
		case line.Long:
			line.Values = []string{text}
		default:
			line.Values = strings.Split(text, "\n")
		}
		lines = append(lines, line)
	}
	return lines, unset
}

// textOf is a setting as it is entered in a form: of lists and labels one a line.
func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []any:
		lines := make([]string, 0, len(value))
		for _, one := range value {
			lines = append(lines, fmt.Sprint(one))
		}
		return strings.Join(lines, "\n")
	case map[string]any:
		lines := make([]string, 0, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			lines = append(lines, fmt.Sprintf("%s=%v", key, value[key]))
		}
		return strings.Join(lines, "\n")
	case float64:
		return fmt.Sprintf("%.0f", value)
	default:
		return fmt.Sprint(value)
	}
}
