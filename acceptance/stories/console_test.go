package stories_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/providertest"
)

// crowd is how many integrations the fleet of the console's story has.
const crowd = 200

// A person finds, among two hundred integrations of all kinds, the one that needs somebody,
// re-authenticates it with a wrong and then with a right key, and does the rest that can be
// done. Every page is searched for barriers, and by the end of the run for secrets.
func TestThePersonAtTheConsole(t *testing.T) {
	layer.Check(t, "people at a browser")
	harness.PrepareBrowser(t)
	axe := barriers(t)
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	populate(t, server, fakes)
	multiply(t, server, fakes)
	const ada, lost, right = "ada@example.com", "ATATT-lost-at-the-console", "ATATT-right-at-the-console"
	client := server.Client(t).Logical()
	fakes.World.Jira.AddAPIToken(ada, lost)
	fakes.World.Jira.AddAPIToken(ada, right)
	harness.Write(t, client, "sei/integrations/jira-lost", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"], "labels": "team=lost"})
	harness.Write(t, client, "sei/reauth/jira-lost", map[string]any{"email": ada, "api_key": lost})
	fakes.World.Jira.Revoke(lost)
	harness.Write(t, client, "sei/health/jira-lost", nil)
	harness.Write(t, client, "sei/notify/ops", map[string]any{"url": fakes.URLs["GONE"] + "/hook"})
	harness.Write(t, client, "sei/config", map[string]any{"public_address": server.Addr})
	console := harness.StartConsole(t, server, server.Token)
	fakes.World.Jira.Behave(providertest.Fault{Late: 2 * time.Second, Times: 1}) // the page says for how long it has asked

	// look takes what is to be seen of a page.
	look := func(name string) []string {
		steps := append([]string{"html"}, axe...)
		return append(steps, "shot", harness.Shot(t, "console_"+name+"_1440.png"), "size", "360x740", "shot", harness.Shot(t, "console_"+name+"_360.png"), "size", "1440x900")
	}
	find := func(text, name string) []string {
		return []string{"click", "a.home", "press", "#q", "fill", text, "click", ".filter button", "click", `tbody a[href$="name=` + name + `"]`}
	}
	submit := func(action string) []string { return []string{"click", `form[action*="` + action + `"] button`} }
	var pages strings.Builder
	cmd := harness.Browser(t, slices.Concat(
		[]string{"-proxy", fakes.World.ProxyURL(), "-insecure", "-size", "1440x900", "-timeout", "100s"},
		[]string{"open", console.Start, "await", "Needs a person", "await", "201 in all", "await", "jira-lost"}, look("fleet"),
		[]string{"press", "#q", "fill", "lost", "click", ".filter button", "await", "1 of 201 shown", "click", `tbody a[href$="name=jira-lost"]`, "await", "Needs re-authentication"}, look("needs"),
		[]string{"press", "#f-email", "fill", ada, "press", "#f-api_key", "fill", "ATATT-wrong-at-the-console", "press", `form[action*="/reauth"] button`, "await", "Checking the credential at the provider … 0 s", "await", "Not done", "status", "422", "await", "version 1 stays in use"}, look("refused"),
		[]string{"press", "#f-api_key", "fill", right}, submit("/reauth"), []string{"await", "Re-authenticated: version 2 is in use, of " + ada, "await", "Healthy"}, look("done"),
		submit("/check"), []string{"await", "Checked: Healthy.", "html"},
		find("gitlab", "gitlab"), submit("/rotate"), []string{"await", "Rotated: version 3 is in use"}, look("rotated"),
		find("jira", "jira"), submit("/rollback"), []string{"await", "Rolled back: version 3 is in use"}, look("history"),
		[]string{"press", "#invite + details summary"}, submit("/invite"), []string{"await", "The invitation", "await", "Send this link to " + ada, "await", "Open invitations"}, look("invited"),
		find("ado-repos", "ado-repos"), []string{"await", "Shares its credential"}, look("siblings"),
		find("github", "github"), []string{"await", "Tokens of the pool"}, look("pool"),
		find("bitbucket-oa", "bitbucket-oa"), submit("/consent"), []string{"await", "Continue to bitbucket.org"}, look("consent"),
		[]string{"click", "a.home", "click", `a[href*="/new?"]`, "await", "Which provider?"}, look("providers"),
		[]string{"click", `a[href*="provider=jira"]`, "await", "How does it authenticate"}, look("auth_types"),
		[]string{"click", `a[href*="auth_type=pat"]`, "press", "#name", "fill", "jira-made", "press", "#f-url", "fill", fakes.URLs["JIRA_DC"]}, look("new"),
		[]string{"click", "main form button", "await", "Created. It has no credential yet."}, look("made"),
		[]string{"click", `a[href*="/edit?"]`, "await", "Save", "press", "#f-description", "fill", "Made at the console"}, look("edit"),
		[]string{"click", "main form button", "await", "Saved.", "await", "Made at the console", "html", "console"},
	)...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &pages, &said
	require.NoError(t, cmd.Run(), said.String())
	keepPages(t, console, pages.String())
	keep(t, console, "environment", console.Environment(t))

	links := regexp.MustCompile(regexp.QuoteMeta(server.Addr)+`/v1/sei/invite/[\w-]+`).FindAllString(pages.String(), -1)
	assert.Len(t, links, 1, "the link of the invitation is shown once")
	assert.NotContains(t, server.Audit(t), `"path":"sei/creds/`, "the console reads no credential")
	assert.Equal(t, right, server.ReadOf(t, "creds/jira-lost")["api_key"])
	assert.Equal(t, "Made at the console", server.ReadOf(t, "integrations/jira-made")["description"])
	assert.NotContains(t, pages.String(), "at-the-console\"", "no value of a secret stands in a page")
}

// keepPages adds the pages to what is searched for secrets. The address at which a person
// consents has the state in it, so the page that leads there is apart, where nothing but a
// state may be.
func keepPages(t *testing.T, console *harness.Console, text string) {
	t.Helper()
	var pages, consents strings.Builder
	for _, page := range strings.SplitAfter(text, "</html>") {
		if strings.Contains(page, "Continue to ") {
			consents.WriteString(page)
		} else {
			pages.WriteString(page)
		}
	}
	assert.GreaterOrEqual(t, strings.Count(pages.String(), "</html>"), 15)
	keep(t, console, "pages.html", pages.String())
	keep(t, console, "authorizations", consents.String())
}

// keep adds a file to what is searched for secrets.
func keep(t *testing.T, console *harness.Console, name, text string) {
	t.Helper()
	require.NotEmpty(t, text)
	require.NoError(t, os.WriteFile(filepath.Join(console.Dir, name), []byte(text), 0o600))
}

// barriers are the steps that look for what keeps people from using a page; none where there
// is no npm.
func barriers(t *testing.T) []string {
	t.Helper()
	folder, err := exec.CommandContext(t.Context(), "../../scripts/npm.sh", "axe-core").Output()
	if err != nil {
		t.Log("no axe-core, as without npm")
		return nil
	}
	return []string{"axe", filepath.Join(strings.TrimSpace(string(folder)), "axe.min.js")}
}

// multiply makes as many integrations of everything that needs no browser as the crowd has.
func multiply(t *testing.T, server *harness.Server, fakes *harness.Fakes) {
	t.Helper()
	client := server.Client(t).Logical()
	all, credentials := everything(fakes, ""), reauthentications(fakes, 1)
	for _, name := range consented() {
		delete(all, name)
	}
	names := slices.Sorted(maps.Keys(all))
	for i := range crowd - len(names) - len(consented()) {
		name := names[i%len(names)]
		more := fmt.Sprintf("%s-%03d", name, i)
		harness.Write(t, client, "sei/integrations/"+more, with(all[name], "labels", fmt.Sprintf("team=t%d", i%7)))
		if credential := credentials[name]; credential != nil && name != "ado-repos" { // the group has it
			harness.Write(t, client, "sei/reauth/"+more, credential)
		}
	}
}

// The first page is there within a second, however many integrations there are.
func TestTheConsoleWithThousands(t *testing.T) {
	layer.Check(t, "people at a browser")
	harness.PrepareBrowser(t)
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	for i := range 2000 {
		harness.Write(t, client, fmt.Sprintf("sei/integrations/gitlab-%04d", i), map[string]any{"provider": "gitlab", "labels": fmt.Sprintf("team=t%d", i%9)})
	}
	console := harness.StartConsole(t, server, server.Token)
	cmd := harness.Browser(t, "-size", "1440x900", "-timeout", "60s", "open", console.Start, "await", "2000 in all", "took", "shot", harness.Shot(t, "console_thousands_1440.png"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	took, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	t.Logf("the first page took %d ms", took)
	assert.Less(t, took, 1000)
}

// visitor is a browser's part of a session, without a browser.
type visitor struct {
	*http.Client

	folder string
}

// enter opens the start link, as a browser does.
func enter(t *testing.T, console *harness.Console) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &visitor{Client: &http.Client{Jar: jar}}
	status, text := v.get(t, console.Start)
	require.Equal(t, http.StatusOK, status)
	at, err := url.Parse(console.Start)
	require.NoError(t, err)
	v.folder = "http://" + at.Host + regexp.MustCompile(`href="(/[\w-]+/)"`).FindStringSubmatch(text)[1]
	return v
}

func (v *visitor) get(t *testing.T, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := v.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// With a policy for one integration, for its re-authentication alone, or for reading, each
// sees what it may; and nothing else is asked of Vault, which refuses nothing therefore.
func TestTheConsoleAsksForWhatItMay(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t)
	fakes.World.Jira.AddAPIToken("ada@example.com", "ATATT-rights-at-the-console")
	harness.Write(t, client.Logical(), "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	for _, name := range []string{"jira-prod", "jira-other"} {
		harness.Write(t, client.Logical(), "sei/integrations/"+name, map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
		harness.Write(t, client.Logical(), "sei/reauth/"+name, map[string]any{"email": "ada@example.com", "api_key": "ATATT-rights-at-the-console"})
	}
	for name, c := range map[string]struct {
		policy        string
		fleet, one    []string // shown
		neither       []string // shown anywhere
		asked, asked1 []string // beside sys/capabilities-self
	}{
		"one": {
			`path "sei/reauth/jira-prod" { capabilities = ["read", "update"] } path "sei/health/jira-prod" { capabilities = ["read", "update"] }`,
			[]string{">jira-prod</a>", "does not let you list"},
			[]string{"Validate Connection", "Check now", "Healthy"},
			[]string{"jira-other", "Rotate", "Roll back", "History", "Configuration"},
			[]string{"read sys/internal/ui/resultant-acl"},
			[]string{"read sei/health/jira-prod", "read sei/reauth/jira-prod"},
		},
		"reauth": {
			`path "sei/reauth/+" { capabilities = ["read", "update"] }`,
			[]string{"Open one by its name"},
			[]string{"Validate Connection"},
			[]string{"jira-other", "Check now", "Rotate", "History", "Configuration", "Healthy"},
			[]string{"read sys/internal/ui/resultant-acl"},
			[]string{"read sei/reauth/jira-prod"},
		},
		"reading": {
			policyText(t, "fleet-reader.hcl"),
			[]string{">jira-prod</a>", ">jira-other</a>", "2</strong> in all", "Who is told of changes"},
			[]string{"Configuration", "History", "Healthy"},
			[]string{"Validate Connection", "Check now", "Rotate", "Roll back", "Change configuration", "New integration"},
			[]string{"list sei/health", "list sei/notify", "read sei/status"},
			[]string{"read sei/health/jira-prod", "read sei/history/jira-prod", "read sei/integrations/jira-prod", "read sei/reauth/jira-prod"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, client.Sys().PutPolicyWithContext(t.Context(), "console-"+name, c.policy))
			token, err := client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{"console-" + name}, DisplayName: name})
			require.NoError(t, err)
			console := harness.StartConsole(t, server, token.Auth.ClientToken, "-mount", "sei")
			v := enter(t, console)
			status, fleet := v.get(t, v.folder)
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, slices.Sorted(slices.Values(append(c.asked, "update sys/capabilities-self"))), askedBy(t, server, "token-"+name, 0))
			seen := len(askedBy(t, server, "token-"+name, 0))
			status, one := v.get(t, v.folder+"integration?mount=sei/&name=jira-prod")
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, slices.Sorted(slices.Values(append(c.asked1, "update sys/capabilities-self"))), askedBy(t, server, "token-"+name, seen))
			for _, text := range c.fleet {
				assert.Contains(t, fleet, text)
			}
			for _, text := range c.one {
				assert.Contains(t, one, text)
			}
			for _, text := range c.neither {
				assert.NotContains(t, fleet+one, text)
			}
			require.NoError(t, client.Auth().Token().RevokeTreeWithContext(t.Context(), token.Auth.ClientToken))
			status, one = v.get(t, v.folder+"integration?mount=sei/&name=jira-prod")
			assert.Equal(t, http.StatusForbidden, status)
			ended := "Vault does not accept your token any more"
			if !harness.Has(t, harness.DeadTokens) {
				ended = "or it has ended, which OpenBao does not tell apart"
			}
			assert.Contains(t, one, ended)
		})
	}
}

func policyText(t *testing.T, name string) string {
	t.Helper()
	return harness.PageText(t, "examples/policies/"+name)
}

// askedBy is what a token of a display name has asked, sorted, without the first ones. That
// Vault refused nothing is demanded, too.
func askedBy(t *testing.T, server *harness.Server, name string, without int) []string {
	t.Helper()
	var asked []string
	for line := range strings.Lines(server.Audit(t)) {
		var entry struct {
			Type  string
			Error string
			Auth  struct {
				DisplayName string `json:"display_name"`
			}
			Request struct{ Operation, Path string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Type == "request" && entry.Auth.DisplayName == name {
			assert.Empty(t, entry.Error, "%s %s", entry.Request.Operation, entry.Request.Path)
			asked = append(asked, entry.Request.Operation+" "+strings.TrimSuffix(entry.Request.Path, "/"))
		}
	}
	asked = asked[without:]
	slices.Sort(asked)
	return asked
}

// Whoever has no start link, or a used one, gets nothing; and no user of the machine finds the
// link in the list of processes.
func TestTheConsoleLetsOneIn(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	console := harness.StartConsole(t, server, server.Token)
	code := console.Start[strings.LastIndex(console.Start, "/")+1:]
	assert.NotContains(t, console.Environment(t), code)
	v := enter(t, console)
	status, text := v.get(t, v.folder)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, text, "<strong>0</strong> in all")

	stranger := &visitor{Client: &http.Client{}}
	for _, address := range []string{v.folder, v.folder + "fleet?mount=sei/", v.folder + "style.css", console.Start} {
		status, text := stranger.get(t, address)
		assert.Equal(t, http.StatusForbidden, status, address)
		assert.NotContains(t, text, "Integrations")
	}
	assert.Contains(t, console.Output(t), "a second time")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.folder, http.NoBody)
	require.NoError(t, err)
	request.Host = "rebound.example.com"
	response, err := v.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
}

// A page of another user's server on the same machine, which is the same site to a browser,
// gets no cookie of the console; and though it knew where the console's pages are, it could
// neither show them in a frame nor send a form to them.
func TestOtherSitesAtTheConsole(t *testing.T) {
	layer.Check(t, "people at a browser")
	harness.PrepareBrowser(t)
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	console := harness.StartConsole(t, server, server.Token)
	var folder, cookies atomic.Value
	cookies.Store("")
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Store(fmt.Sprint(cookies.Load()) + r.Header.Get("Cookie"))
		w.Header().Set("Content-Type", "text/html")
		at := fmt.Sprint(folder.Load())
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><title>Evil</title><p>Win a prize</p><iframe src="%[1]sfleet?mount=sei/" onload="document.title='framed'"></iframe>
			<form method="post" action="%[1]scheck?mount=sei/&amp;name=any"><button>Prize</button></form>`, at)
	}))
	defer evil.Close()
	cmd := harness.Browser(t, "-timeout", "60s", "open", console.Start, "await", "0 in all", "url",
		"open", evil.URL+"/", "await", "Win a prize", "shot", harness.Shot(t, "console_framed.png"), "click", "form button", "status", "403", "text",
		"open", evil.URL+"/fleet", "await", "Win a prize")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	folder.Store(strings.TrimSuffix(lines.Text(), "fleet"))
	said := ""
	for lines.Scan() {
		said += lines.Text()
	}
	require.NoError(t, cmd.Wait())
	assert.Contains(t, said, "This request came from another site")
	assert.Empty(t, cookies.Load())
	asked := regexp.MustCompile(`"operation":"list","path":"sei/health/?"`).FindAllString(server.Audit(t), -1)
	assert.LessOrEqual(t, len(asked), 2, "the frame asked Vault for nothing: a request and its answer are the first page's")
}
