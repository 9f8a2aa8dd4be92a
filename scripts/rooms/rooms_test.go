package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The picture of docs/architecture.md is that of the imports; make docs draws it.
func TestThePictureIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	want, err := redrawn(string(page), "../..")
	require.NoError(t, err)
	if want != string(page) {
		t.Error("the picture in docs/architecture.md is not that of the imports; run make docs")
	}
	assert.Contains(t, want, "  backend_credential --> backend_ask\n")
}

// What the plugin does not import, tests and arrows that follow from others are left out;
// the upstreams are one room.
func TestDrawn(t *testing.T) {
	root := module(t, map[string]string{
		"cmd/vault-plugin-secrets-sei/main.go": imports("x"),
		"sei.go":                               imports("x/input", "x/backend", "x/providers/catalog"),
		"sei_test.go":                          imports("x/tool"),
		"input/input.go":                       imports("x/backend", "strings"),
		"backend/backend.go":                   imports("x/providers"),
		"providers/providers.go":               imports(),
		"providers/catalog/catalog.go":         imports("x/providers/jira", "x/providers/gitlab"),
		"providers/jira/jira.go":               imports("x/providers"),
		"providers/jira/jiratest/fake.go":      imports(),
		"providers/gitlab/gitlab.go":           imports("x/providers/internal/http"),
		"providers/gitlab/gitlabtest/fake.go":  imports(),
		"providers/internal/http/http.go":      imports(),
		"tool/tool.go":                         imports("x"),
	})
	page, err := redrawn("# Rooms\n\n<!-- rooms -->\nan old one\n<!-- /rooms -->\n\nMore.\n", root)
	require.NoError(t, err)
	assert.Equal(t, "# Rooms\n\n<!-- rooms -->\n\n```mermaid\n"+`flowchart TD
  root["the root, package sei"]
  backend["backend"]
  cmd_vault_plugin_secrets_sei["cmd/vault-plugin-secrets-sei"]
  input["input"]
  subgraph in_providers ["providers/"]
    providers["providers"]
    providers_catalog["catalog"]
    providers_each_upstream["each upstream"]
    providers_internal_http["internal/http"]
  end
  root --> input
  root --> providers_catalog
  backend --> providers
  cmd_vault_plugin_secrets_sei --> root
  input --> backend
  providers_catalog --> providers_each_upstream
  providers_each_upstream --> providers
  providers_each_upstream --> providers_internal_http
`+"```\n\n<!-- /rooms -->\n\nMore.\n", page)
}

func TestAPageWithoutAPlaceIsLeftAlone(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("# Rooms\n"), 0o600))
	require.Error(t, run([]string{page}))
	kept, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, "# Rooms\n", string(kept))
	assert.Error(t, run(nil))
}

// module writes a module x with these files.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module x\n"
	for name, text := range files {
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return root
}

// imports is a file with these imports.
func imports(paths ...string) string {
	var b strings.Builder
	b.WriteString("package p\n")
	for _, path := range paths {
		b.WriteString("import _ \"" + path + "\"\n")
	}
	return b.String()
}
