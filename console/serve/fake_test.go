package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/console/serve"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// fakeVault answers as a real one did: testdata has its answers. What a token may do is what
// a test says, by path; "" stands for all paths.
type fakeVault struct {
	server *httptest.Server
	rights map[string][]string
	// answers replace those of testdata, by method and path.
	answers map[string]string
	ended   bool

	mu    sync.Mutex
	asked []string
	sent  map[string]map[string]any
}

// console is a person's browser at the console of a fake.
type console struct {
	*fakeVault

	handler http.Handler
}

type open struct{}

func (open) Folder() string { return "/folder/" }
func (open) Token() string  { return "forgery-token" }

// now is when the answers were recorded, nearly.
func now() time.Time { return time.Date(2026, 11, 30, 19, 31, 0, 0, time.UTC) }

func newConsole(t *testing.T, mount string, rights map[string][]string) *console {
	t.Helper()
	f := &fakeVault{rights: rights, answers: map[string]string{}, sent: map[string]map[string]any{}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	t.Setenv("VAULT_ADDR", f.server.URL)
	t.Setenv("VAULT_TOKEN", "token-of-a-person")
	client, err := vaultapi.New()
	require.NoError(t, err)
	return &console{f, serve.New(client, open{}, mount, now)}
}

func everything() map[string][]string { return map[string][]string{"": {"root"}} }

// ServeHTTP answers as Vault.
func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	method := r.Method
	if r.URL.Query().Get("list") == "true" {
		method = "LIST"
	}
	body := map[string]any{}
	data, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(data, &body)
	f.mu.Lock()
	f.asked = append(f.asked, method+" "+path)
	if len(data) > 0 {
		f.sent[path] = body
	}
	f.mu.Unlock()
	if f.ended {
		f.answer(w, "ended", http.StatusForbidden)
		return
	}
	if path == "sys/capabilities-self" {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": f.capabilities(body["paths"])})
		return
	}
	if !strings.HasPrefix(path, "sys/") && !f.may(method, path) {
		f.answer(w, "denied", http.StatusForbidden)
		return
	}
	if name, ok := f.answers[method+" "+path]; ok {
		status := http.StatusOK
		if strings.HasPrefix(name, "refused") {
			status = http.StatusBadRequest
		}
		if name == "unsupported" {
			status = http.StatusNotFound
		}
		f.answer(w, name, status)
		return
	}
	f.answer(w, f.file(path), http.StatusOK)
}

// file is the name of the recorded answer of a path.
func (f *fakeVault) file(path string) string {
	path = strings.TrimPrefix(path, "sei/")
	return map[string]string{"sys/internal/ui/mounts": "mounts", "sys/internal/ui/resultant-acl": "acl"}[path] + strings.ReplaceAll(strings.Replace(strings.TrimPrefix(path, "sys/internal/ui/"+filepath.Base(path)), "providers/", "provider/", 1), "/", "-")
}

func (f *fakeVault) answer(w http.ResponseWriter, name string, status int) {
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	switch {
	case err != nil && strings.HasPrefix(name, "integrations-"):
		data, _ = os.ReadFile("testdata/missing.json")
		status = http.StatusNotFound
	case err != nil:
		data, _ = os.ReadFile("testdata/unsupported.json")
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (f *fakeVault) capabilities(paths any) map[string]any {
	all := map[string]any{}
	list, _ := paths.([]any)
	for _, path := range list {
		path, _ := path.(string)
		have := f.of(path)
		if len(have) == 0 {
			have = []string{"deny"}
		}
		all[path] = have
	}
	return all
}

func (f *fakeVault) of(path string) []string {
	if all, ok := f.rights[""]; ok {
		return all
	}
	return slices.Concat(f.rights[path], f.rights[strings.TrimSuffix(path, "/")])
}

func (f *fakeVault) may(method, path string) bool {
	need := map[string]string{"GET": "read", "LIST": "list", "PUT": "update", "POST": "update", "DELETE": "delete"}[method]
	have := f.of(path)
	return slices.Contains(have, need) || slices.Contains(have, "root") || need == "update" && slices.Contains(have, "create")
}

// requests are what Vault was asked, sorted, since the last call.
func (f *fakeVault) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := slices.Clone(f.asked)
	f.asked = nil
	slices.Sort(asked)
	return asked
}

func (f *fakeVault) sentTo(path string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[path]
}

// get opens a page.
func (c *console) get(t *testing.T, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}

// post sends a form, as a session lets it through, and follows where it leads.
func (c *console) post(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.NoError(t, r.ParseForm())
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return c.get(t, "/"+strings.TrimPrefix(w.Header().Get("Location"), "/folder/"))
	}
	return w.Code, w.Body.String()
}
