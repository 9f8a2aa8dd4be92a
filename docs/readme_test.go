package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// namedForm is a name in a table of README.md, with a star if it is required.
var namedForm = regexp.MustCompile("`([a-z_]+)`(\\*?)")

// namedIn are the names in a cell, sorted.
func namedIn(cell string) []string {
	names := []string{}
	for _, found := range namedForm.FindAllStringSubmatch(cell, -1) {
		names = append(names, found[1]+found[2])
	}
	return slices.Sorted(slices.Values(names))
}

// namesOf are the names of fields as the table has them, sorted.
func namesOf(fields []providers.Field) []string {
	names := []string{}
	for _, f := range fields {
		name := f.Name
		if f.Required {
			name += "*"
		}
		names = append(names, name)
	}
	return slices.Sorted(slices.Values(names))
}

// The table of providers in README.md has each auth type that can be re-authenticated, its
// fields and its settings, as the specs have them.
func TestReadmeHasTheFieldsOfEachProvider(t *testing.T) {
	registry := catalog.All("docs")
	defer registry.Close()
	_, table, found := strings.Cut(readPage(t, "README.md"), "| provider | `auth_type` |")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	seen, provider, ofFirst := map[string]bool{}, "", ""
	for _, row := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		require.Len(t, cells, 4, row)
		if names := namedIn(cells[0]); len(names) > 0 {
			provider, ofFirst = names[0], cells[3]
		}
		spec := specOf(registry, provider)
		auth, ok := spec.AuthType(namedIn(cells[1])[0])
		require.True(t, ok, row)
		seen[provider+" "+auth.Name] = true
		assert.Equal(t, namesOf(auth.Fields), namedIn(cells[2]), row)
		pool := slices.ContainsFunc(auth.Fields, func(f providers.Field) bool { return f.Kind == providers.Pool })
		assert.Equal(t, pool, strings.Contains(cells[2], "one or several"), row)
		settings := strings.Replace(cells[3], "those of `pat`", ofFirst, 1)
		want := namesOf(slices.Concat(spec.Settings, auth.Settings))
		if spec.DefaultURL == "" {
			want = slices.Sorted(slices.Values(append(want, "url*")))
		}
		assert.Equal(t, want, namedIn(settings), row)
	}
	for _, name := range registry.Names() {
		for _, auth := range specOf(registry, name).AuthTypes {
			assert.Equal(t, auth.Unsupported == "", seen[name+" "+auth.Name], "%s %s", name, auth.Name)
		}
	}
}
