package main

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// envSelf makes this test binary the command itself.
const envSelf = "BROWSER_TEST_SELF"

func TestMain(m *testing.M) {
	if os.Getenv(envSelf) != "" {
		main()
	}
	os.Exit(m.Run())
}

// pages are served as HTML, by path.
func pages() map[string]string {
	return map[string]string{
		"/form": `<title>Consent</title><h1>Allow access?</h1><p hidden>unseen</p>
			<form method="post" action="/go"><button>Allow</button></form>`,
		"/done": `<title>Done</title><h1>All is well</h1>`,
		"/field": `<title>Field</title><p id="seen"></p>
			<textarea oninput="seen.textContent = 'now: ' + this.value">{"old": 1}</textarea>`,
		"/late":      `<title>Late</title><script>setTimeout(() => document.body.append("it came"), 300)</script>`,
		"/nowhere":   `<title>Stuck</title><button onclick="1">Nothing</button>`,
		"/image":     `<title>Image</title><img src="/pixel?code=s3cret">`,
		"/fetch":     `<title>Fetch</title><script>setTimeout(() => fetch("/done?code=s3cret"), 100)</script>`,
		"/frame":     `<title>Frame</title><iframe src="/done"></iframe>`,
		"/foreign":   `<title>Frame</title><iframe src="OTHER/done"></iframe>`,
		"/icon":      `<title>Icon</title><link rel="icon" href="/named.png">`,
		"/socket":    `<title>Socket</title><script>new WebSocket("ws://127.0.0.1:1/x")</script>`,
		"/inline":    `<title>Inline</title><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><style>p{color:red}</style>`,
		"/violation": `<title>Violation</title><script>document.title = "ran"</script>`,
		"/spoken":    `<title>Spoken</title><script>console.log("at https://a.example/x?code=s3cret", 7)</script>`,
		"/thrown":    `<title>Thrown</title><script>throw new Error("broken")</script>`,
		"/locked":    `<title>Locked</title><form method="post" action="OTHER/go"><button>Allow</button></form>`,
		"/barrier":   `<html lang="en"><title>Barrier</title><main><h1>Image</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main>`,
		"/open":      `<html lang="en"><title>Open</title><main><h1>Text</h1><p>For everybody.</p></main>`,
		"/wide":      `<title>Wide</title><meta name="viewport" content="width=device-width"><div style="height:2000px">tall</div>`,
	}
}

// serve returns the address of a server of the pages.
func serve(t *testing.T) string {
	t.Helper()
	other := httptest.NewServer(site(""))
	t.Cleanup(other.Close)
	// Another host name, so that the browser takes it for another site.
	server := httptest.NewServer(site(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)))
	t.Cleanup(server.Close)
	return server.URL
}

func site(other string) http.Handler {
	mux := http.NewServeMux()
	for path, body := range pages() {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			switch path {
			case "/violation":
				w.Header().Set("Content-Security-Policy", "default-src 'none'")
			case "/locked":
				w.Header().Set("Content-Security-Policy", "form-action 'self'")
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "OTHER", other))
		})
	}
	mux.HandleFunc("POST /go", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/done?code=s3cret&state=s3cret#s3cret", http.StatusSeeOther)
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<title>Refused</title>refused")
	})
	mux.HandleFunc("/pixel", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`)
	})
	return mux
}

// chromium returns the path of a browser, and skips the test where there is none
// and none is required.
func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), "../../scripts/chromium.sh", "--find").Output()
	if err != nil && os.Getenv("SEI_ACCEPTANCE") != "required" {
		t.Skip("no Chromium; scripts/chromium.sh installs one")
	}
	require.NoError(t, err, "scripts/chromium.sh installs a Chromium")
	return strings.TrimSpace(string(path))
}

// drive runs the command and checks that it leaves nothing behind and quotes no secret.
func drive(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return driveIn(t, tempFolder(t), append([]string{"-chromium", chromium(t)}, args...)...)
}

func driveIn(t *testing.T, temp string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, temp, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says it too
	assertClean(t, temp)
	assert.NotContains(t, errs.String(), "s3cret")
	t.Logf("%s%s", out.String(), errs.String())
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// command is the command with a folder for temporary files.
func command(t *testing.T, temp string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), envSelf+"=1", "TMPDIR="+temp)
	return cmd
}

// tempFolder has a shorter name than t.TempDir, see tempDir.
func tempFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "t") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// assertClean looks for what a browser in that folder has left behind. A process
// that has ended but that nobody has waited for has no command line.
func assertClean(t *testing.T, temp string) {
	t.Helper()
	left, err := os.ReadDir(temp)
	assert.NoError(t, err)
	assert.Empty(t, left, "files")
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	assert.NoError(t, err)
	for _, file := range commands {
		command, _ := os.ReadFile(file) // it may have ended
		assert.NotContains(t, string(command), "--user-data-dir="+temp)
	}
}

func TestJourney(t *testing.T) {
	t.Parallel()
	at := serve(t)
	shot := filepath.Join(t.TempDir(), "shot.png")
	code, stdout, stderr := drive(t, "-size", "390x844", "open", at+"/form?secret=s3cret", "status", "200", "text",
		"click", "button", "await", "All is well", "status", "200", "url", "html", "offline", "console", "shot", shot)
	require.Equal(t, 0, code, stderr)
	assert.Equal(t, "Allow access?\nAllow\n"+at+"/done\n"+
		`<html><head><title>Done</title></head><body><h1>All is well</h1></body></html>`+"\n", stdout)
	width, height := sizeOf(t, shot)
	assert.Equal(t, []int{390, 844}, []int{width, height})
}

func TestShotIsOfTheWholePage(t *testing.T) {
	t.Parallel()
	at := serve(t)
	shot := filepath.Join(t.TempDir(), "shot.png")
	code, _, stderr := drive(t, "-size", "390x844", "open", at+"/wide", "shot", shot)
	require.Equal(t, 0, code, stderr)
	width, height := sizeOf(t, shot)
	assert.Equal(t, 390, width)
	assert.Greater(t, height, 2000)
}

func sizeOf(t *testing.T, file string) (width, height int) {
	t.Helper()
	picture, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = picture.Close() }()
	config, err := png.DecodeConfig(picture)
	require.NoError(t, err)
	return config.Width, config.Height
}

func TestSteps(t *testing.T) {
	at := serve(t)
	for name, test := range map[string]struct {
		args []string
		want string // of the error; none if empty
	}{
		"text that comes late":       {[]string{"open", at + "/late", "await", "it came"}, ""},
		"a field that is filled":     {[]string{"open", at + "/field", "press", "textarea", "fill", `{"new": "s3cret"}`, "await", `now: {"new": "s3cret"}`, "console"}, ""},
		"no field to fill":           {[]string{"open", at + "/form", "fill", "s3cret"}, "step 2, fill: no text field has been pressed;"},
		"nothing to press":           {[]string{"open", at + "/form", "press", "]"}, `step 2, press "]": nothing visible matches:`},
		"another status":             {[]string{"open", at + "/bad?code=s3cret", "status", "200"}, `step 2, status "200": the page has another status; the page is "Refused", status 400, at ` + at + "/bad\n"},
		"a bad status is no message": {[]string{"open", at + "/bad", "status", "400", "console", "offline"}, ""},
		"a missing page":             {[]string{"open", at + "/missing", "status", "404", "await", "404 page not found"}, ""},
		"an earlier page's image":    {[]string{"open", at + "/image", "open", at + "/done", "offline", "console"}, ""},
		"no network":                 {[]string{"open", at + "/inline", "offline", "console"}, ""},
		"image":                      {[]string{"open", at + "/image", "offline"}, "step 2, offline: the page requested " + at + "/pixel;"},
		"fetch":                      {[]string{"open", at + "/fetch", "offline"}, "the page requested " + at + "/done;"},
		"frame":                      {[]string{"open", at + "/frame", "offline"}, "the page requested " + at + "/done;"},
		"frame of another site":      {[]string{"open", at + "/foreign", "offline"}, "the page requested http://localhost:"},
		"icon that the page names":   {[]string{"open", at + "/icon", "offline"}, "the page requested " + at + "/named.png;"},
		"web socket":                 {[]string{"open", at + "/socket", "offline"}, "the page requested ws://127.0.0.1:1/x;"},
		"violation":                  {[]string{"open", at + "/violation", "console"}, "step 2, console: the console has [\"Executing inline script violates"},
		"an earlier page's message":  {[]string{"open", at + "/spoken", "open", at + "/done", "console"}, `["console.log: \"at https://a.example/x\" 7"]`},
		"exception":                  {[]string{"open", at + "/thrown", "console"}, "Error: broken"},
		"refused connection":         {[]string{"open", "http://127.0.0.1:1/?code=s3cret"}, "step 1, open \"http://127.0.0.1:1/\": page load error net::ERR_"},
		"selector that is none":      {[]string{"open", at + "/form", "click", "]"}, `step 2, click "]": nothing visible matches:`},
		"file in no folder":          {[]string{"open", at + "/form", "shot", "/nowhere/x.png"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := drive(t, test.args...)
			if test.want == "" {
				assert.Equal(t, 0, code, stderr)
				return
			}
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, test.want)
		})
	}
}

func TestWaitingInVain(t *testing.T) {
	at := serve(t)
	for name, test := range map[string]struct{ page, verb, arg, want string }{
		"no element":     {"/form", "click", "#absent", `click "#absent": nothing visible matches`},
		"hidden element": {"/form", "click", "p", `click "p": nothing visible matches`},
		"no navigation":  {"/nowhere", "click", "button", `click "button": the click led to no page`},
		"forbidden form": {"/locked", "click", "button", `click "button": the click led to no page`},
		"no text":        {"/form", "await", "unseen", `await "unseen": the text did not appear`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			code, _, stderr := drive(t, "-timeout", "10s", "open", at+test.page+"?code=s3cret", test.verb, test.arg)
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "step 2, "+test.want+": the time limit of 10s is over; the page is ")
			assert.Contains(t, stderr, ", status 200, at "+at+test.page)
			assert.Less(t, time.Since(started), 20*time.Second)
		})
	}
}

func TestProxyAndCertificates(t *testing.T) {
	t.Parallel()
	at := serve(t)
	target := httptest.NewTLSServer(site(""))
	t.Cleanup(target.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "proxied for "+r.Host)
	}))
	t.Cleanup(proxy.Close)

	code, _, stderr := drive(t, "-proxy", proxy.URL, "open", "http://idp.example/", "await", "proxied for idp.example", "open", at+"/done", "await", "All is well")
	assert.Equal(t, 0, code, stderr)
	code, _, stderr = drive(t, "open", target.URL+"/done?code=s3cret")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "ERR_CERT_AUTHORITY_INVALID")
	code, _, stderr = drive(t, "-insecure", "open", target.URL+"/done", "await", "All is well", "console", "offline")
	assert.Equal(t, 0, code, stderr)
}

func TestBrowserThatDoesNotStart(t *testing.T) {
	for name, script := range map[string]string{"ends": "exit 3", "hangs": "sleep 60"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := filepath.Join(t.TempDir(), "chromium")
			require.NoError(t, os.WriteFile(fake, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
			code, _, stderr := driveIn(t, tempFolder(t), "-timeout", "2s", "-chromium", fake, "open", "about:blank")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "browser: start the browser: ")
		})
	}
}

// A test's own folder for temporary files can have a name that is too long for
// Chromium's socket.
func TestLongTempDir(t *testing.T) {
	t.Parallel()
	temp := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	require.NoError(t, os.Mkdir(temp, 0o700))
	code, _, stderr := driveIn(t, temp, "-chromium", chromium(t), "open", "about:blank")
	assert.Equal(t, 0, code, stderr)
}

// Whoever ends the command also ends the browser.
func TestSignals(t *testing.T) {
	at, path := serve(t), chromium(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			temp := tempFolder(t)
			cmd := command(t, temp, "-chromium", path, "open", at+"/form", "url", "await", "what never comes")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, err = stdout.Read(make([]byte, 1)) // the browser runs
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(signal))
			_ = cmd.Wait() // the status says it too
			assert.Equal(t, 1, cmd.ProcessState.ExitCode())
			assert.Contains(t, errs.String(), signal.String()+" signal received")
			assertClean(t, temp)
		})
	}
}

func TestRefusedCommands(t *testing.T) {
	for want, args := range map[string][]string{
		"no steps":                            {},
		`step 1: there is no "fly"`:           {"fly"},
		"step 2: open of what?":               {"text", "open"},
		`step 1, status "9": this is not`:     {"status", "9"},
		`step 1, click "": the argument is`:   {"click", ""},
		"-size 390 is not of the form":        {"-size", "390", "text"},
		"-size 0x5 is not of the form":        {"-size", "0x5", "text"},
		"-size 1x2x3 is not of the form":      {"-size", "1x2x3", "text"},
		"flag provided but not defined: -fly": {"-fly"},
	} {
		var errs bytes.Buffer
		assert.Equal(t, 2, run(t.Context(), args, io.Discard, &errs), args)
		assert.Contains(t, errs.String(), want)
	}
}

// A page that somebody cannot use fails the step.
func TestAxe(t *testing.T) {
	folder, err := exec.CommandContext(t.Context(), "../../scripts/npm.sh", "axe-core").Output()
	if err != nil {
		t.Skip("no axe-core, as without npm")
	}
	script := filepath.Join(strings.TrimSpace(string(folder)), "axe.min.js")
	at := serve(t)
	code, _, stderr := drive(t, "open", at+"/open", "axe", script)
	assert.Equal(t, 0, code, stderr)
	code, _, stderr = drive(t, "open", at+"/barrier", "axe", script)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "image-alt")
}

func TestSizeAndTime(t *testing.T) {
	at := serve(t)
	file := filepath.Join(t.TempDir(), "shot.png")
	code, stdout, _ := drive(t, "open", at+"/open", "took", "size", "360x500", "shot", file)
	assert.Equal(t, 0, code)
	assert.Regexp(t, `^[1-9]\d{0,4}\n$`, stdout)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	picture, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, 360, picture.Width)
}
