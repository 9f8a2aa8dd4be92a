package ecosystem_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// Where Swagger UI shows the operations that the test uses.
const (
	reauth = "#operations-secrets-sei-reauthenticate-integration"
	form   = "#operations-secrets-sei-read-reauthentication-form"
)

// A person who may do nothing else re-authenticates in Swagger UI, of which Vault's API
// explorer is made: it shows the document of a real server, and its form works.
func TestThePersonAtTheAPIExplorer(t *testing.T) {
	layer.Check(t, "people at a browser")
	folder := findSwagger(t)
	harness.PrepareBrowser(t)
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	const key = "explorer-story-key"
	fakes.World.Jira.AddAPIToken("ada@example.com", key)
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/jira-prod", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	policy, err := os.ReadFile(filepath.Join(policiesDir, "reauthenticate.hcl"))
	require.NoError(t, err)
	at := explorer(t, server, folder, tokenWith(t, server, "reauthenticate", string(policy)))

	text := browse(t, "open", at, "await", "/sei/reauth/{name}", "shot", harness.Shot(t, "explorer.png"), "console", "text")
	for _, r := range harness.ContractOf(t, server).Routes {
		assert.Contains(t, text, r.Answers.Summary, "%s is not shown", r.Answers.OperationID)
	}

	name := " input[placeholder=name]"
	text = browse(t, "open", at, "press", form+" .opblock-summary-control", "press", form+" .try-out__btn",
		"press", form+name, "fill", "jira-prod", "press", form+" .execute", "await", `"auth_type": "api_key"`, "text")
	assert.Contains(t, text, `"supported": true`)

	fill := []string{"open", at + "?path=/sei/reauth/", "press", reauth + " .opblock-summary-control", "press", reauth + " .try-out__btn", "press", reauth + name, "fill", "jira-prod", "press", reauth + " textarea"}
	refused := append(fill[:len(fill):len(fill)], "fill", `{"email": "ada@example.com", "api_key": "not-the-key"}`,
		"press", reauth+" .execute", "await", "credential_rejected", "text")
	assert.Contains(t, browse(t, refused...), "nothing was stored")

	entered := append(fill[:len(fill):len(fill)], "fill", `{"email": "ada@example.com", "api_key": "`+key+`"}`, "shot", harness.Shot(t, "explorer_form.png"),
		"press", reauth+" .execute", "await", `"version": 1`, "shot", harness.Shot(t, "explorer_done.png"), "text")
	assert.Contains(t, browse(t, entered...), `"previous_version": 0`)
	assert.Equal(t, key, server.ReadOf(t, "creds/jira-prod")["api_key"])
}

// findSwagger returns the folder of swagger-ui-dist. Not every machine that runs the tests
// has npm, so not even make acceptance demands it.
func findSwagger(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.BrowserLimit)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, "../../scripts/npm.sh", "swagger-ui-dist")
	cmd.Stderr = &said
	out, err := cmd.Output()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
		t.Skip("no Swagger UI; scripts/npm.sh swagger-ui-dist says why")
	}
	require.NoError(t, err, said.String())
	return strings.TrimSpace(string(out))
}

// explorer serves Swagger UI and, from the same origin, the server as somebody with the
// token sees it: Vault's UI sends the token of who has signed in along, too.
func explorer(t *testing.T, s *harness.Server, folder, token string) string {
	t.Helper()
	target, err := url.Parse(s.Addr)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(folder)))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/explorer/explorer.html")
	})
	mux.Handle("/v1/", &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
		pr.SetURL(target)
		pr.Out.Header.Set("X-Vault-Token", token)
	}, ErrorLog: log.New(io.Discard, "", 0)})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// browse takes steps in a browser, and returns what they print.
func browse(t *testing.T, steps ...string) string {
	t.Helper()
	var said strings.Builder
	cmd := harness.Browser(t, append([]string{"-timeout", "120s"}, steps...)...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	return string(out)
}
