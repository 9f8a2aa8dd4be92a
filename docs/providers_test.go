package docs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

const providerDocs = "docs/providers.md"

// What docs/providers.md says follows from the providers' specs; make docs
// writes it.
func TestProviderDocsAreUpToDate(t *testing.T) {
	registry := catalog.All("docs")
	defer registry.Close()
	want := renderProviders(registry)
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(providerDocs, []byte(want), 0o600))
	}
	have, err := os.ReadFile(providerDocs)
	require.NoError(t, err)
	if want != string(have) {
		t.Errorf("%s is not what the specs say; run make docs", providerDocs)
	}
}

func renderProviders(registry *providers.Registry) string {
	var b strings.Builder
	b.WriteString("# Providers\n\nWritten by `make docs` from the specs in `providers/`; change it there. `vault read sei/providers/<name>` says most of it.\n\n")
	b.WriteString("| provider | auth types | expiry | rotation |\n|---|---|---|---|\n")
	for _, name := range registry.Names() {
		spec := specOf(registry, name)
		var types []string
		for _, auth := range spec.AuthTypes {
			types = append(types, "`"+auth.Name+"`")
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", spec.Title, anchor(spec.Title), strings.Join(types, ", "), cell(spec.Expiry), cell(spec.Rotation))
	}
	b.WriteString("\nEvery integration also has these settings:\n\n")
	fieldTable(&b, providers.CommonSettings())
	for _, name := range registry.Names() {
		renderProvider(&b, specOf(registry, name))
	}
	return b.String()
}

func specOf(registry *providers.Registry, name string) providers.Spec {
	p, _ := registry.Provider(name)
	return p.Spec()
}

func renderProvider(b *strings.Builder, spec providers.Spec) {
	fmt.Fprintf(b, "\n## %s\n\n`provider=%s`\n", spec.Title, spec.Name)
	paragraph := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "\n**%s.** %s\n", label, text)
		}
	}
	url := spec.URLHelp
	if spec.DefaultURL != "" {
		url += " Default: `" + spec.DefaultURL + "`."
	}
	paragraph("URL", url)
	paragraph("Check", spec.Check)
	paragraph("Least rights", spec.LeastRights)
	paragraph("Expiry", spec.Expiry)
	paragraph("Rotation", spec.Rotation)
	if len(spec.Settings) > 0 {
		b.WriteString("\nSettings of its own:\n\n")
		fieldTable(b, spec.Settings)
	}
	for _, auth := range spec.AuthTypes {
		fmt.Fprintf(b, "\n### `auth_type=%s`: %s\n", auth.Name, auth.Title)
		if auth.Unsupported != "" {
			fmt.Fprintf(b, "\nNo re-authentication. %s\n", auth.Unsupported)
		}
		if auth.MadeAt != "" {
			fmt.Fprintf(b, "\nMade at `%s`.\n", auth.MadeAt)
		}
		if auth.TellsScopes {
			b.WriteString("\nTells the rights of a token, so `required_scopes` can be set.\n")
		}
		if len(auth.Fields) > 0 {
			b.WriteString("\nCredential fields:\n\n")
			fieldTable(b, auth.Fields)
		}
		if len(auth.Settings) > 0 {
			b.WriteString("\nSettings of this auth type:\n\n")
			fieldTable(b, auth.Settings)
		}
	}
	b.WriteString("\n" + trials(spec) + "\n")
	if len(spec.Unverified) > 0 {
		b.WriteString("\nUnverified, because no source says so, and what would settle it:\n\n")
		for _, assumed := range spec.Unverified {
			fmt.Fprintf(b, "- %s *%s*\n", assumed.What, assumed.Settled)
		}
	}
}

// trials says when somebody last tried each auth type on the real upstream.
func trials(spec providers.Spec) string {
	if len(spec.TriedLive) == 0 {
		return "*Tried live: never.* [live.md](live.md) says how."
	}
	var tried []string
	for _, trial := range spec.TriedLive {
		tried = append(tried, fmt.Sprintf("`%s` on %s with %s", trial.AuthType, trial.Date, trial.Version))
	}
	return "*Tried live: " + strings.Join(tried, ", ") + ".* [live.md](live.md) says how."
}

// A trial is shown with its date and version.
func TestTrials(t *testing.T) {
	require.Equal(t, "*Tried live: never.* [live.md](live.md) says how.", trials(providers.Spec{}))
	require.Equal(t, "*Tried live: `pat` on 2027-01-31 with v1.2.0, `oauth` on 2026-12-24 with v1.1.0.* [live.md](live.md) says how.",
		trials(providers.Spec{TriedLive: []providers.Trial{
			{Date: "2027-01-31", Version: "v1.2.0", AuthType: "pat"}, {Date: "2026-12-24", Version: "v1.1.0", AuthType: "oauth"},
		}}))
}

const liveDocs = "docs/live.md"

// The variables in docs/live.md follow from the specs, too.
func TestProviderDocsOfLive(t *testing.T) {
	const begin, end = "<!-- variables: written by make docs -->\n", "<!-- end of variables -->"
	registry := catalog.All("docs")
	defer registry.Close()
	have, err := os.ReadFile(liveDocs)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(have), begin)
	_, after, closed := strings.Cut(rest, end)
	require.True(t, found && closed, "the marks of the variables")
	want := before + begin + liveVariables(registry) + end + after
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(liveDocs, []byte(want), 0o600))
		return
	}
	if want != string(have) {
		t.Errorf("%s is not what the specs say; run make docs", liveDocs)
	}
}

// liveVariables is a table of what to set for each auth type that can be tried.
func liveVariables(registry *providers.Registry) string {
	var b strings.Builder
	b.WriteString("\n| `PROVIDER` | `SEI_LIVE_AUTH_TYPE` | the good credential, each after `SEI_LIVE_GOOD_` | what it is checked against, each after `SEI_LIVE_` |\n|---|---|---|---|\n")
	for _, name := range registry.Names() {
		spec := specOf(registry, name)
		for _, auth := range spec.AuthTypes {
			if auth.Unsupported == "" && !auth.Exchanged() {
				fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", name, auth.Name, variables(auth.Fields), variables(append(slices.Clone(spec.Settings), auth.Settings...)))
			}
		}
	}
	return b.String() + "\n"
}

// variables are the names of fields as those of variables; those that may be missing are in
// parentheses.
func variables(fields []providers.Field) string {
	var names []string
	for _, f := range fields {
		name := "`" + strings.ToUpper(f.Name) + "`"
		if !f.Required || f.Default != "" {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func fieldTable(b *strings.Builder, fields []providers.Field) {
	b.WriteString("| field | required | |\n|---|---|---|\n")
	for _, f := range fields {
		required := ""
		if f.Required {
			required = "yes"
		}
		text := f.Description
		if len(f.Values) > 0 {
			text += " One of `" + strings.Join(f.Values, "`, `") + "`."
		}
		if f.Default != "" {
			text += " Default: `" + f.Default + "`."
		}
		if f.Fixed {
			text += " Never changes."
		}
		if f.Locates {
			text += " Cannot change while a credential is stored."
		}
		if f.Name == "url" && text == "" {
			text = "Root of the upstream; see each provider."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, required, cell(text))
	}
}

// cell is text that does not end a table's cell.
func cell(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "|", `\|`)) }

// anchor is how a heading is linked to.
func anchor(heading string) string {
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			return r
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(heading))
}
